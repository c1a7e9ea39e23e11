import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { BLOCK_RECORDS_FULL } from "../../lib/archive/block.ts";
import { needleOf } from "../../lib/archive/query.ts";
import { requiredOf } from "../../lib/archive/required.ts";
import { smallDisk } from "../sink/small-disk.ts";
import { cases } from "../support/fuzz.ts";
import { ALL, archiveRig, chunkOf, marksTo, recordsOf } from "./archive-rig.ts";

const numbered = (from: number, to: number, text = "line") =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ number: from + at, text: `${text} ${from + at}` }));

test("what is committed is read, in its order, with its marks, while the archive is being written", () => {
  using rig = archiveRig();
  const store = rig.open();
  store.append(chunkOf(numbered(1, 3)));
  store.commit([marksTo(3)]);
  const reader = rig.reader();
  expect(recordsOf(reader).map(({ number }) => number)).toEqual([1, 2, 3]);
  const { end } = reader.rest(ALL, { segment: "", id: 0, records: 0 });
  store.append(chunkOf(numbered(4, 5)));
  expect(recordsOf(reader).length).toBe(3); // not committed yet
  store.commit([marksTo(5)]);
  const { found, marks } = reader.rest(ALL, end);
  expect(found.map(({ from, view }) => view.records - from)).toEqual([2]);
  expect(marks).toEqual([marksTo(5)]);
  store.close();
  expect(recordsOf(rig.reader()).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
});

test("a crash leaves records and their marks, or neither; the next run goes on behind them, and finds all by the index", () => {
  using rig = archiveRig();
  const first = rig.open();
  for (let batch = 0; batch < 5; batch++) {
    first.append(chunkOf(numbered(batch * 400 + 1, batch * 400 + 400)));
    first.commit([marksTo(batch * 400 + 400)]);
  }
  first.append(chunkOf(numbered(2_001, 2_010))); // and then it is killed
  const second = rig.open();
  expect(second.marks).toEqual([marksTo(2_000)]);
  second.append(chunkOf(numbered(2_001, 2_002)));
  second.commit([marksTo(2_002)]);
  second.close();
  expect(recordsOf(rig.reader()).map(({ number }) => number)).toEqual(numbered(1, 2_002).map(({ number }) => number));
  const query = { ...ALL, text: requiredOf(/line 1999$/u) };
  expect(recordsOf(rig.reader(), query).some(({ number }) => number === 1_999)).toBe(true);
});

test("an index that narrows loses nothing: every record that a pattern matches is in a block that is found", () => {
  const word = fc.stringMatching(/^[a-zA-ZäöK0-9.:_=-]{1,14}$/);
  fc.assert(
    fc.property(
      fc.array(
        fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" ")),
        {
          minLength: 1,
          maxLength: 60,
        },
      ),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(20), fc.boolean()), { minLength: 1, maxLength: 5 }),
      (texts, parts) => {
        using rig = archiveRig();
        const store = rig.open();
        store.append(chunkOf(texts.map((text, at) => ({ number: at + 1, text }))));
        store.commit([marksTo(texts.length)]);
        store.close(); // and with that all of it is in the index
        for (const [which, at, length, ignoreCase] of parts) {
          const text = texts[which % texts.length]!;
          const part = text.slice(at % text.length, (at % text.length) + length);
          const pattern = new RegExp(part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), ignoreCase ? "iu" : "u");
          const required = requiredOf(pattern);
          const found = recordsOf(rig.reader(), { ...ALL, text: required });
          const wanted = texts.filter((one) => pattern.test(one)).length;
          expect(found.filter(({ number }) => pattern.test(texts[number - 1]!)).length).toBe(wanted);
          const needle = needleOf(required, ignoreCase);
          for (const one of texts) if (pattern.test(one)) expect(one).toContain(needle);
        }
      },
    ),
    cases(40),
  );
});

test("it does narrow: an id, a part of one, and an address are found in one block of many", () => {
  using rig = archiveRig();
  const store = rig.open();
  const id = (number: number) => (Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0").repeat(2);
  const records = Array.from({ length: 40 * BLOCK_RECORDS_FULL }, (_, at) => ({
    number: at + 1,
    text: `request id=${id(at + 1)} from 10.${at % 200}.${(at >> 3) % 250}.${at % 7} was served`,
  }));
  for (let at = 0; at < records.length; at += 1_000) store.append(chunkOf(records.slice(at, at + 1_000)));
  store.commit([marksTo(records.length)]);
  store.close();
  const blocks = (pattern: RegExp) => [...rig.reader().blocks({ ...ALL, text: requiredOf(pattern) })].length;
  expect(blocks(/served/u)).toBe(40);
  expect(blocks(new RegExp(`id=${id(7_777)} `, "u"))).toBeLessThan(4);
  expect(blocks(new RegExp(id(7_777).slice(1, 11), "u"))).toBeLessThan(6);
  expect(blocks(/10\.123\.97\.1 /u)).toBeLessThan(12);
  expect(blocks(/no such text/u)).toBe(0);
  expect([...rig.reader().blocks({ ...ALL, hosts: ["web2"] })].length).toBe(0);
  expect([...rig.reader().blocks({ ...ALL, groups: ["log.*"] })].length).toBe(40);
});

describe("a damaged database", () => {
  for (const { claim, damage } of [
    { claim: "that is no database at all", damage: (path: string) => writeFileSync(path, "hello".repeat(10_000)) },
    { claim: "that is cut", damage: (path: string) => truncateSync(path, 10_000) },
    { claim: "that is empty of ours", damage: (path: string) => writeFileSync(path, "SQLite format 3\0") },
  ])
    test(`${claim} is told and set aside, and a new one is begun`, () => {
      using rig = archiveRig();
      const first = rig.open();
      first.append(chunkOf(numbered(1, 2_000)));
      first.commit([marksTo(2_000)]);
      first.close();
      const [name] = readdirSync(rig.directory);
      damage(join(rig.directory, name!));
      const second = rig.open();
      second.append(chunkOf(numbered(2_001, 2_003)));
      second.commit([marksTo(2_003)]);
      second.close();
      expect(rig.troubles.join()).toContain("is damaged");
      expect(existsSync(join(rig.directory, `${name}.damaged`))).toBe(true);
      expect(recordsOf(rig.reader()).map(({ number }) => number)).toEqual([2_001, 2_002, 2_003]);
    });

  test("is left out by who reads, with a word, and the others are read", () => {
    using rig = archiveRig();
    const first = rig.open();
    first.append(chunkOf(numbered(1, 3)));
    first.commit([marksTo(3)]);
    first.close();
    writeFileSync(join(rig.directory, "20261101.db"), "what?");
    expect(recordsOf(rig.reader()).length).toBe(3);
    expect(rig.troubles.join()).toContain("20261101.db is damaged, and left out");
  });
});

test("a day has a segment of its own; marks go along, and days that are too old are removed", () => {
  let nowMs = Date.UTC(2026, 10, 26, 12);
  using rig = archiveRig({
    wallMs: () => nowMs,
    retention: { ageMaxMs: 2 * 86_400_000, bytesMax: Number.POSITIVE_INFINITY },
  });
  const store = rig.open();
  store.append(chunkOf(numbered(1, 2)));
  store.commit([marksTo(2)]);
  nowMs += 86_400_000;
  store.append(chunkOf(numbered(3, 4)));
  store.commit([marksTo(4)]); // still into the first, which is then closed
  store.append(chunkOf(numbered(5, 6)));
  store.commit([marksTo(6)]);
  store.close();
  expect(readdirSync(rig.directory).sort()).toEqual(["20261126.db", "20261127.db"]);
  expect(recordsOf(rig.reader()).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  const next = rig.open();
  expect(next.marks).toEqual([marksTo(6)]);
  nowMs = Date.now() + 400 * 86_400_000; // files are as old as the real clock says
  next.append(chunkOf(numbered(7, 7)));
  next.commit([marksTo(7)]);
  next.append(chunkOf(numbered(8, 8)));
  nowMs += 120_000;
  next.commit([marksTo(8)]);
  next.close();
  expect(recordsOf(rig.reader()).map(({ number }) => number)).toEqual([8]);
});

test("a full disk changes nothing: the commit is tried again, and nothing is there twice", () => {
  using disk = smallDisk(1_024);
  if (disk === undefined) return;
  using rig = archiveRig({ directory: join(disk.path, "archive") });
  const store = rig.open();
  store.append(chunkOf(numbered(1, 10)));
  store.commit([marksTo(10)]);
  const ballast = join(disk.path, "ballast");
  Bun.spawnSync(["sh", "-c", `cat /dev/zero > ${ballast} 2>/dev/null`]);
  const texts = Array.from({ length: 2_000 }, (_, at) => ({ number: at + 11, text: crypto.randomUUID().repeat(3) }));
  store.append(chunkOf(texts));
  expect(() => store.commit([marksTo(2_010)])).toThrow(/full/i);
  truncateSync(ballast, 0);
  store.commit([marksTo(2_010)]);
  store.close();
  expect(recordsOf(rig.reader()).map(({ number }) => number)).toEqual(Array.from({ length: 2_010 }, (_, at) => at + 1));
});

test("whatever a record holds, it comes out as it went in", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 30 }), (texts) => {
      using rig = archiveRig();
      const store = rig.open();
      const chunk = chunkOf(texts.map((text, at) => ({ number: at + 1, text })));
      store.append(chunk);
      store.commit([marksTo(texts.length)]);
      store.close();
      expect(recordsOf(rig.reader()).length).toBe(texts.length);
    }),
    cases(30),
  );
});
