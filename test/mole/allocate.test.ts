import { expect, test } from "bun:test";
import fc from "fast-check";
import { allocate, type Burden, balanceMove, type Place } from "../../lib/mole/allocate.ts";
import { cases } from "../support/fuzz.ts";

const everywhere = () => 1;
const place = (host: string, capacity = 1): Place => ({ host, capacity });
const vip = (id: string, owner = -1, weight = 1, prefer: readonly string[] = []): Burden => ({
  id,
  owner,
  weight,
  prefer,
});

for (const { claim, vips, places, may, owners } of [
  { claim: "nobody can have it", vips: [vip("a")], places: [place("A")], may: () => 0, owners: [-1] },
  {
    claim: "evenly over equal hosts, ties by name",
    vips: ["a", "b", "c"].map((id) => vip(id)),
    places: [place("B"), place("A")],
    owners: [1, 0, 1],
  },
  {
    claim: "by capacity",
    vips: ["a", "b", "c"].map((id) => vip(id)),
    places: [place("A"), place("B", 3)],
    owners: [1, 1, 0],
  },
  {
    claim: "the heavy ones find room first",
    vips: [vip("a"), vip("b"), vip("c", -1, 2)],
    places: [place("A"), place("B")],
    owners: [1, 1, 0],
  },
  {
    claim: "an owner stays, however lopsided",
    vips: [vip("a", 0), vip("b", 0), vip("c", 0)],
    places: [place("A"), place("B")],
    owners: [0, 0, 0],
  },
  {
    claim: "the preferred host comes before the emptier one",
    vips: [vip("a", 0), vip("b", -1, 1, ["A"])],
    places: [place("A"), place("B")],
    owners: [0, 0],
  },
  {
    claim: "a better claim comes before preference",
    vips: [vip("a", -1, 1, ["A"])],
    places: [place("A"), place("B")],
    may: (_: number, at: number) => 1 + at,
    owners: [1],
  },
])
  test(`gives owners: ${claim}`, () => expect([...allocate(vips, places, may ?? everywhere)]).toEqual(owners));

const cluster = fc
  .record({
    hosts: fc.integer({ min: 1, max: 6 }),
    vips: fc.integer({ min: 0, max: 14 }),
    seed: fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }),
  })
  .map(({ hosts, vips: count, seed }) => ({
    places: Array.from({ length: hosts }, (_, at) => place(`h${(at * 7) % 10}`, 1 + (seed[at]! % 3))),
    vips: Array.from({ length: count }, (_, at) =>
      vip(
        `v${at}`,
        (seed[at + 6]! % (hosts + 1)) - 1,
        1 + (seed[at + 20]! % 4),
        seed[at]! % 4 === 0 ? [`h${seed[at]! % 7}`] : [],
      ),
    ),
    may: (v: number, p: number) => (seed[(v * 3 + p) % 40]! % 5 === 0 ? 0 : 1),
  }));

test("an owner with a claim keeps its vip; every other vip with a claimant gets one", () => {
  fc.assert(
    fc.property(cluster, ({ places, vips, may }) => {
      const owners = allocate(vips, places, may);
      for (const [at, { owner }] of vips.entries()) {
        if (owner >= 0 && may(at, owner) > 0) expect(owners[at]).toBe(owner);
        else if (places.some((_, nth) => may(at, nth) > 0)) expect(may(at, owners[at]!)).toBe(1);
        else expect(owners[at]).toBe(-1);
      }
    }),
    cases(300),
  );
});

test("hosts in another order get the same vips", () => {
  fc.assert(
    fc.property(cluster, ({ places, vips, may }) => {
      const turned = [...places].reverse();
      const back = (at: number) => (at < 0 ? at : places.length - 1 - at);
      const owners = [...allocate(vips, places, may)];
      const other = allocate(
        vips.map((one) => ({ ...one, owner: back(one.owner) })),
        turned,
        (v, p) => may(v, back(p)),
      );
      expect([...other].map(back)).toEqual(owners);
    }),
    cases(300),
  );
});

test("balancing ends, and then no allowed move between hosts as well preferred lowers the larger of the two loads", () => {
  fc.assert(
    fc.property(cluster, ({ places, vips, may }) => {
      const owners = [...allocate(vips, places, may)];
      const now = () => vips.map((one, at) => ({ ...one, owner: owners[at]! }));
      const allowed = (v: number, p: number) => may(v, p) > 0;
      let moves = 0;
      for (let move = balanceMove(now(), places, allowed); move; move = balanceMove(now(), places, allowed)) {
        expect(allowed(move.vip, move.place)).toBe(true);
        owners[move.vip] = move.place;
        expect(++moves).toBeLessThan(1_000);
      }
      const load = (p: number) =>
        vips.reduce((sum, { weight }, at) => sum + (owners[at] === p ? weight : 0), 0) / places[p]!.capacity;
      const rank = ({ prefer }: Burden, p: number) => (prefer[0] === places[p]!.host ? 0 : 1);
      for (const [at, one] of vips.entries()) {
        const from = owners[at]!;
        if (from < 0) continue;
        for (const [to, { capacity }] of places.entries()) {
          if (to === from || !allowed(at, to)) continue;
          expect(rank(one, to)).toBeGreaterThanOrEqual(rank(one, from));
          if (rank(one, to) === rank(one, from))
            expect(load(to) + one.weight / capacity).toBeGreaterThanOrEqual(load(from) * (1 - 1e-9));
        }
      }
    }),
    cases(300),
  );
});
