// The sending half of a session: requests into the outbox, and at the end of the tick from there to whatever link there is. What is sent
// when, and in whose name, sending.ts knows; here are the socket, the tick, and those who wait.
import type { Fault } from "../../base/fault.ts";
import type { GroupName, PrivateGroup } from "../names.ts";
import type { Ping } from "../ping.ts";
import { Receipts } from "../receipts.ts";
import type { Body, Destinations, SendOptions } from "../requests.ts";
import { Sending } from "../sending.ts";
import { SessionError } from "../session-error.ts";
import type { Link } from "./link.ts";
import type { SessionSettings } from "./settings.ts";

/** Somebody who waits for room to send. */
interface Waiting {
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

export class Sender {
  readonly #sending: Sending;
  readonly #receipts = new Receipts();
  /** Messages that found no room, oldest first: nobody overtakes. */
  readonly #held: Waiting[] = [];
  /** Who asked for `room`. */
  readonly #askers: Waiting[] = [];
  #link: Link | undefined = undefined;
  #writeIsDue = false;
  /** The socket took less than it was given: it will say when there is room. */
  #socketIsFull = false;
  /** Frames that a socket took. */
  sentFrames = 0;

  constructor(
    settings: SessionSettings,
    private readonly ping: Ping,
  ) {
    this.#sending = new Sending(settings.unsent, settings.unsentBytes, (frame) => ping.is(frame));
  }

  get groups(): readonly GroupName[] {
    return this.#sending.groups;
  }

  /** Frames and bytes that no socket has taken, but messages that found no room. */
  get unsent(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#sending.outbox.frames + this.#held.length, bytes: this.#sending.outbox.bytes };
  }

  join(group: GroupName): Promise<void> {
    this.#sending.join(group);
    return this.#link === undefined ? Promise.resolve() : this.#appended();
  }

  leave(group: GroupName): Promise<void> {
    this.#sending.leave(group);
    return this.#link === undefined ? Promise.resolve() : this.#appended();
  }

  multicast(destinations: Destinations, body: Body, options?: SendOptions): Promise<void> {
    if (this.#held.length === 0 && this.#sending.hasRoom) return this.#send(destinations, body, options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // as with receipts: who does not wait learns of losses by the events
    this.#held.push({ go: () => resolve(this.#send(destinations, body, options)), fail: reject });
    return promise;
  }

  trySend(destinations: Destinations, body: Body, options?: SendOptions): boolean {
    if (this.#link === undefined || this.#held.length > 0 || !this.#sending.hasRoom) return false;
    this.#sending.message(destinations, body, options);
    this.#writeSoon();
    return true;
  }

  room(): Promise<void> {
    if (this.#link !== undefined && this.#held.length === 0 && this.#sending.hasRoom) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#askers.push({ go: resolve, fail: reject });
    return promise;
  }

  sendPing(self: PrivateGroup): void {
    this.ping.send(this.#sending.requests, self);
    this.write();
  }

  /** The daemon's answer is to close. */
  sendKill(self: PrivateGroup): void {
    this.#sending.requests.kill(self);
    this.write();
  }

  /** Resolves when all that was asked is sent, or given up; those who wait for room included. */
  async allSent(): Promise<void> {
    try {
      if (this.#held.length > 0) await this.room();
      if (this.#sending.outbox.frames > 0) await this.#appended();
    } catch (error) {
      if (!(error instanceof SessionError)) throw error; // given up: whoever waits for it is told himself
    }
  }

  /** There is a link: groups are joined, kept messages follow. */
  stand(link: Link, self: PrivateGroup): void {
    this.#link = link;
    this.#socketIsFull = false;
    this.#sending.stand(self);
    this.#receipts.move(this.#sending.outbox.framesAppended);
    this.write();
  }

  /** The link is gone. @returns messages dropped for it */
  fall(reason: Fault): number {
    this.#link = undefined;
    this.#sending.fall();
    if (this.#sending.policy === "drop") this.#receipts.fail(new SessionError("lost", "send message", reason));
    this.#admit();
    return this.#sending.takeDropped();
  }

  /** Messages dropped since `fall`, or since last asked. */
  takeDropped(): number {
    return this.#sending.takeDropped();
  }

  /** Fails all who wait, for good. */
  failAll(error: Error): void {
    this.#receipts.fail(error);
    for (const waiting of [...this.#held.splice(0), ...this.#askers.splice(0)]) waiting.fail(error);
  }

  /** Writes what the socket takes, now. */
  write(): void {
    const { outbox } = this.#sending;
    if (this.#link === undefined || this.#socketIsFull) return;
    const before = outbox.framesSent;
    this.#socketIsFull = !this.#link.write(outbox);
    this.sentFrames += outbox.framesSent - before;
    this.#receipts.settle(outbox.framesSent);
    this.#admit();
  }

  drained(): void {
    this.#socketIsFull = false;
    this.write();
  }

  #send(destinations: Destinations, body: Body, options: SendOptions | undefined): Promise<void> {
    const dropped = this.#sending.drops;
    try {
      this.#sending.message(destinations, body, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return dropped ? failed(new SessionError("away", "send message")) : this.#appended();
  }

  /** A promise for what was appended last. */
  #appended(): Promise<void> {
    const sent = this.#receipts.of(this.#sending.outbox.framesAppended);
    this.#writeSoon();
    return sent;
  }

  /** At the end of the tick, or at once when a block is full. */
  #writeSoon(): void {
    if (this.#link === undefined || this.#socketIsFull) return;
    if (this.#sending.outbox.full) this.write();
    else if (!this.#writeIsDue) {
      this.#writeIsDue = true;
      setImmediate(this.#endOfTick);
    }
  }

  /** One a tick, however many blocks were written in it. */
  readonly #endOfTick = (): void => {
    this.#writeIsDue = false;
    this.write();
  };

  /** Lets those go on who waited for room, as far as it goes. */
  #admit(): void {
    while (this.#held.length > 0 && this.#sending.hasRoom) this.#held.shift()!.go();
    if (this.#link === undefined || this.#held.length > 0 || !this.#sending.hasRoom) return;
    for (const asker of this.#askers.splice(0)) asker.go();
  }
}

/** A rejection that is no error of the process where nobody waits for it. */
function failed(error: Error): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
