// The lines of a syslog.conf: which go on in the next, and what in them is a comment.
//
// FreeBSD hides its blocks from older daemons: `#!prog`, `#+host` and `#-host` are no comments there. Everybody else's comments begin in the same way, `#!see below` and
// boxes of `#+-------+` among them. So a name has to follow that could be one, or several with commas, and nothing else.

/** Letters or digits at both ends, `*` for all, `@` for this host. */
const NAME = /(?:[*@]|[\p{L}\d](?:[^\s,#]*[\p{L}\d])?)/u.source;
const HIDDEN_BLOCK = new RegExp(`^#(?:!!?-?|\\+\\+?|-)${NAME}(?:\\s*,\\s*${NAME})*(?:\\s+#.*)?$`, "u");

/** Lines with what goes on behind a backslash, without comments and empty ones; the number is that of the first. */
export function* logicalLines(text: string): Generator<{ readonly line: number; readonly text: string }> {
  let whole = "";
  let first = 0;
  for (const [index, physical] of text.split(/\r?\n/).entries()) {
    if (whole === "") first = index + 1;
    const trimmed = physical.trim();
    const isComment = trimmed.startsWith("#") && !HIDDEN_BLOCK.test(trimmed);
    if (isComment && whole === "") continue;
    whole += `${whole === "" ? "" : " "}${trimmed.replace(/\\$/, "").trimEnd()}`;
    if (trimmed.endsWith("\\")) continue;
    if (whole.trim() !== "") yield { line: first, text: whole.trim() };
    whole = "";
  }
  if (whole.trim() !== "") yield { line: first, text: whole.trim() };
}

/** What is left of the end of a line without `# comment`: a space stands before that, since names of files and groups may have a `#`. */
export function withoutComment(text: string): string {
  return text.replace(/(?:^|\s)#.*$/s, "").trimEnd();
}
