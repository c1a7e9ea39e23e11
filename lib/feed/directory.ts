// A reader's part of the directory (directory-message.ts): which groups there are that match its patterns, and who feeds them. No session and no clock.
//
// Only what members of the directory group say counts, and only as long as they are members: so a sender that vanishes is forgotten by the next view. A group that
// nobody feeds any more is still followed for a while, since who feeds it comes and goes with each run of a cron job, and is left when its place is wanted or that
// while is over. All of it is bounded: groups, groups of one sender, senders' groups in all.
import { matchesWildcard } from "../base/wildcard.ts";
import type { GroupName } from "../spread/names.ts";
import { groupName } from "../syslog/group-name.ts";
import { type FedGroup, PATTERN_BYTES_ALL_MAX, PATTERNS_MAX } from "./directory-message.ts";

/** Groups that are followed by patterns. */
export const FOLLOWED_MAX = 20_000;
/** Of these, fed by one sender: as many as a sender of ours can have. */
export const FOLLOWED_OF_SENDER_MAX = 10_000;
/** Senders and groups, in pairs. */
const PAIRS_MAX = 200_000;
/** How long a group is followed that nobody feeds. */
export const UNFED_MS = 600_000;

/** A group that is followed because of its name. */
interface Followed {
  readonly name: string;
  readonly group: GroupName;
  feeders: number;
  /** When its last feeder vanished. */
  unfedSinceMs: number;
}

/** What a sender's message changes. */
export interface Heard {
  readonly join: readonly GroupName[];
  readonly leave: readonly GroupName[];
}

const NOTHING: Heard = { join: [], leave: [] };

export class Directory {
  /** Groups that match, and were not followed: the bound was reached. */
  tooMany = 0;
  readonly #patterns: readonly string[];
  readonly #groups = new Map<GroupName, Followed>();
  /** Members of the directory group, and what each feeds of what is followed. */
  #members = new Map<string, Set<Followed>>();
  #pairs = 0;
  /** Groups that nobody feeds. */
  #unfed = 0;

  /** @param patterns each checked by `isPattern`; none: only who is a member is known */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns;
  }

  /** What senders are asked. Where there are more patterns than a question takes, for all they have. */
  get question(): readonly string[] {
    const patterns = this.#patterns;
    const bytes = patterns.reduce((sum, pattern) => sum + new TextEncoder().encode(pattern).length, 0);
    return patterns.length > PATTERNS_MAX || bytes > PATTERN_BYTES_ALL_MAX ? ["*"] : patterns;
  }

  /** Groups that are followed now. */
  get size(): number {
    return this.#groups.size;
  }

  /** The full name of a group that is followed by a pattern. */
  fullName(group: GroupName): string | undefined {
    return this.#groups.get(group)?.name;
  }

  /** Whether what it says counts. */
  isMember(sender: string): boolean {
    return this.#members.has(sender);
  }

  /** A member says what it feeds. */
  heard(sender: string, fed: readonly FedGroup[], nowMs: number): Heard {
    const known = this.#members.get(sender);
    if (known === undefined) return NOTHING;
    const join: GroupName[] = [];
    const leave: GroupName[] = [];
    for (const { name } of fed) {
      if (!this.#patterns.some((pattern) => matchesWildcard(pattern, name))) continue;
      const group = groupName(name);
      let followed = this.#groups.get(group);
      if (followed !== undefined && known.has(followed)) continue;
      if (known.size >= FOLLOWED_OF_SENDER_MAX || this.#pairs >= PAIRS_MAX) {
        this.tooMany += 1;
        continue;
      }
      if (followed === undefined) {
        if (this.#groups.size >= FOLLOWED_MAX && !this.#leaveOne(leave)) {
          this.tooMany += 1;
          continue;
        }
        followed = { name, group, feeders: 0, unfedSinceMs: nowMs };
        this.#groups.set(group, followed);
        this.#unfed += 1;
        join.push(group);
      }
      if (followed.feeders === 0) this.#unfed -= 1;
      followed.feeders += 1;
      known.add(followed);
      this.#pairs += 1;
    }
    return { join, leave };
  }

  /** The members as a view says. Returns whether there are new ones that we did not see join: what they feed has to be asked. */
  view(members: readonly string[], nowMs: number): boolean {
    const before = this.#members;
    this.#members = new Map();
    let areNew = false;
    for (const member of members) {
      const known = before.get(member);
      areNew ||= known === undefined;
      this.#members.set(member, known ?? new Set());
      before.delete(member);
    }
    for (const fed of before.values()) this.#forget(fed, nowMs);
    return areNew;
  }

  /** The daemon was lost: nobody is known. What is followed still is. */
  lost(nowMs: number): void {
    this.view([], nowMs);
  }

  /** Groups that nobody has fed for long. */
  expire(nowMs: number): readonly GroupName[] {
    const left: GroupName[] = [];
    for (const followed of this.#groups.values())
      if (followed.feeders === 0 && nowMs - followed.unfedSinceMs >= UNFED_MS) left.push(followed.group);
    for (const group of left) this.#groups.delete(group);
    this.#unfed -= left.length;
    return left;
  }

  #forget(fed: ReadonlySet<Followed>, nowMs: number): void {
    this.#pairs -= fed.size;
    for (const followed of fed) {
      followed.feeders -= 1;
      if (followed.feeders > 0) continue;
      followed.unfedSinceMs = nowMs;
      this.#unfed += 1;
    }
  }

  /** Makes a place by leaving a group that nobody feeds. */
  #leaveOne(left: GroupName[]): boolean {
    if (this.#unfed === 0) return false;
    for (const followed of this.#groups.values()) {
      if (followed.feeders > 0) continue;
      this.#groups.delete(followed.group);
      this.#unfed -= 1;
      left.push(followed.group);
      return true;
    }
    return false;
  }
}
