// The voice of a group sink in the directory: feed/announcer.ts decides what is said and when, here are the session and the timer.
import { Announcer, type AnnouncerOptions, type Numbered } from "../../feed/announcer.ts";
import {
  DIRECTORY_GROUP,
  DIRECTORY_MESSAGE_TYPE,
  DirectoryError,
  mayBeQuestion,
  readDirectoryMessage,
} from "../../feed/directory-message.ts";
import type { FrameView } from "../../spread/frame.ts";
import type { Session } from "../../spread/index.ts";
import { tryPrivateGroup } from "../../spread/names.ts";

/** While more is unsent nothing is said: records go first. */
const UNSENT_BYTES_MAX = 2 * 1_048_576;
/** Then it is looked again. */
const LATER_MS = 50;

export interface GroupAnnouncerOptions extends Omit<AnnouncerOptions, "random"> {
  readonly session: Session;
  /** Whether nothing waits to be sent. */
  readonly isQuiet: () => boolean;
  /** Records may go out again that were held. */
  readonly onGo: () => void;
}

export class GroupAnnouncer {
  readonly #options: GroupAnnouncerOptions;
  readonly #announcer: Announcer;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it fires. */
  #timerMs = Number.POSITIVE_INFINITY;
  #goTimer: ReturnType<typeof setTimeout> | undefined;
  /** When it fires. */
  #goMs = Number.POSITIVE_INFINITY;
  /** "back" was told, which comes a moment behind the connection. */
  #isUp = false;

  constructor(options: GroupAnnouncerOptions) {
    this.#options = options;
    this.#announcer = new Announcer({ ...options, random: Math.random });
    void options.session.join(DIRECTORY_GROUP);
  }

  /** A group is fed from now on. @param index its place in the book @param numbered `undefined`: what goes to it has no numbers of this life */
  feed(name: string, group: string, index: number, numbered: Numbered | undefined): void {
    this.#announcer.feed(name, group, index, numbered);
    this.#arm();
  }

  /** Groups are not fed any more. @param gone their places */
  forget(gone: ReadonlySet<number>): void {
    this.#announcer.forget(gone);
  }

  /** There is a connection. */
  stood(): void {
    this.#isUp = true;
    this.#announcer.stood();
    this.#speak();
  }

  /** The connection is gone. */
  fell(): void {
    this.#isUp = false;
    this.#announcer.fell();
    this.close();
  }

  /** Groups at places below may be sent to now; `onGo` is called when there are more. */
  openTo(): number {
    if (this.#isUp) this.#speak();
    const openTo = this.#announcer.openTo(performance.now());
    this.#armGo();
    return openTo;
  }

  /** Records went out. */
  sent(): void {
    this.#announcer.sent(performance.now());
    this.#arm();
  }

  /** A frame that came to us: a question, what another sender says, or that we may not be here. */
  frame(frame: FrameView): void {
    if (frame.kind === "reject") this.#refused(frame);
    if (frame.kind !== "message" || frame.messageType !== DIRECTORY_MESSAGE_TYPE) return;
    const { session } = this.#options;
    if (frame.name === session.privateGroup) {
      this.#announcer.returned(performance.now());
      this.#armGo();
      return;
    }
    if (!mayBeQuestion(frame.bytes, frame.bodyStart, frame.bodyEnd)) {
      this.#announcer.heardAnother();
      return;
    }
    const asker = tryPrivateGroup(frame.name);
    if (asker === undefined) return;
    try {
      const message = readDirectoryMessage(frame.bytes, frame.bodyStart, frame.bodyEnd);
      if (message.kind === "ask") this.#announcer.asked(asker, message.patterns, performance.now());
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error; // somebody's own: readers tell of it
    }
    this.#arm();
  }

  #refused(frame: FrameView): void {
    if (frame.groups().includes(DIRECTORY_GROUP)) {
      this.#announcer.refused();
      this.#options.onGo();
    } else if (frame.messageType === DIRECTORY_MESSAGE_TYPE) {
      this.#announcer.answerRefused();
      this.#arm();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#goTimer);
    this.#timerMs = this.#goMs = Number.POSITIVE_INFINITY;
  }

  readonly #speak = (): void => {
    clearTimeout(this.#timer);
    this.#timerMs = Number.POSITIVE_INFINITY;
    const { session, isQuiet } = this.#options;
    while (session.unsent.bytes <= UNSENT_BYTES_MAX) {
      const said = this.#announcer.next(performance.now(), isQuiet());
      if (said === undefined) break;
      if (!session.trySend(said.to, said.body, { messageType: DIRECTORY_MESSAGE_TYPE })) break; // "lost" follows
    }
    this.#arm();
  };

  #arm(): void {
    const { nextMs } = this.#announcer;
    if (nextMs >= this.#timerMs) return;
    const isFull = this.#options.session.unsent.bytes > UNSENT_BYTES_MAX;
    clearTimeout(this.#timer);
    this.#timerMs = nextMs;
    this.#timer = setTimeout(this.#speak, isFull ? LATER_MS : Math.max(0, nextMs - performance.now()));
  }

  readonly #go = (): void => {
    this.#goMs = Number.POSITIVE_INFINITY;
    this.#options.onGo();
  };

  #armGo(): void {
    const { nextOpenMs } = this.#announcer;
    if (nextOpenMs === this.#goMs) return;
    clearTimeout(this.#goTimer);
    this.#goMs = nextOpenMs;
    if (nextOpenMs < Number.POSITIVE_INFINITY)
      this.#goTimer = setTimeout(this.#go, Math.max(0, nextOpenMs - performance.now()));
  }
}
