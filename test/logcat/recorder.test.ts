import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Acknowledger } from "../../lib/feed/acknowledger.ts";
import { Marks, type StreamMarks } from "../../lib/feed/marks.ts";
import { EVERYTHING, parseRegex, parseSeverities } from "../../lib/logcat/choice.ts";
import type { Destination } from "../../lib/logcat/destination.ts";
import { Recorder } from "../../lib/logcat/recorder.ts";
import { keepsAll, Recording } from "../../lib/logcat/recording.ts";
import type { WriteRule } from "../../lib/logcat/write-rule.ts";
import { parseWriteTarget } from "../../lib/logcat/write-target.ts";
import { SinkCounters } from "../../lib/sink/sink.ts";
import { parseGroupName } from "../../lib/spread/names.ts";
import { cases } from "../support/fuzz.ts";
import { batchFrame, frameOf, NOON_US, ownRecord, utf8 } from "./messages.ts";

const RULE: WriteRule = {
  groups: [parseGroupName("log.mail")],
  patterns: [],
  choice: EVERYTHING,
  to: parseWriteTarget("file:/x"),
  format: "raw",
  time: "iso",
  rewriteTime: undefined,
  notices: undefined,
  bufferBytes: 1_000_000,
  whenFull: "wait",
  files: { mode: 0o640, owner: "", sync: "never", rotation: undefined, openFilesMax: 10 },
  archive: { ageMaxMs: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY },
  spool: { bytesMax: 0, ageMaxMs: 0 },
  tls: {},
  framing: "line",
  labels: [],
};

/** A recorder with one rule; `texts` is what its destination was given. */
function record(more: Partial<WriteRule> = {}, { takesNotices = true, marks = [] as readonly StreamMarks[] } = {}) {
  const texts: string[] = [];
  const said: string[] = [];
  let isFull = false;
  const destination: Destination = {
    name: "file:/x",
    counters: new SinkCounters(),
    waiting: 0,
    get isFull() {
      return isFull;
    },
    keepsMarks: true,
    takesNotices,
    commitEveryMs: 1,
    take: (taken, arrival) =>
      texts.push(`${arrival.number} ${taken.hostText()} ${taken.appText()}: ${taken.msgText()}`),
    flush() {},
    commit: async () => true,
    reopen() {},
    close: async () => {},
  };
  const acknowledger = new Acknowledger({ recorder: "r", host: "loghost", marks: new Marks(marks) });
  const recording = new Recording({ ...RULE, ...more }, destination, acknowledger);
  const recorder = new Recorder({
    host: "loghost",
    pid: 7,
    say: (severity, text) => said.push(`${severity}: ${text}`),
  });
  recorder.use([recording]);
  const batch = (first: number, lines: readonly string[], group = "log.mail") =>
    recorder.message(
      batchFrame(
        first,
        lines.map((text) => ownRecord(`<19>app[1]: ${text}`)),
        { group },
      ),
      NOON_US,
    );
  return { recorder, recording, texts, said, batch, fill: (full: boolean) => (isFull = full) };
}

test("takes what is new of the groups of its rule, and nothing twice", () => {
  const { batch, recorder, texts } = record();
  batch(1, ["one", "two"]);
  batch(2, ["two", "three"]);
  batch(1, ["other"], "log.auth");
  recorder.message(frameOf(utf8("raw\ntext\n")), NOON_US);
  expect(texts).toEqual(["1 web1 app: one", "2 web1 app: two", "3 web1 app: three", "0 web1 : raw", "0 web1 : text"]);
});

test("takes what its choice takes; what it does not is not missing", () => {
  const { batch, texts, said } = record({ choice: { ...EVERYTHING, grep: [parseRegex("o$")] } });
  batch(1, ["one", "two"]);
  batch(3, ["three", "zero"]);
  expect(texts).toEqual(["2 web1 app: two", "4 web1 app: zero"]);
  expect(said).toEqual([]);
});

test("what is missing is told, and written as a record of this host where the destination takes that", () => {
  for (const takesNotices of [true, false]) {
    const { batch, texts, said } = record({}, { takesNotices });
    batch(1, ["one"]);
    batch(4, ["four"]);
    expect(said).toEqual(["warning: file:/x: 2 records of web1 missing in log.mail (2-3)"]);
    const notice = "0 loghost logcat: 2 records of web1 missing in log.mail (2-3)";
    expect(texts).toEqual(["1 web1 app: one", ...(takesNotices ? [notice] : []), "4 web1 app: four"]);
  }
});

test("what comes late in many batches is told once, when it is over, with what is still missing", () => {
  const { batch, recorder, said } = record({}, { takesNotices: false });
  batch(1, ["one"]);
  batch(401, ["x"]);
  batch(501, ["x"]);
  said.length = 0;
  for (let number = 2; number <= 400; number++) batch(number, ["late"]);
  recorder.tick(NOON_US + 2_900_000);
  expect(said).toEqual([]);
  recorder.tick(NOON_US + 3_000_000);
  const text = (records: number, rest: string) =>
    `warning: file:/x: ${records} records of web1 that were missing in log.mail came late: ${rest}`;
  expect(said).toEqual([text(399, "99 still missing")]);
  for (let number = 402; number <= 500; number++) batch(number, ["late"]);
  recorder.end(NOON_US);
  expect(said.slice(1)).toEqual([text(99, "nothing is missing now")]);
  recorder.end(NOON_US);
  expect(said.length).toBe(2);
});

test("goes on behind what an earlier run has committed, and tells what came between", () => {
  const ranges = [{ from: 1, to: 3 }];
  const marks = [{ host: "web1", incarnation: "a", group: "log.mail", sender: "#s#d", ranges }];
  const { batch, texts, said } = record({}, { marks, takesNotices: false });
  batch(2, ["two", "three"]);
  batch(6, ["six"]);
  expect(texts).toEqual(["6 web1 app: six"]);
  expect(said.join()).toContain("2 records of web1 missing in log.mail (4-5)");
});

test("waits for a full destination, unless it is to drop", () => {
  const waits = record();
  const drops = record({ whenFull: "drop" });
  for (const { fill } of [waits, drops]) fill(true);
  expect([waits.recorder.mustWait, drops.recorder.mustWait]).toEqual([true, false]);
  waits.fill(false);
  expect(waits.recorder.mustWait).toBe(false);
});

describe("only an entry that keeps everything acknowledges", () => {
  for (const { claim, more, keeps } of [
    { claim: "a file without a filter", more: {}, keeps: true },
    { claim: "an archive", more: { to: parseWriteTarget("archive:/x") }, keeps: true },
    { claim: "one that drops", more: { whenFull: "drop" as const }, keeps: false },
    {
      claim: "one that chooses",
      more: { choice: { ...EVERYTHING, severities: parseSeverities("err") } },
      keeps: false,
    },
  ])
    test(claim, () => expect(keepsAll({ ...RULE, ...more })).toBe(keeps));
});

test("whatever comes, each number of a stream is taken at most once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 6 })), { maxLength: 60 }),
      (batches) => {
        const { batch, texts } = record({}, { takesNotices: false });
        const sent = new Set<number>();
        for (const [first, count] of batches) {
          const numbers = Array.from({ length: count }, (_, at) => first + at);
          for (const number of numbers) sent.add(number);
          batch(first, numbers.map(String));
        }
        const taken = texts.map((text) => Number(text.split(" ")[0]));
        expect(taken.toSorted((a, b) => a - b)).toEqual([...sent].sort((a, b) => a - b));
      },
    ),
    cases(100),
  );
});
