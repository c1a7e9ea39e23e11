import { describe, expect, test } from "bun:test";
import { type Definition, define } from "../../lib/mole/definition.ts";
import { Mailbox } from "../../lib/mole/mailbox.ts";
import type { View } from "../../lib/mole/member.ts";
import type { Message } from "../../lib/mole/message.ts";
import { PART_BYTES } from "../../lib/mole/wire.ts";

const definitions = (count: number): Definition[] =>
  Array.from({ length: count }, (_, at) => define({ name: `v${at}`, addresses: [`10.0.${at >> 8}.${at & 255}`] }));

const facts = (count: number): Extract<Message, { kind: "facts" }> => ({
  kind: "facts",
  facts: {
    serial: 1,
    capacity: 1,
    mode: "available",
    silenceMs: 1_000,
    leaseMs: 2_000,
    ready: true,
    stopping: false,
    definitions: definitions(count),
    unfit: {},
    hosts: [],
    tiebreak: undefined,
  },
});

const view = (id: string, ...members: string[]): View => ({ id, members, cause: "join", together: members });
const beat = (number: number): Message => ({ kind: "beat", view: "1", number, table: true });

describe("what is too large for one message", () => {
  test("goes in parts, and arrives whole with the last", () => {
    const [a, b] = [new Mailbox("a", 1, undefined), new Mailbox("b", 1, undefined)];
    const message = facts(1_000);
    const frames = a.seal(message);
    expect(frames.length).toBeGreaterThan(2);
    for (const frame of frames) expect(frame.length).toBeLessThan(PART_BYTES + 500);
    const opened = frames.map((frame) => b.open(frame, "a"));
    expect(opened.slice(0, -1).every((message) => message === undefined)).toBe(true);
    expect(opened.at(-1)).toEqual(message);
  });

  test("is void where a view came into the middle of it, and its sender says it again, once", () => {
    const [a, b] = [new Mailbox("a", 1, undefined, 500), new Mailbox("b", 1, undefined, 500)];
    const message = facts(20);
    const [first, ...rest] = a.seal(message);
    for (const box of [a, b]) expect(box.open(first!, "a")).toBeUndefined();
    expect(b.enter(view("2", "a", "b", "c"))).toEqual([]);
    const again = a.enter(view("2", "a", "b", "c"));
    expect(again).toEqual([message]);
    // The newcomer hears the end of it alone.
    const c = new Mailbox("c", 1, undefined, 500);
    for (const box of [a, b, c]) for (const frame of rest) expect(box.open(frame, "a")).toBeUndefined();
    const frames = a.seal(again[0]!);
    for (const box of [a, b, c]) expect(frames.map((frame) => box.open(frame, "a")).at(-1)).toEqual(message);
    expect(a.enter(view("3", "a", "b"))).toEqual([]);
  });

  test("is not said again where it belonged to the view that is over", () => {
    const a = new Mailbox("a", 1, undefined, 100);
    const [first] = a.seal({ kind: "table", view: "1", begun: false, table: undefined, waits: waits(30) });
    a.open(first!, "a");
    expect(a.enter(view("2", "a"))).toEqual([]);
  });

  test("that nothing of had arrived before the view is left to arrive in it", () => {
    const a = new Mailbox("a", 1, undefined, 500);
    const frames = a.seal(facts(20));
    expect(a.enter(view("2", "a"))).toEqual([]);
    expect(frames.map((frame) => a.open(frame, "a")).at(-1)).toEqual(facts(20));
  });
});

test("last words are believed whatever was said before, and nothing after them", () => {
  const [a, b] = [new Mailbox("a", 1, undefined), new Mailbox("b", 1, undefined)];
  const last = a.sealLast({ kind: "farewell" });
  for (let nth = 0; nth < 5; nth++) b.open(a.seal(beat(nth))[0]!, "a");
  expect(b.open(last, "a")).toEqual({ kind: "farewell" });
  expect(() => b.open(a.seal(beat(9))[0]!, "a")).toThrow("came after");
});

describe("a group speaks the lowest version that any of its members speaks", () => {
  const state = (version: number) => ({ ...stateOf(), version });
  test("until all have told that they speak a newer one, and again when somebody joins", () => {
    const versions = { newest: 1, oldest: 0 }; // as if this were the newest of two
    const a = new Mailbox("a", 1, undefined, PART_BYTES, versions);
    const [b, c] = ["b", "c"].map((name) => new Mailbox(name, 1, undefined));
    a.enter(view("1", "a", "b"));
    expect(a.version).toBe(0);
    a.open(new Mailbox("a", 1, undefined).seal(state(1))[0]!, "a");
    a.open(b!.seal(state(1))[0]!, "b");
    expect(a.version).toBe(1);
    a.enter(view("2", "a", "b", "c"));
    expect(a.version).toBe(0);
    a.open(c!.seal(state(0))[0]!, "c");
    expect(a.version).toBe(0);
    a.enter(view("3", "a", "b"));
    expect(a.version).toBe(1);
  });
});

function waits(count: number) {
  return Array.from({ length: count }, (_, at) => ({ name: `m${at}`, ms: at, departed: false }));
}

function stateOf(): Extract<Message, { kind: "state" }> {
  return {
    kind: "state",
    version: 1,
    view: "1",
    identity: { host: "a", machine: "m", incarnation: 1 },
    facts: facts(1).facts,
    mature: false,
    drained: false,
    refusing: [],
    holds: [],
    adopts: false,
    table: undefined,
    waits: [],
    together: 1,
    lone: undefined,
    expelled: [],
    knows: [],
    hostList: { version: 0, hosts: [], tiebreak: undefined, former: [] },
    maintenance: { counter: 0, on: false },
  };
}
