// One session's post: messages as frames to send, frames that arrive as messages. The runner and the simulator both go through here.
//
// A message in several parts that a view has cut is void everywhere (wire.ts). What belongs to one view is void in the next anyway; a fact must not be lost with it,
// so its sender sends it again in the new view. Numbers and serials in facts take care that an old one overwrites nothing newer.
import type { Member, View, ViewId } from "./member.ts";
import { type GroupMessage, VERSION } from "./message.ts";
import { type Mac, OLDEST, Opener, PART_BYTES, seal } from "./wire.ts";

/** The counter of a session's last words, whenever they are said. */
const LAST_COUNTER = Number.MAX_SAFE_INTEGER;

/** Versions this mole speaks: the simulator and tests give others. */
export interface Versions {
  readonly newest: number;
  readonly oldest: number;
}

export class Mailbox {
  private readonly opener: Opener;
  private counter = 0;
  private view: ViewId = "";
  private members: readonly Member[] = [];
  /** What each member has told that it speaks at most. */
  private readonly speaks = new Map<Member, number>();
  /** Own messages in several parts that have not come back whole, oldest first. */
  private readonly underway: GroupMessage[] = [];

  constructor(
    readonly member: Member,
    private readonly incarnation: number,
    private readonly mac: Mac | undefined,
    private readonly partBytes: number = PART_BYTES,
    private readonly versions: Versions = { newest: VERSION, oldest: OLDEST },
  ) {
    this.opener = new Opener(mac);
  }

  /** The version that everybody here understands. Of who has not told yet the oldest is expected. */
  get version(): number {
    const { newest, oldest } = this.versions;
    return this.members.reduce((least, member) => Math.min(least, this.speaks.get(member) ?? oldest), newest);
  }

  /** Frames to send, in this order. */
  seal(message: GroupMessage): readonly Uint8Array[] {
    const frames = this.frames(message, this.counter + 1);
    this.counter += frames.length;
    if (frames.length > 1) this.underway.push(message);
    return frames;
  }

  /** A frame for after the session's death, made now: whatever was sent before, this is believed. */
  sealLast(message: GroupMessage): Uint8Array {
    return this.frames(message, LAST_COUNTER)[0]!;
  }

  /**
   * @returns the message that this frame completes, if it does
   * @throws {WireFault}
   */
  open(bytes: Uint8Array, from: Member): GroupMessage | undefined {
    const opened = this.opener.open(bytes, from);
    if (opened === undefined) return undefined;
    const { message, parts } = opened;
    if (message.kind === "state") this.speaks.set(from, message.version);
    if (from === this.member && parts > 1) this.underway.shift();
    return message;
  }

  /** @returns what the view has cut and must be said again */
  enter(view: View): readonly GroupMessage[] {
    this.view = view.id;
    this.members = view.members;
    for (const member of this.speaks.keys()) if (!view.members.includes(member)) this.speaks.delete(member);
    if (!this.opener.enter(view.members, this.member)) return [];
    const cut = this.underway.shift();
    return cut === undefined || cut.kind === "state" || cut.kind === "table" ? [] : [cut];
  }

  private frames(message: GroupMessage, counter: number): readonly Uint8Array[] {
    const { view, member: sender, incarnation, mac, partBytes, version } = this;
    return seal(message, { view, sender, incarnation, counter }, mac, version, partBytes);
  }
}
