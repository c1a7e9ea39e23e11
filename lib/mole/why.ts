// `mole why VIP`: who has it, who may hold it, who could, and why not the others; the waits that are left, and what happened to it lately. Pure.
import { roughDuration } from "../base/duration.ts";
import { candidates } from "./assign.ts";
import type { Chronicle, Move } from "./chronicle.ts";
import type { CoverTable, Entry, HostRecord } from "./cover-table.ts";
import { meant, type VipId } from "./definition.ts";
import { lapsedForMs, WHY_LAPSED } from "./lapsed.ts";
import type { Machine } from "./machine.ts";
import { ANYBODY, type HostName } from "./member.ts";
import { describeRemembered } from "./remembered.ts";
import { describeStand, type Stand, type StandsOn } from "./standing.ts";
import { hostOf, type Status } from "./status.ts";
import { whyNot, whyUnheld } from "./unheld.ts";

export interface Why {
  readonly vip: string;
  readonly id: string;
  readonly addresses: readonly string[];
  readonly owner: HostName | undefined;
  readonly isHeld: boolean;
  /** Why nobody holds it, where a maintenance has to do with it; a mole of the version before leaves it out. */
  readonly kept?: string | undefined;
  /** This host is not in the group: what it has itself is all that it knows. */
  readonly isUnknown?: boolean;
  readonly number: number;
  /** Who else blocks the owner: hosts that may hold it. `waitMs` undefined: until it answers. */
  readonly mayHold: readonly { readonly host: HostName; readonly waitMs: number | undefined; readonly why: string }[];
  /** Every host, and whether it could have it. */
  readonly hosts: readonly { readonly host: HostName; readonly could: boolean; readonly why: string }[];
  readonly moves: readonly (Omit<Move, "atMs"> & { readonly agoMs: number })[];
  readonly notes: readonly string[];
}

/**
 * @param failureOf why this host could not take a vip when it last tried
 * @returns one for each entry with this name: while a roll-out changes its addresses there are two
 */
export function whyOf(
  machine: Machine,
  chronicle: Chronicle,
  standsOn: StandsOn,
  vip: string,
  nowMs: number,
  failureOf: (vip: VipId) => string | undefined = () => undefined,
): readonly Why[] {
  const table = machine.session?.latestTable;
  if (table === undefined) return [];
  return [...table.entries.values()]
    .filter(({ definition }) => meant(vip)(definition))
    .map((entry) => {
      const stands = standsOn(entry.definition.addresses);
      const failure = failureOf(entry.definition.id);
      const isLapsed = lapsedForMs(table, chronicle, entry, nowMs) !== undefined;
      return {
        ...explain(machine, chronicle, table, entry, stands, failure, nowMs),
        isHeld: table.isHeld(entry) && !isLapsed,
        kept: isLapsed ? WHY_LAPSED : isKept(table, entry) ? whyUnheld(table, entry, standsOn, failure) : undefined,
        notes: notesOf(table, entry, stands),
      };
    });
}

/** Without a table, under maintenance: what this host has itself. */
export function whyOfOwn({ vips, text, warnings, host: own }: Status, vip: string): readonly Why[] {
  return vips
    .filter((one) => one.vip === vip || one.addresses.includes(vip))
    .map(({ vip: name, id, addresses, owner, is, why }) => ({
      vip: name,
      id: id ?? name,
      addresses,
      owner,
      isHeld: is === "held",
      isUnknown: owner === undefined,
      number: 0,
      mayHold: [],
      hosts:
        owner === undefined
          ? []
          : [{ host: own, could: is === "held", why: is === "held" ? "keeps it under maintenance" : why }],
      moves: [],
      notes: [text, ...warnings.filter((one) => one.startsWith("MAINTENANCE"))],
    }));
}

function explain(
  machine: Machine,
  chronicle: Chronicle,
  table: CoverTable,
  entry: Entry,
  stands: readonly Stand[],
  failure: string | undefined,
  nowMs: number,
): Omit<Why, "isHeld" | "kept" | "notes"> {
  const { definition, owner, number, set } = entry;
  const waits = machine.session!.waits;
  const able = new Set(candidates(table, entry));
  const longer = describeRemembered(table);
  const remembered = longer === "" ? "" : `, and might be as long as ${longer}, which some host once had`;
  return {
    vip: definition.name,
    id: definition.id,
    addresses: definition.addresses,
    owner: owner === undefined ? undefined : hostOf(owner, table, chronicle),
    number,
    mayHold: [...set.keys()]
      .filter((name) => name !== owner)
      .map((name) => {
        const untilMs = waits.untilMs(name);
        const waited = table.waited.get(name);
        const why =
          name === ANYBODY
            ? "a host that nobody can name may hold it"
            : waited === undefined
              ? "it has not said yet that it has let go"
              : waited.why === "kept"
                ? "it went away under maintenance"
                : `it was ${waited.why === "expelled" ? "thrown out" : "out of reach"}; its lease may not have ended${remembered}`;
        return {
          host: hostOf(name, table, chronicle),
          waitMs: Number.isFinite(untilMs) ? Math.max(0, Math.ceil(untilMs - nowMs)) : undefined,
          why,
        };
      }),
    hosts: [...table.hosts.values()].map((host) => ({
      host: host.identity.host,
      could:
        able.has(host) && !host.refusing.has(definition.id) && stands.every((one) => one.host !== host.identity.host),
      why: `${whyNot(table, entry, host, able.has(host), stands)}${host.member === machine.session!.member ? ownDetail(machine, host, failure, nowMs) : ""}`,
    })),
    moves: (chronicle.vips.get(definition.id)?.moves ?? []).map(({ atMs, ...move }) => ({
      ...move,
      agoMs: Math.round(nowMs - atMs),
    })),
  };
}

function isKept(table: CoverTable, entry: Entry): boolean {
  const { owner } = entry;
  const isAway = owner !== undefined && table.waited.get(owner)?.why === "kept";
  return (table.maintenance.on || isAway) && !table.isHeld(entry);
}

/** What only this host knows of itself. */
function ownDetail(machine: Machine, { facts }: HostRecord, failure: string | undefined, nowMs: number): string {
  const heldDownMs = facts.ready ? 0 : machine.heldDownMs(nowMs);
  const rest = heldDownMs > 0 && Number.isFinite(heldDownMs) ? `; held down for ${roughDuration(heldDownMs)} more` : "";
  return `${failure === undefined ? "" : `; its last try failed: ${failure}`}${rest}`;
}

function notesOf(table: CoverTable, entry: Entry, stands: readonly Stand[]): readonly string[] {
  const notes: string[] = stands.map(describeStand);
  if (!table.isInForce(entry))
    notes.push("not in force: no host defines it so any more, or another definition has more hosts");
  if (table.maintenance.on) notes.push("maintenance is on: nothing moves");
  if (!table.warm) notes.push("cold start: nothing is taken until all had time to come");
  if (!table.covers) notes.push("this part of the network has no majority, and mode safe covers nothing in it");
  if (entry.pinned) notes.push("an operator put it where it is: balancing leaves it there (mole balance frees it)");
  if (entry.excused === entry.number && entry.acked !== entry.number)
    notes.push(
      `${notes.length > 0 ? "it" : "somebody outside of the group"} answers for one of its addresses: the owner does not take it while that is so`,
    );
  for (const other of table.sharers(entry))
    notes.push(`shares an address with ${other.definition.id}, whose holders must let go first`);
  return notes;
}
