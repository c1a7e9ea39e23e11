import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FACILITY_ALIASES, FACILITY_NAMES, facilityName, tryFacility } from "../../lib/syslog/facility.ts";
import { EVERYTHING, MARK_PRI, parseSelector, SelectorError, trySelector } from "../../lib/syslog/selector.ts";
import { SEVERITY_ALIASES, SEVERITY_NAMES, severityName, trySeverity } from "../../lib/syslog/severity.ts";
import { cases } from "../support/fuzz.ts";

describe("a selector", () => {
  for (const { text, says } of [
    { text: "mail.info", says: "mail: info and more urgent" },
    { text: "mail.=info", says: "mail: info alone" },
    { text: "mail.*;mail.!err", says: "mail: warning, notice, info, debug" },
    { text: "mail.*;mail.!=err", says: "mail: emerg, alert, crit, warning, notice, info, debug" },
    { text: "mail.*;mail.none", says: "nothing" },
    { text: "mail.*;mail.!*", says: "nothing" },
    { text: "mail.*;mail.!debug", says: "nothing" },
    { text: "mail.=*", says: "mail: all" },
    { text: "mail.>=err", says: "mail: err and more urgent" },
    { text: "mail.=>err", says: "mail: err and more urgent" },
    { text: "mail.>err", says: "mail: crit and more urgent" },
    { text: "mail.<=notice", says: "mail: notice, info, debug" },
    { text: "mail.<notice", says: "mail: info, debug" },
    { text: "mail.<>debug", says: "mail: info and more urgent" },
    { text: "*.*;mail.!<err", says: "every facility but mail: all; mail: err and more urgent" },
    { text: "mail.!err", says: "nothing" },
    { text: "mail.!err;mail.*", says: "mail: all" },
    { text: "mail,news.err", says: "mail, news: err and more urgent" },
    {
      text: "*.info;mail.none;authpriv.none;cron.none",
      says: "every facility but mail, cron, authpriv: info and more urgent",
    },
    { text: "kern.=warn;user.warning;2.4", says: "kern: warning alone; user, mail: warning and more urgent" },
    { text: "*.*", says: "every facility: all" },
    { text: "*.*;mark.*", says: "every facility and mark: all" },
    { text: "mark.info", says: "mark: info and more urgent" },
    { text: "*.panic", says: "every facility: emerg alone" },
    { text: "KERN.ERROR;Security.*", says: "kern: err and more urgent; auth: all" },
    { text: "13.alert;audit.=crit", says: "audit: crit and more urgent" },
    { text: " mail , news . info ; kern.* ;", says: "kern: all; mail, news: info and more urgent" },
    { text: "*,mark.none", says: "nothing" },
  ])
    test(`${JSON.stringify(text)} chooses ${says}`, () => expect(parseSelector(text).describe()).toBe(says));

  test("of everything leaves marks out", () => {
    expect(EVERYTHING.pairs().length).toBe(192);
    expect(EVERYTHING.matches(MARK_PRI)).toBe(false);
    expect(parseSelector("mark.*").matches(MARK_PRI)).toBe(true);
  });

  test("tells its pairs, and whether it can match at all", () => {
    expect(parseSelector("mail.crit;news.=debug").pairs()).toEqual([
      "mail.emerg",
      "mail.alert",
      "mail.crit",
      "news.debug",
    ]);
    expect(parseSelector("mail.crit").isEmpty).toBe(false);
    expect(parseSelector("mail.none").isEmpty).toBe(true);
  });
});

describe("a selector that is none is told with its place and what was meant:", () => {
  for (const { text, offset, found, meant } of [
    { text: "mial.info", offset: 0, found: "mial", meant: "mail" },
    { text: "kern.*;mial.info", offset: 7, found: "mial", meant: "mail" },
    { text: "kern, mial.info", offset: 6, found: "mial", meant: "mail" },
    { text: "mail.wraning", offset: 5, found: "wraning", meant: "warning" },
    { text: "mail.!=wraning", offset: 7, found: "wraning", meant: "warning" },
    { text: "mail.nonne", offset: 5, found: "nonne", meant: "none" },
    { text: "mail.!none", offset: 5, found: "!none", meant: "none" },
    { text: "mail", offset: 0, found: "mail" },
    { text: "mail.", offset: 5, found: "" },
    { text: ".info", offset: 0, found: "" },
    { text: "mail,.info", offset: 5, found: "" },
    { text: "", offset: 0, found: "" },
    { text: ";", offset: 0, found: "" },
    { text: "mail.*;;kern.*", offset: 7, found: "" },
    { text: "24.info", offset: 0, found: "24" },
    { text: "mail.8", offset: 5, found: "8" },
    { text: "mail.-1", offset: 5, found: "-1" },
    { text: "mail.==err", offset: 6, found: "=err", meant: "err" },
    { text: "mail.>wraning", offset: 6, found: "wraning", meant: "warning" },
    { text: "mail.>none", offset: 5, found: ">none", meant: "none" },
    { text: "mail.info,news.err", offset: 0, found: "mail.info", meant: "mail.info;news.err" },
    { text: "kern.*;mail.info,news,lpr.err", offset: 7, found: "mail.info", meant: "kern.*;mail.info;news,lpr.err" },
  ])
    test(JSON.stringify(text), () => {
      try {
        parseSelector(text);
        expect.unreachable();
      } catch (error) {
        const { offset: at, found: what, meant: proposal } = error as SelectorError;
        expect(error).toBeInstanceOf(SelectorError);
        expect({ offset: at, found: what, meant: proposal }).toEqual({ offset, found, meant: meant as string });
      }
    });
});

/** What the grammar says, taken literally and slowly: each part asks each pair. */
function naive(text: string, facility: number, severity: number): boolean {
  let chosen = false;
  for (const part of text.split(";")) {
    const [list, priority] = part.split(".") as [string, string];
    const names = list.split(",");
    if (!names.includes("*") && !names.includes(facilityName(facility))) continue;
    if (priority === "none") chosen = false;
    else {
      const [, not, signs, name] = /^(!?)([<=>]*)(.*)$/.exec(priority)!;
      const limit = (SEVERITY_NAMES as readonly string[]).indexOf(name!);
      const asked = signs === "" ? ">=" : signs!;
      const isMeant =
        name === "*" ||
        (asked.includes("=") && severity === limit) ||
        (asked.includes(">") && severity < limit) ||
        (asked.includes("<") && severity > limit);
      if (isMeant) chosen = not !== "!";
    }
  }
  return chosen;
}

const facilities = fc
  .array(fc.constantFrom("*", ...FACILITY_NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.join(","));
const priority = fc.oneof(
  fc.constant("none"),
  fc
    .tuple(
      fc.constantFrom("", "!"),
      fc.constantFrom("", "=", "<", ">", "<=", ">=", "<>"),
      fc.constantFrom("*", ...SEVERITY_NAMES),
    )
    .map((parts) => parts.join("")),
);
const selector = fc
  .array(
    fc.tuple(facilities, priority).map(([list, name]) => `${list}.${name}`),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(";"));

test("a selector chooses what the grammar says, pair by pair", () => {
  fc.assert(
    fc.property(selector, (text) => {
      const compiled = parseSelector(text);
      for (let pri = 0; pri < 192; pri++) {
        if (compiled.matches(pri) !== naive(text, pri >> 3, pri & 7)) throw new Error(`${text} at ${pri}`);
      }
    }),
    cases(1500),
  );
});

test("any text is a selector or a typed error", () => {
  const pieces = fc.constantFrom("mail", "*", ".", ";", ",", "!", "=", "none", "info", " ", "7", "é", "\n", "mark");
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((parts) => parts.join("")),
      ),
      (text) => {
        const compiled = trySelector(text);
        if (compiled !== undefined) expect(compiled.bits.length).toBe(200);
      },
    ),
    cases(2000),
  );
});

test("facilities and severities are read back from their names, numbers and aliases", () => {
  for (const [number, name] of FACILITY_NAMES.entries()) {
    expect([tryFacility(name), tryFacility(name.toUpperCase()), tryFacility(String(number))]).toEqual([
      number,
      number,
      number,
    ]);
  }
  for (const [number, name] of SEVERITY_NAMES.entries()) {
    expect([trySeverity(name), trySeverity(name.toUpperCase()), trySeverity(String(number))]).toEqual([
      number,
      number,
      number,
    ]);
  }
  for (const [alias, number] of FACILITY_ALIASES) expect(tryFacility(alias)).toBe(number);
  for (const [alias, number] of SEVERITY_ALIASES) expect(trySeverity(alias)).toBe(number);
  expect([tryFacility("24"), tryFacility("x"), trySeverity("8"), trySeverity("")]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect([facilityName(13), severityName(3)]).toEqual(["audit", "err"]);
});
