// Who is in the groups, and what a view says of who came and went, for `--members`.
import type { View } from "../spread/membership.ts";
import type { Notice } from "./notice.ts";

export class Members {
  /** By group: who was in it by the view before. */
  readonly #known = new Map<string, ReadonlySet<string>>();

  /** What `view` changes. A view says itself who joined or left, but not whom a split of the network took away: that takes the view before. */
  *notices(view: View): Generator<Notice> {
    const { group, cause, members } = view;
    const before = this.#known.get(group);
    const now: ReadonlySet<string> = new Set(members);
    this.#known.set(group, now);
    const told = { kind: "member", group, members: members.length } as const;
    if (cause !== "network") {
      const change = CHANGES[cause];
      for (const member of view.sets.flat()) yield { ...told, member, change };
      return;
    }
    for (const member of before ?? []) if (!now.has(member)) yield { ...told, member, change: "went by the network" };
    for (const member of now)
      if (before?.has(member) === false) yield { ...told, member, change: "came by the network" };
  }

  /** The daemon was lost: what was known of the groups is no longer. */
  forget(): void {
    this.#known.clear();
  }
}

const CHANGES = { join: "joined", leave: "left", disconnect: "disconnected" } as const;
