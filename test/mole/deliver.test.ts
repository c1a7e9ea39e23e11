// What a delivered message may change in a complete table, and what it may not: answers by the number they name, decisions by the view, who they are from, and whom they are about.
import { describe, expect, test } from "bun:test";
import { candidates, isMajority } from "../../lib/mole/assign.ts";
import { nextMove } from "../../lib/mole/balance.ts";
import { CoverTable, type Entry } from "../../lib/mole/cover-table.ts";
import { deliver } from "../../lib/mole/deliver.ts";
import type { Answer, Message } from "../../lib/mole/message.ts";
import { ALL_RULES } from "../../lib/mole/rules.ts";
import { Cluster } from "../sim/cluster.ts";

const SETTLED = (() => {
  const cluster = new Cluster({ seed: 1, hosts: 3, vips: 3, mode: "available" });
  cluster.startAll();
  cluster.settle(8_000);
  return cluster.hosts[0]!.machine!.session!.table!.snapshot();
})();

/** A settled table, a vip that is held, its holder and the other two. */
function settled() {
  const table = CoverTable.from(SETTLED, ALL_RULES);
  const [entry] = table.entries.values() as Iterable<Entry> as [Entry];
  const owner = entry.owner!;
  const [second, third] = table.members.filter((member) => member !== owner) as [string, string];
  const vip = entry.definition.id;
  const move = (to: string, number = entry.number): Message => ({
    kind: "move",
    view: table.view,
    vip,
    number,
    to,
    pinned: true,
  });
  return { table, entry, owner, second, third, vip, move };
}

/** When no decision counts. */
const IN_VAIN = [
  {
    what: "under maintenance",
    change: ({ table }: ReturnType<typeof settled>) => {
      table.maintenance = { counter: 1, on: true };
    },
  },
  {
    what: "in another view",
    change: ({ table }: ReturnType<typeof settled>) => {
      table.view = "another";
    },
  },
];

const answer = (said: Partial<Answer>): Answer => ({
  kind: "answer",
  released: [],
  acquired: [],
  refused: [],
  excused: [],
  willing: [],
  ...said,
});

describe("an answer counts for the number that it names", () => {
  test("a refusal: that of another number takes the vip from nobody", () => {
    const { table, entry, owner, vip } = settled();
    deliver(table, owner, answer({ refused: [[vip, entry.number - 1]] }));
    expect([entry.owner, table.hosts.get(owner)!.refusing.size]).toEqual([owner, 0]);
    deliver(table, owner, answer({ refused: [[vip, entry.number]] }));
    expect(entry.owner).not.toBe(owner);
  });

  test("an acquisition: that of another number is none", () => {
    const { table, entry, owner, second, vip, move } = settled();
    const before = entry.number;
    deliver(table, owner, move(second));
    deliver(table, second, answer({ acquired: [[vip, before, []]] }));
    expect(table.isHeld(entry)).toBe(false);
    deliver(table, second, answer({ acquired: [[vip, entry.number, []]] }));
    expect(table.isHeld(entry)).toBe(true);
  });
});

test("a holder that is still in the set gets the vip back before anybody else, when it can't go where it was given", () => {
  const { table, entry, owner, second, move } = settled();
  deliver(table, owner, move(second));
  expect([entry.owner, entry.set.has(owner)]).toEqual([second, true]);
  const { facts } = table.hosts.get(second)!;
  const unfit = { [entry.definition.name]: "carrier" } as const;
  // With the most to do it would be the last choice otherwise.
  for (const other of table.entries.values()) if (other !== entry) table.own(other, owner);
  deliver(table, second, { kind: "facts", facts: { ...facts, serial: facts.serial + 1, unfit } });
  expect(entry.owner).toBe(owner);
});

test("where all have refused the last owner stays, and with one that would again that one has it", () => {
  const { table, entry, vip } = settled();
  const asked: string[] = [];
  for (const _ of table.members) {
    asked.push(entry.owner!);
    deliver(table, entry.owner!, answer({ refused: [[vip, entry.number]] }));
  }
  expect(new Set(asked).size).toBe(3);
  expect(entry.owner).toBe(asked[2]);
  deliver(table, asked[0]!, answer({ willing: [vip] }));
  expect(entry.owner).toBe(asked[0]);
});

describe("a move is void", () => {
  for (const { what, change } of [
    {
      what: "to a host that is silent",
      change: ({ table, owner, third }: ReturnType<typeof settled>) => {
        for (let number = 1_000; number < 1_004; number++)
          for (const from of [owner, third])
            deliver(table, from, { kind: "beat", view: table.view, number, table: true });
      },
    },
    {
      what: "by another number",
      change: ({ table, entry, owner }: ReturnType<typeof settled>) => table.own(entry, owner),
    },
    {
      what: "from a host that has been thrown out",
      change: ({ table, third }: ReturnType<typeof settled>) => {
        table.expelled.add(third);
        table.hosts.delete(third);
      },
    },
    ...IN_VAIN,
  ])
    test(what, () => {
      const story = settled();
      const { table, entry, owner, second, third, move } = story;
      const message = move(second);
      change(story);
      deliver(table, third, message);
      expect(entry.owner).toBe(owner);
    });

  test("and not otherwise", () => {
    const { table, entry, second, third, move } = settled();
    deliver(table, third, move(second));
    expect(entry.owner).toBe(second);
  });
});

describe("somebody is thrown out", () => {
  const expelSecond = ({ table, second }: ReturnType<typeof settled>): Message => ({
    kind: "expel",
    view: table.view,
    member: second,
    missing: { what: "beat", after: table.beats.lastNumber(second) },
  });

  test("for a beat that is missing still", () => {
    const story = settled();
    deliver(story.table, story.third, expelSecond(story));
    expect([...story.table.expelled]).toEqual([story.second]);
  });

  for (const { what, change } of [
    {
      what: "when that beat has come",
      change: ({ table, second }: ReturnType<typeof settled>) =>
        deliver(table, second, { kind: "beat", view: table.view, number: 1_000, table: true }),
    },
    {
      what: "by one who has been thrown out",
      change: ({ table, third }: ReturnType<typeof settled>) => void table.expelled.add(third),
    },
    ...IN_VAIN,
  ])
    test(`not ${what}`, () => {
      const story = settled();
      const message = expelSecond(story);
      change(story);
      deliver(story.table, story.third, message);
      expect(story.table.expelled.has(story.second)).toBe(false);
    });
});

describe("an operator's word", () => {
  const drain = (host: string, force: boolean): Message => ({ kind: "drain", host, on: true, force });

  test("to drain is judged where it is delivered: of two at once, of the last two hosts, the second is void without force", () => {
    const { table } = settled();
    const [first, second, third] = [...table.hosts.values()].map(({ identity }) => identity.host) as [
      string,
      string,
      string,
    ];
    const drained = () => [...table.hosts.values()].filter((host) => host.drained).map(({ identity }) => identity.host);
    for (const host of [first, second, third]) deliver(table, table.members[0]!, drain(host, false));
    expect(drained()).toEqual([first, second]);
    deliver(table, table.members[0]!, drain(third, true));
    expect(drained()).toEqual([first, second, third]);
    expect([...table.entries.values()].every(({ owner }) => owner === undefined)).toBe(true);
  });

  test("about maintenance: the higher counter counts, whatever comes last", () => {
    const { table, owner } = settled();
    const say = (counter: number, on: boolean) =>
      deliver(table, owner, { kind: "maintenance", state: { counter, on }, force: false });
    say(2, true);
    say(1, false);
    expect(table.maintenance).toEqual({ counter: 2, on: true });
    say(3, false);
    expect(table.maintenance).toEqual({ counter: 3, on: false });
  });

  for (const { what, mode, message, ends } of [
    { what: "maintenance off --force", mode: "available", message: off(true), ends: undefined },
    {
      what: "maintenance off --force, in safe, where it is waited for as any that departed",
      mode: "safe",
      message: off(true),
      ends: "departed",
    },
    { what: "maintenance off", mode: "available", message: off(false), ends: "kept" },
    { what: "forget", mode: "available", message: { kind: "forget", host: "gone" }, ends: undefined },
    {
      what: "forget, in safe, where it is waited for as any that departed",
      mode: "safe",
      message: { kind: "forget", host: "gone" },
      ends: "departed",
    },
    { what: "forget of another host", mode: "available", message: { kind: "forget", host: "other" }, ends: "kept" },
  ] as const)
    test(`what becomes of a host that went away under maintenance: ${what}`, () => {
      const { table, entry, owner } = settled();
      for (const host of table.hosts.values()) host.facts = { ...host.facts, mode };
      table.maintenance = { counter: 1, on: true };
      const identity = { host: "gone", machine: "m", incarnation: 1 };
      entry.set.set("#gone", entry.number);
      table.wait({ name: "#gone", why: "kept", identity }, true);
      deliver(table, owner, message);
      expect(table.waited.get("#gone")?.why).toBe(ends);
      expect(entry.set.has("#gone")).toBe(ends !== undefined);
    });

  test("to forget a host takes it off the list, and off those that were taken off it before", () => {
    const { table, owner } = settled();
    table.hostList = { version: 4, hosts: ["A", "B", "C", "gone"], tiebreak: undefined, former: ["old"] };
    deliver(table, owner, { kind: "forget", host: "gone" });
    deliver(table, owner, { kind: "forget", host: "old" });
    expect(table.hostList).toEqual({ version: 6, hosts: ["A", "B", "C"], tiebreak: undefined, former: [] });
  });
});

function off(force: boolean): Message {
  return { kind: "maintenance", state: { counter: 2, on: false }, force };
}

for (const { claim, hosts, tiebreak, here, covers } of [
  { claim: "two of three", hosts: "ABC", tiebreak: undefined, here: "AB", covers: true },
  { claim: "one of three", hosts: "ABC", tiebreak: undefined, here: "A", covers: false },
  { claim: "two of four", hosts: "ABCD", tiebreak: undefined, here: "AB", covers: false },
  { claim: "two of four with the one that breaks ties", hosts: "ABCD", tiebreak: "B", here: "AB", covers: true },
  { claim: "two of four without it", hosts: "ABCD", tiebreak: "C", here: "AB", covers: false },
  { claim: "one of four with it", hosts: "ABCD", tiebreak: "A", here: "A", covers: false },
  { claim: "two of three, one of them not on the list", hosts: "ABC", tiebreak: undefined, here: "AX", covers: false },
])
  test(`mode safe: ${claim} ${covers ? "cover" : "do not cover"}`, () => {
    expect(isMajority({ version: 1, hosts: [...hosts], tiebreak, former: [] }, new Set(here))).toBe(covers);
  });

test("one host in safe makes the cluster safe: a part without majority lets go", () => {
  const { table, entry, owner, second } = settled();
  table.hostList = { version: 0, hosts: ["A", "B", "C", "D", "E", "F", "G"], tiebreak: undefined, former: [] };
  const { facts } = table.hosts.get(second)!;
  deliver(table, second, { kind: "facts", facts: { ...facts, serial: facts.serial + 1 } });
  expect(entry.owner).toBe(owner);
  deliver(table, second, { kind: "facts", facts: { ...facts, serial: facts.serial + 2, mode: "safe" } });
  expect(entry.owner).toBeUndefined();
});

test("what an operator has put somewhere is not balanced, until he says so", () => {
  const { table, owner } = settled();
  for (const entry of table.entries.values()) {
    table.own(entry, owner);
    entry.set.clear();
    entry.set.set(owner, entry.number);
    entry.acked = entry.number;
    entry.pinned = true;
  }
  for (const host of table.hosts.values()) host.facts = { ...host.facts, ready: true };
  expect(nextMove(table)).toBeUndefined();
  deliver(table, owner, { kind: "balance" });
  expect(nextMove(table)).toBeDefined();
});

for (const { allFailed, left } of [
  { allFailed: "keep", left: 3 },
  { allFailed: "drop", left: 0 },
] as const)
  test(`all_failed = "${allFailed}": where health has failed everywhere ${left} of 3 may have the vip, and with one that is well, that one`, () => {
    const { table, entry } = settled();
    entry.definition = { ...entry.definition, allFailed };
    const turn = (to: "health" | undefined) => {
      for (const host of table.hosts.values())
        host.facts = { ...host.facts, unfit: to === undefined ? {} : { [entry.definition.name]: to } };
    };
    turn("health");
    expect(candidates(table, entry)).toHaveLength(left);
    const [first] = table.hosts.values();
    first!.facts = { ...first!.facts, unfit: {} };
    expect(candidates(table, entry).map(({ member }) => member)).toEqual([first!.member]);
  });
