// What a session wants a daemon to know, whether there is one or not: its groups, and its unsent messages. Survives connections: when one
// stands, the groups are joined and kept messages follow in their old order, in the new private group's name (the daemon closes a session
// that sends in another).
import { FrameView, readRequest } from "./frame.ts";
import { nameField } from "./name-field.ts";
import type { GroupName, PrivateGroup } from "./names.ts";
import { Outbox } from "./outbox.ts";
import { type Body, type Destinations, Requests, type SendOptions } from "./requests.ts";

/** What becomes of messages that no socket took: "keep" sends them over the next connection, "drop" gives them up. */
export type UnsentPolicy = "keep" | "drop";

export const UNSENT_POLICIES: readonly UnsentPolicy[] = ["keep", "drop"];

export class Sending {
  readonly outbox = new Outbox();
  readonly requests = new Requests(this.outbox);
  readonly #groups = new Set<GroupName>();
  #connected = false;
  #dropped = 0;

  /**
   * @param unsentBytes above it there is no room: senders wait
   * @param isPing `true` for messages that the session itself sent: they are of one connection
   */
  constructor(
    readonly policy: UnsentPolicy,
    readonly unsentBytes: number,
    private readonly isPing: (frame: FrameView) => boolean,
  ) {}

  get connected(): boolean {
    return this.#connected;
  }

  /** Groups joined, or to be joined with the next connection, in the order in which they were asked for. */
  get groups(): readonly GroupName[] {
    return [...this.#groups];
  }

  /** A message may be appended without going over the bound (but by itself). */
  get hasRoom(): boolean {
    return this.outbox.bytes < this.unsentBytes;
  }

  /** Messages are given up at once: there is no connection, and none are kept. */
  get drops(): boolean {
    return !this.#connected && this.policy === "drop";
  }

  join(group: GroupName): void {
    this.#groups.add(group);
    if (this.#connected) this.requests.join(group);
  }

  leave(group: GroupName): void {
    this.#groups.delete(group);
    if (this.#connected) this.requests.leave(group);
  }

  /**
   * Appends a message, or counts it as dropped where `drops` says so.
   * @throws {LimitError}
   * @throws {NameError}
   */
  message(destinations: Destinations, body: Body, options?: SendOptions): void {
    if (this.drops) this.#dropped += 1;
    else this.requests.message(destinations, body, options);
  }

  /** A connection stands: joins all groups, then appends what was kept. */
  stand(privateGroup: PrivateGroup): void {
    const kept = this.#takeMessages();
    this.#connected = true;
    this.requests.sender = privateGroup;
    for (const group of this.#groups) this.requests.join(group);
    const sender = nameField(privateGroup);
    for (const frame of kept) {
      frame.set(sender, SENDER_AT);
      this.outbox.appendBody(frame, true);
    }
  }

  /** The connection is gone. Messages that are not sent stay, or are dropped, by the policy. */
  fall(): void {
    this.#connected = false;
    if (this.policy === "drop") this.#dropped += this.#takeMessages().length;
  }

  /** Messages dropped since it was last asked. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Empties the outbox. Joins and leaves are not returned: the groups themselves are known, and the next connection begins with them. */
  #takeMessages(): Uint8Array[] {
    const view = new FrameView();
    return this.outbox.takeUnsent().filter((frame) => {
      readRequest(frame, 0, frame.length, view);
      return view.kind === "message" && !this.isPing(view);
    });
  }
}

const SENDER_AT = 4;
