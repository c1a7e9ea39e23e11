// One direction of a conversation between client and daemon, cut into units as its bytes come (PROTOCOL.md 3, 5 to 8). Never throws: what breaks
// the rules becomes an entry with its offset, and the frame behind it is read if the broken one's lengths can be believed.
//
// What a unit is depends on what the other side said (an old client gets no list of methods, a password takes 40 bytes), so both directions of one
// conversation share a `Conversation`. A recording of one direction alone is read as one of a client of today with the method NULL.
import { Fault } from "../base/fault.ts";
import { FrameError, FrameView, readFrame, readRequest } from "../spread/frame.ts";
import {
  knowsMethods,
  priorityOf,
  readAcceptance,
  readConnectRequest,
  readMethodChoice,
  readMethodList,
  type Taken,
  type Version,
  wantsMembership,
} from "../spread/handshake.ts";
import { BODY_BYTES_MAX, GROUPS_MAX, HEADER_BYTES, NAME_FIELD_BYTES, OLD_TYPE_BYTES } from "../spread/limits.ts";
import { readTransition, readView } from "../spread/membership.ts";
import { type RejectError, rejectCode } from "../spread/result-code.ts";
import { DATA_MASK, flagNames, tryServiceType } from "../spread/service.ts";
import { bodyPreview, type Direction, type DumpEntry, hexDigits, plain, type Unit } from "./dump-entry.ts";

/** What both directions of one conversation know. */
export class Conversation {
  /** The client's, once it was seen. */
  version: Version | undefined;
  /** Chosen by the client. */
  methods: readonly string[] = [];
}

/** What stands next in the stream. "lost": nothing can be told any more. */
type Stage = "request" | "choice" | "credentials" | "list" | "answer" | "acceptance" | "frames" | "lost";

/** What one step took: a unit of `bytes`, or more bytes are needed. */
type Step = { readonly bytes: number; readonly unit: Unit } | "more";

const PASSWORD_METHOD = "PWORD";
/** User name 32, password 8. */
const CREDENTIALS_BYTES = 40;
const USER_BYTES = 32;
const SHOWN_BYTES = 24;

export interface DumpOptions {
  /** Bytes of a body that are shown. */
  readonly bodyBytes: number;
  /** A recording that begins behind the handshake. */
  readonly framesOnly?: boolean;
}

export class DumpStream {
  #held: Uint8Array = new Uint8Array(0);
  /** Bytes before `#held`. */
  #offset = 0;
  #stage: Stage;
  /** Bytes of a broken frame that are still to come. */
  #skip = 0;
  /** The first bytes behind the point from which nothing can be told. */
  #lostShown = "";
  #lostBytes = 0;
  readonly #view = new FrameView();

  constructor(
    readonly direction: Direction,
    private readonly conversation: Conversation,
    private readonly options: DumpOptions,
  ) {
    this.#stage = options.framesOnly === true ? "frames" : direction === "c2s" ? "request" : "list";
  }

  /** Takes a chunk and gives the units that are complete with it. */
  push(chunk: Uint8Array): readonly DumpEntry[] {
    this.#held = joined(this.#held, chunk);
    const entries: DumpEntry[] = [];
    let at = 0;
    while (at < this.#held.length) {
      if (this.#stage === "lost") at += this.#lose(at);
      else if (this.#skip > 0) at += this.#skipSome(at);
      else {
        const step = this.#step(at);
        if (step === "more") break;
        const { bytes, unit } = step;
        entries.push({ direction: this.direction, offset: this.#offset + at, bytes, ...unit });
        const here = Math.min(bytes, this.#held.length - at);
        this.#skip = bytes - here;
        at += here;
      }
    }
    this.#offset += at;
    this.#held = this.#held.subarray(at);
    return entries;
  }

  /** The stream has ended: what is left is a unit cut short, or what could not be told. */
  end(): readonly DumpEntry[] {
    const { direction } = this;
    if (this.#lostBytes > 0) {
      const offset = this.#offset - this.#lostBytes;
      return [{ direction, offset, bytes: this.#lostBytes, kind: "undecodable", shown: this.#lostShown }];
    }
    const bytes = this.#held.length;
    if (bytes === 0 && this.#skip === 0) return [];
    const missing = this.#skip > 0 ? this.#skip : this.#missing();
    return [{ direction, offset: this.#offset, bytes, kind: "cut", missing, shown: this.#shown(0) }];
  }

  #lose(at: number): number {
    if (this.#lostBytes === 0) this.#lostShown = this.#shown(at);
    const bytes = this.#held.length - at;
    this.#lostBytes += bytes;
    return bytes;
  }

  #skipSome(at: number): number {
    const bytes = Math.min(this.#skip, this.#held.length - at);
    this.#skip -= bytes;
    return bytes;
  }

  #step(at: number): Step {
    const { version } = this.conversation;
    if (this.#stage === "list" && version !== undefined && !knowsMethods(version)) this.#stage = "answer";
    switch (this.#stage) {
      case "request":
        return this.#request(at);
      case "choice":
        return this.#choice(at);
      case "credentials":
        return this.#credentials(at);
      case "list":
        return this.#list(at);
      case "answer":
        return this.#answer(at);
      case "acceptance":
        return this.#acceptance(at);
      case "frames":
      case "lost":
        return this.#frame(at);
      default:
        return this.#stage satisfies never;
    }
  }

  #request(at: number): Step {
    const read = readConnectRequest(this.#held, at, this.#held.length);
    if (read === undefined) return "more";
    if ("refuse" in read)
      return this.#lost(
        at,
        `cannot read connect request: a daemon answers ${read.refuse} (${rejectCode(read.refuse)})`,
      );
    const { version, flags, name = "" } = read.value;
    this.conversation.version = version;
    this.#stage = knowsMethods(version) ? "choice" : "frames";
    return {
      bytes: read.bytes,
      unit: {
        kind: "connect",
        version: versionText(version),
        name,
        membership: wantsMembership(flags),
        priority: priorityOf(flags),
      },
    };
  }

  #choice(at: number): Step {
    const read = readMethodChoice(this.#held, at, this.#held.length);
    if (read === undefined) return "more";
    this.conversation.methods = read.value;
    this.#stage = read.value.includes(PASSWORD_METHOD) ? "credentials" : "frames";
    return { bytes: read.bytes, unit: { kind: "choice", methods: read.value } };
  }

  #credentials(at: number): Step {
    if (this.#held.length - at < CREDENTIALS_BYTES) return "more";
    this.#stage = "frames";
    const user = String.fromCharCode(...this.#held.subarray(at, at + USER_BYTES)).split("\0", 1)[0]!;
    return {
      bytes: CREDENTIALS_BYTES,
      unit: { kind: "authentication", method: PASSWORD_METHOD, said: `user ${plain(user)}, and a password` },
    };
  }

  #list(at: number): Step {
    return this.#handshake(at, (): Step => {
      const read = readMethodList(this.#held, at, this.#held.length);
      if (read === undefined) return "more";
      if ("reject" in read) return this.#refused(read.reject);
      this.#stage = "answer";
      return { bytes: read.bytes, unit: { kind: "methods", methods: read.value } };
    });
  }

  /** The client has chosen behind the list, so only here it is known whether a verdict on its password comes first: one byte, 1 or 0. */
  #answer(at: number): Step {
    this.#stage = "acceptance";
    if (!this.conversation.methods.includes(PASSWORD_METHOD) || this.#held[at]! > 1) return this.#acceptance(at);
    const said = this.#held[at] === 1 ? "good" : "bad";
    return { bytes: 1, unit: { kind: "authentication", method: PASSWORD_METHOD, said } };
  }

  #acceptance(at: number): Step {
    return this.#handshake(at, (): Step => {
      const { version } = this.conversation;
      const hasPatch = version === undefined || version.patch !== undefined;
      const read = readAcceptance(this.#held, at, this.#held.length, hasPatch);
      if (read === undefined) return "more";
      if ("reject" in read) return this.#refused(read.reject);
      this.#stage = "frames";
      return accepted(read);
    });
  }

  #handshake(at: number, read: () => Step): Step {
    try {
      return read();
    } catch (error) {
      if (error instanceof Fault) return this.#lost(at, error.message);
      throw error;
    }
  }

  #refused(reject: RejectError): Step {
    this.#stage = "lost";
    return { bytes: 1, unit: { kind: "refuse", reason: reject.reason, code: reject.number } };
  }

  /** The handshake is broken: nothing behind it has known borders. */
  #lost(at: number, error: string): Step {
    this.#stage = "lost";
    return {
      bytes: this.#held.length - at,
      unit: { kind: "broken", error, errorOffset: this.#offset + at, shown: this.#shown(at) },
    };
  }

  #frame(at: number): Step {
    const read = this.direction === "c2s" ? readRequest : readFrame;
    let bytes = 0;
    try {
      bytes = read(this.#held, at, this.#held.length, this.#view);
      return bytes === 0 ? "more" : { bytes, unit: this.#unit() };
    } catch (error) {
      if (error instanceof FrameError) return this.#broken(at, error, bytes);
      throw error;
    }
  }

  /** @param bytes of the frame, 0 where its header was refused already */
  #broken(at: number, { message, offset, field }: FrameError, bytes: number): Step {
    const errorOffset = this.#offset + offset;
    const error = message.replace(/ at offset \d+$/, ` at offset ${errorOffset}`);
    const unit: Unit = { kind: "broken", error, errorOffset, shown: this.#shown(at) };
    if (bytes > 0) return { bytes, unit };
    const { groupCount, bodyStart, bodyEnd, kind } = this.#view;
    const bodyBytes = bodyEnd - bodyStart;
    if (groupCount < 0 || groupCount > GROUPS_MAX || bodyBytes < 0 || bodyBytes > BODY_BYTES_MAX) {
      this.#stage = "lost";
      return { bytes: HEADER_BYTES, unit };
    }
    const oldType = field !== "type" && kind === "reject" ? OLD_TYPE_BYTES : 0;
    return { bytes: HEADER_BYTES + oldType + NAME_FIELD_BYTES * groupCount + bodyBytes, unit };
  }

  #unit(): Unit {
    const view = this.#view;
    switch (view.kind) {
      case "message":
      case "reject":
        return this.#message(view);
      case "join":
      case "leave":
      case "kill":
        return { kind: view.kind, sender: view.name, groups: view.groups() };
      case "view": {
        const { group, cause, id, members, sets, ownSet } = readView(view);
        return { kind: "view", group, cause, id, members, sets, ownSet };
      }
      case "transition": {
        const { group, id } = readTransition(view);
        return { kind: "transition", group, id };
      }
      case "selfLeave":
        return { kind: "selfLeave", group: view.name };
      default:
        return view.kind satisfies never;
    }
  }

  #message(view: FrameView): Unit {
    const service = view.kind === "reject" ? view.oldService : view.service;
    const type = tryServiceType(service);
    return {
      kind: view.kind === "reject" ? "rejected" : "message",
      service: type ?? flagNames(service).join("+"),
      flags: flagNames(type === undefined ? 0 : service & ~strongestBit(service)),
      sender: view.name,
      groups: view.groups(),
      messageType: view.messageType,
      byteOrder: view.littleEndian ? "little" : "big",
      bodyBytes: view.bodyEnd - view.bodyStart,
      body: bodyPreview(view.bytes, view.bodyStart, view.bodyEnd, this.options.bodyBytes),
    };
  }

  #shown(at: number): string {
    const end = Math.min(this.#held.length, at + SHOWN_BYTES);
    return hexDigits(this.#held.subarray(at, end)) + (this.#held.length > end ? " ..." : "");
  }

  #missing(): number | undefined {
    if (this.#stage !== "frames") return undefined;
    if (this.#held.length < HEADER_BYTES) return HEADER_BYTES - this.#held.length;
    return Math.max(0, this.#view.bodyEnd - this.#view.start - this.#held.length);
  }
}

function accepted(read: Taken<{ readonly version: Version; readonly privateGroup: string }>): Step {
  const { version, privateGroup } = read.value;
  return { bytes: read.bytes, unit: { kind: "accept", version: versionText(version), privateGroup } };
}

function versionText({ major, minor, patch }: Version): string {
  return patch === undefined ? `${major}.${minor}` : `${major}.${minor}.${patch}`;
}

function strongestBit(service: number): number {
  return 1 << (31 - Math.clz32(service & DATA_MASK));
}

function joined(held: Uint8Array, chunk: Uint8Array): Uint8Array {
  if (held.length === 0) return chunk;
  const whole = new Uint8Array(held.length + chunk.length);
  whole.set(held);
  whole.set(chunk, held.length);
  return whole;
}
