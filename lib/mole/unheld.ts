// Why a vip is not held, and why a host can't have it. Pure.
import { candidates } from "./assign.ts";
import type { CoverTable, Entry, HostRecord } from "./cover-table.ts";
import { compareText } from "./definition.ts";
import { describeRemembered } from "./remembered.ts";
import { describeStand, type Stand, type StandsOn } from "./standing.ts";

/**
 * What holds it up, for somebody who has one line for it. "" where it is held.
 * @param failure why this host could not take it when it last tried
 */
export function whyUnheld(table: CoverTable, entry: Entry, standsOn: StandsOn, failure: string | undefined): string {
  const { definition, owner, number, excused, set } = entry;
  if (table.isHeld(entry)) return "";
  const away = owner === undefined ? undefined : table.waited.get(owner);
  if (away?.why === "kept") {
    const what = "its host went away under maintenance, and keeps it";
    if (table.maintenance.on) return what;
    return `${what}; if that host is switched off: mole forget ${away.identity?.host ?? "HOST"} --force`;
  }
  if (table.maintenance.on && owner === undefined) return "nobody takes it before mole maintenance off";
  if (!table.warm) return "cold start: waits for all hosts to come";
  if (!table.covers) return "no majority here";
  if (owner === undefined) {
    const able = new Set(candidates(table, entry));
    const keeper = [...set.keys()].map((name) => table.waited.get(name)).find((waited) => waited?.why === "kept");
    if (able.size > 0 && keeper !== undefined)
      return `${keeper.identity?.host ?? "a host that nobody can name"} may hold it since the maintenance`;
    const stands = standsOn(definition.addresses);
    const reasons = Map.groupBy(table.hosts.values(), (host) => whyNot(table, entry, host, able.has(host), stands));
    const all = [...reasons].map(
      ([why, hosts]) =>
        `${hosts
          .map(({ identity }) => identity.host)
          .sort(compareText)
          .join(", ")}: ${why}`,
    );
    return [...all, ...(failure === undefined ? [] : [couldNotHere(failure)])].join(", ");
  }
  if (excused === number) return whoAnswers(definition.addresses, standsOn);
  const others = [...set.keys()].some((name) => name !== owner);
  if (!others && failure !== undefined) return couldNotHere(failure);
  const refusing = [...table.hosts.values()].filter((host) => host.refusing.has(definition.id));
  if (!others && refusing.length > 0)
    return `could not be taken by ${refusing.map(({ identity }) => identity.host).join(", ")}: mole why there tells the reason`;
  if (!others) return "its host has not taken it yet";
  const remembered = [...set.keys()].some((name) => table.waited.has(name)) ? describeRemembered(table) : "";
  return `others may still hold it${remembered === "" ? "" : `; ${remembered}, which some host once had, is remembered and waited for`}`;
}

function couldNotHere(failure: string): string {
  return `could not be taken by this host: ${failure}`;
}

/** Whose answer keeps a vip's owner from taking it: a host of the group that has told so, else somebody outside. */
export function whoAnswers(addresses: readonly string[], standsOn: StandsOn): string {
  const stands = standsOn(addresses);
  return stands.length > 0
    ? stands.map(describeStand).join("; ")
    : `somebody outside of the group answers for ${addresses.join(" or ")}`;
}

/** Whether a host could have the vip, in words. @param isAble it is a candidate @param stands hosts that have an address of the vip by themselves */
export function whyNot(
  table: CoverTable,
  entry: Entry,
  host: HostRecord,
  isAble: boolean,
  stands: readonly Stand[],
): string {
  const { definition } = entry;
  const { facts, member } = host;
  const unfit = facts.unfit[definition.name];
  if (!facts.definitions.some(({ digest }) => digest === definition.digest))
    return facts.definitions.some(({ name }) => name === definition.name)
      ? "its configuration defines the vip otherwise"
      : "its configuration does not define the vip";
  if (host.drained) return "drained by an operator";
  if (facts.stopping) return "stopping";
  if (definition.only.length > 0 && !definition.only.includes(host.identity.host)) return 'not named in "only"';
  if (table.safe && !table.hostList.hosts.includes(host.identity.host)) return 'not in "hosts" (mode safe)';
  if (table.expelled.has(member)) return "thrown out";
  if (!host.informed) return "has not got the table yet";
  if (unfit === "carrier")
    return "no carrier, no device with its subnet, or left to a host that the group can't hear: its own status tells";
  if (unfit === "health" && !isAble) return "a health check fails";
  const stand = stands.find((one) => one.host === host.identity.host);
  if (stand !== undefined) return `has ${stand.address}/${stand.prefixBits} by itself, on its ${stand.device}`;
  if (host.refusing.has(definition.id)) return "could not take it; tries again later";
  if (table.beats.isQuiet(member)) return "silent just now";
  if (unfit === "health") return "a health check fails, as on all hosts";
  const rank = definition.prefer.indexOf(host.identity.host);
  const preferred = rank < 0 ? "" : rank === 0 ? "; preferred" : `; preferred as number ${rank + 1}`;
  return `${facts.ready ? "can have it" : "can have it, but is held down: not from a host that works"}${preferred}`;
}
