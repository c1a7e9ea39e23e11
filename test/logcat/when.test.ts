import { describe, expect, test } from "bun:test";
import { parseSpan, parseWhen } from "../../lib/logcat/when.ts";
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
    { text: "12:34", zoneMinutes: 60, is: "2026-02-28T11:34:00.000Z" },
    { text: "01:29", zoneMinutes: 60, is: "2026-03-01T00:29:00.000Z" },
    { text: "00:30", is: "2026-03-01T00:30:00.000Z" },
    { text: "23:30", is: "2026-02-28T23:30:00.000Z" },
    { text: "02:15+02:00", is: "2026-03-01T00:15:00.000Z" },
    { text: "23:45-01:00", is: "2026-02-28T00:45:00.000Z" },
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

describe("from when to when", () => {
  for (const { since, before, waits = false, is } of [
    { since: "23:00", before: "23:30", is: ["2026-02-28T23:00", "2026-02-28T23:30"] },
    { since: "23:30", before: "00:15", is: ["2026-02-28T23:30", "2026-03-01T00:15"] },
    { since: "00:10", before: "12:00", is: ["2026-03-01T00:10", "2026-03-01T12:00"] },
    { since: "2026-02-20", before: "00:15", is: ["2026-02-20T00:00", "2026-03-01T00:15"] },
    {
      since: "2026-03-01 09:00",
      before: "2026-03-01 10:00",
      waits: true,
      is: ["2026-03-01T09:00", "2026-03-01T10:00"],
    },
  ])
    test(`${since} to ${before}`, () => {
      const { sinceUs, beforeUs } = parseSpan({ since, before, waits }, NOW_US, UTC);
      expect([sinceUs, beforeUs].map((timeUs) => new Date(timeUs / 1_000).toISOString().slice(0, 16))).toEqual(is);
    });

  for (const { since, before, waits = false, says } of [
    {
      since: "2026-02-28",
      before: "2026-02-27 12:30:05",
      says: "--since 2026-02-28 00:00:00Z is not before --before 2026-02-27 12:30:05Z: nothing lies between them",
    },
    { since: "1h", before: "2h", says: "nothing lies between them" },
    { since: "1h", before: "1h", waits: true, says: "nothing lies between them" },
    { since: "2026-03-02", before: "2026-03-03", says: "--since 2026-03-02 00:00:00Z is still to come" },
    { since: "2026-03-02", says: "is still to come" },
  ])
    test(`${since} to ${before} is refused`, () =>
      expect(() => parseSpan({ since, ...(before === undefined ? {} : { before }), waits }, NOW_US, UTC)).toThrow(
        says,
      ));
});
