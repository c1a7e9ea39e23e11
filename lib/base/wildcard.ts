// Wildcards in names: `*` stands for any number of characters, `?` for one. Everything else stands for itself.

/** Whether `text` is a pattern, and not a plain name. */
export function hasWildcard(text: string): boolean {
  return /[*?]/.test(text);
}

/** A regular expression that matches exactly the names that `pattern` stands for. For the user's own patterns: its cost grows with each star. */
export function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/[\\^$.*+?()[\]{}|]/g, (character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : `\\${character}`;
  });
  return new RegExp(`^${source}$`, "su");
}

/**
 * Whether `pattern` stands for `name`, in at most `pattern.length * name.length` steps: a pattern from the network may hold as many stars as it likes.
 * `?` stands for one UTF-16 unit.
 */
export function matchesWildcard(pattern: string, name: string): boolean {
  let at = 0;
  let nameAt = 0;
  let starAt = -1;
  /** Where what follows the last star is tried next: more than the last star need never be tried again. */
  let retryAt = 0;
  while (nameAt < name.length) {
    const wanted = pattern[at];
    if (wanted === "*") {
      starAt = at++;
      retryAt = nameAt;
    } else if (wanted === "?" || wanted === name[nameAt]) {
      at += 1;
      nameAt += 1;
    } else if (starAt >= 0) {
      at = starAt + 1;
      nameAt = ++retryAt;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
