import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { type Attendant, agree } from "../../lib/spreadd/ring-agreement.ts";
import { KEY_BYTES, type MemberState } from "../../lib/spreadd/ring-message.ts";
import { cases } from "../support/fuzz.ts";

/** A host, by its node. */
function host(
  node: number,
  state: Partial<Omit<MemberState, "name">> & { name?: string; came?: number } = {},
): Attendant {
  const { name = `h${node}`, came = node, ...rest } = state;
  return {
    seat: { node, pid: 100 + node },
    state: {
      versionMin: 1,
      versionMax: 1,
      name: parseDaemonName(name),
      startedMs: 1_000 * node,
      now: 1_700_000_000,
      lastTime: 0,
      key: new Uint8Array(KEY_BYTES).fill(came),
      heard: [],
      snapshot: new Uint8Array(),
      ...rest,
    },
  };
}

const nodes = (attendants: readonly Attendant[]) => attendants.map(({ seat }) => seat.node);

test("hosts stand in the order of their nodes, whoever told first", () => {
  expect(nodes(agree([host(3), host(1), host(2)]).hosts)).toEqual([1, 2, 3]);
});

test("those with equal keys came together", () => {
  expect(agree([host(1, { came: 7 }), host(2, { came: 8 }), host(3, { came: 7 })]).sets).toEqual([0, 1, 0]);
});

test("the time is later than any that a host has had, and not before any clock", () => {
  expect(agree([host(1, { now: 1_000, lastTime: 900 }), host(2, { now: 1_002, lastTime: 1_001 })]).time).toBe(1_002);
  expect(agree([host(1, { now: 1_000, lastTime: 1_005 }), host(2, { now: 1_002 })]).time).toBe(1_006);
});

test("of two with one name the one that was started later is refused, and hears where the other is", () => {
  const { hosts, refused } = agree([
    host(1, { name: "a", startedMs: 2_000 }),
    host(2, { name: "a", startedMs: 1_000 }),
  ]);
  expect(nodes(hosts)).toEqual([2]);
  expect(refused.map(({ seat, fault }) => [seat.node, fault.kind, fault.message])).toEqual([
    [1, "config", "cannot serve: node 2 has a daemon with the name a already; give this one another ([spreadd] name)"],
  ]);
});

test("versions that follow each other go together, others do not: the later is refused", () => {
  const next = agree([host(1, { versionMin: 1, versionMax: 2 }), host(2, { versionMin: 2, versionMax: 3 })]);
  expect(nodes(next.hosts)).toEqual([1, 2]);
  const far = agree([host(1, { versionMin: 1, versionMax: 2 }), host(2, { versionMin: 3, versionMax: 4 })]);
  expect(nodes(far.hosts)).toEqual([1]);
  expect(far.refused[0]!.fault.message).toContain(
    "speaks versions 3 to 4 with other daemons, h1 on node 1 speaks 1 to 2",
  );
});

test("all hosts come to the same, in whatever order the states came", () => {
  const attendant = fc.record({
    node: fc.integer({ min: 1, max: 6 }),
    name: fc.constantFrom("a", "b", "c"),
    startedMs: fc.integer({ min: 0, max: 3 }),
    came: fc.integer({ min: 0, max: 2 }),
    now: fc.integer({ min: 0, max: 10 }),
  });
  const ring = fc.uniqueArray(attendant, { selector: ({ node }) => node, minLength: 1 });
  fc.assert(
    fc.property(ring, fc.infiniteStream(fc.nat()), (drawn, order) => {
      const attendants = drawn.map(({ node, ...state }) => host(node, state));
      const shuffled = [...attendants]
        .map((each) => ({ each, at: order.next().value! }))
        .sort((a, b) => a.at - b.at)
        .map(({ each }) => each);
      const [one, other] = [agree(attendants), agree(shuffled)];
      expect(nodes(one.hosts)).toEqual(nodes(other.hosts));
      expect(one.time).toBe(other.time);
      expect(one.sets).toEqual(other.sets);
      expect(new Set(one.hosts.map(({ state }) => state.name)).size).toBe(one.hosts.length);
      expect(one.hosts.length + one.refused.length).toBe(attendants.length);
    }),
    cases(200),
  );
});
