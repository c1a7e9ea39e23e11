// What a recorder tells, and when. A scene is written as it happens: a batch comes, a commit begins, is done, fails.
import { describe, expect, test } from "bun:test";
import { askFlags, readAck } from "../../lib/feed/ack.ts";
import { Acknowledger } from "../../lib/feed/acknowledger.ts";
import { BatchView } from "../../lib/feed/batch-reader.ts";
import { type Commit, Marks, RANGES_MAX, type StreamMarks } from "../../lib/feed/marks.ts";
import { formatRanges } from "../../lib/feed/number-ranges.ts";

const SENDER = "#syslogd#web1";

class Recorder {
  readonly acks: Acknowledger;

  constructor(stored: Iterable<StreamMarks> = []) {
    this.acks = new Acknowledger({ recorder: "r1", host: "db1", marks: new Marks(stored) });
  }

  /** Returns the numbers that are new. */
  batch(first: number, count: number, { flags = "ack", sender = SENDER, group = "log" } = {}): number[] {
    const view = new BatchView();
    Object.assign(view, { host: "web1", incarnation: "i1", first, count, flags });
    this.acks.batch(sender, group, view);
    return Array.from({ length: count }, (_, at) => first + at).filter((number) => this.acks.marks.isNew(number));
  }

  commit(): Commit {
    const commit = this.acks.begin();
    this.acks.done(commit);
    return commit;
  }

  /** What is told: "#to group asked ranges". */
  told(): string[] {
    return this.acks.takeMessages().flatMap(({ to, body }) => {
      const { lines } = readAck(body, 0, body.length);
      if (lines.length === 0) return [`${to} hello`];
      return lines.map(({ group, asked, ranges }) => {
        const question = asked === undefined ? "" : ` ${asked.number}:${asked.from}-${asked.to}`;
        return `${to} ${group}${question} ${formatRanges(ranges)}`;
      });
    });
  }
}

describe("a recorder", () => {
  test("acknowledges what is committed, and nothing before", () => {
    const recorder = new Recorder();
    expect(recorder.batch(5, 3)).toEqual([5, 6, 7]);
    expect(recorder.told()).toEqual([]);
    const commit = recorder.acks.begin();
    expect(commit.streams).toEqual([
      { host: "web1", incarnation: "i1", group: "log", sender: SENDER, ranges: [{ from: 5, to: 7 }] },
    ]);
    recorder.batch(8, 2);
    expect(recorder.told()).toEqual([]);
    recorder.acks.done(commit);
    expect(recorder.told()).toEqual([`${SENDER} log 5-7`]);
    recorder.commit();
    expect(recorder.told()).toEqual([`${SENDER} log 8-9`]);
  });

  test("tells nothing to senders that did not ask for it", () => {
    const recorder = new Recorder();
    recorder.batch(1, 3, { flags: "-" });
    recorder.batch(4, 1, { flags: "again" });
    expect(recorder.commit().streams[0]!.ranges).toEqual([{ from: 1, to: 4 }]);
    expect(recorder.told()).toEqual([]);
  });

  test("takes no record twice, committed or on its way, and acknowledges the committed ones again, by the sender's new name", () => {
    const recorder = new Recorder();
    recorder.batch(1, 3);
    expect(recorder.batch(2, 3)).toEqual([4]);
    expect(recorder.told()).toEqual([]);
    recorder.commit();
    recorder.told();
    expect(recorder.batch(3, 3, { sender: "#syslogd-2#web1" })).toEqual([5]);
    expect(recorder.told()).toEqual(["#syslogd-2#web1 log 3-4"]);
  });

  test("answers an ask when all that came before it is committed", () => {
    const recorder = new Recorder();
    recorder.batch(1, 3);
    const first = recorder.acks.begin();
    recorder.batch(6, 2);
    recorder.batch(10, 0, { flags: askFlags({ number: 1, from: 2 }) });
    const second = recorder.acks.begin();
    recorder.batch(10, 1);
    recorder.acks.done(first);
    expect(recorder.told()).toEqual([`${SENDER} log 1-3`]);
    recorder.acks.done(second);
    expect(recorder.told()).toEqual([`${SENDER} log 6-7`, `${SENDER} log 1:2-9 2-3,6-7`]);
  });

  test("answers at once where nothing is on its way, be it that it has nothing", () => {
    const recorder = new Recorder();
    recorder.batch(10, 0, { flags: askFlags({ number: 4, from: 2 }) });
    expect(recorder.told()).toEqual([`${SENDER} log 4:2-9 -`]);
  });

  test("answers for as far as one message goes", () => {
    const recorder = new Recorder();
    for (let number = 1; number < 400; number += 2) recorder.batch(number, 1, { flags: "-" });
    recorder.commit();
    recorder.batch(1_000, 0, { flags: askFlags({ number: 1, from: 1 }) });
    expect(recorder.told()[0]).toStartWith(`${SENDER} log 1:1-255 1,3,5`);
  });

  test("has never received what could not be committed", () => {
    const recorder = new Recorder();
    recorder.batch(1, 3);
    recorder.commit();
    recorder.told();
    recorder.batch(4, 2);
    const failing = recorder.acks.begin();
    recorder.batch(6, 1);
    recorder.acks.failed();
    recorder.acks.done(failing); // comes too late to be true
    expect(recorder.told()).toEqual([]);
    expect(recorder.batch(3, 4)).toEqual([4, 5, 6]);
    recorder.told();
    recorder.commit();
    expect(recorder.told()).toEqual([`${SENDER} log 4-6`]);
  });

  test("knows in another life what it committed in this one, and greets whom it knows", () => {
    const before = new Recorder();
    before.batch(1, 3);
    const { streams } = before.commit();
    before.batch(4, 3); // and dies
    const recorder = new Recorder(streams);
    recorder.acks.greet();
    expect(recorder.told()).toEqual([`${SENDER} hello`]);
    expect(recorder.batch(2, 4)).toEqual([4, 5]);
  });

  test("makes one line of what one stream's batches brought", () => {
    const recorder = new Recorder();
    for (let first = 1; first < 100; first += 3) recorder.batch(first, 3);
    recorder.commit();
    expect(recorder.told()).toEqual([`${SENDER} log 1-99`]);
  });
});

describe("marks", () => {
  test("forget the stream that was silent for longest, and none that has something on its way", () => {
    const marks = new Marks([], 3);
    const receive = (group: string, number = 1) => marks.receive(SENDER, "web1", "i1", group, number, 1);
    for (let at = 1; at <= 10; at++) {
      receive("busy", at);
      receive(`new-${at}`);
      marks.done(marks.begin());
      expect(marks.size).toBeLessThanOrEqual(3);
    }
    const groups = () => Array.from(marks.streams(), ({ group }) => group);
    expect(groups()).toEqual(["new-9", "busy", "new-10"]);
    expect(marks.stream("web1", "i1", "busy")?.received.size).toBe(10);
    receive("on-its-way");
    const open = marks.begin();
    for (let at = 11; at <= 15; at++) receive(`new-${at}`);
    expect(groups()).toEqual(["on-its-way", ...[11, 12, 13, 14, 15].map((at) => `new-${at}`)]);
    marks.done(open);
    marks.done(marks.begin());
    receive("last");
    expect(groups()).toEqual(["new-14", "new-15", "last"]);
  });

  test("remember a bounded number of ranges, the highest ones", () => {
    const marks = new Marks();
    for (let at = 0; at < RANGES_MAX + 10; at++) marks.receive(SENDER, "web1", "i1", "log", 2 * at + 1, 1);
    const commit = marks.begin();
    expect(commit.streams[0]!.ranges).toHaveLength(RANGES_MAX);
    expect(commit.streams[0]!.ranges[0]).toEqual({ from: 21, to: 21 });
  });
});
