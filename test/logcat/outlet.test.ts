import { describe, expect, test } from "bun:test";
import { PLAIN_PAPER } from "../../lib/logcat/line-writer.ts";
import { LastLines, PageOutlet } from "../../lib/logcat/outlet.ts";

const KIB = 1_024;

function put(outlet: PageOutlet, text: string, isNotice = false): boolean {
  const line = outlet.open(isNotice);
  if (line === undefined) return false;
  line.begin();
  line.ascii(text);
  line.finish();
  return outlet.close();
}

/** Puts lines of 1 KiB until there is no room. Returns how many were taken. */
function fill(outlet: PageOutlet, most = Number.POSITIVE_INFINITY): number {
  let lines = 0;
  while (lines < most && put(outlet, "x".repeat(KIB - 1))) lines += 1;
  return lines;
}

/** Writes a full page in `tookMs`. Returns how many lines the next one takes: what the outlet has learnt of the reader. */
function linesAfter(outlet: PageOutlet, tookMs: number): number {
  fill(outlet);
  outlet.take();
  outlet.done(tookMs);
  return fill(outlet);
}

const text = (page: Uint8Array | undefined) => new TextDecoder().decode(page);

describe("a page takes what its reader reads in three seconds", () => {
  const fresh = () => new PageOutlet(PLAIN_PAPER, 8 * KIB * KIB);
  test("one that is not known yet is taken for fast: half of what may wait", () => expect(fill(fresh())).toBe(4 * KIB));
  test("so does a fast one", () => expect(linesAfter(fresh(), 2)).toBe(4 * KIB));
  test("a slow one: as much as that is", () => expect(linesAfter(fresh(), 24_000)).toBe(512));
  test("one that hardly reads: 128 KiB all the same", () => expect(linesAfter(fresh(), 600_000)).toBe(128));
  test("one that was slow and is fast again", () => {
    const outlet = fresh();
    linesAfter(outlet, 600_000);
    expect(outlet.readerIsFast).toBe(false);
    expect(linesAfter(outlet, 1)).toBe(4 * KIB);
    expect(outlet.readerIsFast).toBe(true);
  });
  test("a page that the system takes whether anybody reads or not says nothing of it", () => {
    const outlet = fresh();
    put(outlet, "x");
    outlet.take();
    outlet.done(50_000);
    expect(fill(outlet)).toBe(4 * KIB);
  });
  test("never more than half of what may wait, but for a notice", () => {
    const outlet = new PageOutlet(PLAIN_PAPER, 512 * KIB);
    expect(fill(outlet)).toBe(256);
    expect(outlet.open(true)).toBeDefined();
  });
});

describe("what has piled up before a reader shows that it is slow", () => {
  /** 3,000 lines of 1 KiB and two notices among them, behind a page that took `tookMs`. */
  const piledUp = (tookMs: number) => {
    const outlet = new PageOutlet(PLAIN_PAPER, 8 * KIB * KIB);
    fill(outlet, 500);
    outlet.take();
    fill(outlet, 1_000);
    put(outlet, "-- one", true);
    fill(outlet, 2_000);
    put(outlet, "-- two", true);
    outlet.done(tookMs);
    return outlet;
  };

  test("is given up, but for the notices, and counted", () => {
    const outlet = piledUp(4_000);
    expect(outlet.takeDiscarded()).toBe(3_000);
    expect(outlet.takeDiscarded()).toBe(0);
    expect(text(outlet.take())).toBe("-- one\n-- two\n");
  });

  test("is kept where the reader is fast", () => {
    const outlet = piledUp(10);
    expect(outlet.takeDiscarded()).toBe(0);
    expect(outlet.waitingBytes).toBeGreaterThan(3_000 * KIB);
  });
});

test("a page being written is left alone, and the next is not given before it is done", () => {
  const outlet = new PageOutlet(PLAIN_PAPER, 8 * KIB * KIB);
  put(outlet, "one");
  const page = outlet.take();
  put(outlet, "two");
  expect(outlet.take()).toBeUndefined();
  expect(text(page)).toBe("one\n");
  outlet.done(1);
  expect(text(outlet.take())).toBe("two\n");
});

describe("the last lines", () => {
  const kept = (lines: LastLines) => [...lines.lines()].map((line) => new TextDecoder().decode(line));
  const add = (lines: LastLines, text: string) => {
    lines.open().ascii(text);
    lines.close();
  };

  test("are as many as asked for, oldest first, however many came", () => {
    const lines = new LastLines(PLAIN_PAPER, 3, KIB);
    for (let number = 1; number <= 5_000; number++) add(lines, `${number}`);
    expect(kept(lines)).toEqual(["4998", "4999", "5000"]);
  });

  test("are fewer where they take more room than there is, but one at least", () => {
    const lines = new LastLines(PLAIN_PAPER, 10, 10);
    for (const text of ["aaaa", "bbbb", "cccc"]) add(lines, text);
    expect(kept(lines)).toEqual(["bbbb", "cccc"]);
    add(lines, "x".repeat(100));
    expect(kept(lines)).toEqual(["x".repeat(100)]);
  });
});
