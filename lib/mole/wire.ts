// A message of mole's as bytes, and back. Whoever reads bytes from the group reads them here, once.
//
//   0    version   1 byte: always first, whatever comes later
//   1    sealed    1 byte: 1 if an HMAC follows
//   2    hmac      32 bytes if sealed: HMAC-SHA-256 over version, sealed, and the body
//   ...  body      UTF-8 JSON: [view, sender, incarnation, counter, message]
//
// The HMAC covers the view, the sender, its incarnation and a counter, so that what one session said once can't be said again, by another, or later. The hash itself is
// handed in: this file is pure. With a key, what is not rightly sealed is no message; without one, a seal is not looked at.
//
// Version N reads N-1. A group speaks the lowest version that any of its hosts has told in its state, so that hosts can be renewed one by one.
import { Fault } from "../base/fault.ts";
import type { Member, ViewId } from "./member.ts";
import { type Message, VERSION } from "./message.ts";
import { readMessage } from "./message-schema.ts";

/** HMAC-SHA-256 under the cluster's key: 32 bytes. */
export type Mac = (bytes: Uint8Array) => Uint8Array;

export interface Header {
  readonly view: ViewId;
  readonly sender: Member;
  readonly incarnation: number;
  /** Grows with each message of a session. */
  readonly counter: number;
}

export type WireFaultCode = "short" | "version" | "unsealed" | "seal" | "body" | "shape" | "sender" | "again";

/** A message that is none. `code` says what was wrong. */
export class WireFault extends Fault {
  override readonly name = "WireFault";
  constructor(code: WireFaultCode, found: string) {
    super("protocol", code, `cannot read message of mole: ${found}`);
  }
}

const OLDEST = 1;
const MAC_BYTES = 32;
const BODY_AT = 2;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of one message. @param version the lowest that any host of the view has told */
export function seal(message: Message, header: Header, mac: Mac | undefined, version: number = VERSION): Uint8Array {
  const { view, sender, incarnation, counter } = header;
  const body = encoder.encode(JSON.stringify([view, sender, incarnation, counter, message]));
  if (mac === undefined) return concat([version, 0], body);
  const sum = mac(concat([version, 1], body));
  return concat([version, 1], sum, body);
}

/** Reads what arrives from the members of one session's group; remembers each sender's last counter. */
export class Opener {
  private readonly counters = new Map<Member, number>();

  constructor(private readonly mac: Mac | undefined) {}

  /**
   * @param from who sent it, by the group service's account
   * @throws {WireFault}
   */
  open(bytes: Uint8Array, from: Member): { readonly header: Header; readonly message: Message } {
    if (bytes.length < BODY_AT + 2) throw new WireFault("short", `${bytes.length} bytes are too few`);
    const version = bytes[0]!;
    if (version < OLDEST || version > VERSION)
      throw new WireFault("version", `version is ${version}, this mole reads ${OLDEST} to ${VERSION}`);
    const [view, sender, incarnation, counter, content] = readBody(this.unsealed(bytes));
    if (sender !== from)
      throw new WireFault("sender", `${JSON.stringify(from)} sent what ${JSON.stringify(sender)} said`);
    const last = this.counters.get(from);
    if (last !== undefined && counter <= last) throw new WireFault("again", `message ${counter} came after ${last}`);
    const read = readMessage(content);
    if ("wrongAt" in read) throw new WireFault("shape", `${read.wrongAt} is not as it should be`);
    this.counters.set(from, counter);
    return { header: { view, sender, incarnation, counter }, message: read.message };
  }

  /** Only these are left: the others' names never come back. */
  keep(members: readonly Member[]): void {
    for (const member of this.counters.keys()) if (!members.includes(member)) this.counters.delete(member);
  }

  private unsealed(bytes: Uint8Array): Uint8Array {
    const isSealed = bytes[1] === 1;
    const bodyAt = isSealed ? BODY_AT + MAC_BYTES : BODY_AT;
    if (bytes.length < bodyAt) throw new WireFault("short", `${bytes.length} bytes are too few for a seal`);
    const body = bytes.subarray(bodyAt);
    if (this.mac === undefined) return body;
    if (!isSealed) throw new WireFault("unsealed", "it carries no HMAC, and this mole has a key");
    const wanted = this.mac(concat([bytes[0]!, 1], body));
    if (!isSame(wanted, bytes.subarray(BODY_AT, bodyAt))) throw new WireFault("seal", "its HMAC does not fit");
    return body;
  }
}

function readBody(body: Uint8Array): [string, string, number, number, unknown] {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) throw new WireFault("body", "the body is no JSON");
    throw cause;
  }
  if (!Array.isArray(value) || value.length !== 5) throw new WireFault("body", "the body is no list of five");
  const [view, sender, incarnation, counter, content] = value as unknown[];
  if (typeof view !== "string" || typeof sender !== "string" || !isCount(incarnation) || !isCount(counter))
    throw new WireFault("body", "the header is not as it should be");
  return [view, sender, incarnation, counter, content];
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
