import { expect, test } from "bun:test";
import fc from "fast-check";
import { defineCommand } from "../../lib/cli/command.ts";
import { EXIT_CODES, exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { renderHelp } from "../../lib/cli/help.ts";
import { wrap } from "../../lib/cli/wrap.ts";
import { cases } from "../support/fuzz.ts";

const command = defineCommand({
  name: "feed",
  summary: "feeds a group",
  about:
    "First paragraph of a text that is long enough to be wrapped somewhere in the middle of it.\n\nSecond paragraph.",
  examples: [{ line: "box feed log.mail", about: "stdin to a group" }],
  positionals: [
    { name: "GROUP", about: "the group", required: true },
    { name: "FILE", about: "what to send", many: true },
  ],
  flags: {
    rate: { type: "value", short: "r", hint: "N", about: "messages a second", default: "100" },
    "a-flag-with-quite-a-long-name": { type: "list", hint: "DIRECTORY", about: "many of them" },
  },
  json: true,
  sections: [
    { title: "Files", text: "/etc/feed" },
    {
      title: "Exit status",
      text: `0   all was sent
75  something was not sent, as the daemon was away for longer than was waited for it
A line of text that is longer than a line of the page can be, so it has to be broken somewhere.
    feed log.mail </var/log/mail.log    # a line for copying stays as it is, however long it may be`,
    },
  ],
  run: async () => 0,
});

test("a help page opens with examples and tells all that the command takes", () => {
  expect(renderHelp(command, ["box", "feed"], { columns: 72, colour: false })).toBe(`box feed: feeds a group

Examples
  box feed log.mail
      stdin to a group

Usage
  box feed [FLAGS] GROUP [FILE...]

First paragraph of a text that is long enough to be wrapped somewhere in
the middle of it.

Second paragraph.

Arguments
  GROUP  the group
  FILE   what to send

Flags
  -r, --rate N                  messages a second (default: 100)
      --a-flag-with-quite-a-long-name DIRECTORY
                                many of them; may be repeated
      --json                    print results (and errors) as JSON on
                                stdout, one object a line

Common flags
      --config FILE  read this configuration instead of
                     /etc/spreadbox/spreadbox.toml
  -h, --help         show this help
      --version      show version, commit and build target
      --verbose      tell more on stderr: what is tried, and what is
                     done
      --stack-trace  on an error in spreadbox itself, show where it
                     happened

Files
  /etc/feed

Exit status
  0   all was sent
  75  something was not sent, as the daemon was away for longer than was
      waited for it
  A line of text that is longer than a line of the page can be, so it
  has to be broken somewhere.
      feed log.mail </var/log/mail.log    # a line for copying stays as it is, however long it may be
`);
});

test("without colour a help page has no escape sequence, with colour it has, and the words are the same", () => {
  const plain = renderHelp(command, ["box", "feed"], { columns: 80, colour: false });
  const painted = renderHelp(command, ["box", "feed"], { columns: 80, colour: true });
  expect(plain).not.toContain("\x1b");
  expect(painted).toContain("\x1b[");
  expect(painted.replace(/\x1b\[\d*m/g, "")).toBe(plain);
});

test("wrapped text keeps every word in order and breaks no line but for a word that is too long", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,15}$/), { minLength: 1 }),
      fc.integer({ min: 20, max: 60 }),
      (words, columns) => {
        const wrapped = wrap(words.join(" "), columns, "  ");
        expect(wrapped.split(/\s+/).filter((word) => word !== "")).toEqual(words);
        for (const line of wrapped.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
      },
    ),
    cases(500),
  );
});

test("no exit status means two things, and each kind of fault has one", () => {
  expect(new Set(EXIT_CODES.map(({ code }) => code)).size).toBe(EXIT_CODES.length);
  const kinds = EXIT_CODES.flatMap(({ kind }) => kind ?? []);
  expect(new Set(kinds).size).toBe(kinds.length);
  for (const kind of kinds) expect(exitCodeOf(kind)).toBeGreaterThanOrEqual(64);
});
