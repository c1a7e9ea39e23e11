// Groups that were named and of which nothing is heard: mistyped, perhaps. Senders are asked for names that are near to theirs, so that few have anything to answer.
import { nearest } from "../base/nearest.ts";
import { isPattern, PATTERN_BYTES_ALL_MAX, PATTERNS_MAX } from "../feed/directory-message.ts";
import { groupName } from "../syslog/group-name.ts";

/** Names of others that are remembered. */
const KNOWN_MAX = 10_000;

export class Unheard {
  readonly #silent: Set<string>;
  readonly #known = new Set<string>();

  /** @param named groups, by the names that frames have */
  constructor(named: Iterable<string>) {
    this.#silent = new Set(named);
  }

  get isOver(): boolean {
    return this.#silent.size === 0;
  }

  /** Something came in a group. */
  came(group: string): void {
    this.#silent.delete(group);
  }

  /** Somebody feeds a group of this full name. */
  told(name: string): void {
    this.#silent.delete(groupName(name));
    if (this.#known.size < KNOWN_MAX) this.#known.add(name);
  }

  /** Patterns of names that differ in one place from a silent one, or begin with it; as many as a question takes. */
  get question(): readonly string[] {
    const patterns = new Set<string>();
    let bytes = 0;
    for (const name of this.#silent) {
      const near = [`${name}*`, ...Array.from(name, (_, at) => `${name.slice(0, at)}*${name.slice(at + 2)}`)];
      const fresh = near.filter((pattern) => isPattern(pattern) && pattern !== "*");
      bytes += fresh.reduce((sum, pattern) => sum + pattern.length + 1, 0);
      if (patterns.size + fresh.length > PATTERNS_MAX || bytes > PATTERN_BYTES_ALL_MAX) break;
      for (const pattern of fresh) patterns.add(pattern);
    }
    return [...patterns];
  }

  /** What there is to say of those that are silent still. */
  get lines(): readonly string[] {
    const lines: string[] = [];
    const unknown: string[] = [];
    for (const group of this.#silent) {
      const meant = nearest(group, this.#known);
      if (meant === undefined) unknown.push(group);
      else lines.push(`nobody feeds a group ${group} yet; did you mean ${meant}?`);
    }
    if (unknown.length > 0) lines.push(`nobody feeds a group ${unknown.join(", ")} yet; waiting for one`);
    return lines;
  }
}
