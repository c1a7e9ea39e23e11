// A manual page in roff (man(7)), from the same description as the help page, so that the two cannot differ.
import { type AnyCommand, type Flag, flagsOf } from "./command.ts";

/**
 * @param path    how the command is typed: `["spreadbox", "config", "check"]`
 * @param section of the manual: "1" for what everyone runs, "8" for services
 * @param version stands in the page's foot
 */
export function manPage(command: AnyCommand, path: readonly string[], section: string, version: string): string {
  const typed = path.join(" ");
  const lines = [
    `.TH ${path.join("-").toUpperCase()} ${section} "" "spreadbox ${roff(version)}" "spreadbox manual"`,
    // Paths and flags broken by a hyphen can't be copied.
    ".nh",
    ".ad l",
    ".SH NAME",
    `${roff(path.join("-"))} \\- ${roff(command.summary)}`,
    ".SH SYNOPSIS",
    synopsis(command, typed),
  ];
  if (command.about !== undefined) {
    lines.push(
      ".SH DESCRIPTION",
      ...command.about
        .trim()
        .split(/\n\s*\n/)
        .flatMap((text) => [".PP", roff(text.replace(/\s+/g, " "))]),
    );
  }
  if (command.commands !== undefined) {
    lines.push(
      ".SH COMMANDS",
      ...command.commands.flatMap((sub) => [".TP", `.B ${roff(sub.name)}`, roff(sub.summary)]),
    );
  }
  const positionals = command.positionals ?? [];
  if (positionals.length > 0)
    lines.push(".SH ARGUMENTS", ...positionals.flatMap((one) => [".TP", `.I ${roff(one.name)}`, roff(one.about)]));
  if (command.run !== undefined) lines.push(".SH OPTIONS", ...Object.entries(flagsOf(command)).flatMap(option));
  for (const { title, text } of command.sections ?? []) {
    lines.push(`.SH ${roff(title.toUpperCase())}`, ...text.trim().split("\n").flatMap(sectionLine));
  }
  const examples = command.examples ?? [];
  if (examples.length > 0)
    lines.push(".SH EXAMPLES", ...examples.flatMap(({ line, about }) => [".TP", `.B ${roff(line)}`, roff(about)]));
  const bySysexits = ["0 where all went well; else by sysexits.h:", ".B spreadbox help exit\\-codes", "lists them."];
  const hasOwn = command.sections?.some(({ title }) => title === "Exit status");
  lines.push(...(hasOwn ? [".SH SEE ALSO", ".B spreadbox help exit\\-codes"] : [".SH EXIT STATUS", ...bySysexits]));
  return `${lines.join("\n")}\n`;
}

/** A line of a section's text: one that is for copying (indented), a term with what it means ("73  the spool can't be used"), or a paragraph. */
function sectionLine(line: string): string[] {
  if (line.startsWith(" ")) return [".nf", roff(line), ".fi"];
  const [, term, about] = /^(\S+) {2,}(.*)$/.exec(line) ?? [];
  return term === undefined || about === undefined ? [".PP", roff(line)] : [".TP", `.B ${roff(term)}`, roff(about)];
}

function synopsis(command: AnyCommand, typed: string): string {
  if (command.run === undefined) return `.B ${roff(typed)}\n.I COMMAND\n[FLAGS] [ARGUMENTS]`;
  const words = (command.positionals ?? []).map(({ name, required, many }) => {
    const word = `\\fI${roff(name)}\\fR${many ? " ..." : ""}`;
    return required ? word : `[${word}]`;
  });
  const below = command.commands === undefined ? [] : [".br", `.B ${roff(typed)}`, ".I COMMAND", "[FLAGS] [ARGUMENTS]"];
  return [`.B ${roff(typed)}`, "[FLAGS]", ...words, ...below].join("\n");
}

function option([name, flag]: [string, Flag]): string[] {
  const short = flag.short === undefined ? "" : `\\fB\\-${flag.short}\\fR, `;
  const value =
    flag.type === "switch" ? "" : ` \\fI${roff(flag.hint ?? flag.choices?.join("|") ?? name.toUpperCase())}\\fR`;
  const again = flag.type === "list" ? "; may be repeated" : "";
  const usual = flag.default === undefined ? "" : ` (default: ${flag.default})`;
  return [".TP", `${short}\\fB\\-\\-${roff(name)}\\fR${value}`, roff(`${flag.about}${again}${usual}`)];
}

/** Text that roff prints as it stands: no escapes, no requests at a line's begin, quotes that a request takes for none of its own, and minus signs that can be copied. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll('"', "\\(dq")
    .replace(/^([.'])/gm, "\\&$1");
}
