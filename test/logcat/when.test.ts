import { describe, expect, test } from "bun:test";
import { parseWhen } from "../../lib/logcat/when.ts";
import { fixedZone, UTC } from "../../lib/syslog/zone.ts";

/** 2026-03-01 00:30 UTC is 01:30 of the same day an hour east, and the day before an hour west. */
const NOW_US = Date.UTC(2026, 2, 1, 0, 30) * 1_000;

describe("a point in time", () => {
  for (const { text, zoneMinutes = 0, is } of [
    { text: "now", is: "2026-03-01T00:30:00.000Z" },
    { text: "2h", is: "2026-02-28T22:30:00.000Z" },
    { text: "1m30s ago", is: "2026-03-01T00:28:30.000Z" },
    { text: "@1700000000.5", is: "2023-11-14T22:13:20.500Z" },
    { text: "today", is: "2026-03-01T00:00:00.000Z" },
    { text: "today", zoneMinutes: -60, is: "2026-02-28T01:00:00.000Z" },
    { text: "yesterday", zoneMinutes: 60, is: "2026-02-27T23:00:00.000Z" },
    { text: "12:34", zoneMinutes: 60, is: "2026-03-01T11:34:00.000Z" },
    { text: "00:00:01.25", is: "2026-03-01T00:00:01.250Z" },
    { text: "2026-02-28", zoneMinutes: 60, is: "2026-02-27T23:00:00.000Z" },
    { text: "2026-02-28 12:34", is: "2026-02-28T12:34:00.000Z" },
    { text: "2026-02-28T12:34:56Z", zoneMinutes: 60, is: "2026-02-28T12:34:56.000Z" },
    { text: " 2026-02-28T12:34:56.789+02:00 ", is: "2026-02-28T10:34:56.789Z" },
  ])
    test(`${text} (${zoneMinutes} minutes east)`, () =>
      expect(new Date(parseWhen(text, NOW_US, fixedZone(zoneMinutes)) / 1_000).toISOString()).toBe(is));

  for (const text of ["", "soon", "25:00", "12:3", "2026-02-29", "2026-13-01", "12:00 tomorrow", "@", "2026", "-1h"])
    test(`is not ${JSON.stringify(text)}`, () =>
      expect(() => parseWhen(text, NOW_US, UTC)).toThrow("expected a time such as"));
});
