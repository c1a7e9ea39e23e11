// Strict reading of a command's arguments. citty reads them; before it does, everything that citty would let pass in silence
// (an unknown flag, a missing value, a positional too many, half a flag's name) is refused here with the nearest real name.
import { type ArgsDef, parseArgs } from "citty";
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { type AnyCommand, type Flag, flagsOf } from "./command.ts";

/** What was given: flags by name (`true`/`false`, a value, or a list of values), and the rest. */
export interface Arguments {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/**
 * Reads `argv` (without the command's own name) by the command's description.
 * @param typed how the user types the command, for the hint at its help
 * @throws {Fault} kind "usage": the first thing that is wrong, with the nearest real name
 */
export function readArguments(command: AnyCommand, argv: readonly string[], typed: string): Arguments {
  const flags = flagsOf(command);
  const { words, positionals } = tokenize({ command, flags, typed }, argv);
  checkPositionals(command, positionals, typed);
  // Every word is in the one form that citty can't misread, `--name=value` or `--name`.
  const single = parseArgs([...words.filter(isSingle(flags)).map(asWord)], definitionsFor(flags));
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.type === "list")
      values[name] = words.filter((word) => word.name === name).map((word) => readValue(flag, word));
    // not as citty has it: it takes `--no-lookup` for a `--lookup` that is off
    else if (flag.type === "switch") values[name] = words.some((word) => word.name === name);
    else if (single[name] !== undefined) values[name] = readValue(flag, { name, value: String(single[name]) });
  }
  return { flags: values, positionals };
}

interface Word {
  readonly name: string;
  readonly value?: string;
}

const isSingle = (flags: Record<string, Flag>) => (word: Word) => flags[word.name]?.type !== "list";
const asWord = (word: Word) => (word.value === undefined ? `--${word.name}` : `--${word.name}=${word.value}`);

function definitionsFor(flags: Record<string, Flag>): ArgsDef {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      { type: flag.type === "switch" ? "boolean" : "string" } as const,
    ]),
  );
}

interface Known {
  readonly command: AnyCommand;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly typed: string;
}

function tokenize(known: Known, argv: readonly string[]) {
  const words: Word[] = [];
  const positionals: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const text = argv[at]!;
    if (text === "--") {
      positionals.push(...argv.slice(at + 1));
      break;
    }
    if (!text.startsWith("-") || text === "-") {
      positionals.push(text);
      if (known.command.passThrough) {
        positionals.push(...argv.slice(at + 1));
        break;
      }
      continue;
    }
    const took = text.startsWith("--") ? readLong(known, text, argv[at + 1]) : readShort(known, text, argv[at + 1]);
    words.push(...took.words);
    if (took.usedNext) at += 1;
  }
  return { words, positionals };
}

interface Took {
  readonly words: readonly Word[];
  readonly usedNext: boolean;
}

function readLong(known: Known, text: string, next: string | undefined): Took {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
  const flag = Object.hasOwn(known.flags, name) ? known.flags[name] : undefined;
  if (flag === undefined) throw unknownFlag(known, `--${name}`, nearest(name, Object.keys(known.flags)));
  if (flag.type === "switch") {
    if (equals >= 0)
      throw usage("switch-value", `--${name} takes no value: found ${JSON.stringify(text.slice(equals + 1))}`);
    return { words: [{ name }], usedNext: false };
  }
  if (equals >= 0) return { words: [{ name, value: text.slice(equals + 1) }], usedNext: false };
  if (next === undefined) throw missingValue(name, flag);
  return { words: [{ name, value: next }], usedNext: true };
}

function readShort(known: Known, text: string, next: string | undefined): Took {
  const words: Word[] = [];
  for (let at = 1; at < text.length; at++) {
    const letter = text[at]!;
    const found = Object.entries(known.flags).find(([, flag]) => flag.short === letter);
    if (found === undefined) {
      const meant = text.length > 2 ? nearest(text.slice(1), Object.keys(known.flags)) : undefined;
      throw unknownFlag(known, `-${letter}`, meant);
    }
    const [name, flag] = found;
    if (flag.type === "switch") {
      words.push({ name });
      continue;
    }
    const attached = text.slice(at + 1).replace(/^=/, "");
    if (attached !== "") return { words: [...words, { name, value: attached }], usedNext: false };
    if (next === undefined) throw missingValue(name, flag);
    return { words: [...words, { name, value: next }], usedNext: true };
  }
  return { words, usedNext: false };
}

function readValue(flag: Flag, word: Word): unknown {
  const text = word.value ?? "";
  if (flag.choices !== undefined && !flag.choices.includes(text)) {
    const meant = nearest(text, flag.choices);
    const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
    throw usage(
      "choice",
      `--${word.name}: found ${JSON.stringify(text)}, expected one of ${flag.choices.join(", ")}${hint}`,
    );
  }
  if (flag.read === undefined) return text;
  try {
    return flag.read(text);
  } catch (error) {
    if (error instanceof Fault)
      throw new Fault("usage", error.code, `--${word.name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function checkPositionals(command: AnyCommand, positionals: readonly string[], typed: string): void {
  const wanted = command.positionals ?? [];
  const many = command.passThrough === true || wanted.at(-1)?.many === true;
  if (positionals.length > wanted.length && !many) {
    throw usage("too-many", `unexpected argument ${JSON.stringify(positionals[wanted.length])} (${typed} --help)`);
  }
  for (const [at, positional] of wanted.entries()) {
    const given = positionals[at];
    if (given === undefined) {
      if (positional.required)
        throw usage("missing", `${positional.name} is missing: ${positional.about} (${typed} --help)`);
    } else if (positional.choices !== undefined && !positional.choices.includes(given)) {
      const meant = nearest(given, positional.choices);
      const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
      throw usage(
        "choice",
        `unknown ${positional.name} ${JSON.stringify(given)}: expected one of ${positional.choices.join(", ")}${hint}`,
      );
    }
  }
}

function unknownFlag(known: Known, given: string, meant: string | undefined): Fault {
  const hint = meant === undefined ? `${known.typed} --help lists the flags` : `did you mean --${meant}?`;
  return usage("unknown-flag", `unknown flag ${given}; ${hint}`);
}

function missingValue(name: string, flag: Flag): Fault {
  return usage("missing-value", `--${name} needs a value: --${name} ${flag.hint ?? name.toUpperCase()}`);
}

const usage = (code: string, message: string) => new Fault("usage", code, message);
