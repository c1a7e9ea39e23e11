import { expect, test } from "bun:test";
import { fitRows } from "../../lib/cli/fit-rows.ts";

for (const { claim, text, rows, columns = 80, shown } of [
  { claim: "what fits is left as it is", text: "a\nb\n", rows: 3, shown: "a\nb\n" },
  { claim: "where the rows are not known all is given", text: "a\nb\n", rows: undefined, shown: "a\nb\n" },
  {
    claim: "else its head stands, and how much is missing",
    text: "a\nb\nc\nd\n",
    rows: 4,
    shown: "a\nb\n... 2 more lines: this terminal has 4\n",
  },
  {
    claim: "a long line takes several rows",
    text: `${"x".repeat(25)}\nb\nc\n`,
    rows: 5,
    columns: 10,
    shown: `${"x".repeat(25)}\n... 2 more lines: this terminal has 5\n`,
  },
  {
    claim: "colours take no room",
    text: "\x1b[31mabcdefghij\x1b[0m\nb\n",
    rows: 3,
    columns: 10,
    shown: "\x1b[31mabcdefghij\x1b[0m\nb\n",
  },
])
  test(claim, () => expect(fitRows(text, rows, columns)).toBe(shown));
