// A session that outlives its connections. When one is lost it says so, and when there is another (line.ts) it joins its groups again and
// goes on. Sending is in sender.ts; what a lost connection left behind, received or unsent, is judged in inbox.ts and sending.ts.
import type { Fault } from "../../base/fault.ts";
import type { SessionEvent } from "../event.ts";
import { FrameError, FrameView } from "../frame.ts";
import { Inbox } from "../inbox.ts";
import { type GroupName, type PrivateGroup, parseGroupName } from "../names.ts";
import { Ping } from "../ping.ts";
import type { Body, Destinations, SendOptions } from "../requests.ts";
import { formatServer } from "../server.ts";
import { SessionError } from "../session-error.ts";
import { Line, type LineUser } from "./line.ts";
import type { Link } from "./link.ts";
import { Sender } from "./sender.ts";
import type { SessionSettings } from "./settings.ts";

/** Where a session stands. */
export type SessionState =
  | {
      readonly at: "connected";
      /** As `formatServer` writes it. */
      readonly server: string;
      /** The session's identity, and the group that reaches just it. */
      readonly privateGroup: PrivateGroup;
      /** The daemon's: "5.0.1". */
      readonly version: string;
    }
  /** `reason`: why the last connection was lost, or the last attempt failed. */
  | { readonly at: "away"; readonly reason: Fault | undefined }
  | { readonly at: "closed" };

/** Sums over a session's life. */
export interface SessionCounters {
  /** Frames that a socket took: messages, joins, leaves, pings. */
  readonly sentFrames: number;
  /** Messages given up by the policy for unsent ones. */
  readonly droppedMessages: number;
  /** From daemons, behind the handshakes. */
  readonly receivedBytes: number;
  readonly connections: number;
}

/** Made by `connect` and `openSession`. */
export class Session implements AsyncIterable<SessionEvent>, AsyncDisposable {
  readonly #settings: SessionSettings;
  readonly #ping: Ping;
  readonly #sender: Sender;
  readonly #inbox: Inbox;
  readonly #line: Line;
  readonly #frame = new FrameView();
  readonly #closed = Promise.withResolvers<void>();
  #state: SessionState = { at: "away", reason: undefined };
  #leaving = false;
  #isPaused = false;
  /** Whether the user knows that there is no connection: then "back" is worth telling, and another "lost" is not. */
  #awayIs: "told" | "new" | "waited for";
  #wake: (() => void) | undefined = undefined;
  #dropped = 0;
  #receivedBytes = 0;
  #connections = 0;
  /** It was lost, and does not reconnect. */
  #endedBy: Fault | undefined;

  private constructor(settings: SessionSettings, awayIs: "new" | "waited for") {
    this.#settings = settings;
    this.#awayIs = awayIs;
    this.#ping = new Ping(settings.random);
    this.#sender = new Sender(settings, this.#ping);
    this.#inbox = new Inbox((frame) => this.#ping.is(frame));
    this.#line = new Line(settings, this.#lineUser);
    const close = () => void this.close();
    settings.signal?.addEventListener("abort", close, { once: true });
    void this.#closed.promise.then(() => settings.signal?.removeEventListener("abort", close));
  }

  /** See `connect`. */
  static async connected(settings: SessionSettings): Promise<Session> {
    settings.signal?.throwIfAborted();
    const session = new Session(settings, "waited for");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.#line.keep(settings.connectTimeoutMs, resolve).then(
      () => {
        reject(settings.signal?.reason ?? new SessionError("closed", "connect")); // means nothing where there was a connection
        session.#finish();
      },
      (error) => {
        reject(error);
        session.#finish();
      },
    );
    await promise;
    return session;
  }

  /** See `openSession`. */
  static open(settings: SessionSettings): Session {
    const session = new Session(settings, "new");
    void session.#line.keep(Number.POSITIVE_INFINITY, () => {}).then(() => session.#finish());
    if (settings.signal?.aborted === true) void session.close();
    return session;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The session's identity, and the group that reaches just it; `undefined` while there is no connection. */
  get privateGroup(): PrivateGroup | undefined {
    return this.#state.at === "connected" ? this.#state.privateGroup : undefined;
  }

  /** The connection's file descriptor, for who must outlive us with it; `undefined` while there is no connection. Leave it as it is: duplicate it. */
  get socketFd(): number | undefined {
    return this.#line.link?.socketFd;
  }

  /** Groups joined, or to be joined when there is a connection. */
  get groups(): readonly GroupName[] {
    return this.#sender.groups;
  }

  get counters(): SessionCounters {
    return {
      sentFrames: this.#sender.sentFrames,
      droppedMessages: this.#dropped,
      receivedBytes: this.#receivedBytes,
      connections: this.#connections,
    };
  }

  /** Frames and bytes that no socket has taken. */
  get unsent(): { readonly frames: number; readonly bytes: number } {
    return this.#sender.unsent;
  }

  /**
   * Joins a group, now and after every loss. Resolves when the socket has taken the request (while there is none: at once). The daemon's only
   * answer is the view in which we are.
   * @throws {NameError}
   * @throws {SessionError} `reason` "closed", or "lost" where it does not reconnect
   */
  async join(group: GroupName | string): Promise<void> {
    const name = parseGroupName(group);
    this.#checkOpen("join group");
    await this.#sender.join(name);
  }

  /** Leaves a group; a self-leave follows. Otherwise as `join`. */
  async leave(group: GroupName | string): Promise<void> {
    const name = parseGroupName(group);
    this.#checkOpen("leave group");
    await this.#sender.leave(name);
  }

  /**
   * Sends one message to every member of the groups, or to sessions by their private groups; each gets it once.
   *
   * Resolves when the socket has taken the bytes, not when anyone has them. Waits while more than `unsentBytes` wait, and with the policy "keep"
   * while there is no connection. Many sends in one tick are one write.
   * @param destinations one to 43: the real daemon takes 100 and routes 43 (PROTOCOL.md 9.3). We need be a member of none
   * @param body   with 32 bytes for each group at most 143,151 (PROTOCOL.md 1). Of 16 KiB and more not copied: leave it alone until this resolves
   * @throws {LimitError} before a byte is sent: which limit, found, allowed
   * @throws {NameError} a destination is none
   * @throws {SessionError} `reason` "lost": none, part or all of it was delivered (policy "drop", or a session that does not reconnect); "away": it was dropped; "closed"
   */
  multicast(destinations: Destinations, body: Body, options?: SendOptions): Promise<void> {
    if (this.#isOver) return Promise.reject(this.#over("send message"));
    return this.#sender.multicast(destinations, body, options);
  }

  /**
   * Sends a message if that takes no waiting, and makes no promise: for senders that keep what does not go. Large bodies are to be left alone
   * until `unsent.frames` is 0.
   * @returns `false`, and nothing is sent, while there is no connection or no room: see `room`
   * @throws {LimitError}
   * @throws {NameError}
   */
  trySend(destinations: Destinations, body: Body, options?: SendOptions): boolean {
    return !this.#isOver && this.#sender.trySend(destinations, body, options);
  }

  /** Resolves when `trySend` would send. @throws {SessionError} `reason` "closed" */
  async room(): Promise<void> {
    this.#checkOpen("send message");
    await this.#sender.room();
  }

  /** Writes now what would be written at the end of the tick. */
  flush(): void {
    this.#sender.write();
  }

  /**
   * Hands out no more frames to `onFrame` until `resume`: what the daemon sends waits there, and with it those who send. A real daemon throws out a
   * session that does not read for long. When the connection is lost, what has been received is handed out all the same.
   */
  pause(): void {
    this.#isPaused = true;
    this.#line.link?.pause();
  }

  /** Goes on after `pause`. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const { link } = this.#line;
    if (link === undefined) return;
    link.resume();
    this.#received(link);
  }

  /**
   * What happens, in order: messages, views, what was lost and is back. For one consumer at a time; who leaves the loop may come again. Ends when
   * the session is closed, or lost where it does not reconnect. With `onFrame` only "lost" and "back" come here.
   *
   * Events are yours to keep. Take them: while `inboxBytes` wait nothing is read, and a real daemon throws out a session that does not read.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<SessionEvent, void, void> {
    for (;;) {
      const event = this.#take();
      if (event !== undefined) yield event;
      else if (this.#isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  /**
   * Sends what is unsent as far as it goes within `closeMs`, takes leave of the daemon, and ends. Events that were not taken are gone. When this
   * resolves the name is free again. Never throws.
   */
  async close(): Promise<void> {
    if (this.#leaving || this.#state.at === "closed") return await this.#closed.promise;
    this.#leaving = true;
    this.#inbox.clear();
    this.#wake?.();
    const { link } = this.#line;
    const self = this.privateGroup;
    if (link !== undefined && self !== undefined) await this.#takeLeave(link, self);
    this.#line.stop();
    this.#finish();
    await this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #isOver(): boolean {
    return this.#leaving || this.#state.at === "closed";
  }

  #checkOpen(action: string): void {
    if (this.#isOver) throw this.#over(action);
  }

  /** Why nothing goes any more: it was closed, or it was lost and does not reconnect. */
  #over(action: string): SessionError {
    return this.#endedBy === undefined
      ? new SessionError("closed", action)
      : new SessionError("lost", action, this.#endedBy);
  }

  /** The KILL goes behind what is unsent; the daemon orders it, and then closes. */
  async #takeLeave(link: Link, self: PrivateGroup): Promise<void> {
    link.resume();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, this.#settings.closeMs);
    await Promise.race([this.#sender.allSent(), late.promise, this.#line.fallen()]);
    this.#sender.sendKill(self);
    await Promise.race([late.promise, this.#line.fallen()]);
    clearTimeout(timer);
    link.drop();
  }

  #finish(): void {
    if (this.#state.at === "closed") return;
    if (this.#state.at === "away" && !this.#leaving) this.#endedBy = this.#state.reason;
    this.#state = { at: "closed" };
    this.#sender.failAll(this.#over("send message"));
    this.#closed.resolve();
    this.#wake?.();
  }

  #take(): SessionEvent | undefined {
    if (this.#leaving) return undefined;
    const event = this.#attempt(() => this.#inbox.take());
    const { link } = this.#line;
    if (!this.#isPaused && link?.paused === true && this.#inbox.heldBytes < this.#settings.inboxBytes / 2)
      link.resume();
    return event;
  }

  /** Reads frames; a daemon that sends what is none is lost, and that is the next event. */
  #attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#line.lose(error);
      return read();
    }
  }

  #received(link: Link): void {
    const { onFrame, inboxBytes } = this.#settings;
    if (onFrame !== undefined || this.#leaving) this.#giveFrames(link, onFrame);
    else {
      this.#attempt(() => this.#inbox.lookAhead());
      if (this.#inbox.heldBytes > inboxBytes) link.pause();
      this.#wake?.();
    }
  }

  /** Hands out frames where they lie; none once we are leaving, which the callback itself may begin. */
  #giveFrames(link: Link, onFrame: ((frame: FrameView) => void) | undefined): void {
    const { reader } = link.connection;
    while (!this.#isPaused) {
      try {
        if (!reader.next(this.#frame)) return;
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        this.#line.lose(error);
        return;
      }
      if (!this.#leaving && !this.#ping.is(this.#frame)) onFrame?.(this.#frame);
    }
  }

  /** The connection is lost: nothing is gained by holding back what came by it. */
  #handOutRest(link: Link): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#settings.onFrame !== undefined) this.#giveFrames(link, this.#settings.onFrame);
    this.#isPaused = true;
  }

  readonly #lineUser: LineUser = {
    stood: (link, awayMs) => {
      const acceptance = link.connection.acceptance!; // a link stands when it is accepted
      const { privateGroup } = acceptance;
      const { major, minor, patch } = acceptance.version;
      const server = formatServer(link.server);
      this.#state = { at: "connected", server, privateGroup, version: `${major}.${minor}.${patch}` };
      this.#connections += 1;
      const dropped = this.#countDropped(this.#sender.takeDropped());
      if (this.#awayIs !== "waited for") this.#inbox.tell({ kind: "back", awayMs, server, privateGroup, dropped });
      if (this.#settings.onFrame === undefined) this.#inbox.opened(link.connection.reader);
      this.#sender.stand(link, privateGroup);
      if (this.#isPaused) link.pause();
      this.#received(link);
      this.#wake?.();
    },
    fell: (link, reason) => {
      this.#handOutRest(link);
      const dropped = this.#countDropped(this.#sender.fall(reason));
      this.#inbox.over(link.connection.reader);
      this.#awayIs = "new";
      this.#tellLost(reason, dropped);
    },
    failed: (reason) => this.#tellLost(reason, 0),
    received: (link, bytes) => {
      this.#receivedBytes += bytes;
      this.#received(link);
    },
    drained: () => this.#sender.drained(),
    askLife: () => {
      const self = this.privateGroup;
      if (self !== undefined) this.#sender.sendPing(self);
    },
  };

  #tellLost(reason: Fault, dropped: number): void {
    this.#state = { at: "away", reason };
    if (this.#awayIs !== "new") return;
    this.#awayIs = "told";
    this.#inbox.tell({ kind: "lost", reason, dropped });
    this.#wake?.();
  }

  #countDropped(messages: number): number {
    this.#dropped += messages;
    return messages;
  }
}
