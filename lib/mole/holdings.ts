// What this host holds, is taking, or is letting go; and what it has to do about it by the table (the model, sections 3 and 5).
//
// A host acquires a vip only when it is the owner and nobody else may hold it. The driver asks again directly before the system call: an order may have waited
// in its queue while the table changed. What is held and not owned is let go, and said so; what is owned and held is said so, under the number it is owned by.
import type { CoverTable, Entry } from "./cover-table.ts";
import { type Definition, shareAddress, type VipId } from "./definition.ts";
import type { Driven } from "./event.ts";
import type { Member } from "./member.ts";
import type { Holding } from "./message.ts";
import type { Outbox } from "./outbox.ts";
import type { Rules } from "./rules.ts";
import type { Self } from "./self.ts";
import type { Session } from "./session.ts";
import { isFreeFor } from "./watch.ts";

/** How long after somebody outside the group answered for a vip it is asked for again. */
const PROBE_AGAIN_MS = 1_000;

/** One vip of this host's, to look at. */
export type Holds = Readonly<Hold>;

interface Hold {
  readonly definition: Definition;
  at: "taking" | "held" | "letting go";
  /** The number it was taken by. */
  readonly number: number;
  sinceMs: number;
  /** By another process: clients may ask somebody who has let it go while there was none here to tell them. */
  isFound: boolean;
}

/** What the wire said holds for the number that it was asked for: with another owner in between another may have come. */
type Probe = { readonly number: number } & (
  | { readonly at: "asked" }
  | { readonly at: "answered"; readonly againMs: number }
  | { readonly at: "free" }
);

export class Holdings {
  private readonly holds = new Map<VipId, Hold>();
  private readonly probes = new Map<VipId, Probe>();
  /** Vips whose device was unplugged: what their table says of the others is what it looks like without a cable. */
  private readonly doubted = new Set<VipId>();
  /** The number for which `released` was said, and for which `acquired`, with what was cleared. */
  private readonly releasedFor = new Map<VipId, number>();
  private readonly acquiredFor = new Map<VipId, string>();
  private readonly refusedFor = new Map<VipId, number>();
  /** When a wait that blocks me runs out, or a probe is due. */
  nextMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly self: Self,
    private readonly out: Outbox,
    private readonly rules: Rules,
  ) {}

  get all(): ReadonlyMap<VipId, Holds> {
    return this.holds;
  }

  get isEmpty(): boolean {
    return this.holds.size === 0;
  }

  /** Found at start, under maintenance. */
  adopt(definitions: readonly Definition[], nowMs: number): void {
    for (const definition of definitions)
      this.holds.set(definition.id, { definition, at: "held", number: 0, sinceMs: nowMs, isFound: true });
  }

  held(): readonly VipId[] {
    return [...this.holds].filter(([, { at }]) => at === "held").map(([vip]) => vip);
  }

  /** A session is over: what was said in it was said by another name. */
  forgetAnswers(): void {
    this.releasedFor.clear();
    this.acquiredFor.clear();
    this.refusedFor.clear();
    this.trust();
  }

  /** Others can be heard again: the table is theirs too. */
  trust(): void {
    this.doubted.clear();
  }

  releaseAll(): void {
    for (const vip of this.holds.keys()) this.release(vip);
  }

  /** For a state: everything that is not certainly gone. */
  told(table: CoverTable | undefined, me: Member, nowMs: number): readonly Holding[] {
    return [...this.holds].map(([vip, { definition, sinceMs, number }]) => ({
      vip,
      definition,
      put: table?.entries.get(vip)?.set.get(me) ?? number,
      heldMs: Math.max(0, Math.round(nowMs - sinceMs)),
    }));
  }

  /** Whether the vip may be taken right now: asked when it is ordered, and again directly before the system call. */
  mayAcquire(session: Session, vip: VipId, number: number, nowMs: number): boolean {
    const { table } = session;
    const entry = table?.entries.get(vip);
    if (table === undefined || entry === undefined || session.isTransitional) return false;
    if (table.maintenance.on && !isForMeAlone(table, entry)) return false;
    if (entry.owner !== session.member || entry.number !== number || !entry.set.has(session.member)) return false;
    if (session.ended !== undefined || !this.self.hasCarrier(entry.definition)) return false;
    return this.isFresh(session, nowMs) && this.isFree(session, table, entry, nowMs);
  }

  /** Does what the table asks for. */
  follow(session: Session, table: CoverTable, nowMs: number): void {
    this.nextMs = Number.POSITIVE_INFINITY;
    if (table.maintenance.on) {
      this.followMaintained(session, table, nowMs);
      return;
    }
    for (const entry of table.entries.values()) {
      const vip = entry.definition.id;
      const hold = this.holds.get(vip);
      if (entry.owner === session.member) this.followAsOwner(session, table, entry, hold, nowMs);
      else if (hold !== undefined) this.release(vip);
      else if (entry.set.has(session.member)) this.sayReleased(vip, entry.number);
    }
    for (const vip of this.holds.keys()) if (!table.entries.has(vip)) this.release(vip);
  }

  /**
   * Under maintenance nothing moves. But what a merge finds on two hosts is let go by the one that does not own it, as soon as the owner, live in the same complete
   * view, has said that it holds it; and an owner that holds it no more (it was without power) puts it on again, where nobody else may have it.
   */
  private followMaintained(session: Session, table: CoverTable, nowMs: number): void {
    for (const entry of table.entries.values()) {
      const hold = this.holds.get(entry.definition.id);
      if (entry.owner === session.member) {
        if (hold?.at === "held" || (this.rules.ownersPutBack && isForMeAlone(table, entry)))
          this.followAsOwner(session, table, entry, hold, nowMs);
      } else if (
        hold?.at === "held" &&
        this.rules.losersYield &&
        !session.isTransitional &&
        isHeldByOwner(table, entry)
      )
        this.release(entry.definition.id);
    }
  }

  /** The holder of a doubled vip tells the network when the other has let go: until then clients may ask that one. */
  announceStruck(session: Session, table: CoverTable): void {
    const vips = new Set(session.unreleased.take(table));
    for (const { definition } of table.struck) vips.add(definition.id);
    table.struck.length = 0;
    if (!this.rules.announceAfterMerge) return;
    for (const vip of vips)
      if (this.holds.get(vip)?.at === "held" && table.entries.get(vip)?.owner === session.member)
        this.out.do({ do: "announce", vip });
  }

  /** Without a carrier it serves nobody, and would be doubled when the cable is back. */
  releaseUnplugged(): void {
    for (const [vip, { definition }] of this.holds) if (!this.self.hasCarrier(definition)) this.release(vip);
  }

  driven(session: Session | undefined, vip: VipId, did: Driven, nowMs: number): void {
    const hold = this.holds.get(vip);
    if (hold === undefined) return;
    switch (did) {
      case "acquired":
        this.self.succeed(vip);
        if (hold.at === "taking") {
          hold.at = "held";
          hold.sinceMs = nowMs;
          this.out.do({ do: "announce", vip });
        }
        return;
      case "released":
        this.holds.delete(vip);
        this.sayIfNotMine(session, vip, hold.number);
        return;
      case "failed":
        if (hold.at === "taking") this.holds.delete(vip);
        this.refuse(session, vip, hold, nowMs);
        return;
      case "dropped":
      case "late":
        if (hold.at !== "letting go") this.holds.delete(vip);
        return;
      default:
        did satisfies never;
    }
  }

  /** The vip's device is plugged again: others that seem to have departed may hold it, so the wire is asked. */
  doubt(name: string): void {
    for (const { id, name: of } of this.self.config.definitions) {
      if (of !== name) continue;
      this.doubted.add(id);
      this.probes.delete(id);
    }
  }

  probed(session: Session | undefined, vip: VipId, answered: boolean, nowMs: number): void {
    const number = this.probes.get(vip)?.number ?? -1;
    if (!answered) {
      this.probes.set(vip, { at: "free", number });
      this.doubted.delete(vip);
      return;
    }
    this.probes.set(vip, { at: "answered", number, againMs: nowMs + PROBE_AGAIN_MS });
    const entry = session?.table?.entries.get(vip);
    if (entry === undefined) return;
    this.out.report({ about: "answered", vip: entry.definition.name });
    if (entry.owner === session!.member) this.out.sayExcused(vip, entry.number);
  }

  private followAsOwner(session: Session, table: CoverTable, entry: Entry, hold: Hold | undefined, nowMs: number) {
    const vip = entry.definition.id;
    if (hold?.at === "held") {
      if (hold.isFound) this.out.do({ do: "announce", vip });
      hold.isFound = false;
      this.sayAcquired(session, table, entry, nowMs);
      return;
    }
    if (hold !== undefined || table.hosts.get(session.member)?.refusing.has(vip)) return;
    // Refused, and not delivered yet, or said of a number that has passed: not tried again before its time.
    if (this.self.isRefusing(vip)) {
      this.sayRefused(vip, entry.number);
      return;
    }
    if (!this.isFree(session, table, entry, nowMs)) {
      for (const name of entry.set.keys()) this.wakeFor(session.waits.untilMs(name), nowMs);
      for (const other of table.sharers(entry))
        for (const name of other.set.keys()) this.wakeFor(session.waits.untilMs(name), nowMs);
      return;
    }
    if (!this.mayAcquire(session, vip, entry.number, nowMs)) return;
    // Under maintenance somebody may have put it elsewhere by hand.
    const isAsked = !entry.vacated || this.doubted.has(vip) || table.maintenance.on;
    if (isAsked && !this.hasProbed(entry, nowMs)) return;
    const { silenceMs, leaseMs } = session.bounds;
    const { definition, number } = entry;
    this.holds.set(vip, { definition, at: "taking", number, sinceMs: nowMs, isFound: false });
    this.releasedFor.delete(vip);
    const notAfterMs = session.pulse.youngestMs + silenceMs;
    this.out.do({ do: "acquire", vip, definition, number, notAfterMs, leaseMs });
  }

  /** What is past already blocks no more, or something else blocks as well. */
  private wakeFor(atMs: number, nowMs: number): void {
    if (atMs > nowMs && atMs < this.nextMs) this.nextMs = atMs;
  }

  private isFree(session: Session, table: CoverTable, entry: Entry, nowMs: number): boolean {
    if (!isFreeFor(table, entry, session.member, session.waits, nowMs)) return false;
    for (const [vip, { definition }] of this.holds)
      if (vip !== entry.definition.id && shareAddress(definition, entry.definition)) return false;
    return true;
  }

  private isFresh(session: Session, nowMs: number): boolean {
    return !this.rules.freshBeats || session.pulse.isFresh(session.bounds.silenceMs, nowMs);
  }

  /** Whether the wire has been asked, and nobody answered; asks if not. */
  private hasProbed({ definition, number }: Entry, nowMs: number): boolean {
    const probe = this.probes.get(definition.id);
    if (probe?.at === "free" && probe.number === number) return true;
    if (probe?.at === "asked") return false;
    if (probe?.at === "answered" && nowMs < probe.againMs) {
      this.wakeFor(probe.againMs, nowMs);
      return false;
    }
    this.probes.set(definition.id, { at: "asked", number });
    this.out.do({ do: "probe", vip: definition.id, definition });
    return false;
  }

  private release(vip: VipId): void {
    const hold = this.holds.get(vip);
    if (hold === undefined || hold.at === "letting go") return;
    hold.at = "letting go";
    this.out.do({ do: "release", vip });
  }

  private refuse(session: Session | undefined, vip: VipId, hold: Hold, nowMs: number): void {
    const forMs = this.self.refuse(vip, nowMs);
    this.out.report({ about: "refused", vip: hold.definition.name, forMs });
    if (session === undefined) return;
    // What is held is refused by the number it is owned by now, which a merge may have raised: under another one nobody listens.
    const entry = session.table?.entries.get(vip);
    const isOwned = hold.at === "held" && entry?.owner === session.member;
    this.refusedFor.delete(vip);
    this.sayRefused(vip, isOwned ? entry.number : hold.number);
  }

  private sayRefused(vip: VipId, number: number): void {
    if (this.refusedFor.get(vip) === number) return;
    this.refusedFor.set(vip, number);
    this.out.sayRefused(vip, number);
  }

  /** Let go of: said, unless the vip has become mine again in the meantime. */
  private sayIfNotMine(session: Session | undefined, vip: VipId, takenBy: number): void {
    const table = session?.latestTable;
    if (session === undefined || table === undefined) return;
    const entry = table.entries.get(vip);
    if (session.table !== undefined && entry?.owner === session.member) return;
    this.sayReleased(vip, entry?.number ?? takenBy);
  }

  private sayReleased(vip: VipId, number: number): void {
    if (this.releasedFor.get(vip) === number) return;
    this.releasedFor.set(vip, number);
    this.out.sayReleased(vip, number);
  }

  /** Once for each number; and once more when names that were waited for can go. */
  private sayAcquired(session: Session, table: CoverTable, entry: Entry, nowMs: number): void {
    const vip = entry.definition.id;
    const cleared: Member[] = [];
    for (const name of entry.set.keys()) {
      if (!table.waited.has(name) || table.maintenance.on) continue; // its lease may have been lifted
      if (session.waits.hasRunOut(name, nowMs)) cleared.push(name);
      else this.wakeFor(session.waits.untilMs(name), nowMs);
    }
    if (entry.acked === entry.number && cleared.length === 0) return;
    const what = `${entry.number} ${cleared}`;
    if (this.acquiredFor.get(vip) === what) return;
    this.acquiredFor.set(vip, what);
    this.out.sayAcquired(vip, entry.number, cleared);
  }
}

/** No other name, waited for or not, stands where it could hold one of the vip's addresses. */
function isForMeAlone(table: CoverTable, entry: Entry): boolean {
  return entry.set.size === 1 && table.sharers(entry).every(({ set }) => set.size === 0);
}

/** Its owner is one that all agree upon, and holds it. */
function isHeldByOwner(table: CoverTable, entry: Entry): boolean {
  return table.isHeld(entry) && table.hosts.get(entry.owner!)!.informed;
}
