// What happened to each vip and each host, when and why, as this host saw it: what `status` and `why` tell beside the table, which knows no time.
//
// After each event the table is compared with what was noted; where an owner or a holder has changed, the event that was handled is the reason.
import type { CoverTable, Entry } from "./cover-table.ts";
import type { VipId } from "./definition.ts";
import type { MoleEvent } from "./event.ts";
import type { Machine } from "./machine.ts";
import type { HostName, Member } from "./member.ts";
import type { Message } from "./message.ts";

/** One change of a vip's owner, or that the owner has taken it. */
export interface Move {
  /** CLOCK_BOOTTIME. */
  readonly atMs: number;
  readonly what: "given to" | "held by" | "nobody's";
  readonly host: HostName | undefined;
  readonly why: string;
}

interface VipPast {
  owner: Member | undefined;
  number: number;
  isHeld: boolean;
  sinceMs: number;
  /** It has been so for longer: it was found so, and nobody has said since when. */
  isFound: boolean;
  /** Since when its owner has it, by that one's own word. */
  told: { readonly owner: Member; readonly sinceMs: number } | undefined;
  /** Since when nobody has it, whoever has been meant to meanwhile; `undefined`: it is held. */
  unheldMs: number | undefined;
  readonly moves: Move[];
}

export interface HostPast {
  /** When it gave its last sign of life, or came. */
  seenMs: number;
  /** When it came, or went. */
  sinceMs: number;
  isHere: boolean;
  /** Since when it is drained; `undefined`: it is not. */
  drainedMs: number | undefined;
  /** It was found drained: for longer. */
  isFoundDrained: boolean;
  /** How it went. */
  why: string;
  /** It has said that it stops. */
  isStopping: boolean;
  /** An operator has given it up since it went. */
  isForgotten: boolean;
}

const MOVES_MAX = 20;
const HOSTS_MAX = 1_000;

export class Chronicle {
  readonly vips = new Map<VipId, VipPast>();
  readonly hosts = new Map<HostName, HostPast>();
  viewMs = 0;
  /** Since when this mole has known anything of the others; `undefined`: it does not. */
  knownMs: number | undefined;
  /** Since when there is maintenance; `undefined`: there is none. `isFound`: it was there before this mole. */
  maintenance: { readonly sinceMs: number; readonly isFound: boolean } | undefined;
  private hasTable = false;
  /** There was no session until now: what the next table shows may have been so for long. */
  private isBack = true;
  /** What hosts say in an exchange of how long they have held what they hold, until its table is there. */
  private readonly told = new Map<Member, ReadonlyMap<VipId, number>>();
  /** Hosts of sessions that may be gone by now. */
  private readonly hostOf = new Map<Member, HostName>();

  /** The machine has handled an event. */
  note(event: MoleEvent, machine: Machine): void {
    if (event.on === "view") this.viewMs = event.now;
    if (event.on === "message") this.noteHeard(event.from, event.now);
    if (event.on === "disconnected") this.isBack = true;
    if (event.on === "message" && event.message.kind === "state") {
      const { holds } = event.message;
      this.told.set(event.from, new Map(holds.map(({ vip, heldMs }) => [vip, event.now - heldMs])));
    }
    if (event.on === "timer" || (event.on === "message" && event.message.kind === "beat")) return;
    const table = machine.session?.table;
    if (table === undefined) return;
    if (event.on === "message" && event.message.kind === "forget") this.forget(event.message.host);
    const why = this.reasonOf(event, table);
    this.noteHosts(table, why, event.now);
    for (const entry of table.entries.values()) this.noteEntry(entry, table.isHeld(entry), why, event.now);
    if (!table.maintenance.on) this.maintenance = undefined;
    else this.maintenance ??= { sinceMs: event.now, isFound: this.isBack };
    this.told.clear();
    this.hasTable = true;
    this.isBack = false;
    this.knownMs ??= event.now;
    for (const vip of this.vips.keys()) if (!table.entries.has(vip)) this.vips.delete(vip);
  }

  nameOf(member: Member): HostName {
    return this.hostOf.get(member) ?? member;
  }

  /** Why the vip has the owner that it has; "" where that is not known. */
  whyGiven(vip: VipId): string {
    return this.lastMove(vip)?.why ?? "";
  }

  /** Why it is `host`'s no more; `undefined`: it is, or that is not known. */
  whyTaken(vip: VipId, host: HostName): string | undefined {
    const move = this.lastMove(vip);
    return move === undefined || move.host === host ? undefined : move.why;
  }

  private lastMove(vip: VipId): Move | undefined {
    return this.vips.get(vip)?.moves.findLast(({ what }) => what !== "held by");
  }

  private noteHeard(from: Member, nowMs: number): void {
    const host = this.hostOf.get(from);
    const past = host === undefined ? undefined : this.hosts.get(host);
    if (past?.isHere) past.seenMs = nowMs;
  }

  private forget(host: HostName): void {
    const past = this.hosts.get(host);
    if (past === undefined || past.isHere) return;
    past.isForgotten = true;
    past.why = "forgotten by an operator";
  }

  private noteHosts(table: CoverTable, why: string, nowMs: number): void {
    const here = new Set<HostName>();
    for (const { member, identity, drained, facts } of table.hosts.values()) {
      this.hostOf.set(member, identity.host);
      here.add(identity.host);
      let past = this.hosts.get(identity.host);
      if (past === undefined || !past.isHere) {
        past = {
          seenMs: nowMs,
          sinceMs: nowMs,
          isHere: true,
          why: "",
          drainedMs: undefined,
          isFoundDrained: false,
          isStopping: false,
          isForgotten: false,
        };
        this.hosts.set(identity.host, past);
      }
      past.isStopping = facts.stopping;
      if (drained === (past.drainedMs !== undefined)) continue;
      past.drainedMs = drained ? nowMs : undefined;
      past.isFoundDrained = drained && this.isBack;
    }
    for (const [host, past] of this.hosts) {
      if (here.has(host) || !past.isHere) continue;
      past.isHere = false;
      past.sinceMs = nowMs;
      past.why = why;
    }
    if (this.hostOf.size > HOSTS_MAX)
      for (const member of this.hostOf.keys()) if (!table.members.includes(member)) this.hostOf.delete(member);
    if (this.hosts.size > HOSTS_MAX) for (const [host, { isHere }] of this.hosts) if (!isHere) this.hosts.delete(host);
  }

  private noteEntry(entry: Entry, isHeld: boolean, why: string, nowMs: number): void {
    const { definition, owner, number } = entry;
    const toldMs = owner === undefined ? undefined : this.told.get(owner)?.get(definition.id);
    const told = toldMs === undefined ? undefined : { owner: owner!, sinceMs: toldMs };
    const past = this.vips.get(definition.id);
    if (past === undefined) {
      const moves: Move[] = [];
      // In its first table a host finds everything: it can't tell why it is so. What is new later is newly defined.
      if (this.hasTable && owner !== undefined)
        moves.push({ atMs: nowMs, what: "given to", host: this.nameOf(owner), why });
      const first: VipPast = {
        owner,
        number,
        isHeld,
        sinceMs: nowMs,
        isFound: this.isBack,
        told,
        unheldMs: isHeld ? undefined : nowMs,
        moves,
      };
      this.vips.set(definition.id, first);
      believe(first);
      return;
    }
    // Who has let it go has it anew when it takes it again.
    if (told !== undefined) past.told = told;
    else if (past.told !== undefined && !entry.set.has(past.told.owner)) past.told = undefined;
    const isSame = past.owner === owner && past.number === number && past.isHeld === isHeld;
    if (!isSame) this.noteChange(past, entry, isHeld, why, nowMs);
    if (!isSame || told !== undefined) believe(past);
  }

  private noteChange(past: VipPast, { owner, number }: Entry, isHeld: boolean, why: string, nowMs: number): void {
    const host = owner === undefined ? undefined : this.nameOf(owner);
    if (past.owner !== owner) {
      past.sinceMs = nowMs;
      past.isFound = this.isBack;
      push(past.moves, { atMs: nowMs, what: owner === undefined ? "nobody's" : "given to", host, why });
    }
    if (isHeld && (!past.isHeld || past.owner !== owner)) {
      past.sinceMs = nowMs;
      past.isFound = this.isBack;
      push(past.moves, { atMs: nowMs, what: "held by", host, why: `${host} took it` });
    }
    past.unheldMs = isHeld ? undefined : (past.unheldMs ?? nowMs);
    past.owner = owner;
    past.number = number;
    past.isHeld = isHeld;
  }

  private reasonOf(event: MoleEvent, table: CoverTable): string {
    switch (event.on) {
      case "view": {
        const here = new Set([...table.hosts.values()].map(({ identity }) => identity.host));
        const gone = [...this.hosts].filter(([host, { isHere }]) => isHere && !here.has(host)).map(([host]) => host);
        if (gone.length === 0) return "somebody came";
        return event.view.cause === "network" ? `${gone} out of reach` : `${gone} gone (${event.view.cause})`;
      }
      case "message":
        return this.reasonOfMessage(event.message, this.nameOf(event.from));
      case "driven":
        return `the system: ${event.did}`;
      default:
        return event.on;
    }
  }

  private reasonOfMessage(message: Message, from: HostName): string {
    switch (message.kind) {
      case "state":
      case "table":
        return "what the hosts told each other";
      case "facts":
        if (message.facts.stopping) return `${from} is stopping`;
        return Object.keys(message.facts.unfit).length > 0 ? `health or carrier of ${from}` : `news of ${from}`;
      case "answer":
        if (message.refused.length > 0) return `${from} could not take it`;
        return message.released.length > 0 ? `${from} has let it go` : `${from} answered`;
      case "farewell":
        // One that is stopped says so before; else these may be its guard's words.
        return this.hosts.get(from)?.isStopping === true
          ? `${from} has let all go and left`
          : `${from} has let all go and left without being stopped: its mole ended, or lost the group`;
      case "mature":
        return "the cold start is over";
      case "drain":
        return `${message.host} ${message.on ? "drained" : "resumed"} by an operator`;
      case "move":
        return message.pinned ? "moved by an operator" : "balanced";
      case "expel":
        return `${this.nameOf(message.member)} thrown out: no ${describeMissing(message.missing.what)}`;
      case "maintenance":
        return `maintenance ${message.state.on ? "on" : "off"}`;
      case "listed":
        return "another list of hosts";
      case "maintained":
        return `${from} knows of the maintenance`;
      case "unreturned":
        return `somebody may be away without a lease, by what ${from} has on disk`;
      case "forget":
        return `${message.host} forgotten by an operator`;
      default:
        return message.kind;
    }
  }
}

function describeMissing(what: "beat" | "state" | "released" | "acquired"): string {
  return what === "beat" ? "sign of life" : what === "state" ? "word on what it holds" : `answer (${what})`;
}

/** What its holder says of the time counts: where parts of a network come together it is owned by another number, and held all the same. */
function believe(past: VipPast): void {
  const { told, owner, isHeld } = past;
  if (told === undefined || told.owner !== owner || !isHeld) return;
  past.sinceMs = told.sinceMs;
  past.isFound = false;
}

function push(moves: Move[], move: Move): void {
  moves.push(move);
  if (moves.length > MOVES_MAX) moves.shift();
}
