import { expect, test } from "bun:test";
import { TextLines } from "../../lib/feed/text-payload.ts";

function lines(text: string, start = 0, end?: number) {
  const bytes = new TextEncoder().encode(text);
  const walk = new TextLines(bytes, start, end ?? bytes.length);
  const found: string[] = [];
  while (walk.next()) found.push(new TextDecoder().decode(bytes.subarray(walk.start, walk.end)));
  return found;
}

for (const { name, text, found } of [
  { name: "one line without an end is a record", text: "hello", found: ["hello"] },
  { name: "a line feed at the end makes no empty record", text: "hello\n", found: ["hello"] },
  { name: "several lines are several records", text: "a\nb\r\nc", found: ["a", "b", "c"] },
  { name: "a NUL at the end belongs to no record", text: "a\nb\n\0", found: ["a", "b"] },
  { name: "empty lines are none", text: "\n\r\n\n a\n\0\n", found: [" a"] },
  { name: "nothing holds nothing", text: "", found: [] },
  { name: "a NUL within a line stays", text: "a\0b\n", found: ["a\0b"] },
])
  test(name, () => expect(lines(text)).toEqual(found));

test("what lies before and behind the message is left alone", () => {
  expect(lines("x\nabc\ndef\nghi", 2, 8)).toEqual(["abc", "de"]);
});
