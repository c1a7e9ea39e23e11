// One session in the group: connected, joined, read and written; one life of the machine is one of these, under a name that no session ever had before.
import { BackOff } from "../../base/back-off.ts";
import { Fault } from "../../base/fault.ts";
import type { Random } from "../../base/random.ts";
import { pause } from "../../run/pause.ts";
import {
  connect,
  type Reject,
  type Session,
  type SessionOptions,
  type View as SpreadView,
} from "../../spread/index.ts";
import { readyFrame } from "../../spread/ready-frame.ts";
import { CAUSED_BY_JOIN } from "../../spread/service.ts";
import { Mailbox } from "../mailbox.ts";
import type { Member, View } from "../member.ts";
import type { GroupMessage } from "../message.ts";
import type { Mac } from "../wire.ts";

/** What a link tells. After "lost" nothing more. */
export type LinkEvent =
  | { readonly on: "view"; readonly view: View }
  | { readonly on: "transitional" }
  | { readonly on: "message"; readonly from: Member; readonly message: GroupMessage }
  /** Something came that was no message of a mole's, or not of ours. */
  | { readonly on: "unread"; readonly from: Member; readonly why: Fault }
  | {
      readonly on: "lost";
      readonly why: string /** The daemon lets us do less than we have to. */;
      readonly isRefused: boolean;
    };

export interface LinkOptions {
  readonly spread: SessionOptions;
  readonly group: string;
  readonly mac: Mac | undefined;
  /** How long `close` waits for what is unsent. */
  readonly closeMs: number;
}

/** What the real daemon accepts next to its other sessions, unless it is overwhelmed. */
const UNSENT_BYTES = 4 * 1_048_576;
/** A daemon that comes back is met at once: each moment without it is one without cover. */
const BACK_OFF = { firstMs: 50, mostMs: 1_000, jitter: 0.5 };

export class GroupLink {
  readonly member: Member;
  readonly server: string;
  private readonly mailbox: Mailbox;
  private isOver = false;

  private constructor(
    private readonly session: Session,
    private readonly options: LinkOptions,
    readonly incarnation: number,
    private readonly onEvent: (event: LinkEvent) => void,
  ) {
    const { state } = session;
    if (state.at !== "connected") throw new Error("a session that was just made is connected");
    this.member = state.privateGroup;
    this.server = `${state.server} (version ${state.version})`;
    this.mailbox = new Mailbox(this.member, incarnation, options.mac);
  }

  /**
   * Tries until there is a session, or until `stop`. Nothing is joined yet: `join` does.
   * @param incarnation of each attempt, with a name that goes with it
   * @param failed      told of each attempt that failed
   */
  static async open(
    options: LinkOptions,
    incarnation: () => { readonly number: number; readonly name: string },
    onEvent: (event: LinkEvent) => void,
    failed: (error: Fault) => void,
    random: Random,
    stop: AbortSignal,
  ): Promise<GroupLink | undefined> {
    const backOff = new BackOff(BACK_OFF, random);
    while (!stop.aborted) {
      const { number, name } = incarnation();
      try {
        const session = await connect({
          ...options.spread,
          name,
          reconnect: false,
          membership: true,
          unsent: "keep",
          unsentBytes: UNSENT_BYTES,
          closeMs: options.closeMs,
        });
        if (!stop.aborted) return new GroupLink(session, options, number, onEvent);
        await session.close();
        return undefined;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        failed(error);
      }
      await pause(backOff.nextMs(), stop);
    }
    return undefined;
  }

  /** Of the connected socket, for the guard. */
  get socketFd(): number | undefined {
    return this.session.socketFd;
  }

  /** A frame that says so for the guard to send when this process is dead. */
  lastWords(): Uint8Array {
    const { privateGroup } = this.session;
    if (privateGroup === undefined) return new Uint8Array(0);
    return readyFrame(privateGroup, this.options.group, this.mailbox.sealLast({ kind: "farewell" }));
  }

  join(): void {
    void this.session.join(this.options.group).catch(() => {}); // a session that is lost says so
    void this.listen();
  }

  send(message: GroupMessage): void {
    if (this.isOver) return;
    for (const frame of this.mailbox.seal(message)) {
      if (this.session.trySend(this.options.group, frame, { service: "agreed" })) continue;
      // A daemon that takes nothing for so long is none; and a message lost in the middle would not do.
      this.end("the daemon takes nothing more");
      return;
    }
  }

  /** Writes now what has been sent in this turn. */
  flush(): void {
    this.session.flush();
  }

  /** Takes leave: what was sent goes out as far as it can. Nothing is told any more. */
  async close(): Promise<void> {
    this.isOver = true;
    this.session.flush();
    await this.session.close();
  }

  private async listen(): Promise<void> {
    try {
      for await (const event of this.session) {
        if (this.isOver) return;
        switch (event.kind) {
          case "view":
            if (event.group === this.options.group) this.enter(event);
            break;
          case "transition":
            if (event.group === this.options.group) this.onEvent({ on: "transitional" });
            break;
          case "message":
            // Only what is ordered is the same for all.
            if (event.service === "agreed" && event.groups.includes(this.options.group))
              this.read(event.sender, event.body);
            break;
          case "reject":
            this.end(refusalOf(event, this.options.group), true);
            return;
          case "lost":
            this.end(event.reason.message);
            return;
          default:
        }
      }
      this.end("the session was closed");
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.end(error.message);
    }
  }

  private enter(event: SpreadView): void {
    const view = viewOf(event, this.member);
    for (const message of this.mailbox.enter(view)) this.send(message);
    this.onEvent({ on: "view", view });
  }

  private read(from: Member, bytes: Uint8Array): void {
    let message: GroupMessage | undefined;
    try {
      message = this.mailbox.open(bytes, from);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.onEvent({ on: "unread", from, why: error });
      return;
    }
    if (message !== undefined) this.onEvent({ on: "message", from, message });
  }

  private end(why: string, isRefused = false): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onEvent({ on: "lost", why, isRefused });
    void this.session.close();
  }
}

/** What is wrong at the daemon, for a mole and for who looks whether one could run. */
export function refusalOf({ service }: Reject, group: string): string {
  const what = (service & CAUSED_BY_JOIN) !== 0 ? "join" : "send to";
  return `the daemon does not let us ${what} group ${group}: its [[spreadd.allow]] has to name it for this host, in join and in send`;
}

/** A view of Spread's as the machine knows it. */
function viewOf({ id, cause, members, sets, ownSet }: SpreadView, own: Member): View {
  const together =
    cause === "network"
      ? sets[ownSet]!
      : cause !== "join"
        ? members
        : sets[ownSet]!.includes(own as (typeof members)[number])
          ? [own] // I am who joined
          : members.filter((member) => !sets[ownSet]!.includes(member));
  return { id: `${id.daemonId}:${id.time}:${id.index}`, members, cause, together };
}
