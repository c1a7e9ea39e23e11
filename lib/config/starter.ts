import type { TableSpec } from "../base/table.ts";

const HEAD = `\
# Configuration of spreadbox: one file, a table a command. Everything is optional: a line that begins with # shows
# a setting, with an example or its default; take the # away to set it.
#
# Read from --config FILE, else from the file that $SPREADBOX_CONFIG names, else from /etc/spreadbox/spreadbox.toml; then
# from conf.d/*.toml beside that file, by name. Tables of several files merge, and [[lists]] are put together; a value that
# two files set is an error, unless the later file begins with override = ["table.key"]. A file that begins with
# an include = ["more/*.toml"] has those read after it.
#
#   spreadbox config check     tells every mistake, with its line
#   spreadbox config show      what is in effect, and which file says so
#   spreadbox config schema    a JSON Schema, for completion and help in editors
`;

/** The text of `config init`: every table with its commented settings. What it says is right as it is, and with every setting uncommented. */
export function starterText(specs: readonly TableSpec[]): string {
  const tables = specs.map(({ name, summary, starter }) => `\n# ${summary}\n[${name}]\n${starter.trimEnd()}\n`);
  return HEAD + tables.join("");
}

/** The text with every commented setting set: lines `# key = value` and `# [table]`. */
export function uncommented(text: string): string {
  return text.replace(/^# ?(\[{1,2}[a-z0-9_.-]+\]{1,2}|[a-z0-9_]+ = .+)$/gm, "$1");
}
