// What is wrong with an operator's command before it is given to the group, or that there is nothing left to do. Pure.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { candidates } from "./assign.ts";
import type { Claimant } from "./claim-book.ts";
import type { Outcome } from "./completion.ts";
import type { CoverTable, Entry } from "./cover-table.ts";
import { compareText, meant } from "./definition.ts";
import type { Command } from "./event.ts";
import { ANYBODY, type HostName, type Member } from "./member.ts";
import { describeStand, type StandsOn } from "./standing.ts";
import { whyNot } from "./unheld.ts";

/**
 * @param seen hosts that this one knows besides those of the table: of its configuration, or gone since
 * @param standsOn which hosts have an address by themselves, by what they have told
 * @returns the outcome where it is known already
 * @throws {Fault} kind "usage" for a name that nobody knows; "temporary" under maintenance
 */
export function checkCommand(
  command: Command,
  table: CoverTable,
  seen: Iterable<HostName>,
  standsOn: StandsOn,
): Outcome | undefined {
  if (command.do === "move") checkVip(command.vip, table);
  if ("host" in command) checkHost(command.host, table, seen);
  if (command.do === "move" || command.do === "drain" || command.do === "resume") {
    const isHere = table.hostNamed(command.host) !== undefined;
    if (!isHere)
      return { done: false, text: `${command.host} is away: nobody hears from it, and mole status tells for how long` };
  }
  if (command.do === "move" && isHeldBy(command.vip, command.host, table))
    return { done: true, text: `${command.host} holds ${command.vip} already` };
  const idle = whyIdle(command, table);
  if (idle !== undefined) return { done: true, text: idle };
  if (table.maintenance.on && (command.do === "move" || command.do === "drain" || command.do === "balance"))
    throw new Fault(
      "temporary",
      "maintenance",
      `cannot ${command.do} now: maintenance is on, and nothing moves; mole maintenance off ends it`,
    );
  if (command.do !== "move") return undefined;
  const { vip, host } = command;
  const inTheWay = standsInTheWay(vip, host, table, standsOn) ?? cannotHave(vip, host, table, standsOn);
  return inTheWay === undefined ? undefined : { done: false, text: inTheWay };
}

/** What an operator who drains a host should know besides: it would go on answering for these. "" where there is nothing. */
export function leftOf(command: Command, table: CoverTable | undefined, standsOn: StandsOn): string {
  if (command.do !== "drain" || table === undefined) return "";
  const left = [...table.entries.values()].flatMap(({ definition: { name, addresses } }) =>
    standsOn(addresses)
      .filter(({ host }) => host === command.host)
      .map((stand) => `; but it answers for ${name} all the same: ${describeStand(stand)}`),
  );
  return left.join("");
}

/** The vip's name, where one of its addresses is told in its place; else the text itself. */
export function vipNameOf(table: CoverTable | undefined, nameOrAddress: string): string {
  const isMeant = meant(nameOrAddress);
  for (const entry of table?.entries.values() ?? [])
    if (table!.isInForce(entry) && isMeant(entry.definition)) return entry.definition.name;
  return nameOrAddress;
}

/** Why there is nothing to be done; `undefined` where there is. */
function whyIdle(command: Command, table: CoverTable): string | undefined {
  if (command.do !== "drain" && command.do !== "resume") return undefined;
  const host = table.hostNamed(command.host);
  if (host === undefined || host.drained !== (command.do === "drain")) return undefined;
  if (command.do === "resume") return `${command.host} is not drained: nothing to be done`;
  const isRid = [...table.entries.values()].every(({ set }) => !set.has(host.member));
  return isRid ? `${command.host} is drained already, and holds nothing` : undefined;
}

/** What keeps the host from taking the vip, for it has an address of it by itself. */
export function standsAt(vip: string, host: HostName, table: CoverTable, standsOn: StandsOn): string | undefined {
  for (const entry of table.entries.values()) {
    if (entry.definition.name !== vip || !table.isInForce(entry)) continue;
    const stand = standsOn(entry.definition.addresses).find((one) => one.host === host);
    if (stand !== undefined) return describeStand(stand);
  }
  return undefined;
}

/** Why a move there would end badly. @returns `undefined`: it would not, as far as the hosts have told */
export function standsInTheWay(vip: string, to: HostName, table: CoverTable, standsOn: StandsOn): string | undefined {
  // It would refuse, but only once the holder has let go; and then nobody could take it, for that host answers for the address.
  const there = standsAt(vip, to, table, standsOn);
  if (there !== undefined) return there;
  // Who lets go of what it has twice answers for it still: the new holder, who need not ask behind one that has let go, would not be alone with it.
  for (const entry of table.entries.values()) {
    if (entry.definition.name !== vip || !table.isInForce(entry)) continue;
    for (const member of entry.set.keys()) {
      const host = table.hosts.get(member)?.identity.host;
      const here = host === undefined || host === to ? undefined : standsAt(vip, host, table, standsOn);
      if (here !== undefined) return `it would be doubled: ${here}`;
    }
  }
  return undefined;
}

/**
 * Why a move would leave the vip with two, or with nobody who takes it: more answer for one of its addresses than may hold it. A host with two devices on one network counts as two.
 * @param me       who has asked the wire, and does not hear itself
 * @param claimants who has answered
 */
export function strangerInTheWay(
  entry: Entry,
  me: Member,
  claimants: readonly Claimant[],
  hostOf: (member: Member) => HostName,
  standsOn: StandsOn,
): string | undefined {
  const { set } = entry;
  if (set.has(ANYBODY)) return undefined;
  const others = [...set.keys()].filter((member) => member !== me).length;
  for (const address of entry.definition.addresses) {
    const macs = claimants.filter((one) => one.address === address).map(({ mac }) => mac);
    if (macs.length <= others) continue;
    const may = [...set.keys()].map(hostOf).sort(compareText).join(", ");
    const stands = standsOn([address]).map(describeStand).join("; ");
    return (
      `${macs.sort(compareText).join(" and ")} ${macs.length === 1 ? "answers" : "answer"} for ${address}, which ${may === "" ? "nobody" : `only ${may}`} may hold: ` +
      `${stands || "somebody outside of the group has it too"}; ${FORCE}`
    );
  }
  return undefined;
}

/** What is to be done about somebody outside. */
export const FORCE = "end that first, or move --force: it is doubled there too, or its new host does not take it";

/** Why the host may not be given the vip; `undefined`: it may, or is only silent just now. */
export function cannotHave(vip: string, name: HostName, table: CoverTable, standsOn: StandsOn): string | undefined {
  const host = table.hostNamed(name);
  const entry = table.vipNamed(vip);
  if (host === undefined || entry === undefined) return undefined;
  const isAble = candidates(table, entry).includes(host);
  if (isAble && !host.refusing.has(entry.definition.id)) return undefined;
  return `${name} can't have it: ${whyNot(table, entry, host, isAble, standsOn(entry.definition.addresses))}`;
}

function isHeldBy(vip: string, host: HostName, table: CoverTable): boolean {
  return [...table.entries.values()].some(
    ({ definition, owner, acked, number, set }) =>
      definition.name === vip &&
      owner !== undefined &&
      table.hosts.get(owner)?.identity.host === host &&
      acked === number &&
      set.size === 1,
  );
}

function checkVip(vip: string, table: CoverTable): void {
  const inForce = [...table.entries.values()].filter((entry) => table.isInForce(entry));
  known("vip", vip, new Set(inForce.map(({ definition }) => definition.name)));
}

function checkHost(host: HostName, table: CoverTable, seen: Iterable<HostName>): void {
  const { hosts, former } = table.hostList;
  const here = [...table.hosts.values()].map(({ identity }) => identity.host);
  const awaited = [...table.waited.values()].flatMap(({ identity }) => (identity === undefined ? [] : [identity.host]));
  known("host", host, new Set([...here, ...hosts, ...former, ...awaited, ...seen]));
}

function known(what: "vip" | "host", name: string, names: ReadonlySet<string>): void {
  if (names.has(name)) return;
  const meant = nearest(name, names);
  const all = [...names].sort(compareText).join(", ");
  throw new Fault(
    "usage",
    `unknown-${what}`,
    `no ${what} is called ${JSON.stringify(name)}${meant === undefined ? "" : `; did you mean ${meant}?`}; there are ${all || "none"}`,
  );
}
