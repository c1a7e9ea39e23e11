// Gives owners: the one function that runs after every delivered event, the same everywhere (the model, sections 3, 4 and 6).
//
// The order of questions matters. First which definitions count, for a vip that nobody defines is nobody's. Then whether this part may cover at all. Under
// maintenance, and in a cold start before anybody is mature, nothing moves. Then each vip whose owner may not have it (any more) goes to the best that may:
// a holder that is still in the set first (it has the addresses: no blip), one that is heard before one that falters, and that before one that is quiet.
import { allocate, type Burden, type Place } from "./allocate.ts";
import type { CoverTable, Entry, HostRecord } from "./cover-table.ts";
import { compareText, type Definition, definitionsInForce } from "./definition.ts";
import { ANYBODY, type Member } from "./member.ts";
import type { HostList } from "./message.ts";

/** Makes the table consistent again after any change to it. */
export function assign(table: CoverTable): void {
  if (!table.unsettled && !table.redefined) return;
  judge(table);
  if (!table.maintenance.on && table.warm) giveOwners(table);
  tidy(table);
  table.unsettled = false;
}

/** All but the owners: which definitions count, which hosts, whether this part may cover, whether it is warm. */
export function judge(table: CoverTable): void {
  if (table.redefined) {
    redefine(table);
    adoptHostList(table);
    table.redefined = false;
  }
  judgeCover(table);
  if (!table.warm && [...table.hosts.values()].some(({ mature }) => mature)) table.warm = true;
}

/** Hosts that could own the vip, best sort first: see `giveOwners`. Health failed everywhere counts as failed nowhere, if the vip says "keep". */
export function candidates(table: CoverTable, entry: Entry): readonly HostRecord[] {
  if (!table.covers || !table.isInForce(entry)) return [];
  const { definition } = entry;
  const able: HostRecord[] = [];
  const healthy: HostRecord[] = [];
  for (const host of table.hosts.values()) {
    if (!host.informed || host.drained || host.facts.stopping || table.expelled.has(host.member)) continue;
    // Who is not on the list could hold something unknown to all who are, once they have lost their table.
    if (table.safe && !table.hostList.hosts.includes(host.identity.host)) continue;
    if (definition.only.length > 0 && !definition.only.includes(host.identity.host)) continue;
    const unfit = host.facts.unfit[definition.name];
    if (unfit === "carrier" || !defines(host, definition)) continue;
    able.push(host);
    if (unfit === undefined) healthy.push(host);
  }
  return healthy.length > 0 || definition.allFailed === "drop" ? healthy : able;
}

/** Facts never change once told, so what a host defines is looked up once for each. */
const digestsOf = new WeakMap<readonly Definition[], ReadonlySet<string>>();

function defines({ facts: { definitions } }: HostRecord, { digest }: Definition): boolean {
  let digests = digestsOf.get(definitions);
  if (digests === undefined) {
    digests = new Set(definitions.map((definition) => definition.digest));
    digestsOf.set(definitions, digests);
  }
  return digests.has(digest);
}

/** Whether a host may be given the vip by a decision: a candidate that has not refused it and is heard. */
export function mayTake(table: CoverTable, entry: Entry, member: Member): boolean {
  const host = candidates(table, entry).find((candidate) => candidate.member === member);
  return host !== undefined && !host.refusing.has(entry.definition.id) && !table.beats.isQuiet(member);
}

function giveOwners(table: CoverTable): void {
  if (table.rules.keptKeepsNobodyElse) disown(table);
  const hosts = [...table.hosts.values()].filter(({ informed, member }) => informed && !table.expelled.has(member));
  const index = new Map(hosts.map(({ member }, at) => [member, at]));
  const quiet = hosts.map(({ member }) => table.rules.quietGetsNothing && table.beats.isQuiet(member));
  const places: Place[] = hosts.map(({ identity, facts }) => ({ host: identity.host, capacity: facts.capacity }));
  const entries = [...table.entries.values()].filter((entry) => !isKept(table, entry));
  const faltering = hosts.map(({ member }) => table.rules.falteringIsLast && table.beats.isFaltering(member));
  const claims = entries.map((entry) => claimsOn(table, entry, hosts, index, { quiet, faltering }));
  const burdens = entries.map(
    ({ definition: { id, weight, prefer }, owner }): Burden => ({
      id,
      weight,
      prefer,
      owner: owner === undefined ? -1 : (index.get(owner) ?? -1),
    }),
  );
  const owners = allocate(burdens, places, (vip, place) => claims[vip]![place]!);
  for (const [at, entry] of entries.entries()) {
    const owner = owners[at]! < 0 ? undefined : hosts[owners[at]!]!.member;
    // An owner that has said that it does not hold it is put in again under a new number, or others would not see it take it.
    if (owner !== entry.owner || (owner !== undefined && !entry.set.has(owner))) table.own(entry, owner);
  }
}

/** 0: none. 1: has refused, as all others have; only its owner keeps it then. 2: quiet. 3: falters. 4: heard. 5: not quiet, and still holds it. */
function claimsOn(
  table: CoverTable,
  entry: Entry,
  hosts: readonly HostRecord[],
  index: ReadonlyMap<Member, number>,
  { quiet, faltering }: { readonly quiet: readonly boolean[]; readonly faltering: readonly boolean[] },
): Uint8Array {
  const claims = new Uint8Array(hosts.length);
  const able = candidates(table, entry);
  const willing = able.filter(({ refusing }) => !refusing.has(entry.definition.id));
  for (const { member } of willing.length > 0 ? willing : able) {
    const at = index.get(member)!;
    if (willing.length === 0) claims[at] = 1;
    else if (quiet[at]) claims[at] = 2;
    else if (entry.set.has(member) && member !== entry.owner) claims[at] = 5;
    else claims[at] = faltering[at] ? 3 : 4;
  }
  return claims;
}

/** What a host that went away keeps is given to nobody. But who owns it, and may not have it, as in a part that has no majority, has to let go all the same. */
function disown(table: CoverTable): void {
  for (const entry of table.entries.values()) {
    const { owner } = entry;
    if (owner === undefined || !table.isLive(owner) || !isKept(table, entry)) continue;
    if (!candidates(table, entry).some(({ member }) => member === owner)) table.own(entry, undefined);
  }
}

/** Held by a host that went away under maintenance: it stays its own until it is back, or an operator gives it up. */
function isKept(table: CoverTable, { set }: Entry): boolean {
  for (const name of set.keys()) if (table.waited.get(name)?.why === "kept") return true;
  return false;
}

function redefine(table: CoverTable): void {
  const told = [...table.hosts.values()]
    .filter(({ member }) => !table.expelled.has(member))
    .map(({ facts }) => facts.definitions);
  const inForce = definitionsInForce(told, table.inForce);
  for (const definition of inForce) {
    const entry = table.entries.get(definition.id) ?? table.addEntry(definition, true);
    entry.definition = definition; // the same addresses, perhaps another weight
  }
  table.inForce = new Set(inForce.map(({ digest }) => digest));
}

/**
 * A new list of hosts counts once every host of it and of the old one is here and tells the same: no part can then go on counting by the old one.
 *
 * But the network may part as that is delivered, to one side only: of three hosts that become five, three may go by the new list and two by the old one, each a majority.
 * So the list changes by one host at a time, which leaves no two majorities apart, and again only when all have said that they go by it as it is.
 */
function adoptHostList(table: CoverTable): void {
  const wanted = wantedHosts(table);
  if (wanted === undefined) return;
  const { version, hosts, former } = table.hostList;
  if (version === 0 && hosts.length === 0) {
    table.hostList = { version: 0, ...wanted, former: [] };
    return;
  }
  const present = [...table.hosts.values()].filter(({ member }) => !table.expelled.has(member));
  if (!present.every(({ facts }) => sameHosts(facts, wanted))) return;
  const here = new Map(present.map(({ identity, member }) => [identity.host, member]));
  if (![...hosts, ...wanted.hosts].every((host) => here.has(host))) return;
  const bySteps = table.rules.listsByStep;
  const goesByIt = (host: string) => (table.listed.get(here.get(host)!) ?? -1) >= version;
  if (bySteps && ![...hosts, ...wanted.hosts].every(goesByIt)) return;
  const next = bySteps ? nextStep(table.hostList, wanted) : wanted;
  const taken = [...new Set([...former, ...hosts])].filter((host) => !next.hosts.includes(host));
  table.hostList = { version: version + 1, ...next, former: taken };
}

type Listed = Pick<HostList, "hosts" | "tiebreak">;

/** What the hosts here would have as the list instead of the one in force: what the first of them tells. */
export function wantedHosts(table: CoverTable): Listed | undefined {
  for (const { member, facts } of table.hosts.values()) {
    if (table.expelled.has(member)) continue;
    return sameHosts(table.hostList, facts) ? undefined : { hosts: facts.hosts, tiebreak: facts.tiebreak };
  }
  return undefined;
}

/** Towards the list that is wanted: without a tiebreak, as that breaks even numbers otherwise; host by host, those that come first; and last its own tiebreak. */
function nextStep({ hosts, tiebreak }: Listed, wanted: Listed): Listed {
  const others = hosts.length !== wanted.hosts.length || !hosts.every((host) => wanted.hosts.includes(host));
  if (tiebreak !== undefined && (others || tiebreak !== wanted.tiebreak)) return { hosts, tiebreak: undefined };
  if (!others) return wanted;
  const coming = wanted.hosts.find((host) => !hosts.includes(host));
  if (coming !== undefined) return { hosts: [...hosts, coming].sort(compareText), tiebreak };
  const going = hosts.find((host) => !wanted.hosts.includes(host));
  return { hosts: hosts.filter((host) => host !== going), tiebreak };
}

function sameHosts(a: Listed, b: Listed): boolean {
  return (
    a.tiebreak === b.tiebreak && a.hosts.length === b.hosts.length && a.hosts.every((host) => b.hosts.includes(host))
  );
}

/** Whether this part may cover, and in `safe` whether what it says of the absent may be believed. */
function judgeCover(table: CoverTable): void {
  const safe = table.isSafe();
  table.safe = safe;
  const here = new Set<string>();
  for (const { member, identity } of table.hosts.values()) if (!table.expelled.has(member)) here.add(identity.host);
  const covers = !safe || isMajority(table.hostList, here);
  // A part that was not allowed to cover knows nothing of what others took meanwhile: when it becomes one that is, everything waits.
  if (safe && !covers) table.knowledge = false;
  if (covers && !table.knowledge && table.rules.knowledge) table.suspectAnybody();
  if (covers) table.knowledge = true;
  table.covers = covers;
  // With every host here that may ever have held anything, each has told what it holds: there is nobody left to suspect.
  const { hosts, former } = table.hostList;
  if (table.unknown.has(ANYBODY) && [...hosts, ...former].every((host) => here.has(host)))
    table.strikeEverywhere(ANYBODY);
}

/** More than half of the configured hosts, or half of them with the one that breaks ties. */
export function isMajority({ hosts, tiebreak }: HostList, here: ReadonlySet<string>): boolean {
  const count = hosts.reduce((sum, host) => sum + (here.has(host) ? 1 : 0), 0);
  return count * 2 > hosts.length || (count * 2 === hosts.length && tiebreak !== undefined && here.has(tiebreak));
}

/** Forgets entries that nobody defines or may hold, and waits for names that stand nowhere. */
function tidy(table: CoverTable): void {
  for (const [id, entry] of table.entries)
    if (entry.set.size === 0 && entry.owner === undefined && !table.isInForce(entry)) table.forgetEntry(id);
  if (table.waited.size === 0) return;
  const standing = new Set<Member>();
  for (const { set } of table.entries.values()) for (const name of set.keys()) standing.add(name);
  for (const name of table.waited.keys())
    if (!standing.has(name) && !table.unknown.has(name)) table.waited.delete(name);
}
