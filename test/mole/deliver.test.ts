// What a delivered message may change in a complete table, and what it may not: answers by the number they name, decisions by the view, who they are from, and whom they are about.
import { describe, expect, test } from "bun:test";
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
  ])
    test(`not ${what}`, () => {
      const story = settled();
      const message = expelSecond(story);
      change(story);
      deliver(story.table, story.third, message);
      expect(story.table.expelled.has(story.second)).toBe(false);
    });
});
