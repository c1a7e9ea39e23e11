// Wildcards in names that a user gives: `*` stands for any number of characters, `?` for one. Everything else stands for itself.

/** Whether `text` is a pattern, and not a plain name. */
export function hasWildcard(text: string): boolean {
  return /[*?]/.test(text);
}

/** A regular expression that matches exactly the names that `pattern` stands for. */
export function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/[\\^$.*+?()[\]{}|]/g, (character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : `\\${character}`;
  });
  return new RegExp(`^${source}$`, "su");
}
