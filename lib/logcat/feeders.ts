// Who feeds what, as the directory says: so that it can be told when a host feeds a group no more.

/** Groups of one session: as many as a sender of ours can have. */
const GROUPS_MAX = 10_000;
const SESSIONS_MAX = 4_096;

export class Feeders {
  readonly #sessions = new Map<string, { readonly host: string; readonly groups: Set<string> }>();

  /** A session says that it feeds a group. */
  feeds(session: string, host: string, group: string): void {
    let known = this.#sessions.get(session);
    if (known === undefined) {
      if (this.#sessions.size >= SESSIONS_MAX) return;
      known = { host, groups: new Set() };
      this.#sessions.set(session, known);
    }
    if (known.groups.size < GROUPS_MAX) known.groups.add(group);
  }

  /** These sessions are there, and no others. Gives what hosts feed no more: not what another session of the host feeds still. */
  *keep(isThere: (session: string) => boolean): Generator<{ readonly host: string; readonly group: string }> {
    for (const [session, { host, groups }] of [...this.#sessions]) {
      if (isThere(session)) continue;
      this.#sessions.delete(session);
      for (const group of groups) if (!this.#isFed(host, group, isThere)) yield { host, group };
    }
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#sessions.clear();
  }

  #isFed(host: string, group: string, isThere: (session: string) => boolean): boolean {
    for (const [session, other] of this.#sessions)
      if (other.host === host && other.groups.has(group) && isThere(session)) return true;
    return false;
  }
}
