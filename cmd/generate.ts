// All that a package needs, printed by the binary, so that it can't be out of date.
import { Fault } from "../lib/base/fault.ts";
import { nearest } from "../lib/base/nearest.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { completionScript, SHELLS } from "../lib/cli/completion.ts";
import { manPage } from "../lib/cli/man-page.ts";
import { initCommand } from "./generate/init.ts";
import { logrotateCommand } from "./generate/logrotate.ts";
import { unitCommand } from "./generate/unit.ts";

/** Services have their pages in section 8. */
const SERVICES: ReadonlySet<string> = new Set(["syslogd", "mole", "spreadd", "record"]);

/**
 * The command `generate`.
 * @param root gives the whole tree when it is called: `generate` is itself a part of it
 */
export function generateCommand(root: () => AnyCommand): AnyCommand {
  const man = defineCommand({
    name: "man",
    summary: "the manual page of a command, in roff",
    examples: [
      { line: "spreadbox generate man logcat | man -l -", about: "read it" },
      { line: "spreadbox generate man config check", about: "of a command below another" },
      {
        line: "spreadbox generate man > /usr/share/man/man1/spreadbox.1",
        about: "install the page of the executable itself",
      },
    ],
    positionals: [{ name: "COMMAND", about: "the command, word by word; none: spreadbox itself", many: true }],
    async run(call) {
      const { command, path } = find(
        root(),
        call.positionals.flatMap((words) => words.split(" ")),
      );
      await call.out.write(manPage(command, path, SERVICES.has(command.name) ? "8" : "1", call.version.version));
      return 0;
    },
  });
  const completion = defineCommand({
    name: "completion",
    summary: "a shell's completion script",
    examples: [
      {
        line: "spreadbox generate completion bash > /etc/bash_completion.d/spreadbox",
        about: "for every bash of this host",
      },
      { line: 'eval "$(spreadbox generate completion bash)"', about: "for this shell only" },
      { line: "spreadbox generate completion fish > ~/.config/fish/completions/spreadbox.fish", about: "for fish" },
    ],
    positionals: [{ name: "SHELL", about: SHELLS.join(", "), required: true, choices: SHELLS }],
    async run(call) {
      const shell = SHELLS.find((known) => known === call.positionals[0]);
      if (shell !== undefined) await call.out.write(completionScript(root(), shell));
      return 0;
    },
  });
  return defineCommand({
    name: "generate",
    summary: "man pages, completions, units, init scripts, logrotate: what a package needs, printed by the binary",
    commands: [man, completion, unitCommand, initCommand, logrotateCommand],
  });
}

function find(root: AnyCommand, words: readonly string[]): { command: AnyCommand; path: string[] } {
  let command = root;
  const path = [root.name];
  for (const word of words) {
    const next = command.commands?.find(({ name }) => name === word);
    if (next === undefined) {
      const meant = nearest(
        word,
        (command.commands ?? []).map(({ name }) => name),
      );
      const hint = meant === undefined ? `${path.join(" ")} --help lists them` : `did you mean "${meant}"?`;
      throw new Fault("usage", "unknown-command", `unknown command ${JSON.stringify(word)}; ${hint}`);
    }
    command = next;
    path.push(word);
  }
  return { command, path };
}
