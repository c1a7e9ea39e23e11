// What a vip is, and which definition of it counts (the model, section 6: config is compared vip by vip).
//
// Hosts get their config one after the other, so for a while they define a vip differently. Each tells its definitions as facts; a definition
// counts ("is in force") by votes of the hosts present, and only hosts that define the vip so may own it. Thus a change rolls out host by host,
// nothing moves that is unchanged, and half a roll-out never makes two hosts hold one address under two names.
//
// Two definitions are rivals if they have the same name *or share an address* (a renamed vip). Only one of two rivals is ever in force. Were both, each
// could have an owner, each owner's name would block the other's (sets count by address), and neither would ever acquire.
import { formatAddress, tryAddress } from "../base/ip-address.ts";
import { digestOf } from "./digest.ts";
import type { HostName } from "./member.ts";

/** Names what the kernel gets: the vip's name, its addresses and where they go. A vip of which that changes becomes another entry of the table; the old one empties. */
export type VipId = string;

export interface Definition {
  readonly name: string;
  readonly id: VipId;
  /** Over all of the definition: two hosts agree on a vip if this is the same. */
  readonly digest: string;
  /** The addresses alone, each in its one canonical text: what two vips may share. */
  readonly addresses: readonly string[];
  /** The rest of what the kernel gets: device, prefixes, label, in any text. */
  readonly placement: string;
  readonly weight: number;
  /** Best first; hosts not named come after. */
  readonly prefer: readonly HostName[];
  /** If not empty: no other host may ever own it. */
  readonly only: readonly HostName[];
  /** What becomes of it when health has failed everywhere. */
  readonly allFailed: "keep" | "drop";
}

export interface DefinitionText {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly placement?: string;
  readonly weight?: number;
  readonly prefer?: readonly HostName[];
  readonly only?: readonly HostName[];
  readonly allFailed?: "keep" | "drop";
}

export function define(text: DefinitionText): Definition {
  const { name, addresses, placement = "", weight = 1, prefer = [], only = [], allFailed = "keep" } = text;
  const id = `${name}=${addresses.join("+")}${placement === "" ? "" : `@${placement}`}`;
  const digest = digestOf(JSON.stringify([id, weight, prefer, only, allFailed]));
  return { name, id, digest, addresses, placement, weight, prefer, only, allFailed };
}

export function shareAddress(a: Definition, b: Definition): boolean {
  return a.addresses.some((address) => b.addresses.includes(address));
}

/**
 * Which definitions count, by id.
 * @param told   each present host's definitions
 * @param before digests in force until now: one of them stays until a rival has *more* votes
 * @returns sorted by name. Nobody defines it any more: it is not in the result
 */
export function definitionsInForce(
  told: Iterable<readonly Definition[]>,
  before: ReadonlySet<string>,
): readonly Definition[] {
  const votes = new Map<string, { definition: Definition; votes: number }>();
  for (const definitions of told) {
    for (const definition of definitions) {
      const seen = votes.get(definition.digest);
      if (seen === undefined) votes.set(definition.digest, { definition, votes: 1 });
      else seen.votes += 1;
    }
  }
  const ranked = [...votes.values()].sort(
    (a, b) =>
      b.votes - a.votes ||
      Number(before.has(b.definition.digest)) - Number(before.has(a.definition.digest)) ||
      compareText(a.definition.digest, b.definition.digest),
  );
  const names = new Set<string>();
  const addresses = new Set<string>();
  const inForce: Definition[] = [];
  for (const { definition } of ranked) {
    if (names.has(definition.name) || definition.addresses.some((address) => addresses.has(address))) continue;
    names.add(definition.name);
    for (const address of definition.addresses) addresses.add(address);
    inForce.push(definition);
  }
  return inForce.sort((a, b) => compareText(a.name, b.name));
}

/** By code unit: the same on every host, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Which definitions somebody means who types a vip's name or one of its addresses, in any spelling, with a prefix or without. */
export function meant(nameOrAddress: string): (definition: Definition) => boolean {
  const address = tryAddress(nameOrAddress.replace(/\/\d+$/, ""));
  const text = address === undefined ? undefined : formatAddress(address);
  return ({ name, addresses }) => name === nameOrAddress || (text !== undefined && addresses.includes(text));
}
