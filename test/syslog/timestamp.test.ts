import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CivilDate, daysOfDate, isDate } from "../../lib/syslog/civil-date.ts";
import { TimeWriter } from "../../lib/syslog/time-writer.ts";
import { readBsdTime, readIsoTime } from "../../lib/syslog/timestamp.ts";
import { fixedZone, tryZone, UTC } from "../../lib/syslog/zone.ts";
import { cases } from "../support/fuzz.ts";
import { encode, microseconds } from "./sample.ts";

describe("an ISO time", () => {
  for (const { text, is, zone = 0, takes = text.length } of [
    { text: "2003-10-11T22:14:15.003Z", is: "2003-10-11T22:14:15.003Z" },
    { text: "2003-10-11t22:14:15z", is: "2003-10-11T22:14:15Z" },
    { text: "2003-08-24T05:14:15.000003-07:00", is: "2003-08-24T12:14:15.000Z", zone: -420 },
    { text: "2003-08-24T05:14:15+0530", is: "2003-08-23T23:44:15Z", zone: 330 },
    { text: "2003-08-24T05:14:15+05", is: "2003-08-24T00:14:15Z", zone: 300 },
    { text: "2003-08-24T05:14:15", is: "2003-08-24T03:14:15Z", zone: 120 },
    { text: "2003-08-24 05:14:15,25Z", is: "2003-08-24T05:14:15.250Z" },
    { text: "2016-12-31T23:59:60Z", is: "2017-01-01T00:00:00Z" },
    { text: "2024-02-29T00:00:00Z host", is: "2024-02-29T00:00:00Z", takes: 20 },
    { text: "0000-01-01T00:00:00Z", is: "0000-01-01T00:00:00Z" },
  ]) {
    test(`${text} is read`, () => {
      const into = { timeUs: 0, zoneMinutes: 0 };
      expect(readIsoTime(encode(text), 0, text.length, " ", fixedZone(120), into)).toBe(takes);
      expect(Math.floor(into.timeUs / 1000)).toBe(Date.parse(is));
      expect(into.zoneMinutes).toBe(zone);
    });
  }

  for (const text of [
    "2003-02-29T00:00:00Z",
    "2003-13-01T00:00:00Z",
    "2003-00-01T00:00:00Z",
    "2003-04-31T00:00:00Z",
    "2003-10-11T24:00:00Z",
    "2003-10-11T23:60:00Z",
    "2003-10-11T23:59:61Z",
    "2003-10-11T22:14:15+24:00",
    "2003-10-11T22:14:15-07:61",
    "2003-10-11T22:14:15+0",
    "2003-10-11T22:14:15+07:",
    "2003-10-11T22:14",
    "20O3-10-11T22:14:15Z",
  ])
    test(`${text} is none`, () => {
      const into = { timeUs: -7, zoneMinutes: -7 };
      expect(readIsoTime(encode(text), 0, text.length, "T", UTC, into)).toBe(-1);
      expect(into).toEqual({ timeUs: -7, zoneMinutes: -7 });
    });

  test("with a space is no time of RFC 5424", () => {
    const into = { timeUs: 0, zoneMinutes: 0 };
    expect(readIsoTime(encode("2003-10-11 22:14:15Z"), 0, 20, "T", UTC, into)).toBe(-1);
  });
});

describe("a BSD time", () => {
  for (const { text, is, now = "2026-06-15T12:00:00Z", takes = text.length } of [
    { text: "Oct 11 22:14:15", is: "2026-10-11T22:14:15Z" },
    { text: "oct  1 22:14:15", is: "2026-10-01T22:14:15Z" },
    { text: "OCT 1 22:14:15.250", is: "2026-10-01T22:14:15.250Z" },
    { text: "Oct 11 22:14:15.", is: "2026-10-11T22:14:15Z" },
    { text: "Mar 7 2008 19:06:53", is: "2008-03-07T19:06:53Z" },
    { text: "Apr 15 21:28:13 2007", is: "2007-04-15T21:28:13Z" },
    { text: "2019 Oct 22 10:52:01", is: "2019-10-22T10:52:01Z" },
    { text: "Aug 24 05:34:00 CST 1987", is: "1987-08-24T11:34:00Z" },
    { text: "Oct 11 22:14:15 UTC:", is: "2026-10-11T22:14:15Z", takes: 19 },
    { text: "Oct 11 22:14:15 CRON: job", is: "2026-10-11T22:14:15Z", takes: 15 },
    { text: "Oct 11 22:14:15 2007x", is: "2026-10-11T22:14:15Z", takes: 15 },
    // The year that is missing.
    { text: "Dec 31 23:59:59", now: "2026-01-01T00:00:05Z", is: "2025-12-31T23:59:59Z" },
    { text: "Jan  1 00:00:00", now: "2025-12-31T23:59:58Z", is: "2026-01-01T00:00:00Z" },
    { text: "Jun 15 12:00:00", now: "2026-06-15T12:00:00Z", is: "2026-06-15T12:00:00Z" },
    { text: "Dec 20 00:00:00", now: "2026-06-15T12:00:00Z", is: "2025-12-20T00:00:00Z" },
    { text: "Feb 29 10:00:00", now: "2024-03-01T00:00:00Z", is: "2024-02-29T10:00:00Z" },
    { text: "Feb 29 10:00:00", now: "2025-03-01T00:00:00Z", is: "2024-02-29T10:00:00Z" },
    { text: "Feb 29 10:00:00", now: "2100-01-01T00:00:00Z", is: "2096-02-29T10:00:00Z" },
  ]) {
    test(`${text} at ${now} is ${is}`, () => {
      const into = { timeUs: 0, zoneMinutes: 0 };
      expect(readBsdTime(encode(text), 0, text.length, microseconds(now), UTC, into)).toBe(takes);
      expect(new Date(into.timeUs / 1000).toISOString()).toBe(new Date(is).toISOString());
    });
  }

  for (const text of [
    "Oct 32 22:14:15",
    "Oct 0 22:14:15",
    "Okt 11 22:14:15",
    "Oct 11 24:14:15",
    "Oct 11 22:14",
    "Feb 30 22:14:15",
    "Feb 29 2023 22:14:15",
    "Oct 11 0007 22:14:15",
  ])
    test(`${text} is none`, () => {
      const into = { timeUs: -7, zoneMinutes: -7 };
      expect(readBsdTime(encode(text), 0, text.length, 0, UTC, into)).toBe(-1);
      expect(into).toEqual({ timeUs: -7, zoneMinutes: -7 });
    });

  test("at New Year in its own zone is in the year there, not in Greenwich's", () => {
    const into = { timeUs: 0, zoneMinutes: 0 };
    const now = microseconds("2026-12-31T20:00:00Z"); // 5 o'clock on New Year's Day in Tokyo
    readBsdTime(encode("Jan  1 04:59:59"), 0, 15, now, tryZone("Asia/Tokyo")!, into);
    expect(new Date(into.timeUs / 1000).toISOString()).toBe("2026-12-31T19:59:59.000Z");
    expect(into.zoneMinutes).toBe(540);
  });
});

describe("a time zone", () => {
  test("changes its offset with the season, for local times too", () => {
    const berlin = tryZone("Europe/Berlin")!;
    const into = { timeUs: 0, zoneMinutes: 0 };
    for (const [local, offset] of [
      ["2026-03-29T01:59:59", 60],
      ["2026-03-29T03:00:00", 120],
      ["2026-10-25T01:59:59", 120],
      ["2026-10-25T03:00:00", 60],
    ] as const) {
      readIsoTime(encode(local), 0, local.length, "T", berlin, into);
      expect(into.zoneMinutes).toBe(offset);
    }
  });

  test("may be an offset, and may be negative and broken", () => {
    expect(tryZone("+05:30")!(0)).toBe(330);
    expect(tryZone("America/St_Johns")!(Date.UTC(2026, 0, 1))).toBe(-210);
  });

  test("that does not exist is none", () => {
    expect(tryZone("Mars/Olympus_Mons")).toBeUndefined();
    expect(tryZone("")).toBeUndefined();
  });

  test("takes any instant that a message may claim", () => {
    const zone = tryZone("Europe/Berlin")!;
    for (const utcMs of [-6.3e13, 0, 2.6e14, 9e15, -9e15]) expect(Math.abs(zone(utcMs))).toBeLessThan(1440);
  });
});

test("days and dates are those of the calendar, for ten thousand years", () => {
  const date = new CivilDate();
  const first = Date.UTC(1, 0, 1) / 86_400_000 - 1_000_000;
  fc.assert(
    fc.property(fc.integer({ min: first, max: 2_932_896 }), (days) => {
      const reference = new Date(days * 86_400_000);
      date.setDays(days);
      const { year, month, day } = date;
      expect([year, month, day]).toEqual([
        reference.getUTCFullYear(),
        reference.getUTCMonth() + 1,
        reference.getUTCDate(),
      ]);
      expect(daysOfDate(year, month, day)).toBe(days);
      expect(isDate(year, month, day)).toBe(true);
    }),
    cases(2000),
  );
});

test("what is written of a time is read back as the same time", () => {
  const writer = new TimeWriter();
  const out = new Uint8Array(40);
  const into = { timeUs: 0, zoneMinutes: 0 };
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_102_444_800_000_000 }),
      fc.integer({ min: -1439, max: 1439 }),
      (timeUs, zone) => {
        const end = writer.iso(out, 0, timeUs, zone);
        expect(readIsoTime(out, 0, end, "T", UTC, into)).toBe(end);
        expect(into).toEqual({ timeUs, zoneMinutes: zone });
        const bsdEnd = writer.bsd(out, 0, timeUs, zone);
        expect(readBsdTime(out, 0, bsdEnd, timeUs, fixedZone(zone), into)).toBe(bsdEnd);
        expect(into.timeUs).toBe(timeUs - (timeUs % 1_000_000));
      },
    ),
    cases(2000),
  );
});

test("a time that was read just before is read the same again, whatever stands behind it and whenever it came", () => {
  const half = 15_811_200_000_000; // 183 days
  const forget = encode("Feb 02 02:02:02 x");
  const scratch = { timeUs: 0, zoneMinutes: 0 };
  const read = (text: string, nowUs: number, zone: number) => {
    const into = { timeUs: -1, zoneMinutes: -1 };
    const bytes = encode(text);
    return { end: readBsdTime(bytes, 0, bytes.length, nowUs, zones.get(zone)!, into), ...into };
  };
  const zones = new Map([0, 60, -300].map((minutes) => [minutes, fixedZone(minutes)]));
  const behind = fc.constantFrom(
    "",
    " ",
    " host app",
    ".5 host",
    " 2001 x",
    " UTC: x",
    "x",
    ": host",
    " 2001:db8::7 x",
    " CET 1999 x",
  );
  const when = fc.integer({ min: 0, max: 1_900_000_000_000_000 });
  fc.assert(
    fc.property(
      when,
      fc.integer({ min: -2 * half, max: 2 * half }),
      fc.constantFrom(0, 60, -300),
      behind,
      fc.constantFrom(0, 60, -300),
      (timeUs, laterUs, zone, tail, otherZone) => {
        const out = new Uint8Array(20);
        new TimeWriter().bsd(out, 0, timeUs, 0);
        const text = new TextDecoder().decode(out.subarray(0, 15));
        readBsdTime(forget, 0, forget.length, 0, UTC, scratch);
        const afresh = read(text + tail, timeUs + laterUs, otherZone);
        readBsdTime(forget, 0, forget.length, 0, UTC, scratch);
        read(`${text} host app: text`, timeUs, zone);
        expect(read(text + tail, timeUs + laterUs, otherZone)).toEqual(afresh);
      },
    ),
    cases(3_000),
  );
});
