// What is not passed on as it came, where the operator wants that: what is beyond a sender's rate, and what is said again and again. All of it is accounted for.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRate, RateLimit } from "../../lib/syslogd/rate-limit.ts";
import { Repeats, type Summary } from "../../lib/syslogd/repeats.ts";
import { cases } from "../support/fuzz.ts";
import { recordOf } from "../syslog/sample.ts";
import { logger, Running } from "./running.ts";

describe("a rate", () => {
  test("is records and a time", () => {
    expect([parseRate("1000/5s"), parseRate("10/m")]).toEqual([
      { recordsMax: 1000, withinMs: 5_000 },
      { recordsMax: 10, withinMs: 60_000 },
    ]);
  });

  for (const text of ["", "10", "0/5s", "10/0s", "x/5s", "10/5 s", "-1/5s"])
    test(`is not ${JSON.stringify(text)}`, () => expect(() => parseRate(text)).toThrow());

  test("bounds each sender by itself, and what was held back is reported once its time is over", () => {
    const limit = new RateLimit({ recordsMax: 2, withinMs: 1_000 });
    const admitted = [0, 1, 2, 3].map((at) => limit.admits("loud", at));
    expect(admitted).toEqual([true, true, false, false]);
    expect(limit.admits("quiet", 5)).toBe(true);
    expect(limit.due(999)).toEqual([]);
    expect(limit.due(1_000)).toEqual([{ sender: "loud", records: 2 }]);
    expect(limit.due(5_000)).toEqual([]);
    expect(limit.admits("loud", 5_001)).toBe(true);
  });

  test("is granted anew when its time is over, whether or not anybody asked for a report", () => {
    const limit = new RateLimit({ recordsMax: 2, withinMs: 1_000 });
    const times = [0, 1, 2, 1_000, 1_001, 1_002];
    expect(times.map((nowMs) => limit.admits("a", nowMs))).toEqual([true, true, false, true, true, false]);
  });

  test("is kept whoever sends how much, and admitted and held back is all that came", () => {
    const event = fc.record({ sender: fc.constantFrom("a", "b", "c"), afterMs: fc.nat(400) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const limit = new RateLimit({ recordsMax: 3, withinMs: 1_000 });
        let nowMs = 0;
        let admitted = 0;
        let reported = 0;
        for (const { sender, afterMs } of events) {
          nowMs += afterMs;
          if (limit.admits(sender, nowMs)) admitted += 1;
          for (const { records } of limit.due(nowMs)) reported += records;
        }
        for (const { records } of limit.due(Number.POSITIVE_INFINITY)) reported += records;
        expect(admitted + reported).toBe(events.length);
        expect(limit.held).toBe(reported);
        expect(admitted).toBeLessThanOrEqual(3 * 3 * (Math.floor(nowMs / 1_000) + 1));
      }),
      cases(500),
    );
  });

  test("has no memory for a million made-up senders, and they are held back all the same", () => {
    const limit = new RateLimit({ recordsMax: 1, withinMs: 1_000 });
    let admitted = 0;
    for (let at = 0; at < 100_000; at++) if (limit.admits(`sender ${at}`, 0)) admitted += 1;
    expect(admitted).toBe(4_097);
    expect(limit.due(1_000)).toEqual([{ sender: "senders too many to tell apart", records: 100_000 - 4_097 }]);
  });
});

describe("repetitions", () => {
  const said = (texts: readonly string[]) => {
    const repeats = new Repeats();
    const out: string[] = [];
    const tell = ({ bytes }: Summary) => void out.push(new TextDecoder().decode(bytes));
    for (const text of texts) if (!repeats.isRepeat(recordOf(text), 0, tell)) out.push(text);
    repeats.due(0, tell, true);
    return out;
  };
  const a = "<13>Nov 23 12:00:00 h a[1]: x";
  const b = "<13>Nov 23 12:00:00 h b: y";

  test("are said once, and how often", () => {
    expect(said([a, a, a, "<13>Nov 23 12:00:00 h a[1]: other"])).toEqual([
      a,
      "<13>1 - h a 1 - - message repeated 2 times: [x]",
      "<13>Nov 23 12:00:00 h a[1]: other",
    ]);
  });

  test("of two who take turns are both seen", () => {
    expect(said([a, b, a, b])).toEqual([
      a,
      b,
      "<13>1 - h a 1 - - message repeated once: [x]",
      "<13>1 - h b - - - message repeated once: [y]",
    ]);
  });

  test("are told after half a minute while they go on, and none of them twice", () => {
    const repeats = new Repeats();
    const told: string[] = [];
    const tell = ({ bytes }: Summary) => void told.push(new TextDecoder().decode(bytes));
    const repeat = (nowMs: number) => repeats.isRepeat(recordOf(a), nowMs, tell);
    expect([0, 1_000, 2_000].map(repeat)).toEqual([false, true, true]);
    repeats.due(30_999, tell);
    expect(told).toEqual([]);
    repeats.due(31_000, tell);
    repeat(40_000);
    repeats.due(70_000, tell);
    repeats.due(200_000, tell, true);
    expect(told.map((text) => text.slice(text.indexOf("message")))).toEqual([
      "message repeated 2 times: [x]",
      "message repeated once: [x]",
    ]);
  });

  test("are none where the urgency differs", () => {
    const urgent = a.replace("<13>", "<11>");
    expect(said([a, urgent])).toEqual([a, urgent]);
  });
});

test("what the daemon itself has to say is never held back, nor summed up", async () => {
  await using syslogd = new Running(["*.* -> file:%d/all"], {
    rate: { recordsMax: 1, withinMs: 60_000 },
    summariseRepeats: true,
  });
  for (let count = 0; count < 3; count++) syslogd.daemon.say("notice", "again");
  await syslogd.end();
  expect(syslogd.lines("all").filter((line) => line.endsWith(": again")).length).toBe(3);
});

test("a daemon holds back what is beyond the rate, sums up repetitions, and says so", async () => {
  await using syslogd = new Running(["*.* -> file:%d/all"], {
    rate: { recordsMax: 3, withinMs: 60_000 },
    summariseRepeats: true,
  });
  const say = (tag: string, text: string) => logger(syslogd.socket, "-t", tag, text);
  for (const text of ["one", "two", "three", "four", "five"]) say("loud", text);
  for (const text of ["same", "same", "same"]) say("dull", text);
  say("end", "done");
  await syslogd.line("all", /end: done$/);
  await syslogd.end();
  const lines = syslogd.lines("all").map((line) => line.replace(/^web1 /, ""));
  expect(lines.filter((line) => /^(loud|dull)/.test(line))).toEqual([
    "loud: one",
    "loud: two",
    "loud: three",
    "dull: same",
    "dull: message repeated 2 times: [same]",
  ]);
  expect(lines.some((line) => line.endsWith("loud: 2 records were held back, beyond 3 in 1m"))).toBe(true);
  expect(syslogd.daemon.totals).toMatchObject({ heldBack: 2, repeated: 2 });
});
