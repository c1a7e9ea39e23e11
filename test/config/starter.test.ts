import { expect, test } from "bun:test";
import * as v from "valibot";
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

test("behind a setting stands its default, where it has one", () => {
  const schema = v.strictObject({ port: v.optional(v.number(), 4803), name: v.optional(v.string()) });
  const starter = '# port = 4803\n# port = 4804\n# name = "node1"\n';
  expect(starterText([{ name: "x", summary: "x", schema, starter }])).toContain(
    '\n# port = 4803  # the default\n# port = 4804  # default: 4803\n# name = "node1"\n',
  );
});
