// A message of mole's as bytes, and back. Whoever reads bytes from the group reads them here, once.
//
//   0    version   1 byte: always first, whatever comes later
//   1    sealed    1 byte: 1 if an HMAC follows
//   2    hmac      32 bytes if sealed: HMAC-SHA-256 over version, sealed, and all that follows
//   ...  header    JSON: [view, sender, incarnation, counter, part, parts], and a line feed
//   ...  body      UTF-8 JSON: [definitions, message] (packing.ts), or that part of it
//
// The group service takes some 100 kB at once, and the table of some hundred vips is more: such a message goes in parts, one after the other, as messages of one
// session arrive. It counts where its last part is delivered, and only if no view came between: who joined there has not seen its beginning, and would go
// another way than the others. Whoever sent it knows too that it was cut, and sends it again (mailbox.ts).
//
// The HMAC covers the view, the sender, its incarnation and a counter, so that what one session said once can't be said again, by another, or later. The hash itself is
// handed in: this file is pure. With a key, what is not rightly sealed is no message; without one, a seal is not looked at.
//
// Version N reads N-1. A group speaks the lowest version that any of its hosts has told in its state, so that hosts can be renewed one by one.
import { Fault } from "../base/fault.ts";
import type { Member, ViewId } from "./member.ts";
import { type GroupMessage, VERSION } from "./message.ts";
import { readMessage } from "./message-schema.ts";
import { pack } from "./packing.ts";

/** HMAC-SHA-256 under the cluster's key: 32 bytes. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

export interface Header {
  readonly view: ViewId;
  readonly sender: Member;
  readonly incarnation: number;
  /** Grows with each message of a session, and with each part. */
  readonly counter: number;
}

export type WireFaultCode = "short" | "version" | "unsealed" | "seal" | "body" | "shape" | "sender" | "again" | "large";

/** A message that is none. `code` says what was wrong. */
export class WireFault extends Fault {
  override readonly name = "WireFault";
  constructor(code: WireFaultCode, found: string) {
    super("protocol", code, `cannot read message of mole: ${found}`);
  }
}

/** The oldest version that this mole reads. */
export const OLDEST = 1;
/** Body bytes of one part: with header and HMAC well under what the real daemon takes. */
export const PART_BYTES = 65_536;
/** Of one message in all: no cluster of ours has a larger table. Whoever may send to the group must not make us keep more. */
const MESSAGE_BYTES_MAX = 8 * 1_048_576;
/** Of unfinished messages of all senders. */
const UNFINISHED_BYTES_MAX = 64 * 1_048_576;
const MAC_BYTES = 32;
const BODY_AT = 2;
const LINE_FEED = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The bytes of one message: one frame, or several, to be sent in this order.
 * @param header its counter is the first frame's
 * @param version the lowest that any host of the view has told
 */
export function seal(
  message: GroupMessage,
  header: Header,
  mac: Mac | undefined,
  version: number = VERSION,
  partBytes: number = PART_BYTES,
): readonly Uint8Array[] {
  const { view, sender, incarnation, counter } = header;
  const body = encoder.encode(JSON.stringify(pack(message)));
  const parts = Math.max(1, Math.ceil(body.length / partBytes));
  return Array.from({ length: parts }, (_, part) => {
    const head = encoder.encode(`${JSON.stringify([view, sender, incarnation, counter + part, part, parts])}\n`);
    const piece = body.subarray(part * partBytes, (part + 1) * partBytes);
    if (mac === undefined) return concat([version, 0], head, piece);
    return concat([version, 1], mac(concat([version, 1], head, piece)), head, piece);
  });
}

/** A message, whole. */
export interface Opened {
  /** Of its last part. */
  readonly header: Header;
  readonly parts: number;
  readonly message: GroupMessage;
}

interface Unfinished {
  readonly parts: number;
  readonly pieces: Uint8Array[];
  bytes: number;
}

/** Reads what arrives from the members of one session's group; remembers each sender's last counter, and what it has begun to say. */
export class Opener {
  private readonly counters = new Map<Member, number>();
  private readonly unfinished = new Map<Member, Unfinished>();
  private unfinishedBytes = 0;

  constructor(private readonly mac: Mac | undefined) {}

  /**
   * @param from who sent it, by the group service's account
   * @returns `undefined` for a part that is not the last, and for the end of what a view has cut
   * @throws {WireFault}
   */
  open(bytes: Uint8Array, from: Member): Opened | undefined {
    if (bytes.length < BODY_AT + 2) throw new WireFault("short", `${bytes.length} bytes are too few`);
    const version = bytes[0]!;
    if (version < OLDEST || version > VERSION)
      throw new WireFault(
        "version",
        `version is ${version}, this mole reads ${OLDEST} to ${VERSION}: ${whose(version)}`,
      );
    const { header, part, parts, piece } = readFrame(this.unsealed(bytes));
    if (header.sender !== from)
      throw new WireFault("sender", `${JSON.stringify(from)} sent what ${JSON.stringify(header.sender)} said`);
    const last = this.counters.get(from);
    if (last !== undefined && header.counter <= last)
      throw new WireFault("again", `message ${header.counter} came after ${last}`);
    const body = parts === 1 ? piece : this.collect(from, part, parts, piece);
    if (body === undefined) {
      this.counters.set(from, header.counter);
      return undefined;
    }
    const read = readMessage(readJson(body));
    if ("wrongAt" in read) throw new WireFault("shape", `${read.wrongAt} is not as it should be`);
    this.counters.set(from, header.counter);
    return { header, parts, message: read.message };
  }

  /** A view: only these are left, and others' names never come back; what was said in part is void. @returns whether `own` was in the middle of a message */
  enter(members: readonly Member[], own: Member): boolean {
    const wasCut = this.unfinished.has(own);
    this.unfinished.clear();
    this.unfinishedBytes = 0;
    for (const member of this.counters.keys()) if (!members.includes(member)) this.counters.delete(member);
    return wasCut;
  }

  private collect(from: Member, part: number, parts: number, piece: Uint8Array): Uint8Array | undefined {
    if (part === 0) {
      this.drop(from);
      this.unfinished.set(from, { parts, pieces: [], bytes: 0 });
    }
    const begun = this.unfinished.get(from);
    // Its beginning was cut off by a view, or never came.
    if (begun === undefined || begun.parts !== parts || begun.pieces.length !== part) {
      this.drop(from);
      return undefined;
    }
    begun.pieces.push(piece.slice());
    begun.bytes += piece.length;
    this.unfinishedBytes += piece.length;
    if (begun.bytes > MESSAGE_BYTES_MAX || this.unfinishedBytes > UNFINISHED_BYTES_MAX) {
      this.drop(from);
      throw new WireFault("large", `its parts come to more than ${MESSAGE_BYTES_MAX} bytes`);
    }
    if (part + 1 < parts) return undefined;
    this.drop(from);
    return concat([], ...begun.pieces);
  }

  private drop(from: Member): void {
    this.unfinishedBytes -= this.unfinished.get(from)?.bytes ?? 0;
    this.unfinished.delete(from);
  }

  private unsealed(bytes: Uint8Array): Uint8Array {
    const isSealed = bytes[1] === 1;
    const bodyAt = isSealed ? BODY_AT + MAC_BYTES : BODY_AT;
    if (bytes.length < bodyAt) throw new WireFault("short", `${bytes.length} bytes are too few for a seal`);
    const body = bytes.subarray(bodyAt);
    if (this.mac === undefined) return body;
    if (!isSealed) throw new WireFault("unsealed", "it carries no HMAC, and this mole has a key");
    const wanted = this.mac(concat([bytes[0]!, 1], body));
    if (!isSame(wanted, bytes.subarray(BODY_AT, bodyAt)))
      throw new WireFault("seal", "its HMAC does not fit: another key_file there, or a stranger");
    return body;
  }
}

/** Whose message it may be that this mole can't read, and what to do. */
function whose(version: number): string {
  return version > VERSION
    ? "no mole's, or of a newer spreadbox: renew this host's"
    : "no mole's, or of an older spreadbox: renew that host's";
}

interface Frame {
  readonly header: Header;
  readonly part: number;
  readonly parts: number;
  readonly piece: Uint8Array;
}

function readFrame(bytes: Uint8Array): Frame {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0) throw new WireFault("body", "the header has no end");
  const value = readJson(bytes.subarray(0, end));
  if (!Array.isArray(value) || value.length !== 6) throw new WireFault("body", "the header is no list of six");
  const [view, sender, incarnation, counter, part, parts] = value as unknown[];
  const isHeader = typeof view === "string" && typeof sender === "string" && isCount(incarnation) && isCount(counter);
  if (!isHeader || !isCount(part) || !isCount(parts) || part >= parts)
    throw new WireFault("body", "the header is not as it should be");
  return { header: { view, sender, incarnation, counter }, part, parts, piece: bytes.subarray(end + 1) };
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) throw new WireFault("body", "the body is no JSON");
    throw cause;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** In a time that does not depend on where they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ (b[at] ?? 0);
  return difference === 0;
}

function concat(head: readonly number[], ...rest: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(rest.reduce((sum, part) => sum + part.length, head.length));
  bytes.set(head);
  let at = head.length;
  for (const part of rest) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
