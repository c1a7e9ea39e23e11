// What a recorder passes on, and what it holds, message by message.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ackedFrom, ackFlags, askFlags } from "../../lib/feed/ack.ts";
import type { ComingLife } from "../../lib/feed/former-life.ts";
import { InOrder } from "../../lib/feed/in-order.ts";
import { cases } from "../support/fuzz.ts";

class Rig {
  readonly passed: string[] = [];
  nowMs = 0;
  readonly order: InOrder<string>;

  constructor(known = 0, bytesMax = 1_000) {
    this.order = new InOrder({
      bytesMax,
      ageMaxMs: 1_000,
      known: () => known,
      pass: (message) => this.passed.push(message),
    });
  }

  /** Returns what is passed on by it. */
  offer(first: number, count: number, from: number, group = "g"): string[] {
    const before = this.passed.length;
    const place = { host: "h", incarnation: "i", group, first, count, from };
    this.order.offer(place, `${group}${first}`, 100, this.nowMs, (message) => message);
    return this.passed.slice(before);
  }
}

describe("a message", () => {
  test("that is next is passed on, and so is one that comes again", () => {
    const rig = new Rig();
    expect(rig.offer(1, 3, 1)).toEqual(["g1"]);
    expect(rig.offer(4, 2, 1)).toEqual(["g4"]);
    expect(rig.offer(2, 2, 1)).toEqual(["g2"]);
    expect(rig.order.heldBytes).toBe(0);
  });

  test("behind a hole waits until it is filled", () => {
    const rig = new Rig(11); // of an earlier run
    expect(rig.offer(21, 5, 8)).toEqual([]);
    expect(rig.offer(31, 1, 8)).toEqual([]);
    expect(rig.offer(26, 5, 8)).toEqual([]);
    expect(rig.offer(11, 5, 8)).toEqual(["g11"]);
    expect(rig.offer(16, 5, 8)).toEqual(["g16", "g21", "g26", "g31"]);
    expect(rig.order.heldBytes).toBe(0);
  });

  test("behind a hole that will not be filled waits for nothing", () => {
    const rig = new Rig(11);
    expect(rig.offer(21, 5, 21)).toEqual(["g21"]);
    expect(rig.offer(31, 5, 22)).toEqual([]);
    expect(rig.offer(36, 0, 31)).toEqual(["g36", "g31"]); // an ask says so, before what is held
  });

  test("of a stream that nobody has heard of begins where it may begin", () => {
    expect(new Rig().offer(500, 1, 500)).toEqual(["g500"]);
    expect(new Rig().offer(500, 1, 400)).toEqual([]);
  });

  test("waits no longer than it may, and of all no more than may be held", () => {
    const rig = new Rig(1, 350);
    rig.offer(5, 1, 1);
    rig.nowMs = 999;
    rig.order.tick(rig.nowMs);
    expect(rig.passed).toEqual([]);
    rig.nowMs = 1_000;
    rig.order.tick(rig.nowMs);
    expect(rig.passed).toEqual(["g5"]);
    rig.offer(9, 1, 1, "a");
    for (const first of [13, 11, 12]) rig.offer(first, 1, 1, "b");
    expect(rig.passed.slice(1)).toEqual(["b11", "b12", "b13"]);
    rig.order.flush();
    expect(rig.passed.slice(4)).toEqual(["a9"]);
  });

  test("of a life waits for those before it, which wait for theirs, however they come", () => {
    const passed: string[] = [];
    const order = new InOrder<string>({
      bytesMax: 1_000,
      ageMaxMs: 1_000,
      known: (_host, incarnation) => (incarnation === "a" ? 982 : 0),
      pass: (message) => passed.push(message),
    });
    let nowMs = 0;
    const offer = (incarnation: string, first: number, count: number, from: number, behind?: ComingLife) => {
      const place = { host: "h", incarnation, group: "g", first, count, from, behind };
      order.offer(place, `${incarnation}${first}`, 10, nowMs, (message) => message);
    };
    const a = { incarnation: "a", next: 1_000 };
    const b = { incarnation: "b", next: 479 };
    offer("c", 1, 5, 1, b);
    offer("b", 1, 200, 1, a);
    offer("c", 6, 5, 1, b);
    offer("b", 201, 278, 1, a);
    expect(passed).toEqual([]);
    offer("a", 982, 10, 982);
    expect(passed).toEqual(["a982"]);
    offer("a", 992, 8, 982);
    expect(passed).toEqual(["a982", "a992", "b1", "b201", "c1", "c6"]);
    offer("c", 11, 1, 1, b); // it has them: nobody waits for another recorder
    expect(passed.at(-1)).toBe("c11");
    expect(order.heldBytes).toBe(0);
    offer("d", 1, 1, 1, { incarnation: "x", next: 9 });
    offer("d", 2, 0, 1);
    expect(passed.slice(-2)).toEqual(["d2", "d1"]); // they will not come any more
    offer("e", 1, 1, 1, { incarnation: "x", next: 9 });
    nowMs = 1_000;
    order.tick(nowMs);
    offer("e", 2, 1, 1, { incarnation: "x", next: 9 });
    expect(passed.slice(-2)).toEqual(["e1", "e2"]); // it has waited for long enough
  });

  test("is held anew where what was passed on before it is lost", () => {
    const known = { next: 4 };
    const passed: number[] = [];
    const order = new InOrder<number>({
      bytesMax: 1_000,
      ageMaxMs: 1,
      known: () => known.next,
      pass: (one) => passed.push(one),
    });
    const offer = (first: number) =>
      order.offer({ host: "h", incarnation: "i", group: "g", first, count: 1, from: 1 }, first, 1, 0, (one) => one);
    offer(4);
    offer(5);
    order.reset(); // 4 and 5 could not be kept
    offer(6);
    expect(passed).toEqual([4, 5]);
    offer(4);
    offer(5);
    expect(passed).toEqual([4, 5, 4, 5, 6]);
  });
});

test("whatever order messages come in, as long as all come, they are passed on in theirs", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: 9 }, (_, at) => at + 1),
        { minLength: 9 },
      ),
      (firsts) => {
        const rig = new Rig(1, 10_000);
        for (const first of firsts) rig.offer(first, 1, 1);
        expect(rig.passed).toEqual(Array.from({ length: 9 }, (_, at) => `g${at + 1}`));
      },
    ),
    cases(500),
  );
});

test("from where on records may still come is told by batches and by asks, and by nothing else", () => {
  expect(ackedFrom(ackFlags(17))).toBe(17);
  expect(ackedFrom(`${ackFlags(17)},again,after=i1:3`)).toBe(17);
  expect(ackedFrom(askFlags({ number: 3, from: 21 }))).toBe(21);
  for (const flags of ["-", "ack", "again", "from=0", "from=x", "xfrom=3"]) expect(ackedFrom(flags)).toBeUndefined();
});
