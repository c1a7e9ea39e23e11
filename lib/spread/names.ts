// What a name may be (PROTOCOL.md, 3.1 and 4). Only the functions here make the branded types: checked once, trusted ever after.
import type { Brand } from "../base/brand.ts";
import { Fault } from "../base/fault.ts";
import { DAEMON_NAME_BYTES_MAX, GROUP_NAME_BYTES_MAX, PRIVATE_NAME_BYTES_MAX } from "./limits.ts";

/** A group that may be joined and sent to: 1 to 31 characters from "$" to "~". */
export type GroupName = Brand<string, "GroupName">;
/** What a session is called on its daemon: 1 to 10 characters from "$" to "~". */
export type PrivateName = Brand<string, "PrivateName">;
/** A daemon's name: 1 to 19 characters from "$" to "~". */
export type DaemonName = Brand<string, "DaemonName">;
/** A session's identity, and the group that reaches just it: `#name#daemon`. */
export type PrivateGroup = Brand<string, "PrivateGroup">;
/** Where a message may go. */
export type Destination = GroupName | PrivateGroup;

/** A name that breaks the rules. */
export class NameError extends Fault {
  override readonly name = "NameError";

  constructor(
    readonly form: "group name" | "private name" | "daemon name" | "private group" | "destination",
    readonly found: string,
  ) {
    super("usage", "name", `cannot use ${JSON.stringify(found)} as ${form}: expected ${NAME_FORMS[form]}`);
  }
}

/** What each kind of name looks like, for messages and help. */
export const NAME_FORMS = {
  "group name": 'a group name: 1 to 31 characters from "$" to "~" (no space, no "#")',
  "private name": 'a private name: 1 to 10 characters from "$" to "~" (no space, no "#")',
  "daemon name": 'a daemon name: 1 to 19 characters from "$" to "~" (no space, no "#")',
  "private group": 'a private group such as "#name#daemon"',
  destination: 'a group name, or a private group such as "#name#daemon"',
} as const;

const LOWEST_LEGAL = 0x24;
const HIGHEST_LEGAL = 0x7e;

/** `true` where a byte may stand in a name: "$" to "~". */
export function isNameByte(byte: number): boolean {
  return byte >= LOWEST_LEGAL && byte <= HIGHEST_LEGAL;
}

export function isGroupName(text: string): text is GroupName {
  return isLegal(text, 0, text.length, GROUP_NAME_BYTES_MAX);
}

export function isPrivateName(text: string): text is PrivateName {
  return isLegal(text, 0, text.length, PRIVATE_NAME_BYTES_MAX);
}

export function isDaemonName(text: string): text is DaemonName {
  return isLegal(text, 0, text.length, DAEMON_NAME_BYTES_MAX);
}

export function isPrivateGroup(text: string): text is PrivateGroup {
  const second = text.indexOf("#", 1);
  return (
    text.charCodeAt(0) === HASH &&
    isLegal(text, 1, second, PRIVATE_NAME_BYTES_MAX) &&
    isLegal(text, second + 1, text.length, DAEMON_NAME_BYTES_MAX)
  );
}

export function isDestination(text: string): text is Destination {
  return isGroupName(text) || isPrivateGroup(text);
}

/** @throws {NameError} */
export function parseGroupName(text: string): GroupName {
  if (!isGroupName(text)) throw new NameError("group name", text);
  return text;
}

/** @throws {NameError} */
export function parsePrivateName(text: string): PrivateName {
  if (!isPrivateName(text)) throw new NameError("private name", text);
  return text;
}

/** @throws {NameError} */
export function parseDaemonName(text: string): DaemonName {
  if (!isDaemonName(text)) throw new NameError("daemon name", text);
  return text;
}

/** @throws {NameError} */
export function parsePrivateGroup(text: string): PrivateGroup {
  if (!isPrivateGroup(text)) throw new NameError("private group", text);
  return text;
}

/** @throws {NameError} */
export function parseDestination(text: string): Destination {
  if (!isDestination(text)) throw new NameError("destination", text);
  return text;
}

export const tryGroupName = (text: string): GroupName | undefined => (isGroupName(text) ? text : undefined);
export const tryPrivateName = (text: string): PrivateName | undefined => (isPrivateName(text) ? text : undefined);
export const tryDaemonName = (text: string): DaemonName | undefined => (isDaemonName(text) ? text : undefined);
export const tryPrivateGroup = (text: string): PrivateGroup | undefined => (isPrivateGroup(text) ? text : undefined);

/** The private group of a session on a daemon. */
export function privateGroup(name: PrivateName, daemon: DaemonName): PrivateGroup {
  return `#${name}#${daemon}` as PrivateGroup;
}

/** The two halves of a private group. */
export function splitPrivateGroup(group: PrivateGroup): { readonly name: PrivateName; readonly daemon: DaemonName } {
  const second = group.indexOf("#", 1);
  return { name: group.slice(1, second) as PrivateName, daemon: group.slice(second + 1) as DaemonName };
}

const HASH = 0x23;

function isLegal(text: string, from: number, to: number, most: number): boolean {
  if (to - from < 1 || to - from > most) return false;
  for (let index = from; index < to; index++) if (!isNameByte(text.charCodeAt(index))) return false;
  return true;
}
