// The units of the handshake (PROTOCOL.md, 3), each read and written by a pure function. What follows what, for either side, is in
// client-handshake.ts and daemon-handshake.ts.
//
//   client                                   daemon
//     | -- connect request ------------------> |        version, flags, private name
//     | <-- method list ---------------------- |   or   one negative byte, then close
//     | -- method choice, 90 bytes ----------> |
//     | == the chosen methods' exchanges ===== |        nothing for NULL and IP
//     | <-- accept reply --------------------- |   or   one negative byte, then close
//
// A reader takes bytes in any segmentation: `undefined` means that more are needed. Single bytes are signed.
import { Fault } from "../base/fault.ts";
import {
  GROUP_NAME_BYTES_MAX,
  LimitError,
  METHOD_CHOICE_BYTES,
  METHOD_LIST_BYTES_MAX,
  METHOD_NAME_BYTES,
  METHODS_MAX,
  PRIVATE_NAME_BYTES_MAX,
} from "./limits.ts";
import { isPrivateGroup, isPrivateName, type PrivateGroup, type PrivateName } from "./names.ts";
import { ACCEPTED, RejectError, type RejectReason, rejectByte } from "./result-code.ts";

/** A unit that was read, and the bytes it took. */
export interface Taken<T> {
  readonly value: T;
  readonly bytes: number;
}

/** A version of the protocol; a client before 3.15 has no patch level. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number | undefined;
}

export interface ConnectRequest {
  readonly version: Version;
  /** As sent: ask `wantsMembership` and `priorityOf`; made by `connectFlags`. */
  readonly flags: number;
  /** `undefined`: the daemon invents one. */
  readonly name: PrivateName | undefined;
}

/** The flags of a request: views, transitions and self-leaves wanted or not, and a priority of 0 to 15. */
export function connectFlags(membership: boolean, priority: number): number {
  return ((priority & 0xf) << 4) | (membership ? 1 : 0);
}

/** `true` where a session gets views, transitions and self-leaves: a signed byte with remainder 1, so 0x81 and 0xff are not it. */
export function wantsMembership(flags: number): boolean {
  return flags < 0x80 && flags % 2 === 1;
}

/** The priority in a request's flags; stored by the real daemon, without further effect. */
export function priorityOf(flags: number): number {
  return flags >>> 4;
}

/** What a connect request turned out to be. */
export type ReadRequest = Taken<ConnectRequest> | { readonly refuse: RejectReason };

/**
 * Reads a connect request, as a daemon does: what it has to refuse is an answer here, no error.
 *
 * | offset | size | |
 * |---|---|---|
 * | 0 | 3 | version; before 3.15 two bytes |
 * | 3 | 1 | bit 0 membership, bits 4 to 7 priority |
 * | 4 | 1 | length of the name |
 * | 5 | | private name |
 */
export function readConnectRequest(bytes: Uint8Array, at: number, end: number): ReadRequest | undefined {
  const versionBytes = versionSize(bytes, at, end);
  if (versionBytes === undefined) return undefined;
  if (versionBytes === 0) return { refuse: "version" };
  const flagsAt = at + versionBytes;
  const nameAt = flagsAt + 2;
  if (end < nameAt) return undefined;
  const nameLength = bytes[nameAt - 1]!;
  if (nameLength > PRIVATE_NAME_BYTES_MAX) return { refuse: "illegal-name" };
  if (end < nameAt + nameLength) return undefined;
  const name = text(bytes, nameAt, nameLength);
  if (name !== "" && !isPrivateName(name)) return { refuse: "illegal-name" };
  return {
    value: {
      version: { major: bytes[at]!, minor: bytes[at + 1]!, patch: versionBytes === 3 ? bytes[at + 2]! : undefined },
      flags: bytes[flagsAt]!,
      name: name === "" ? undefined : (name as PrivateName),
    },
    bytes: nameAt + nameLength - at,
  };
}

/** Writes a connect request. To the real daemon it must go in one write, with nothing behind it (3.1). */
export function writeConnectRequest(request: ConnectRequest): Uint8Array {
  const { version, name = "" } = request;
  const head =
    version.patch === undefined ? [version.major, version.minor] : [version.major, version.minor, version.patch];
  return Uint8Array.of(...head, request.flags, name.length, ...ascii(name));
}

/** Clients before 3.16 know of no authentication: after their request comes the accept reply. */
export function knowsMethods(version: Version): boolean {
  return version.major > 3 || (version.major === 3 && version.minor >= 16);
}

/** What a daemon offers, by name. */
export type ReadMethodList = Taken<readonly string[]> | { readonly reject: RejectError };

/** Reads the list of methods: one byte of length, names each with a space behind it. A byte from 0x80 is a reject code instead. */
export function readMethodList(bytes: Uint8Array, at: number, end: number): ReadMethodList | undefined {
  if (end === at) return undefined;
  const length = bytes[at]!;
  if (length >= 0x80) return { reject: RejectError.ofByte(length) };
  if (length > METHOD_LIST_BYTES_MAX) throw new HandshakeError("length of the method list", length);
  if (end < at + 1 + length) return undefined;
  const names = text(bytes, at + 1, length)
    .split(" ")
    .filter((name) => name !== "");
  return { value: names, bytes: 1 + length };
}

/** Writes the list of methods in the order given. No method is an empty list: the reject follows at once. */
export function writeMethodList(names: readonly string[]): Uint8Array {
  const list = ascii(names.map((name) => `${name} `).join(""));
  if (list.length > METHOD_LIST_BYTES_MAX)
    throw new LimitError("methods", names.length, `${METHOD_LIST_BYTES_MAX} bytes`);
  return Uint8Array.of(list.length, ...list);
}

/** Reads the 90 bytes by which a client chooses: three fields of 30, read up to the first empty one. */
export function readMethodChoice(bytes: Uint8Array, at: number, end: number): Taken<readonly string[]> | undefined {
  if (end < at + METHOD_CHOICE_BYTES) return undefined;
  const names: string[] = [];
  for (let field = 0; field < METHODS_MAX; field++) {
    const [name] = text(bytes, at + field * METHOD_NAME_BYTES, METHOD_NAME_BYTES).split("\0");
    if (name === "") break;
    names.push(name!);
  }
  return { value: names, bytes: METHOD_CHOICE_BYTES };
}

/** Writes the choice of up to three methods. @throws {LimitError} */
export function writeMethodChoice(names: readonly string[]): Uint8Array {
  if (names.length > METHODS_MAX) throw new LimitError("methods", names.length, `up to ${METHODS_MAX}`);
  const bytes = new Uint8Array(METHOD_CHOICE_BYTES);
  for (const [field, name] of names.entries())
    bytes.set(ascii(name).subarray(0, METHOD_NAME_BYTES - 1), field * METHOD_NAME_BYTES);
  return bytes;
}

export interface Acceptance {
  /** The daemon's version; without patch level to a client before 3.15. */
  readonly version: Version;
  readonly privateGroup: PrivateGroup;
}

export type ReadAcceptance = Taken<Acceptance> | { readonly reject: RejectError };

/**
 * Reads the answer that ends the handshake: 1, the daemon's version, a length and the private group; or a reject code.
 * @param patch a patch level follows: always, but for clients before 3.15
 * @throws {HandshakeError} what stands there is neither
 */
export function readAcceptance(bytes: Uint8Array, at: number, end: number, patch = true): ReadAcceptance | undefined {
  if (end === at) return undefined;
  const code = bytes[at]!;
  if (code >= 0x80) return { reject: RejectError.ofByte(code) };
  if (code !== ACCEPTED) throw new HandshakeError("answer to the authentication", code);
  const lengthAt = at + (patch ? 4 : 3);
  if (end <= lengthAt) return undefined;
  const length = bytes[lengthAt]!;
  if (length > GROUP_NAME_BYTES_MAX) throw new HandshakeError("length of the private group", length);
  if (end < lengthAt + 1 + length) return undefined;
  const privateGroup = text(bytes, lengthAt + 1, length);
  if (!isPrivateGroup(privateGroup)) throw new HandshakeError("private group", privateGroup);
  const version = { major: bytes[at + 1]!, minor: bytes[at + 2]!, patch: patch ? bytes[at + 3]! : undefined };
  return { value: { version, privateGroup }, bytes: lengthAt + 1 + length - at };
}

/** Writes the acceptance; without a patch level where the version has none. */
export function writeAcceptance({ version, privateGroup }: Acceptance): Uint8Array {
  const patch = version.patch === undefined ? [] : [version.patch];
  return Uint8Array.of(ACCEPTED, version.major, version.minor, ...patch, privateGroup.length, ...ascii(privateGroup));
}

/** Writes the one byte that refuses a session, wherever a daemon may: instead of the list, or of the acceptance. */
export function writeReject(reason: RejectReason): Uint8Array {
  return Uint8Array.of(rejectByte(reason));
}

/** The peer sent something that no handshake has in that place. */
export class HandshakeError extends Fault {
  override readonly name = "HandshakeError";

  constructor(
    readonly part: string,
    readonly found: number | string,
  ) {
    super(
      "protocol",
      "handshake",
      `cannot read handshake: ${part} is ${typeof found === "string" ? JSON.stringify(found) : found}`,
    );
  }
}

/** Bytes of the version: 0 for one that is refused (before 3.1, and 128 and later: the byte is signed), `undefined` where it can't be told yet. */
function versionSize(bytes: Uint8Array, at: number, end: number): number | undefined {
  if (end - at < 1) return undefined;
  const major = bytes[at]!;
  if (major < 3 || major >= 0x80) return 0;
  if (major > 3) return 3;
  if (end - at < 2) return undefined;
  const minor = bytes[at + 1]!;
  if (minor < 1) return 0;
  return minor > 14 ? 3 : 2;
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function ascii(name: string): Uint8Array {
  return Uint8Array.from(name, (character) => character.charCodeAt(0));
}
