// Invariant 3 of the model: what the fast path computes at a departure is what an exchange of everybody's state would come to.
import { describe, expect, test } from "bun:test";
import { CoverTable } from "../../lib/mole/cover-table.ts";
import { carryOver } from "../../lib/mole/departure.ts";
import type { View } from "../../lib/mole/member.ts";
import { merge } from "../../lib/mole/merge.ts";
import type { StateMessage } from "../../lib/mole/message.ts";
import { ALL_RULES } from "../../lib/mole/rules.ts";
import { Cluster } from "../sim/cluster.ts";

/** A settled cluster's table, and what each member would tell of itself. */
function settled(seed: number, mode: "available" | "safe") {
  const cluster = new Cluster({ seed, hosts: 4, vips: 6, mode, times: mode === "safe" ? { silenceMs: 700 } : {} });
  cluster.startAll();
  cluster.settle(8_000);
  const { table } = cluster.hosts[0]!.machine!.session!;
  return table!.snapshot();
}

function stateOf(snapshot: ReturnType<typeof settled>, member: string, view: View): StateMessage {
  const { identity, facts, mature, drained, refusing } = snapshot.hosts.find((host) => host.member === member)!;
  const held = snapshot.entries.filter(({ set }) => set.some(([name]) => name === member));
  return {
    kind: "state",
    version: 1,
    view: view.id,
    identity,
    facts,
    mature,
    drained,
    refusing,
    holds: held.map(({ definition, set }) => ({
      vip: definition.id,
      definition,
      put: set.find(([name]) => name === member)![1],
      heldMs: 1_000,
    })),
    adopts: false,
    table: snapshot,
    waits: [],
    together: view.members.length,
    lone: [],
    expelled: [],
    knows: snapshot.members,
    hostList: snapshot.hostList,
    maintenance: snapshot.maintenance,
  };
}

for (const mode of ["available", "safe"] as const) {
  test(`${mode}: the fast path and the exchange give the same owners and may-hold sets`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const snapshot = settled(seed, mode);
      for (const gone of snapshot.members) {
        const members = snapshot.members.filter((member) => member !== gone);
        const view: View = { id: "next", members, cause: "network", together: members };
        const fast = CoverTable.from(snapshot, ALL_RULES);
        carryOver(fast, view);
        const states = new Map(members.map((member) => [member, stateOf(snapshot, member, view)]));
        const exchanged = merge({ view, states, expelled: new Set() }, ALL_RULES);
        const picture = (table: CoverTable) =>
          [...table.entries.values()].map(({ definition, owner, set }) => [
            definition.name,
            owner,
            [...set.keys()].sort(),
          ]);
        expect(picture(exchanged)).toEqual(picture(fast));
      }
    }
  });

  test(`${mode}: a departure moves only what the departed owned`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const snapshot = settled(seed, mode);
      for (const gone of snapshot.members) {
        const members = snapshot.members.filter((member) => member !== gone);
        const table = CoverTable.from(snapshot, ALL_RULES);
        carryOver(table, { id: "next", members, cause: "disconnect", together: members });
        for (const { definition, owner, number } of snapshot.entries) {
          const now = table.entries.get(definition.id)!;
          if (owner === gone) expect(members).toContain(now.owner!);
          else expect([now.owner, now.number]).toEqual([owner, number]);
        }
      }
    }
  });
}

test("of two holders after a merge the one stays that came with the larger part, then that has held it longer, then the lower name", () => {
  const snapshot = settled(1, "available");
  const { members } = snapshot;
  const view: View = { id: "next", members, cause: "network", together: members };
  const vip = snapshot.entries[0]!;
  const winner = (a: Partial<StateMessage> & { heldMs: number }, b: Partial<StateMessage> & { heldMs: number }) => {
    const states = new Map<string, StateMessage>();
    for (const [at, member] of members.entries()) {
      const claim = [a, b][at];
      const holds = claim ? [{ vip: vip.definition.id, definition: vip.definition, put: 1, heldMs: claim.heldMs }] : [];
      states.set(member, {
        ...stateOf(snapshot, member, view),
        holds,
        ...(claim && { together: claim.together ?? 1 }),
      });
    }
    const owner = merge({ view, states, expelled: new Set() }, ALL_RULES).entries.get(vip.definition.id)!.owner!;
    return members.indexOf(owner);
  };
  expect(winner({ together: 1, heldMs: 9_000 }, { together: 3, heldMs: 10 })).toBe(1);
  expect(winner({ together: 2, heldMs: 9_000 }, { together: 2, heldMs: 10 })).toBe(0);
  expect(winner({ together: 2, heldMs: 10 }, { together: 2, heldMs: 9_000 })).toBe(1);
  const byName = members[0]! < members[1]! ? 0 : 1;
  expect(winner({ together: 2, heldMs: 10 }, { together: 2, heldMs: 10 })).toBe(byName);
});

test("of what parts tell of maintenance the highest counter counts, whoever is first", () => {
  const snapshot = settled(1, "available");
  const { members } = snapshot;
  const view: View = { id: "next", members, cause: "network", together: members };
  const last = { counter: 3, on: true };
  for (const knows of members) {
    const stateOfPart = (member: string) => {
      const maintenance = member === knows ? last : { counter: 2, on: false };
      return { ...stateOf({ ...snapshot, maintenance }, member, view), maintenance };
    };
    const states = new Map(members.map((member) => [member, stateOfPart(member)]));
    expect(merge({ view, states, expelled: new Set() }, ALL_RULES).maintenance).toEqual(last);
  }
});

describe("who is back under maintenance", () => {
  const before = settled(1, "available");
  const gone = before.entries[0]!.owner!;
  const { identity } = before.hosts.find(({ member }) => member === gone)!;
  const snapshot = { ...before, maintenance: { counter: 1, on: true } };
  const members = [...snapshot.members.filter((member) => member !== gone), "back"];
  const view: View = { id: "next", members, cause: "network", together: members };
  const later = { ...identity, incarnation: identity.incarnation + 1 };

  /** What was the former session's, by what the new one tells. */
  function inherited(told: Partial<StateMessage>, { version = 2, known = snapshot, expelled = [] as string[] } = {}) {
    const states = new Map<string, StateMessage>();
    for (const member of members.slice(0, -1)) states.set(member, { ...stateOf(known, member, view), version });
    states.set("back", {
      ...stateOf(snapshot, gone, view),
      version: 2,
      identity: later,
      holds: [],
      adopts: true,
      table: undefined,
      ...told,
    });
    const { entries } = merge({ view, states, expelled: new Set(expelled) }, ALL_RULES);
    return snapshot.entries.filter(({ owner }) => owner === gone).map(({ definition }) => entries.get(definition.id)!);
  }

  test("inherits what was its own, where all hosts of the exchange compute it so", () => {
    expect(inherited({}).length).toBeGreaterThan(0);
    for (const { owner, set } of inherited({})) expect([owner, ...set.keys()]).toEqual(["back", "back"]);
    for (const { owner } of inherited({}, { version: 1 })) expect(owner).toBeUndefined();
  });

  test("inherits also where an exchange before has found it away", () => {
    const waited = [{ name: gone, why: "kept", identity } as const];
    const known = { ...snapshot, hosts: snapshot.hosts.filter(({ member }) => member !== gone), waited };
    for (const { owner, set } of inherited({}, { known })) expect([owner, ...set.keys()]).toEqual(["back", "back"]);
  });

  for (const { name, told, expelled, owner } of [
    { name: "with another machine's id", told: { identity: { ...later, machine: "another" } }, owner: gone },
    { name: "as a session of before", told: { identity: { ...later, incarnation: 0 } }, owner: gone },
    { name: "and is thrown out meanwhile", told: {}, expelled: ["back"], owner: gone },
    { name: "and did not know of it", told: { adopts: false }, owner: undefined },
  ])
    test(`inherits nothing ${name}`, () => {
      for (const entry of inherited(told, { expelled: expelled ?? [] })) {
        expect(entry.owner).toBe(owner);
        expect([...entry.set.keys()]).toEqual(owner === undefined ? [] : [owner]);
      }
    });
});
