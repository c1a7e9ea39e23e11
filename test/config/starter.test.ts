import { expect, test } from "bun:test";
import { starterText, uncommented } from "../../lib/config/starter.ts";
import { configOf, mistakesIn, syslogdTable, tables } from "./fixture.ts";

const text = starterText(tables);

test("the starter is right as it is, and changes nothing", () => {
  const config = configOf({ "starter.toml": text });
  for (const spec of tables) expect(config.table(spec)).toEqual(configOf({}).table(spec));
});

test("the starter is right with every setting set, and then they count", () => {
  expect(mistakesIn(uncommented(text))).toEqual([]);
  expect(configOf({ f: uncommented(text) }).table(syslogdTable).rule).toHaveLength(1);
});

test("a setting to uncomment that is wrong would be noticed", () => {
  const wrong = { ...tables[0]!, starter: "# prot = 4803\n" };
  expect(mistakesIn(uncommented(starterText([wrong])))).toEqual([
    expect.stringContaining('spreadd.prot: unknown key "prot"; did you mean "port"?'),
  ]);
});

test("every table is there, with what it is for", () => {
  for (const { name, summary } of tables) expect(text).toContain(`\n# ${summary}\n[${name}]\n`);
});
