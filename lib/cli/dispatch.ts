// Which command is meant: by the name the executable was called by, else by the first words. Pure: argv in, decision out.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { type AnyCommand, flagsOf } from "./command.ts";

/** What is to be done. `path` is how the user would type the command: `["spreadbox", "config", "check"]` or, through a symlink, `["logcat"]`. */
export type Decision =
  | { readonly do: "run"; readonly command: AnyCommand; readonly path: readonly string[]; readonly given: Arguments }
  | { readonly do: "help"; readonly command: AnyCommand; readonly path: readonly string[] }
  | { readonly do: "version" };

/**
 * @param root  the executable itself, with every command below it
 * @param argv0 the name it was called by: a path, a symlink's name
 * @param argv  the arguments behind it
 * @throws {UsageFault} with the path as far as it was understood
 */
export function dispatch(root: AnyCommand, argv0: string, argv: readonly string[]): Decision {
  const called = argv0.slice(argv0.lastIndexOf("/") + 1);
  const linked = root.commands?.find((command) => command.name === called);
  return descend(linked ?? root, [linked === undefined ? root.name : called], argv);
}

/** A command line that is wrong, and how far it was understood: its message can point at the right help. */
export class UsageFault extends Fault {
  override readonly name = "UsageFault";
  constructor(
    readonly path: readonly string[],
    cause: Fault,
    /** As far as it was understood: a check's mistakes are told in another way. */
    readonly isCheck = false,
  ) {
    super("usage", cause.code, cause.message, { cause });
  }
}

function descend(command: AnyCommand, path: readonly string[], argv: readonly string[]): Decision {
  if (command.commands === undefined || command.commands.length === 0) return leaf(command, path, argv);
  const first = argv[0];
  // A service runs by its name alone, and has words for the one that runs: `syslogd`, `syslogd reload`.
  if (command.run !== undefined && (first === undefined || first.startsWith("-"))) return leaf(command, path, argv);
  // One that takes words of its own too has them where they are none of these: `logcat record`, `logcat log.mail`.
  if (command.positionals !== undefined && first !== "help" && !command.commands.some(({ name }) => name === first))
    return leaf(command, path, argv);
  if (first === undefined) return { do: "help", command, path };
  if (first === "help") {
    const topics = command.commands.find((candidate) => candidate.name === "help");
    if (topics?.commands?.some((topic) => topic.name === argv[1]))
      return descend(topics, [...path, first], argv.slice(1));
    return helpFor(command, path, argv.slice(1));
  }
  if (first === "--help" || first === "-h") return { do: "help", command, path };
  if (first === "--version" || first === "-V") return { do: "version" };
  if (first.startsWith("-")) {
    const meant = nearest(first.replace(/^-+/, ""), ["help", "version"]);
    const hint =
      meant === undefined ? `flags come behind a command (${path.join(" ")} --help)` : `did you mean --${meant}?`;
    throw new UsageFault(path, new Fault("usage", "unknown-flag", `unknown flag ${first}; ${hint}`));
  }
  const next = command.commands.find((candidate) => candidate.name === first);
  if (next === undefined) throw unknownCommand(command, path, first);
  return descend(next, [...path, first], argv.slice(1));
}

function helpFor(command: AnyCommand, path: readonly string[], words: readonly string[]): Decision {
  const topic = words[0];
  if (topic === undefined || topic.startsWith("-")) return { do: "help", command, path };
  const next = command.commands?.find((candidate) => candidate.name === topic);
  if (next === undefined) throw unknownCommand(command, path, topic);
  return helpFor(next, [...path, topic], words.slice(1));
}

function leaf(command: AnyCommand, path: readonly string[], argv: readonly string[]): Decision {
  // Help and version win over every mistake beside them: who asks for help may not know the flags yet.
  const own = argv.slice(0, argvEnd(command, argv));
  if (own.includes("--help") || (own.includes("-h") && !shortIsTaken(command, "h")))
    return { do: "help", command, path };
  if (own.includes("--version")) return { do: "version" };
  try {
    return { do: "run", command, path, given: readArguments(command, argv, path.join(" ")) };
  } catch (error) {
    if (error instanceof Fault) throw new UsageFault(path, error, command.isCheck);
    throw error;
  }
}

/** Where the command's own arguments end: at `--`, or with the first word of somebody else's command. */
function argvEnd(command: AnyCommand, argv: readonly string[]): number {
  const flags = flagsOf(command);
  for (let at = 0; at < argv.length; at++) {
    const text = argv[at]!;
    if (text === "--") return at;
    if (!command.passThrough) continue;
    if (!text.startsWith("-")) return at;
    const flag = flags[text.replace(/^--/, "")] ?? Object.values(flags).find(({ short }) => `-${short}` === text);
    if (flag !== undefined && flag.type !== "switch") at += 1;
  }
  return argv.length;
}

function shortIsTaken(command: AnyCommand, letter: string): boolean {
  return Object.values(command.flags ?? {}).some((flag) => flag.short === letter);
}

function unknownCommand(command: AnyCommand, path: readonly string[], given: string): UsageFault {
  const names = (command.commands ?? []).map((candidate) => candidate.name);
  const meant = nearest(given, names);
  const hint = meant === undefined ? `${path.join(" ")} --help lists them` : `did you mean "${meant}"?`;
  return new UsageFault(
    path,
    new Fault("usage", "unknown-command", `unknown command ${JSON.stringify(given)}; ${hint}`),
  );
}
