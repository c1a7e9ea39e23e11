// Help pages, made from a command's description: examples first, since that is what people look for.
import { type AnyCommand, COMMON_FLAGS, type Flag, flagsOf } from "./command.ts";
import { styleFor } from "./style.ts";
import { wrap } from "./wrap.ts";

export interface HelpLook {
  readonly columns: number;
  readonly colour: boolean;
}

/** The help page of `command`, which the user types as `path`. */
export function renderHelp(command: AnyCommand, path: readonly string[], look: HelpLook): string {
  const columns = Math.max(40, Math.min(look.columns, 100));
  const style = styleFor(look.colour);
  const typed = path.join(" ");
  const blocks: string[] = [`${style.heading(typed)}: ${command.summary}`];
  const section = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) blocks.push(`${style.heading(title)}\n${lines.join("\n")}`);
  };
  section(
    "Examples",
    (command.examples ?? []).flatMap((example) => [`  ${style.name(example.line)}`, `      ${example.about}`]),
  );
  section("Usage", usageLines(command, typed));
  if (command.about !== undefined)
    blocks.push(
      ...command.about
        .trim()
        .split(/\n\s*\n/)
        .map((text) => wrap(text, columns, "")),
    );
  section(
    "Commands",
    rows(
      (command.commands ?? []).map((sub) => [sub.name, sub.summary] as const),
      columns,
      style.name,
    ),
  );
  section(
    "Arguments",
    rows(
      (command.positionals ?? []).map((one) => [one.name, one.about] as const),
      columns,
      style.name,
    ),
  );
  if (command.run !== undefined) {
    const own = { ...command.flags, ...(command.json ? { json: flagsOf(command)["json"]! } : {}) };
    section("Flags", rows(Object.entries(own).map(flagRow), columns, style.name));
    section("Common flags", rows(Object.entries(COMMON_FLAGS).map(flagRow), columns, style.name));
  }
  for (const { title, text } of command.sections ?? [])
    section(
      title,
      text
        .trim()
        .split("\n")
        .map((line) => sectionLine(line, columns)),
    );
  if (command.commands !== undefined)
    blocks.push(`${typed} ${command.commands[0]?.name ?? "COMMAND"} --help shows one of them in full.`);
  return `${blocks.join("\n\n")}\n`;
}

/** A line of a section's text: broken where it is too long, under its own text where it begins with a term ("73  the spool can't be used"); one that is indented is for copying. */
function sectionLine(line: string, columns: number): string {
  if (line.startsWith(" ")) return `  ${line}`;
  const [term = ""] = /^\S+ {2,}/.exec(line) ?? [];
  const indent = " ".repeat(2 + term.length);
  return `  ${term}${wrap(line.slice(term.length), columns, indent).trimStart()}`;
}

function usageLines(command: AnyCommand, typed: string): string[] {
  const own = command.run === undefined ? [] : [usageLine(command, typed)];
  const below = command.commands === undefined ? [] : [`${typed} COMMAND [FLAGS] [ARGUMENTS]`];
  return [...own, ...below].map((line) => `  ${line}`);
}

function usageLine(command: AnyCommand, typed: string): string {
  const words = (command.positionals ?? []).map(({ name, required, many }) => {
    const word = many ? `${name}...` : name;
    return required ? word : `[${word}]`;
  });
  return [typed, "[FLAGS]", ...words].join(" ");
}

function flagRow([name, flag]: [string, Flag]): readonly [string, string] {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value =
    flag.type === "switch" ? "" : ` ${flag.hint ?? (flag.choices ? flag.choices.join("|") : name.toUpperCase())}`;
  const again = flag.type === "list" ? "; may be repeated" : "";
  const usual = flag.default === undefined ? "" : ` (default: ${flag.default})`;
  return [`${short}--${name}${value}`, `${flag.about}${again}${usual}`];
}

/** Two columns: the names as wide as the widest that is not too wide, the texts wrapped beside them. */
function rows(
  pairs: readonly (readonly [string, string])[],
  columns: number,
  paint: (text: string) => string,
): string[] {
  const left = Math.min(28, Math.max(0, ...pairs.map(([name]) => name.length)));
  const indent = " ".repeat(left + 4);
  return pairs.map(([name, text]) => {
    const wrapped = wrap(text, columns, indent).trimStart();
    if (name.length > left) return `  ${paint(name)}\n${indent}${wrapped}`;
    return `  ${paint(name)}${" ".repeat(left - name.length)}  ${wrapped}`;
  });
}
