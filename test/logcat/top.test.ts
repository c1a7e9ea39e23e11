import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { columnsOf, glyphOf, UNSAFE } from "../../lib/logcat/glyph.ts";
import { PLAIN_PAPER } from "../../lib/logcat/line-writer.ts";
import { NAMES_MAX, OTHERS, Rates, RateTable } from "../../lib/logcat/rates.ts";
import { statsOf, Tally } from "../../lib/logcat/tally.ts";
import { rateText, topPage } from "../../lib/logcat/top-page.ts";
import { cases } from "../support/fuzz.ts";

const STATS = statsOf(new Tally(), { streams: 0, missing: 1_234, late: 0, repeated: 0 }, 1_000);

describe("a rate", () => {
  test("comes near to what is counted, and falls again when nothing comes", () => {
    const table = new RateTable();
    for (let second = 0; second < 20; second++) {
      for (let record = 0; record < 100; record++) table.count("web1");
      table.tick(1_000);
    }
    expect(table.busiest(1)[0]!.perSecond).toBeWithin(99, 101);
    for (let second = 0; second < 60; second++) table.tick(1_000);
    expect(table.busiest(1)).toEqual([{ name: "web1", perSecond: 0, total: 2_000 }]);
  });

  test("does not depend on how often it is looked at", () => {
    const [often, seldom] = [new RateTable(), new RateTable()];
    for (let tenth = 0; tenth < 100; tenth++) {
      for (const table of [often, seldom]) for (let record = 0; record < 7; record++) table.count("a");
      often.tick(100);
      if (tenth % 10 === 9) seldom.tick(1_000);
    }
    expect(often.busiest(1)[0]!.perSecond).toBeCloseTo(seldom.busiest(1)[0]!.perSecond, 6);
  });
});

test("the busiest stand first, and names beyond the bound are counted together", () => {
  const table = new RateTable();
  for (let name = 0; name < NAMES_MAX + 50; name++) table.count(`host${name}`);
  table.count("host7");
  table.tick(1_000);
  expect(table.busiest(2).map(({ name, total }) => [name, total])).toEqual([
    [OTHERS, 50],
    ["host7", 2],
  ]);
  expect(table.busiest(Number.POSITIVE_INFINITY).length).toBe(NAMES_MAX + 1);
});

test("rates are written for people", () =>
  expect([0, 0.01, 0.34, 9.96, 14.4, 1_218, 1_234_567].map(rateText)).toEqual([
    "0",
    "0.1",
    "0.3",
    "10",
    "14",
    "1,218",
    "1,234,567",
  ]));

function ratesOf(names: readonly string[]): Rates {
  const rates = new Rates(0);
  for (const [index, name] of names.entries()) {
    for (let record = 0; record <= index; record++) {
      rates.all.count("");
      for (const table of [rates.groups, rates.hosts, rates.programs]) table.count(name);
      rates.severities.count("err");
    }
  }
  rates.tick(3_000);
  return rates;
}

const pageText = (names: readonly string[], columns: number, rows: number, notices: readonly string[] = []) =>
  new TextDecoder().decode(topPage(ratesOf(names), STATS, { paper: { ...PLAIN_PAPER, columns }, rows, notices }));

test("a page has the sums, three lists side by side, and what logcat said last", () => {
  expect(pageText(["web1", "web2"], 110, 20, ["daemon lost"])).toBe(
    [
      "0.6 records/s   0 in all   1,234 missing   0 skipped",
      "err 0.6",
      "",
      `GROUP                           /s   HOST                            /s   PROGRAM                         /s`,
      `web2                           0.4   web2                           0.4   web2                           0.4`,
      `web1                           0.2   web1                           0.2   web1                           0.2`,
      "",
      "-- daemon lost",
      "",
    ].join("\n"),
  );
});

test("whatever names and terminal, a page fits, and drives nothing", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom("\x1b[2J", "日本".repeat(20), "x".repeat(255), "\u202e"),
  );
  fc.assert(
    fc.property(
      fc.array(name, { maxLength: 12 }),
      fc.integer({ min: 20, max: 250 }),
      fc.integer({ min: 20, max: 50 }),
      fc.array(name, { maxLength: 8 }),
      (names, columns, rows, notices) => {
        const lines = pageText(names, columns, rows, notices).trimEnd().split("\n");
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) {
          expect(columnsOf(line)).toBeLessThanOrEqual(columns);
          for (const character of line) expect(glyphOf(character.codePointAt(0)!)).not.toBe(UNSAFE);
        }
      },
    ),
    cases(300),
  );
});
