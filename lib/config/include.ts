// Include patterns: a path relative to the including file, with * and ? in its last part only, so that one look at one directory answers what is meant.

/** The parts of a pattern. */
export interface IncludePattern {
  /** The directory, as written, "" for the including file's own. */
  readonly directory: string;
  /** The last part. */
  readonly name: string;
  readonly hasWildcard: boolean;
}

/** `undefined` where a wildcard stands in a directory. */
export function tryIncludePattern(text: string): IncludePattern | undefined {
  const slash = text.lastIndexOf("/");
  const directory = text.slice(0, slash + 1);
  const name = text.slice(slash + 1);
  if (name === "" || /[*?]/.test(directory)) return undefined;
  return { directory, name, hasWildcard: /[*?]/.test(name) };
}

/** Whether a file's name matches: `*` is any run of characters, `?` one; a leading dot only where the pattern has it. */
export function matchesName(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  // The classic walk with one mark to go back to: linear for one *, never exponential.
  let at = 0;
  let from = 0;
  let star = -1;
  let mark = 0;
  while (from < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      mark = from;
    } else if (pattern[at] === "?" || pattern[at] === name[from]) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++mark;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
