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
  /** How it went. */
  why: string;
}

const MOVES_MAX = 20;
const HOSTS_MAX = 1_000;

export class Chronicle {
  readonly vips = new Map<VipId, VipPast>();
  readonly hosts = new Map<HostName, HostPast>();
  viewMs = 0;
  private hasTable = false;
  /** Hosts of sessions that may be gone by now. */
  private readonly hostOf = new Map<Member, HostName>();

  /** The machine has handled an event. */
  note(event: MoleEvent, machine: Machine): void {
    if (event.on === "view") this.viewMs = event.now;
    if (event.on === "message") this.noteHeard(event.from, event.now);
    if (event.on === "timer" || (event.on === "message" && event.message.kind === "beat")) return;
    const table = machine.session?.table;
    if (table === undefined) return;
    const why = this.reasonOf(event, table);
    this.noteHosts(table, why, event.now);
    for (const entry of table.entries.values()) this.noteEntry(entry, table.isHeld(entry), why, event.now);
    this.hasTable = true;
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

  private noteHosts(table: CoverTable, why: string, nowMs: number): void {
    const here = new Set<HostName>();
    for (const { member, identity } of table.hosts.values()) {
      this.hostOf.set(member, identity.host);
      here.add(identity.host);
      const past = this.hosts.get(identity.host);
      if (past === undefined || !past.isHere)
        this.hosts.set(identity.host, { seenMs: nowMs, sinceMs: nowMs, isHere: true, why: "" });
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

  private noteEntry({ definition, owner, number }: Entry, isHeld: boolean, why: string, nowMs: number): void {
    const past = this.vips.get(definition.id);
    if (past === undefined) {
      const moves: Move[] = [];
      // In its first table a host finds everything: it can't tell why it is so. What is new later is newly defined.
      if (this.hasTable && owner !== undefined)
        moves.push({ atMs: nowMs, what: "given to", host: this.nameOf(owner), why });
      this.vips.set(definition.id, {
        owner,
        number,
        isHeld,
        sinceMs: nowMs,
        unheldMs: isHeld ? undefined : nowMs,
        moves,
      });
      return;
    }
    if (past.owner === owner && past.number === number && past.isHeld === isHeld) return;
    const host = owner === undefined ? undefined : this.nameOf(owner);
    if (past.owner !== owner) {
      past.sinceMs = nowMs;
      push(past.moves, { atMs: nowMs, what: owner === undefined ? "nobody's" : "given to", host, why });
    }
    if (isHeld && (!past.isHeld || past.owner !== owner)) {
      past.sinceMs = nowMs;
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
        return `${from} has let all go and left`;
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

function push(moves: Move[], move: Move): void {
  moves.push(move);
  if (moves.length > MOVES_MAX) moves.shift();
}
