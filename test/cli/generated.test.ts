import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spreadbox } from "../../cmd/spreadbox.ts";
import { type AnyCommand, flagsOf } from "../../lib/cli/command.ts";
import { completionScript } from "../../lib/cli/completion.ts";
import { manPage } from "../../lib/cli/man-page.ts";
import { start } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

function* everyCommand(
  command: AnyCommand,
  path: readonly string[],
): Generator<{ command: AnyCommand; path: readonly string[] }> {
  yield { command, path };
  for (const sub of command.commands ?? []) yield* everyCommand(sub, [...path, sub.name]);
}

const all = [...everyCommand(spreadbox, ["spreadbox"])];

describe("every command can be understood from its help alone", () => {
  for (const { command, path } of all) {
    const name = path.join(" ");
    test(`${name} says what it does in a line without a full stop`, () => {
      expect(command.summary).toMatch(/^[^\n]{10,100}[^.\n]$/);
    });
    if (command.run !== undefined)
      test(`${name} has an example`, () => expect(command.examples?.length ?? 0).toBeGreaterThan(0));
    test(`no two flags of ${name} share a letter, and each has a help line`, () => {
      const letters = Object.values(flagsOf(command)).flatMap(({ short }) => short ?? []);
      expect(new Set(letters).size).toBe(letters.length);
      for (const flag of Object.values(flagsOf(command))) expect(flag.about).toMatch(/^[^\n]+[^.\n]$/);
    });
  }
});

test("a manual page keeps hyphens, backslashes, quotes and leading dots as they are, and lines for copying whole", () => {
  const page = manPage(
    {
      name: "x",
      summary: "does a-b",
      about: ".not a request\n\nC:\\x",
      examples: [{ line: 'x "a b"', about: "one argument" }],
      sections: [{ title: "Exit status", text: "0   done\nAlways:\n    x -- 'y  z'" }],
    },
    ["x"],
    "1",
    "1.0",
  );
  expect(page).toContain("does a\\-b");
  expect(page).toContain("\\&.not a request");
  expect(page).toContain("C:\\ex");
  expect(page.match(/EXIT STATUS/g)).toHaveLength(1);
  expect(page).toContain(".B x \\(dqa b\\(dq\n");
  expect(page).toContain(".TP\n.B 0\ndone\n.PP\nAlways:\n.nf\n    x \\-\\- 'y  z'\n.fi\n");
});

describe("completions work in the shell they are for", () => {
  const complete = async (line: string) => {
    using scratch = temporaryDirectory();
    const script = join(scratch.path, "completion");
    writeFileSync(script, completionScript(spreadbox, "bash"));
    const words = line.split(" ");
    await using child = start(
      [
        "bash",
        "-c",
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _spreadbox; printf "%s\\n" "${COMPREPLY[@]}"',
        "bash",
        script,
        ...words,
      ],
      { cwd: scratch.path },
    );
    const { stdout, stderr } = await child.result();
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  };

  test("a command's name", async () => expect(await complete("spreadbox gen")).toEqual(["generate"]));
  test("a command below another", async () =>
    expect(await complete("spreadbox generate comp")).toEqual(["completion"]));
  test("an argument that is one of a few words", async () => {
    expect(await complete("spreadbox generate unit sys")).toEqual(["syslogd", "syslogd.socket"]);
    expect(await complete("spreadbox generate init mo")).toEqual(["mole"]);
    expect(completionScript(spreadbox, "fish")).toContain(
      "-n '__fish_seen_subcommand_from unit' -f -a 'syslogd spreadd mole logcat-record syslogd.socket'",
    );
  });
  test("a flag", async () => expect(await complete("spreadbox help exit-codes --js")).toEqual(["--json"]));
  test("a flag behind another", async () =>
    expect(await complete("spreadbox help exit-codes --json --verb")).toEqual(["--verbose"]));
});

for (const path of [["syslogd"], ["logcat", "record"], ["spreadd"], ["mole"]])
  test(`a second SIGTERM does not cut short the end of ${path.join(" ")}, and its help says so`, () => {
    let command: AnyCommand = spreadbox;
    for (const word of path) command = command.commands!.find(({ name }) => name === word)!;
    expect(command.endsWithinMs).toBeGreaterThan(0);
    const signals = command.sections!.find(({ title }) => title === "Signals")!;
    expect(signals.text).toMatch(/A second SIGTERM (meanwhile )?changes nothing[;,] a second SIGINT ends it at once/);
  });
