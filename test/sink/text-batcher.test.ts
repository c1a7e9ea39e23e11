import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TextLines } from "../../lib/feed/text-payload.ts";
import { GroupBook } from "../../lib/sink/group-book.ts";
import { RecordRing } from "../../lib/sink/record-ring.ts";
import { TextBatcher } from "../../lib/sink/text-batcher.ts";
import { parseGroupName } from "../../lib/spread/names.ts";
import { cases } from "../support/fuzz.ts";

const COPIED_BYTES_MAX = 64;

/** A ring that lines are put into, and what a batcher makes of it. */
class Bench {
  readonly ring = new RecordRing(1 << 20);
  readonly book = new GroupBook(100, "i1");
  readonly batcher = new TextBatcher(this.book, this.ring, COPIED_BYTES_MAX);
  readonly sent: { group: string; text: string }[] = [];
  canSend = true;

  put(group: string, text: string): void {
    const entry = this.book.entry(parseGroupName(group))!;
    const bytes = new TextEncoder().encode(text);
    expect(this.ring.push(entry.index, entry.next++, bytes, 0, bytes.length)).toBe(true);
  }

  gather(): boolean {
    return this.batcher.gather((group, body) => {
      if (this.canSend) this.sent.push({ group, text: new TextDecoder().decode(body) });
      return this.canSend;
    });
  }
}

describe("what waits becomes messages of lines", () => {
  test("one for each group, in the order of lines within it", () => {
    const bench = new Bench();
    bench.put("a", "1");
    bench.put("b", "2");
    bench.put("a", "3");
    expect(bench.gather()).toBe(true);
    expect(bench.sent).toEqual([
      { group: "a", text: "1\n3\n" },
      { group: "b", text: "2\n" },
    ]);
    expect([bench.ring.waiting, bench.ring.unconfirmed]).toEqual([0, 3]);
  });

  test("a line that is longer than a message goes alone, and not before what came before it", () => {
    const bench = new Bench();
    const long = "x".repeat(200);
    bench.put("a", "before");
    bench.put("a", long);
    bench.put("a", "behind");
    bench.gather();
    expect(bench.sent.map(({ text }) => text)).toEqual(["before\n", `${long}\n`, "behind\n"]);
  });

  test("where sending fails it says so, and all of it waits again with the next connection", () => {
    const bench = new Bench();
    bench.put("a", "1");
    bench.canSend = false;
    expect(bench.gather()).toBe(false);
    bench.ring.rewind();
    bench.canSend = true;
    expect(bench.gather()).toBe(true);
    expect(bench.sent).toEqual([{ group: "a", text: "1\n" }]);
  });

  test("every line arrives once, in its group and in its order; messages of more than one line are short enough to be copied", () => {
    const line = fc.record({ group: fc.constantFrom("a", "b", "c"), bytes: fc.integer({ min: 1, max: 90 }) });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 80 }), (lines) => {
        const bench = new Bench();
        const texts = lines.map(({ group, bytes }, at) => ({ group, text: `${at} `.padEnd(bytes, "x") }));
        for (const { group, text } of texts) bench.put(group, text);
        expect(bench.gather()).toBe(true);
        for (const group of ["a", "b", "c"]) {
          const got = bench.sent.filter((message) => message.group === group).flatMap(({ text }) => linesOf(text));
          expect(got).toEqual(texts.filter((each) => each.group === group).map(({ text }) => text));
        }
        for (const { text } of bench.sent)
          if (linesOf(text).length > 1) expect(text.length).toBeLessThanOrEqual(COPIED_BYTES_MAX);
      }),
      cases(200),
    );
  });
});

/** As a subscriber reads it. */
function linesOf(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  const walk = new TextLines(bytes, 0, bytes.length);
  const lines: string[] = [];
  while (walk.next()) lines.push(text.slice(walk.start, walk.end));
  return lines;
}
