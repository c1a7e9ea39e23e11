// Finds groups by patterns, through the directory that senders keep (feed/directory.ts): joins what matches when it is heard of, and tells the follower what senders
// say of their numbers. Without patterns it only listens for these.
import { ANSWER_WITHIN_MS } from "../../feed/announcer.ts";
import { Directory } from "../../feed/directory.ts";
import {
  DIRECTORY_GROUP,
  DIRECTORY_MESSAGE_TYPE,
  DirectoryError,
  type DirectoryMessage,
  readDirectoryMessage,
  writeQuestion,
} from "../../feed/directory-message.ts";
import { FrameError, type FrameView } from "../../spread/frame.ts";
import type { Session } from "../../spread/io/session.ts";
import { readView } from "../../spread/membership.ts";
import type { GroupName } from "../../spread/names.ts";
import { SessionError } from "../../spread/session-error.ts";
import { groupName } from "../../syslog/group-name.ts";
import { Feeders } from "../feeders.ts";
import { Unheard } from "../unheard.ts";

/** Groups that nobody feeds any more are looked for this often. */
const EXPIRE_EVERY_MS = 60_000;
/** So long after the question senders have answered, as a rule. */
const ANSWERED_MS = 2 * ANSWER_WITHIN_MS;
/** Answers come within a fraction of a second: so long after the question, nothing means that there is nothing. */
const NOTHING_AFTER_MS = 2_000;
/** Of groups that are silent so long senders are asked, and what they have answered by then is told: within the 2 s that a look at a group takes. */
const SILENT_AFTER_MS = 900;
const SILENCE_TOLD_AFTER_MS = 1_600;

export interface GroupFinderOptions {
  readonly patterns: readonly string[];
  /** Groups that are followed whether anybody feeds them or not. */
  readonly named: ReadonlySet<string>;
  /** Groups that are followed now, the named ones too: those that are found are added. */
  readonly followed: Set<string>;
  readonly nowMs: () => number;
  /** We are in the directory, since the connection stands. */
  readonly onDirectory: () => void;
  /** A group is followed from now on because of its name. */
  readonly onFound?: (group: GroupName, fullName: string) => void;
  /** It is not any more, since nobody feeds it. */
  readonly onLeft?: (group: GroupName) => void;
  /** A host feeds a group no more. Left out: nobody asks. */
  readonly onCeased?: (host: string, group: string) => void;
  /** A sender says how far it has numbered a group. */
  readonly onNumber: (sender: string, host: string, incarnation: string, group: string, last: number) => void;
  readonly onUnreadable: (sender: string, reason: string) => void;
  /** More groups match than can be followed. Told once. */
  readonly onTooMany: () => void;
  /** Nothing matches yet. Told once. */
  readonly onNothing: () => void;
  /** Of groups that were named nothing is heard, where there are no patterns. Told once. Left out: nobody asks. */
  readonly onSilent?: (line: string) => void;
}

type GroupsMessage = Extract<DirectoryMessage, { kind: "groups" }>;

export class GroupFinder {
  readonly #options: GroupFinderOptions;
  readonly #directory: Directory;
  readonly #feeders = new Feeders();
  #session: Session | undefined;
  // Since the connection stands.
  #isIn = false;
  #hasAsked = false;
  #askedMs = 0;
  #toldTooMany = false;
  #expireTimer: ReturnType<typeof setInterval> | undefined;
  #nothingTimer: ReturnType<typeof setTimeout> | undefined;
  /** Until it is told. */
  #unheard: Unheard | undefined;

  constructor(options: GroupFinderOptions) {
    this.#options = options;
    this.#directory = new Directory(options.patterns);
  }

  start(session: Session): void {
    this.#session = session;
    this.#join(DIRECTORY_GROUP);
    if (!this.#hasPatterns) {
      if (this.#options.onSilent !== undefined) this.#listenForSilence();
      return;
    }
    this.#expireTimer = setInterval(() => this.#leave(this.#directory.expire(this.#options.nowMs())), EXPIRE_EVERY_MS);
    this.#nothingTimer = setTimeout(() => {
      if (this.#hasAsked && this.#directory.size === 0) this.#options.onNothing();
    }, NOTHING_AFTER_MS);
  }

  stop(): void {
    clearInterval(this.#expireTimer);
    clearTimeout(this.#nothingTimer);
  }

  /** The daemon was lost. */
  lost(): void {
    this.#unheard = undefined; // nobody can be asked
    if (!this.#hasPatterns) clearTimeout(this.#nothingTimer);
    this.#isIn = this.#hasAsked = false;
    this.#directory.lost(this.#options.nowMs());
    this.#feeders.forget();
  }

  /** What a group is called in full that was found by a pattern. */
  fullName(group: string): string | undefined {
    return this.#directory.fullName(group as GroupName);
  }

  /** Groups that are followed now. */
  get followed(): ReadonlySet<string> {
    return this.#options.followed;
  }

  /** Whether senders have had time to say which of their groups match. */
  get hasAnswers(): boolean {
    return !this.#hasPatterns || (this.#hasAsked && this.#options.nowMs() - this.#askedMs >= ANSWERED_MS);
  }

  /** Whether a session is in the directory, as senders are. */
  isSender(session: string): boolean {
    return this.#directory.isMember(session);
  }

  /** Takes note of a message in a group that is followed. */
  came(frame: FrameView): void {
    if (this.#unheard === undefined) return; // nearly always
    for (let index = 0; index < frame.groupCount; index++) this.#unheard.came(frame.group(index));
  }

  /** Takes a frame of the directory; false where it is none. */
  frame(frame: FrameView): boolean {
    switch (frame.kind) {
      case "message":
        if (frame.messageType !== DIRECTORY_MESSAGE_TYPE) return false;
        this.#message(frame);
        return true;
      case "view":
        if (frame.name !== DIRECTORY_GROUP) return false;
        this.#view(frame);
        return true;
      case "reject":
        return !this.#hasPatterns && frame.groups().includes(DIRECTORY_GROUP); // then it is only a help
      default:
        return false;
    }
  }

  get #hasPatterns(): boolean {
    return this.#options.patterns.length > 0;
  }

  #view(frame: FrameView): void {
    try {
      const { members, cause } = readView(frame);
      if (!this.#isIn) this.#options.onDirectory();
      this.#isIn = true;
      const areNew = this.#directory.view(members, this.#options.nowMs());
      const { onCeased } = this.#options;
      if (onCeased !== undefined)
        for (const { host, group } of this.#feeders.keep((session) => this.#directory.isMember(session)))
          onCeased(host, group);
      // Who joins says by himself what he feeds; who was parted from us by the network has said it to others.
      if (this.#hasPatterns && (!this.#hasAsked || (areNew && cause === "network"))) this.#ask();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#options.onUnreadable(frame.name, error.message);
    }
  }

  #ask(): void {
    this.#askedMs = this.#options.nowMs();
    this.#hasAsked = this.#send(this.#directory.question);
  }

  #send(question: readonly string[]): boolean {
    return (
      this.#session?.trySend(DIRECTORY_GROUP, writeQuestion(question), { messageType: DIRECTORY_MESSAGE_TYPE }) ?? false
    );
  }

  #listenForSilence(): void {
    const unheard = new Unheard(this.#options.named);
    this.#unheard = unheard;
    this.#nothingTimer = setTimeout(() => {
      const canAsk = this.#isIn && !unheard.isOver && this.#send(unheard.question);
      if (!canAsk) {
        this.#unheard = undefined;
        return;
      }
      this.#nothingTimer = setTimeout(() => {
        this.#unheard = undefined;
        for (const line of unheard.lines) this.#options.onSilent?.(line);
      }, SILENCE_TOLD_AFTER_MS - SILENT_AFTER_MS);
    }, SILENT_AFTER_MS);
  }

  #message(frame: FrameView): void {
    const sender = frame.name;
    if (!this.#directory.isMember(sender) || sender === this.#session?.privateGroup) return;
    try {
      const message = readDirectoryMessage(frame.bytes, frame.bodyStart, frame.bodyEnd);
      if (message.kind === "groups") this.#groups(sender, message);
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      this.#options.onUnreadable(sender, error.message);
    }
  }

  #groups(sender: string, { host, incarnation, groups }: GroupsMessage): void {
    const { followed, nowMs, onNumber, onTooMany } = this.#options;
    if (this.#hasPatterns) {
      const { join, leave } = this.#directory.heard(sender, groups, nowMs());
      this.#leave(leave);
      for (const group of join) {
        this.#options.onFound?.(group, this.#directory.fullName(group) ?? group);
        if (followed.has(group)) continue;
        followed.add(group);
        this.#join(group);
      }
      if (this.#directory.tooMany > 0 && !this.#toldTooMany) {
        this.#toldTooMany = true;
        onTooMany();
      }
    }
    for (const { name, last } of groups) {
      this.#unheard?.told(name);
      const group = groupName(name);
      if (this.#options.onCeased !== undefined && followed.has(group)) this.#feeders.feeds(sender, host, group);
      if (last !== undefined && followed.has(group)) onNumber(sender, host, incarnation, group, last);
    }
  }

  #join(group: GroupName): void {
    this.#session?.join(group).catch(ignoreClosed);
  }

  #leave(groups: readonly GroupName[]): void {
    for (const group of groups) {
      if (this.#options.named.has(group)) continue;
      this.#options.followed.delete(group);
      this.#options.onLeft?.(group);
      this.#session?.leave(group).catch(ignoreClosed);
    }
  }
}

/** The end is told elsewhere. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof SessionError)) throw error;
}
