import { expect, test } from "bun:test";
import {
  NEIGHBOURS_KEPT_MAX,
  NEIGHBOURS_TOLD_MAX,
  NeighbourPool,
  neighboursToTell,
} from "../../lib/mole/neighbours.ts";

const neighbour = (nth: number) => ({
  address: `10.${nth >> 16}.${(nth >> 8) & 255}.${nth & 255}`,
  mac: "02:00:00:00:00:01",
});
const many = (from: number, count: number) => Array.from({ length: count }, (_, nth) => neighbour(from + nth));

test("what was told last counts, and is forgotten in time", () => {
  const pool = new NeighbourPool(1_000);
  pool.add([{ address: "10.0.0.1", mac: "02:00:00:00:00:01" }], 0);
  pool.add([{ address: "10.0.0.1", mac: "02:00:00:00:00:02" }, neighbour(2)], 500);
  expect(pool.all()).toEqual([{ address: "10.0.0.1", mac: "02:00:00:00:00:02" }, neighbour(2)]);
  pool.add([], 1_200);
  expect(pool.size).toBe(2);
  pool.add([neighbour(3)], 1_600);
  expect(pool.all()).toEqual([neighbour(3)]);
});

test("whatever members tell, the pool keeps to its bound, and the newest", () => {
  const pool = new NeighbourPool();
  for (let from = 0; from < 3 * NEIGHBOURS_KEPT_MAX; from += NEIGHBOURS_TOLD_MAX) pool.add(many(from, 2_000), from);
  expect(pool.size).toBe(NEIGHBOURS_KEPT_MAX);
  expect(pool.all().at(-1)).toEqual(neighbour(3 * NEIGHBOURS_KEPT_MAX - 1));
});

test("one message tells of so many neighbours, and of the same for the same set", () => {
  const all = many(0, 2 * NEIGHBOURS_TOLD_MAX);
  expect(neighboursToTell(all)).toHaveLength(NEIGHBOURS_TOLD_MAX);
  expect(neighboursToTell(all.toReversed())).toEqual(neighboursToTell(all));
});
