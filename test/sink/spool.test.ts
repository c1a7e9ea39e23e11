// At every step: appended = read + reported as lost + unread.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ENTRY_HEADER_BYTES } from "../../lib/sink/spool-entry.ts";
import { start } from "../support/child.ts";
import { cases } from "../support/fuzz.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { smallDisk } from "./small-disk.ts";
import { Rig, spoolIn } from "./spool-rig.ts";

const segmentsOf = (directory: string) =>
  existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".spool")) : [];

test("what one process spools the next one reads, in order and with its identity", async () => {
  using scratch = temporaryDirectory();
  const before = new Rig(spoolIn(scratch.path));
  before.append(41, "a", "", "c");
  before.spool.append(7, 2 ** 52, new TextEncoder().encode("..other.."), 2, 7);
  await before.close();
  const after = new Rig(spoolIn(scratch.path));
  expect(after.events).toEqual([{ on: "recovered", records: 4, tornBytes: 0 }]);
  expect(await after.take()).toEqual(["3/41 a", "3/42 ", "3/43 c", `7/${2 ** 52} other`]);
  expect([after.spool.unread, after.lost]).toEqual([0, 0]);
});

test("what is appended can be read at once, while the disk has none of it", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(spoolIn(scratch.path));
  rig.append(1, "a", "b");
  expect(await rig.take()).toEqual(["3/1 a", "3/2 b"]);
  rig.append(3, "c");
  expect(await rig.take()).toEqual(["3/3 c"]);
  await rig.close();
});

test("a reader without room gets the same record again", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(spoolIn(scratch.path));
  rig.append(1, "a", "b", "c");
  expect(await rig.take(2)).toEqual(["3/1 a", "3/2 b"]);
  expect(rig.spool.unread).toBe(1);
  expect(await rig.take()).toEqual(["3/3 c"]);
  await rig.close();
});

test("what was confirmed does not come again, what was only read does", async () => {
  using scratch = temporaryDirectory();
  const before = new Rig(spoolIn(scratch.path));
  const sequences = before.append(1, "a", "b", "c", "d");
  await before.close();
  const middle = new Rig(spoolIn(scratch.path));
  expect(await middle.take(3)).toHaveLength(3);
  middle.spool.confirm(sequences[1]!);
  await middle.close();
  const after = new Rig(spoolIn(scratch.path));
  expect(await after.take()).toEqual(["3/3 c", "3/4 d"]);
});

test("a spool whose records are all confirmed leaves no segment, and counts on", async () => {
  using scratch = temporaryDirectory();
  const directory = spoolIn(scratch.path);
  const before = new Rig(directory);
  const [last] = before.append(1, "a").slice(-1);
  await before.take();
  before.spool.confirm(last!);
  expect(before.spool.isEmpty).toBe(true);
  await before.close();
  expect(segmentsOf(directory)).toEqual([]);
  const after = new Rig(directory);
  after.append(9, "z");
  expect(await after.take()).toEqual(["3/9 z"]);
  await after.close();
});

test("nobody else may read what is spooled", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(spoolIn(scratch.path));
  rig.append(1, "secret");
  await rig.close();
  expect(statSync(spoolIn(scratch.path)).mode & 0o777).toBe(0o700);
  for (const name of segmentsOf(spoolIn(scratch.path)))
    expect(statSync(join(spoolIn(scratch.path), name)).mode & 0o777).toBe(0o600);
});

test("with drop-newest a full spool refuses what is new, and keeps what it has", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(spoolIn(scratch.path), { bytesMax: 3_200 });
  const kept = Array.from({ length: 100 }, (_, at) => rig.append(at, "x".repeat(60))[0]!).filter((one) => one >= 0);
  expect(kept.length).toBeLessThanOrEqual(32);
  expect(kept.length).toBeGreaterThan(15);
  expect((await rig.take()).length).toBe(kept.length);
  expect(rig.spool.bytes).toBeLessThanOrEqual(3_200);
  await rig.close();
});

test("with drop-oldest a full spool drops whole segments, and says how many records that were", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(spoolIn(scratch.path), { bytesMax: 32_000, whenFull: "drop-oldest" });
  for (let at = 0; at < 1_000; at++) expect(rig.append(at, "x".repeat(60))[0]).toBe(at);
  const read = await rig.take();
  expect(rig.lost + read.length).toBe(1_000);
  expect(read[0]).toStartWith(`3/${rig.lost} `);
  expect(read.length).toBeGreaterThan(150);
  await rig.close();
  expect(segmentsOf(spoolIn(scratch.path)).length).toBeLessThanOrEqual(34);
});

test("what is older than the bound is dropped and reported, what is younger is not", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(spoolIn(scratch.path), { ageMaxMs: 1_000 });
  rig.append(1, "old", "old");
  rig.nowMs += 600;
  rig.append(3, "young");
  rig.nowMs += 600;
  expect(await rig.take()).toEqual(["3/3 young"]);
  expect(rig.events).toContainEqual({ on: "lost", records: 1, cause: "too old" });
  expect(rig.lost).toBe(2);
  await rig.close();
});

test("a full disk is told once, holds what it can, and gets the rest when it has room", async () => {
  using disk = smallDisk(64);
  if (disk === undefined) return;
  const filler = join(disk.path, "filler");
  writeFileSync(filler, new Uint8Array(40_000));
  const rig = new Rig(spoolIn(disk.path), { pendingBytesMax: 60_000 });
  const texts = Array.from({ length: 600 }, (_, at) => `${at} ${"x".repeat(60)}`);
  const kept = texts.filter((text, at) => rig.append(at, text)[0]! >= 0);
  expect(kept.length).toBeLessThan(600); // memory is bounded, too
  const told = await rig.heard("failing");
  expect(told).toMatchObject({ reason: expect.stringContaining("its file system is full") });
  truncateSync(filler, 0);
  await rig.heard("working");
  await rig.close();
  expect(rig.events.map(({ on }) => on)).toEqual(["failing", "working"]);
  const after = new Rig(spoolIn(disk.path));
  expect((await after.take()).map((line) => line.slice(line.indexOf(" ") + 1))).toEqual(kept);
});

test("on a full disk what waits in memory is still read, and nothing stands still", async () => {
  using disk = smallDisk(16);
  if (disk === undefined) return;
  const rig = new Rig(spoolIn(disk.path), { pendingBytesMax: 60_000 });
  const texts = Array.from({ length: 400 }, (_, at) => `${at} ${"x".repeat(60)}`);
  const kept = texts.filter((text, at) => rig.append(at, text)[0]! >= 0);
  await rig.heard("failing");
  const read = await rig.take();
  expect(read.map((line) => line.slice(line.indexOf(" ") + 1))).toEqual(kept);
  rig.spool.confirm(rig.spool.nextSequence - 1);
  expect(rig.append(500, "again")[0]).toBeGreaterThan(0);
  await rig.heard("working");
  await rig.close();
  expect(await new Rig(spoolIn(disk.path)).take()).toEqual(["3/500 again"]);
});

test("where the directory can't be made it says so, and gives back what it has in memory", async () => {
  using scratch = temporaryDirectory();
  const rig = new Rig(join(scratch.path, "away", "spool"));
  writeFileSync(join(scratch.path, "away"), ""); // a file where the directory should be
  expect(rig.append(1, "a")).toEqual([0]);
  expect(await rig.heard("failing")).toMatchObject({ reason: "a part of its path is no directory" });
  expect(await rig.take()).toEqual(["3/1 a"]);
  await rig.close();
  expect(rig.spool.unwritten).toBe(1);
  expect(() => new Rig(join(scratch.path, "away", "spool"))).toThrow("ENOTDIR");
});

test("on a read-only file system it says so, and goes on in memory", async () => {
  using disk = smallDisk(64);
  if (disk === undefined) return;
  expect(Bun.spawnSync(["mount", "-o", "remount,ro", disk.path]).exitCode).toBe(0);
  const rig = new Rig(spoolIn(disk.path));
  rig.append(1, "a");
  expect(await rig.heard("failing")).toMatchObject({ reason: expect.stringContaining("its file system is read-only") });
  expect(Bun.spawnSync(["mount", "-o", "remount,rw", disk.path]).exitCode).toBe(0);
  await rig.heard("working");
  await rig.close();
  expect(await new Rig(spoolIn(disk.path)).take()).toEqual(["3/1 a"]);
});

test("a spool that is in use is refused, and free when its user has closed it", async () => {
  using scratch = temporaryDirectory();
  const first = new Rig(spoolIn(scratch.path));
  first.append(1, "a");
  await first.written();
  expect(() => new Rig(spoolIn(scratch.path))).toThrow("another process has it");
  await first.close();
  const second = new Rig(spoolIn(scratch.path));
  expect(await second.take()).toEqual(["3/1 a"]);
  await second.close();
});

test("what another process began to spool in the same place is never written over", async () => {
  using scratch = temporaryDirectory();
  const late = new Rig(spoolIn(scratch.path)); // there is nothing to lock yet
  const early = new Rig(spoolIn(scratch.path));
  early.append(1, "early");
  await early.written();
  late.append(1, "late");
  await late.heard("failing");
  await early.close();
  await late.close();
  expect(late.spool.unwritten).toBe(1);
  const after = new Rig(spoolIn(scratch.path));
  expect(await after.take()).toEqual(["3/1 early"]);
  await after.close();
});

test("an entry that a kill cut off is cut away, and told", async () => {
  using scratch = temporaryDirectory();
  const before = new Rig(spoolIn(scratch.path));
  before.append(1, "first", "second");
  await before.close();
  const path = join(spoolIn(scratch.path), "0000000001.spool");
  const whole = statSync(path).size;
  truncateSync(path, whole - 3);
  const after = new Rig(spoolIn(scratch.path));
  const entryBytes = ENTRY_HEADER_BYTES + "second".length;
  expect(after.events).toEqual([{ on: "recovered", records: 1, tornBytes: entryBytes - 3 }]);
  expect(statSync(path).size).toBe(whole - entryBytes);
  expect(await after.take()).toEqual(["3/1 first"]);
  await after.close();
});

test("a segment that was made and never written to hides nothing", async () => {
  using scratch = temporaryDirectory();
  const before = new Rig(spoolIn(scratch.path));
  before.append(1, "a", "b", "c");
  await before.close();
  writeFileSync(join(spoolIn(scratch.path), "0000000002.spool"), "");
  expect(await new Rig(spoolIn(scratch.path)).take()).toEqual(["3/1 a", "3/2 b", "3/3 c"]);
});

/** Breaks the spool in `directory` as told, and says whether the end of its newest segment was hit. */
function damage(directory: string, where: number, how: number): { readonly isTail: boolean } {
  const names = segmentsOf(directory).sort();
  const sizes = names.map((name) => statSync(join(directory, name)).size);
  let at = where % sizes.reduce((sum, size) => sum + size, 0);
  let index = 0;
  while (at >= sizes[index]!) at -= sizes[index++]!;
  const path = join(directory, names[index]!);
  const isLast = index === names.length - 1;
  if (how === 0) {
    truncateSync(path, at);
    return { isTail: isLast };
  }
  const bytes = readFileSync(path);
  bytes[at]! ^= how;
  writeFileSync(path, bytes);
  return { isTail: isLast };
}

test("cut anywhere, any byte changed: what comes back is what was spooled, in order, less what is reported", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(200), { minLength: 1, maxLength: 60 }),
      fc.nat(),
      fc.nat(255),
      fc.nat(),
      async (lengths, where, how, confirmed) => {
        using scratch = temporaryDirectory();
        const directory = spoolIn(scratch.path);
        const before = new Rig(directory, { bytesMax: 40_000 });
        const texts = lengths.map((length, at) => `${at}:${"y".repeat(length)}`);
        before.append(0, ...texts);
        const done = confirmed % lengths.length;
        if (done > 0) before.spool.confirm(done - 1);
        await before.close();
        const { isTail } = damage(directory, where, how);
        const after = new Rig(directory, { bytesMax: 40_000 });
        const read = await after.take();
        const left = texts.map((text, at) => `3/${at} ${text}`).slice(done);
        const missing = left.filter((line) => !read.includes(line));
        expect(read).toEqual(left.filter((line) => read.includes(line)));
        expect(after.spool.unread).toBe(0);
        if (!isTail) expect(after.lost).toBe(missing.length);
        else expect(after.lost).toBeLessThanOrEqual(missing.length);
        // what no number tells is the end alone
        const silent = missing.length - after.lost;
        expect(missing.slice(missing.length - silent)).toEqual(left.slice(left.length - silent));
        after.append(1_000, "next");
        expect(await after.take()).toEqual(["3/1000 next"]);
        await after.close();
      },
    ),
    cases(120),
  );
}, 60_000);

test("whatever is done to it, nothing is lost that is not reported, and order holds", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 30 }), bytes: fc.nat(300) }),
    fc.record({ do: fc.constant("read" as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constantFrom("confirm" as const, "restart" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom("drop-oldest" as const, "drop-newest" as const),
      async (steps, whenFull) => {
        using scratch = temporaryDirectory();
        const options = { bytesMax: 16_000, whenFull };
        let rig = new Rig(spoolIn(scratch.path), options);
        let confirmed = -1; // the last number that was confirmed
        let read: number[] = []; // numbers that this life has read
        const appended = new Map<number, number>(); // number to sequence
        const everRead = new Set<number>(); // a queue has these, until it ends
        let lost = 0;
        let number = 0;
        for (const one of steps) {
          switch (one.do) {
            case "append":
              for (let count = 0; count < one.count; count++, number++) {
                const [sequence] = rig.append(number, "z".repeat(one.bytes));
                if (sequence! >= 0) appended.set(number, sequence!);
              }
              break;
            case "read": {
              const got = (await rig.take(one.count)).map((line) => Number(/\d+\/(\d+)/.exec(line)![1]));
              read.push(...got);
              for (const one of got) everRead.add(one);
              break;
            }
            case "confirm":
              if (read.length > 0) {
                confirmed = read.at(-1)!;
                rig.spool.confirm(appended.get(confirmed)!);
              }
              break;
            case "restart":
              lost += rig.lost;
              await rig.close();
              rig = new Rig(spoolIn(scratch.path), options);
              read = [];
          }
          const all = [...appended.keys()];
          expect(read).toEqual([...read].sort((a, b) => a - b));
          const neverRead = all.filter((one) => !everRead.has(one));
          expect(rig.spool.unread + rig.lost + lost).toBeGreaterThanOrEqual(neverRead.length);
          const rest = all.filter((one) => !read.includes(one) && one > confirmed);
          expect(rig.spool.unread).toBeLessThanOrEqual(rest.length);
        }
        await rig.close();
      },
    ),
    cases(60),
  );
}, 60_000);

test("killed in the midst of writing, it has all that was on disk, whole and in order", async () => {
  for (const killAfter of [1, 20_000, 60_000]) {
    using scratch = temporaryDirectory();
    const directory = spoolIn(scratch.path);
    await using child = start([process.execPath, join(import.meta.dir, "spool-writer-child.ts"), directory]);
    let onDisk = 0;
    while (onDisk < killAfter) {
      const text = await child.stdout.until(/\n$/);
      onDisk = Number(text.trimEnd().split("\n").at(-1));
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.signal("SIGKILL");
    await child.exited;
    onDisk = Number((await child.stdout.end()).trimEnd().split("\n").at(-1));
    const after = new Rig(directory, { bytesMax: 64 << 20 });
    const read = await after.take();
    expect(read.length).toBeGreaterThanOrEqual(onDisk);
    for (const [at, line] of read.entries())
      if (line !== `3/${at} record ${at + 1} ${"x".repeat((at + 1) % 500)}`) throw new Error(`record ${at} is ${line}`);
    expect(after.lost).toBe(0);
    await after.close();
  }
}, 60_000);
