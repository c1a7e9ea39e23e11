import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Mark, RecordRing } from "../../lib/sink/record-ring.ts";
import { cases } from "../support/fuzz.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function push(ring: RecordRing, number: number, text: string, group = 0): boolean {
  const all = bytes(`..${text}..`);
  return ring.push(group, number, all, 2, all.length - 2);
}

function take(ring: RecordRing): string | undefined {
  if (!ring.next()) return undefined;
  const text = `${ring.group}/${ring.number} ${new TextDecoder().decode(ring.bytes.subarray(ring.start, ring.end))}`;
  ring.take();
  return text;
}

describe("the ring", () => {
  test("gives back in order what was put in", () => {
    const ring = new RecordRing(1024);
    push(ring, 1, "one");
    push(ring, 2 ** 53 - 1, "zwei", 7);
    expect([take(ring), take(ring), take(ring)]).toEqual(["0/1 one", `7/${2 ** 53 - 1} zwei`, undefined]);
  });

  test("frees nothing before it is confirmed", () => {
    const ring = new RecordRing(64); // room for two
    expect([push(ring, 1, "aaaaaaaa"), push(ring, 2, "bbbbbbbb"), push(ring, 3, "c")]).toEqual([true, true, false]);
    take(ring);
    expect(push(ring, 3, "c")).toBe(false);
    ring.confirm(ring.mark());
    expect(push(ring, 3, "c")).toBe(true);
    expect([take(ring), take(ring)]).toEqual(["0/2 bbbbbbbb", "0/3 c"]);
  });

  test("sends again what was not confirmed, and says so", () => {
    const ring = new RecordRing(1024);
    for (const number of [1, 2, 3, 4]) push(ring, number, "x");
    take(ring);
    const mark = ring.mark();
    take(ring);
    take(ring);
    ring.confirm(mark);
    expect([ring.unconfirmed, ring.waiting]).toEqual([2, 1]);
    ring.rewind();
    expect([ring.unconfirmed, ring.waiting]).toEqual([0, 3]);
    const again: [boolean, string | undefined][] = [];
    while (ring.waiting > 0) again.push([ring.nextIsAgain, take(ring)]);
    expect(again).toEqual([
      [true, "0/2 x"],
      [true, "0/3 x"],
      [false, "0/4 x"],
    ]);
  });

  test("refuses what is longer than it is", () => {
    const ring = new RecordRing(64);
    expect(push(ring, 1, "x".repeat(64))).toBe(false);
    expect(ring.waiting).toBe(0);
  });
});

type Step = { readonly do: "push"; readonly size: number } | { readonly do: "take" | "mark" | "confirm" | "rewind" };

test("whatever is done to it, a ring does as a list would, but for what it has no room for", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant("push" as const), size: fc.integer({ min: 0, max: 60 }) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("mark" as const, "confirm" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("rewind" as const) }) },
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 64, max: 400 }), (all: readonly Step[], size) => {
      const ring = new RecordRing(size);
      const list: string[] = []; // all that was ever accepted
      let confirmed = 0;
      let sent = 0;
      let marks: { mark: Mark; sent: number }[] = [];
      let number = 0;
      for (const step of all) {
        switch (step.do) {
          case "push": {
            number += 1;
            const text = "x".repeat(step.size) + number;
            const accepted = push(ring, number, text, number % 3);
            if (accepted) list.push(`${number % 3}/${number} ${text}`);
            else if (confirmed === list.length) expect(24 + text.length).toBeGreaterThan(size - 8);
            break;
          }
          case "take":
            expect(take(ring)).toBe(list[sent]);
            if (sent < list.length) sent += 1;
            break;
          case "mark":
            marks.push({ mark: ring.mark(), sent });
            break;
          case "confirm": {
            const oldest = marks.shift();
            if (oldest === undefined) break;
            ring.confirm(oldest.mark);
            confirmed = Math.max(confirmed, oldest.sent);
            break;
          }
          case "rewind":
            ring.rewind();
            sent = confirmed;
            marks = [];
        }
        expect([ring.waiting, ring.unconfirmed]).toEqual([list.length - sent, sent - confirmed]);
        expect(ring.usedBytes).toBeLessThanOrEqual(size);
      }
      for (; sent < list.length; sent++) expect(take(ring)).toBe(list[sent]);
      expect(take(ring)).toBeUndefined();
    }),
    cases(1_500),
  );
});
