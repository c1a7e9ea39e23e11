import { describe, expect, test } from "bun:test";
import { PLAIN_PAPER } from "../../lib/logcat/line-writer.ts";
import { LastLines, PageOutlet } from "../../lib/logcat/outlet.ts";

const KIB = 1_024;

/** Puts lines of 1 KiB until there is no room. Returns how many were taken. */
function fill(outlet: PageOutlet): number {
  let lines = 0;
  for (let line = outlet.open(false); line !== undefined; line = outlet.open(false), lines++) {
    line.begin();
    line.ascii("x".repeat(KIB - 1));
    line.finish();
  }
  return lines;
}

/** Writes a full page in `tookMs`. Returns how many lines the next page but one takes: what the outlet has learnt of the reader. */
function linesAfter(outlet: PageOutlet, tookMs: number): number {
  fill(outlet);
  outlet.take();
  outlet.done(tookMs);
  return fill(outlet);
}

describe("a page takes what its reader reads in a second", () => {
  const fresh = () => new PageOutlet(PLAIN_PAPER, 8 * KIB * KIB);
  test("one that is not known yet: 1 MiB", () => expect(fill(fresh())).toBe(KIB));
  test("a fast one: half of what may wait", () => expect(linesAfter(fresh(), 2)).toBe(4 * KIB));
  test("a slow one: as much as that is", () => expect(linesAfter(fresh(), 4_000)).toBe(256));
  test("one that hardly reads: 128 KiB all the same", () => expect(linesAfter(fresh(), 60_000)).toBe(128));
  test("one that was slow and is fast again", () => {
    const outlet = fresh();
    linesAfter(outlet, 60_000);
    expect(linesAfter(outlet, 1)).toBe(4 * KIB);
  });
  test("a page that the system takes whether anybody reads or not says nothing of it", () => {
    const outlet = fresh();
    outlet.open(false)!.ascii("x");
    outlet.take();
    outlet.done(5_000);
    expect(fill(outlet)).toBe(KIB);
  });
  test("never more than half of what may wait, but for a notice", () => {
    const outlet = new PageOutlet(PLAIN_PAPER, 512 * KIB);
    expect(fill(outlet)).toBe(256);
    expect(outlet.open(true)).toBeDefined();
  });
});

test("a page being written is left alone, and the next is not given before it is done", () => {
  const outlet = new PageOutlet(PLAIN_PAPER, 8 * KIB * KIB);
  outlet.open(false)!.ascii("one");
  const page = outlet.take()!;
  outlet.open(false)!.ascii("two");
  expect(outlet.take()).toBeUndefined();
  expect(new TextDecoder().decode(page)).toBe("one");
  outlet.done(1);
  expect(new TextDecoder().decode(outlet.take())).toBe("two");
});

describe("the last lines", () => {
  const kept = (lines: LastLines) => [...lines.lines()].map((line) => new TextDecoder().decode(line));
  const put = (lines: LastLines, text: string) => {
    lines.open().ascii(text);
    lines.close();
  };

  test("are as many as asked for, oldest first, however many came", () => {
    const lines = new LastLines(PLAIN_PAPER, 3, KIB);
    for (let number = 1; number <= 5_000; number++) put(lines, `${number}`);
    expect(kept(lines)).toEqual(["4998", "4999", "5000"]);
  });

  test("are fewer where they take more room than there is, but one at least", () => {
    const lines = new LastLines(PLAIN_PAPER, 10, 10);
    for (const text of ["aaaa", "bbbb", "cccc"]) put(lines, text);
    expect(kept(lines)).toEqual(["bbbb", "cccc"]);
    put(lines, "x".repeat(100));
    expect(kept(lines)).toEqual(["x".repeat(100)]);
  });
});
