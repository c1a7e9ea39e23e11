import { describe, expect, test } from "bun:test";
import { timeInText } from "../../lib/logcat/recorder-time.ts";
import { parseTimeForm, TimeFormer } from "../../lib/logcat/time-form.ts";
import { utf8 } from "./messages.ts";

/** 2026-03-05 09:07:08.25 UTC, a Thursday. */
const MOMENT_US = Date.UTC(2026, 2, 5, 9, 7, 8, 250) * 1_000;

const inZone = (form: string, minutes = 0) => new TimeFormer(parseTimeForm(form), () => minutes).text(MOMENT_US);

describe("a time is written", () => {
  for (const [form, zoneMinutes, text] of [
    ["common", 0, "05/Mar/2026:09:07:08 +0000"],
    ["common", -210, "05/Mar/2026:05:37:08 -0330"],
    ["rfc3164", 60, "Mar  5 10:07:08"],
    ["iso", 330, "2026-03-05T14:37:08+05:30"],
    ["%A %j %I%p %y 100%%", 0, "Thursday 064 09AM 26 100%"],
    ["%s %u %c", 900, `${Math.floor(MOMENT_US / 1e6)} 5 Fri Mar  6 00:07:08 2026`],
  ] as const)
    test(`${form} ${zoneMinutes}`, () => expect(inZone(form, zoneMinutes)).toBe(text));

  test("as the system's date does", async () => {
    for (const conversion of "aAbBcdDeFHIjkmMpRsSTuwyYz") {
      const date = Bun.spawn(["date", "-u", "-d", "@1772701628", `+%${conversion}`], { env: { LC_ALL: "C" } });
      expect(`${conversion} ${inZone(`%${conversion}`)}`).toBe(
        `${conversion} ${(await new Response(date.stdout).text()).slice(0, -1)}`,
      );
    }
  });

  for (const [form, says] of [
    ["comon", 'did you mean "common"?'],
    ["%Q", 'found "%Q" in "%Q"'],
    ["50%", 'found "%" in "50%"'],
    ["today", 'found "today", expected common'],
    ["%H\n", "expected common"],
  ] as const)
    test(`not as ${JSON.stringify(form)}`, () => expect(() => parseTimeForm(form)).toThrow(says));
});

describe("in raw text it stands", () => {
  for (const [text, time] of [
    ['10.0.0.1 - amy [26/Nov/2026:00:59:58 +0000] "GET /[00:00:00] HTTP/1.1"', "26/Nov/2026:00:59:58 +0000"],
    ["[Thu Nov 26 01:00:13.419344 2026] [mpm_event:notice] [pid 1]", "Thu Nov 26 01:00:13.419344 2026"],
    ["Nov  6 01:02:03 host app: [12:00:00] x", "Nov  6 01:02:03"],
    ["<13>Nov 16 01:02:03 host app: x", "Nov 16 01:02:03"],
    ["2026-11-26T01:02:03.5Z x", "2026-11-26T01:02:03.5Z"],
    ["2026-11-26 01:02:03,123 ERROR x", "2026-11-26 01:02:03,123"],
    ["no time [here] at 10", undefined],
    ["", undefined],
    [`${"x".repeat(600)} [01:02:03]`, undefined],
  ] as const)
    test(text.slice(0, 50), () => {
      const bytes = utf8(`..${text}..`);
      const found = timeInText(bytes, 2, bytes.length - 2);
      expect(found === undefined ? undefined : new TextDecoder().decode(bytes.subarray(found.from, found.to))).toBe(
        time,
      );
    });
});
