// What `mole status` shows: all vips of all hosts as this host knows them, and how old each piece of knowledge is. Pure; plain values, for JSON.
import { formatDuration, roughDuration } from "../base/duration.ts";
import type { Chronicle } from "./chronicle.ts";
import type { CoverTable, Entry, HostRecord } from "./cover-table.ts";
import { compareText, type VipId } from "./definition.ts";
import type { HostConfig, Stored } from "./event.ts";
import { keepers, namelessKeepers } from "./kept.ts";
import { lapsedForMs, WHY_LAPSED } from "./lapsed.ts";
import { leasesStayOn } from "./lifting.ts";
import type { Machine } from "./machine.ts";
import { ANYBODY, type HostName, type Member } from "./member.ts";
import type { Facts, Unfit } from "./message.ts";
import { describeRemembered } from "./remembered.ts";
import type { Session } from "./session.ts";
import { describeStand, type Stand, type StandsOn } from "./standing.ts";
import { whyUnheld } from "./unheld.ts";

/** Version of this shape; N can show N-1. */
export const STATUS_VERSION = 1;

export interface HostStatus {
  readonly host: HostName;
  /**
   * "here": a host of this view. "silent": no sign of life for some time. "expelled": thrown out, until it is back. "coming": a session that has not told its state. "away": not here.
   * "never seen": the configuration names it, and nobody has heard of it.
   */
  readonly is: "here" | "silent" | "expelled" | "coming" | "away" | "never seen";
  readonly isThis: boolean;
  readonly member: Member | undefined;
  /** How long ago it gave its last sign of life; `undefined`: never. */
  readonly heardAgoMs: number | undefined;
  /** For how long it has been here, or away. */
  readonly forMs: number | undefined;
  readonly drained: boolean;
  /** For how long it is drained; left out by a mole of the version before. */
  readonly drainedForMs?: number | undefined;
  /** It is drained for longer: this mole found it so. */
  readonly isDrainedLonger?: boolean;
  readonly stopping: boolean;
  /** May be given what works elsewhere; if not, it is held down. */
  readonly ready: boolean;
  /** Of this host alone: for how long it is held down still. */
  readonly heldDownMs?: number | undefined;
  readonly capacity: number;
  /** Sum of the weights of its vips. */
  readonly load: number;
  readonly vips: number;
  readonly unfit: Readonly<Record<string, Unfit>>;
  /** Vips it could not take. */
  readonly refusing: readonly string[];
  readonly why: string;
}

export interface VipStatus {
  readonly vip: string;
  /** With its definition; left out by a mole of the version before. */
  readonly id?: VipId;
  readonly addresses: readonly string[];
  /**
   * "held": its owner has it. "moving": its owner waits for others to let go, or is about to take it. "uncovered": nobody may have it. "kept": under maintenance it stays
   * its owner's, which is away, or is here and has not said that it holds it, or has been silent since before that. "unknown": this host is not in the group; under maintenance it tells all the same what it has itself.
   */
  readonly is: "held" | "moving" | "uncovered" | "kept" | "unknown";
  readonly owner: HostName | undefined;
  /** Why it is not held; "" where it is, or where this host is not in the group. */
  readonly why: string;
  /** For how long nobody has had it, whoever was meant to; `undefined`: it is held. */
  readonly unheldForMs: number | undefined;
  /** Its owner has been silent since before the maintenance, and its leases have ended; left out where it is not so. */
  readonly isLapsed?: boolean;
  /** Hosts that may hold it, the owner among them; "?" for one that nobody can name. */
  readonly mayHold: readonly HostName[];
  readonly isHeldHere: boolean;
  /** For how long it has been so, by its holder's word where that is known. */
  readonly forMs: number | undefined;
  /** It has been so for longer: this mole found it so when it came, and nobody has told since when. */
  readonly isForLonger?: boolean;
  /** Until all waits for others have run out, if there are any. */
  readonly waitMs: number;
  readonly number: number;
  readonly pinned: boolean;
}

export interface Status {
  readonly version: number;
  readonly host: HostName;
  readonly member: Member | undefined;
  readonly group: string;
  readonly mode: "available" | "safe";
  /** "settled": in the group, with a table. "gathering": hosts tell each other what they hold. "away": no session; what follows is old. */
  readonly is: "settled" | "gathering" | "away" | "stopped";
  readonly text: string;
  readonly view: string | undefined;
  readonly viewForMs: number | undefined;
  readonly maintenance: boolean;
  /** Mode safe: this part may cover. */
  readonly covers: boolean;
  /** Nobody is mature yet: a cold start waits for all to come. */
  readonly cold: boolean;
  /** What an operator should see first. */
  readonly warnings: readonly string[];
  /** Those of the warnings for which somebody should get up at night. */
  readonly alarms: readonly string[];
  readonly hosts: readonly HostStatus[];
  readonly vips: readonly VipStatus[];
}

export interface StatusInput {
  readonly machine: Machine;
  readonly chronicle: Chronicle;
  readonly config: HostConfig;
  readonly group: string;
  /** What the host has on disk of a maintenance: it counts where there is no group. */
  readonly stored: Pick<Stored, "maintenance" | "lifted">;
  /** Why there is no session, if there is none. */
  readonly awayReason: string;
  /** By session: why what it says can't be read. */
  readonly unreadable: ReadonlyMap<Member, { readonly message: string }>;
  /** By what the hosts of the group have told. */
  readonly standsOn: StandsOn;
  /** Whether this host's kernel has all addresses of a vip, put on by this mole. */
  readonly isOn: (vip: VipId) => boolean;
  /** Why this host could not take it when it last tried; `undefined` where it could. */
  readonly failureOf: (vip: VipId) => string | undefined;
  /** From elsewhere: foreign claims, a missing key. */
  readonly warnings: readonly string[];
  /** The same, worse. */
  readonly alarms: readonly string[];
  readonly nowMs: number;
}

export function statusOf(input: StatusInput): Status {
  const { machine, chronicle, config, nowMs } = input;
  const { session } = machine;
  const table = session?.latestTable;
  const is = isAt(machine);
  const hosts = hostsOf(input, table);
  const vips = table === undefined ? ownVips(input) : vipsOf(input, table, session);
  const alarms = [...alarmsOf(input, table, hosts), ...doubledBy(vips, input.standsOn)];
  return {
    version: STATUS_VERSION,
    host: config.host,
    member: session?.member,
    group: input.group,
    mode: table?.safe ? "safe" : config.mode,
    is,
    text: textOf(is, input, table),
    view: session?.view?.id,
    viewForMs: session?.view === undefined ? undefined : Math.round(nowMs - chronicle.viewMs),
    maintenance: table?.maintenance.on ?? input.stored.maintenance.on,
    covers: table?.covers ?? false,
    cold: table !== undefined && !table.warm,
    warnings: [...alarms, ...warningsOf(input, table, hosts, vips)],
    alarms,
    hosts,
    vips,
  };
}

function isAt({ session, standing }: Machine): Status["is"] {
  if (standing === "stopped") return "stopped";
  if (session?.view === undefined) return "away";
  return session.table === undefined ? "gathering" : "settled";
}

function textOf(is: Status["is"], { awayReason }: StatusInput, table: CoverTable | undefined): string {
  switch (is) {
    case "settled":
      return table!.covers ? "in the group" : "in the group, in a part that may not cover (no majority)";
    case "gathering":
      return "in the group; the hosts are telling each other what they hold";
    case "away":
      return `not in the group: ${awayReason}`;
    case "stopped":
      return "stopped";
    default:
      return is satisfies never;
  }
}

/** Why nobody knows which host's session this is. */
function whyNamelessOf(member: Member, unreadable: StatusInput["unreadable"]): string {
  const why = unreadable.get(member);
  return why === undefined ? "has told nothing yet" : why.message;
}

function hostsOf(
  { machine, chronicle, config, unreadable, nowMs }: StatusInput,
  table: CoverTable | undefined,
): HostStatus[] {
  const { session } = machine;
  const found = new Map<HostName, HostStatus>();
  for (const record of table?.hosts.values() ?? []) {
    const { member, identity, facts } = record;
    const owned = [...table!.entries.values()].filter(({ owner }) => owner === member);
    const heardMs = session?.pulse.lastHeardMs(member);
    const past = chronicle.hosts.get(identity.host);
    // By this host's own ear; of itself it knows.
    const isThis = member === session?.member;
    const isSilent = !isThis && heardMs !== undefined && nowMs - heardMs > config.times.silenceMs / 2;
    found.set(identity.host, {
      host: identity.host,
      is: isSilent ? "silent" : "here",
      isThis,
      member,
      heardAgoMs: heardMs === undefined ? undefined : Math.max(0, Math.round(nowMs - heardMs)),
      forMs: past && Math.round(nowMs - past.sinceMs),
      drained: record.drained,
      drainedForMs: past?.drainedMs === undefined ? undefined : Math.round(nowMs - past.drainedMs),
      isDrainedLonger: record.drained && past?.isFoundDrained === true,
      stopping: facts.stopping,
      ready: facts.ready,
      heldDownMs: isThis && !facts.ready ? machine.heldDownMs(nowMs) : undefined,
      capacity: facts.capacity,
      load: owned.reduce((sum, { definition }) => sum + definition.weight, 0),
      vips: owned.length,
      ...shortOf(record),
      why: "",
    });
  }
  for (const member of session?.view?.members ?? []) {
    if (table?.hosts.has(member)) continue;
    const host = table?.expelled.has(member) ? chronicle.nameOf(member) : undefined;
    const isThis = member === session?.member;
    if (host === undefined)
      found.set(member, {
        ...NOT_HERE,
        host: member,
        is: "coming",
        member,
        isThis,
        why: whyNamelessOf(member, unreadable),
      });
    else if (!found.has(host)) {
      const past = chronicle.hosts.get(host);
      found.set(host, {
        ...NOT_HERE,
        host,
        is: "expelled",
        member,
        isThis,
        heardAgoMs: past && Math.round(nowMs - past.seenMs),
        forMs: past && Math.round(nowMs - past.sinceMs),
        why: past === undefined || past.why === "" ? "thrown out" : past.why,
      });
    }
  }
  const remembered = [...chronicle.hosts].filter(([, { isForgotten }]) => !isForgotten).map(([host]) => host);
  const known = [...config.hosts, ...(table?.hostList.hosts ?? []), ...remembered, config.host];
  for (const host of known) {
    if (found.has(host)) continue;
    const past = chronicle.hosts.get(host);
    const isThis = host === config.host;
    found.set(host, {
      ...NOT_HERE,
      host,
      isThis,
      is: past === undefined && !isThis ? "never seen" : "away",
      heardAgoMs: past && Math.round(nowMs - past.seenMs),
      forMs: past && Math.round(nowMs - (past.isHere ? past.seenMs : past.sinceMs)), // still here when the session ended
      why: past?.isForgotten ? `${past.why}, but in mole.hosts of this host still` : (past?.why ?? ""),
    });
  }
  return [...found.values()].sort((a, b) => compareText(a.host, b.host));
}

/** What it can't hold, of what it defines: of vips that are gone a host tells for a while. */
function shortOf({ facts, refusing }: HostRecord): Pick<HostStatus, "unfit" | "refusing"> {
  return {
    unfit: Object.fromEntries(
      Object.entries(facts.unfit).filter(([vip]) => facts.definitions.some(({ name }) => name === vip)),
    ),
    refusing: [...refusing].filter((vip) => facts.definitions.some(({ id }) => id === vip)).map(nameOfVip),
  };
}

const NOT_HERE: HostStatus = {
  host: "",
  is: "away",
  isThis: false,
  member: undefined,
  heardAgoMs: undefined,
  forMs: undefined,
  drained: false,
  stopping: false,
  ready: false,
  capacity: 0,
  load: 0,
  vips: 0,
  unfit: {},
  refusing: [],
  why: "",
};

function vipsOf(
  { machine, chronicle, standsOn, failureOf, nowMs }: StatusInput,
  table: CoverTable,
  session: Session | undefined,
): VipStatus[] {
  const vips = [...table.entries.values()].filter((entry) => table.isInForce(entry) || entry.set.size > 0);
  return vips
    .map((entry): VipStatus => {
      const { definition, owner, number, set, pinned } = entry;
      const past = chronicle.vips.get(definition.id);
      const lapsedMs = lapsedForMs(table, chronicle, entry, nowMs);
      return {
        vip: definition.name,
        id: definition.id,
        addresses: definition.addresses,
        ...(lapsedMs === undefined
          ? {
              why: whyUnheld(table, entry, standsOn, failureOf(definition.id)),
              unheldForMs: past?.unheldMs === undefined ? undefined : Math.round(nowMs - past.unheldMs),
              is: vipIs(table, entry),
            }
          : { why: WHY_LAPSED, unheldForMs: lapsedMs, isLapsed: true, is: "kept" }),
        owner: owner === undefined ? undefined : chronicle.nameOf(owner),
        mayHold: [...set.keys()].map((name) => hostOf(name, table, chronicle)),
        isHeldHere: machine.holds.get(definition.id)?.at === "held",
        forMs: past && Math.round(nowMs - past.sinceMs),
        isForLonger: past?.isFound === true,
        waitMs: session === undefined ? 0 : waitOf(entry, session, nowMs),
        number,
        pinned,
      };
    })
    .sort((a, b) => compareText(a.vip, b.vip));
}

function vipIs(table: CoverTable, entry: Entry): VipStatus["is"] {
  const { owner } = entry;
  if (owner === undefined) return "uncovered";
  if (table.isHeld(entry)) return "held";
  return table.maintenance.on || table.waited.get(owner)?.why === "kept" ? "kept" : "moving";
}

/** Without a table: what this host defines, and what it holds all the same. Under maintenance that is its own, and counts as far as its kernel has it. */
function ownVips({ machine, config, stored, isOn, nowMs }: StatusInput): VipStatus[] {
  const held = [...machine.holds.values()].filter(({ at }) => at === "held");
  const defined = new Map(
    [...config.definitions, ...held.map(({ definition }) => definition)].map((one) => [one.id, one]),
  );
  return [...defined.values()].map(({ id, name, addresses }) => {
    const hold = machine.holds.get(id);
    const isHeldHere = hold?.at === "held";
    const isKept = isHeldHere && stored.lifted;
    return {
      vip: name,
      id,
      addresses,
      is: !isKept ? "unknown" : isOn(id) ? "held" : "kept",
      owner: isKept ? config.host : undefined,
      why: isKept && !isOn(id) ? "was taken off this host" : "",
      unheldForMs: undefined,
      mayHold: [],
      isHeldHere,
      forMs: isKept ? Math.round(nowMs - hold.sinceMs) : undefined,
      waitMs: 0,
      number: 0,
      pinned: false,
    };
  });
}

/** How long the owner still has to wait for others, by this host's clocks. */
export function waitOf({ owner, set }: Entry, { waits }: Session, nowMs: number): number {
  let wait = 0;
  for (const name of set.keys()) {
    const untilMs = waits.untilMs(name);
    if (name !== owner && Number.isFinite(untilMs)) wait = Math.max(wait, untilMs - nowMs);
  }
  return Math.max(0, Math.ceil(wait));
}

export function hostOf(name: Member, table: CoverTable, chronicle: Chronicle): HostName {
  if (name === ANYBODY) return "?";
  return table.hosts.get(name)?.identity.host ?? table.waited.get(name)?.identity?.host ?? chronicle.nameOf(name);
}

function alarmsOf(
  { alarms, config }: StatusInput,
  table: CoverTable | undefined,
  hosts: readonly HostStatus[],
): readonly string[] {
  const all = [...alarms];
  const here = hosts.filter(({ is }) => is === "here");
  if (table !== undefined && !table.covers)
    all.push(
      `no majority: ${here.length} of ${table.hostList.hosts.length} hosts are here${halfOf(table, here.length)}; mode safe covers nothing`,
    );
  const others = [...new Set([...config.hosts, ...(table?.hostList.hosts ?? [])])].filter(
    (host) => host !== config.host,
  );
  // Most likely it is this one that is cut off: then the others hold what it holds.
  const isHeard = hosts.some(({ is, isThis }) => !isThis && (is === "here" || is === "silent"));
  if (table?.covers && others.length > 0 && !isHeard) {
    const own = here.find(({ isThis }) => isThis)?.vips ?? 0;
    all.push(`this host is alone: it hears none of ${others.join(", ")}${own === 0 ? ", and holds nothing" : ""}`);
  }
  return all;
}

/** Why an even half covers nothing. */
function halfOf({ hostList: { hosts, tiebreak } }: CoverTable, here: number): string {
  if (2 * here !== hosts.length) return "";
  return tiebreak === undefined
    ? ", just a half, and no mole.tiebreak says which half covers"
    : `, just a half, and not the one with ${tiebreak} (mole.tiebreak)`;
}

function warningsOf(
  { warnings, config, standsOn, chronicle, stored, nowMs }: StatusInput,
  table: CoverTable | undefined,
  hosts: readonly HostStatus[],
  vips: readonly VipStatus[],
): readonly string[] {
  const all: string[] = [];
  if (table?.maintenance.on ?? stored.maintenance.on) {
    const { maintenance: since } = chronicle;
    const forMs = since === undefined ? "" : ` for ${atLeast(nowMs - since.sinceMs, since.isFound)}`;
    const end = table === undefined ? "ends it, once this host is in the group again" : "ends it";
    all.push(`MAINTENANCE is on${forMs}: nothing is taken over, moved or given up; mole maintenance off ${end}`);
    if (table?.covers && !stored.lifted) all.push(leasesStayOn(table));
  }
  if (table !== undefined) {
    for (const host of keepers(table))
      all.push(
        `${host} went away under maintenance and keeps its vips; mole maintenance off --force, or mole forget, gives them up`,
      );
    all.push(...[namelessKeepers(table) ?? []].flat());
  }
  if (table !== undefined && !table.warm) all.push("cold start: nothing is taken until all had time to come");
  const uncovered = vips.filter(({ is }) => is === "uncovered").map(({ vip }) => vip);
  if (table?.warm && uncovered.length > 0)
    all.push(
      table.maintenance.on
        ? `nobody holds ${uncovered.join(", ")}, and nobody takes what is uncovered before mole maintenance off`
        : `no host may hold ${uncovered.join(", ")}: mole why tells why`,
    );
  const drained = hosts.filter((host) => host.is === "here" && host.drained).map(drainedFor);
  if (drained.length > 0) all.push(`drained: ${drained.join(", ")}; mole resume HOST has it take part again`);
  const unwell = hosts.find(({ isThis }) => isThis)?.unfit ?? {};
  const failing = Object.keys(unwell).filter((vip) => unwell[vip] === "health");
  if (failing.length > 0) all.push(`health checks of this host fail for ${failing.join(", ")}`);
  const missing = hosts.filter(({ is, isThis, host }) => is !== "here" && !isThis && config.hosts.includes(host));
  if (table !== undefined && missing.length > 0)
    all.push(`nobody hears from ${missing.map((host) => unheardFor(host, chronicle, nowMs)).join(", ")}`);
  if (table !== undefined) all.push(...disagreements(table), ...otherSettings(table), ...longerWaits(table));
  // Of itself it says more, and what makes two is an alarm.
  for (const one of vips)
    for (const stand of standsOn(one.addresses))
      if (stand.host !== config.host && !isDoubling(stand, one)) all.push(`vip ${one.vip}: ${describeStand(stand)}`);
  return [...all, ...warnings];
}

function drainedFor({ host, drainedForMs, isDrainedLonger }: HostStatus): string {
  return drainedForMs === undefined ? host : `${host} for ${atLeast(drainedForMs, isDrainedLonger)}`;
}

/** Of whom this mole has never heard it knows only how long it has listened. */
function unheardFor({ host, heardAgoMs }: HostStatus, { knownMs }: Chronicle, nowMs: number): string {
  if (heardAgoMs !== undefined) return `${host} for ${roughDuration(heardAgoMs)}`;
  return knownMs === undefined ? host : `${host} for ${atLeast(nowMs - knownMs, true)}`;
}

/** How long something has been so. @param isLonger it began before anybody here saw it */
export function atLeast(ms: number, isLonger: boolean | undefined): string {
  return `${isLonger === true ? ">" : ""}${roughDuration(ms)}`;
}

/** Two hosts answer for it: the one that holds it, and one that has an address of it by itself. */
function doubledBy(vips: readonly VipStatus[], standsOn: StandsOn): readonly string[] {
  return vips.flatMap((vip) =>
    standsOn(vip.addresses)
      .filter((stand) => isDoubling(stand, vip))
      .map((stand) => `vip ${vip.vip} is covered by two: ${vip.owner} holds it, and ${describeStand(stand)}`),
  );
}

/** Beside what a host holds itself its own answers are no second one. */
function isDoubling({ host }: Stand, { is, owner }: VipStatus): boolean {
  return (is === "held" || is === "kept") && owner !== undefined && owner !== host;
}

/** Hosts that define a vip otherwise than it is in force, or not at all: they can't take it. */
function disagreements(table: CoverTable): readonly string[] {
  return [...table.entries.values()].flatMap((entry) => {
    if (!table.isInForce(entry)) return [];
    const others = [...table.hosts.values()].filter(
      ({ facts }) => !facts.definitions.some(({ digest }) => digest === entry.definition.digest),
    );
    if (others.length === 0) return [];
    return [
      `vip ${entry.definition.name} is defined otherwise, or not at all, on ${others.map(({ identity }) => identity.host).join(", ")}`,
    ];
  });
}

/** What must be the same on all hosts besides the vips. */
const COMMON: Readonly<Record<string, (facts: Facts) => string>> = {
  mode: ({ mode }) => mode,
  silence: ({ silenceMs }) => formatDuration(silenceMs),
  lease: ({ leaseMs }) => formatDuration(leaseMs),
  hosts: ({ hosts }) => (hosts.length === 0 ? "none" : hosts.join(" ")),
  tiebreak: ({ tiebreak }) => tiebreak ?? "none",
};

function otherSettings(table: CoverTable): readonly string[] {
  return Object.entries(COMMON).flatMap(([key, read]) => {
    const records = [...table.hosts.values()].sort((one, two) => compareText(one.identity.host, two.identity.host));
    const byValue = Map.groupBy(records, ({ facts }) => read(facts));
    if (byValue.size < 2) return [];
    const parts = [...byValue].map(
      ([value, those]) => `${value} on ${those.map(({ identity }) => identity.host).join(", ")}`,
    );
    return [`mole.${key} differs, and should be the same on all hosts: ${parts.sort(compareText).join("; ")}`];
  });
}

/** Told where it will be forgotten, or makes somebody wait now: without a list of hosts nobody can know that all are here, and it stays. */
function longerWaits(table: CoverTable): readonly string[] {
  const longer = describeRemembered(table);
  if (longer === "" || (table.hostList.hosts.length === 0 && table.waited.size === 0)) return [];
  return [
    `some host once had mole.${longer}: who is thrown out is waited for by that, until all of mole.hosts have been here without it for as long`,
  ];
}

/** The name in a vip's id. */
function nameOfVip(vip: string): string {
  return vip.split("=", 1)[0]!;
}
