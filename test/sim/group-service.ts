// A simulated group service with the manners of the real ones (the model, section 1): rings of daemons, each with the sessions of its hosts.
//
// Within a ring everything is ordered: messages, and the sessions' coming and going. While a daemon of the ring is frozen, gone or cut off, nothing is ordered
// at all, the survivors' own messages included, until the rest has found out (`detectionMs`) and formed a new ring. Who moves together from one ring to the
// next delivers the same before the new view: what it already had, a transitional signal, perhaps some of its own messages that nobody else gets, and what
// is left of those is delivered in the new view. A daemon that was frozen and thaws delivers, in its old view, what it already had and what its own sessions
// sent meanwhile, when the others have long had the next view.
//
// Payloads are opaque here: the service knows nothing of moles.
import type { Random } from "../../lib/base/random.ts";
import type { View } from "../../lib/mole/member.ts";
import type { Clockwork } from "./clockwork.ts";

export type Delivery<Payload> =
  | { readonly on: "view"; readonly view: View }
  | { readonly on: "transitional" }
  | { readonly on: "message"; readonly from: string; readonly payload: Payload }
  | { readonly on: "lost" };

export interface Receiver<Payload> {
  deliver(delivery: Delivery<Payload>): void;
}

type Item<Payload> =
  | { readonly kind: "message"; readonly session: GroupSession<Payload>; readonly payload: Payload }
  | { readonly kind: "join"; readonly session: GroupSession<Payload> }
  | { readonly kind: "part"; readonly session: GroupSession<Payload>; readonly cause: "leave" | "disconnect" };

interface Ordered<Payload> {
  readonly item: Item<Payload>;
  /** The group's members after it. */
  readonly members: readonly string[];
  readonly viewId: string;
}

export class GroupSession<Payload> {
  /** In some view, by its own daemon's account. */
  isMember = false;
  isOpen = true;

  constructor(
    readonly name: string,
    readonly daemon: Daemon<Payload>,
    readonly receiver: Receiver<Payload>,
  ) {}
}

class Ring<Payload> {
  readonly log: Ordered<Payload>[] = [];
  members: readonly string[];
  /** Nothing is ordered: somebody of the ring does not answer. */
  isBlocked = false;
  private views = 0;

  constructor(
    readonly id: number,
    readonly daemons: readonly Daemon<Payload>[],
    members: readonly string[],
  ) {
    this.members = members;
  }

  get viewId(): string {
    return `${this.id}.${this.views}`;
  }

  append(item: Item<Payload>): void {
    const { name } = item.session;
    if (item.kind === "join") this.members = [...this.members, name];
    if (item.kind === "part") {
      if (!this.members.includes(name)) return;
      this.members = this.members.filter((member) => member !== name);
    }
    if (item.kind !== "message") this.views += 1;
    this.log.push({ item, members: this.members, viewId: this.viewId });
  }
}

export class Daemon<Payload> {
  ring: Ring<Payload>;
  readonly sessions: GroupSession<Payload>[] = [];
  isUp = true;
  isFrozen = false;
  /** Cut off from others: daemons reach each other within one island. */
  island = 0;
  /** How much of its ring's log it has delivered, and how much it will ever see of it. */
  delivered = 0;
  limit = Number.POSITIVE_INFINITY;
  /** Taken from its sessions, not ordered yet. */
  pending: Item<Payload>[] = [];
  /** How long from the order to the sessions, and from the sessions to the order. */
  delayMs = 0;
  sendDelayMs = 0;
  /** When what was sent last comes to be ordered: nothing overtakes it. */
  sentUntilMs = 0;

  constructor(
    readonly id: number,
    ring: Ring<Payload>,
  ) {
    this.ring = ring;
  }

  get isRunning(): boolean {
    return this.isUp && !this.isFrozen;
  }
}

export interface ServiceOptions {
  readonly daemons: number;
  /** Until a ring notices that somebody is missing, and until two rings find each other. */
  readonly detectionMs: number;
  readonly mergeMs: number;
  /** At most so long from the order to the sessions, and from the sessions to the order: each message and daemon otherwise. 1 and 0 if not said. */
  readonly deliveryMs?: number;
  readonly sendingMs?: number;
}

export class GroupService<Payload> {
  readonly daemons: Daemon<Payload>[] = [];
  private rings = 0;

  constructor(
    private readonly clockwork: Clockwork,
    private readonly random: Random,
    private readonly options: ServiceOptions,
  ) {
    const ring = new Ring<Payload>(0, this.daemons, []);
    for (let id = 0; id < options.daemons; id++) this.daemons.push(new Daemon(id, ring));
  }

  // -- sessions

  open(name: string, daemon: Daemon<Payload>, receiver: Receiver<Payload>): GroupSession<Payload> {
    const session = new GroupSession(name, daemon, receiver);
    daemon.sessions.push(session);
    this.submit(daemon, { kind: "join", session });
    return session;
  }

  send(session: GroupSession<Payload>, payload: Payload): void {
    if (session.isOpen) this.forward(session.daemon, { kind: "message", session, payload });
  }

  /** The session ends by its own will, by its process's death, or because the daemon throws it out. */
  close(session: GroupSession<Payload>, cause: "leave" | "disconnect"): void {
    if (!session.isOpen) return;
    session.isOpen = false;
    const { daemon } = session;
    daemon.sessions.splice(daemon.sessions.indexOf(session), 1);
    this.forward(daemon, { kind: "part", session, cause });
  }

  // -- faults

  freeze(daemon: Daemon<Payload>): void {
    daemon.isFrozen = true;
    this.suspect(daemon.ring);
  }

  thaw(daemon: Daemon<Payload>): void {
    if (!daemon.isFrozen) return;
    daemon.isFrozen = false;
    if (!daemon.isUp) return;
    // Still in its old view: what it already had, and, with the token in its hand, its sessions' own.
    const { ring } = daemon;
    if (this.recovers(ring)) return;
    if (!ring.daemons.some((other) => other !== daemon && other.ring === ring && other.isUp)) {
      this.deliverUpTo(daemon, Math.min(ring.log.length, daemon.limit));
      // Not past what its sessions said before, and which waits for the next ring: a session's messages never overtake each other.
      const isBehind = ring.log.slice(daemon.delivered).some(({ item }) => item.session.daemon === daemon);
      if (this.random() < 0.7 && !isBehind) this.deliverOwn([daemon]);
    }
    this.look(this.options.mergeMs * (0.2 + this.random()));
  }

  crash(daemon: Daemon<Payload>): void {
    daemon.isUp = false;
    daemon.pending = [];
    for (const session of [...daemon.sessions]) {
      session.isOpen = false;
      session.receiver.deliver({ on: "lost" });
    }
    daemon.sessions.length = 0;
    this.suspect(daemon.ring);
  }

  restart(daemon: Daemon<Payload>): void {
    if (daemon.isUp) return;
    daemon.isUp = true;
    daemon.isFrozen = false;
    daemon.ring = this.newRing([daemon], []);
    daemon.delivered = 0;
    daemon.limit = Number.POSITIVE_INFINITY;
    this.look(this.options.mergeMs * (0.2 + this.random()));
  }

  /** Parts the network: daemons reach those with the same number. */
  part(islands: readonly number[]): void {
    const rings = new Set(this.daemons.filter(({ isUp }) => isUp).map(({ ring }) => ring));
    for (const daemon of this.daemons) daemon.island = islands[daemon.id] ?? 0;
    for (const ring of rings) if (!this.recovers(ring)) this.suspect(ring);
    this.look(this.options.mergeMs * (0.2 + this.random()));
  }

  reaches(a: Daemon<Payload>, b: Daemon<Payload>): boolean {
    return a.island === b.island;
  }

  // -- order

  /** From a session to its daemon: at once, or late, but never out of order. */
  private forward(daemon: Daemon<Payload>, item: Item<Payload>): void {
    const { nowMs } = this.clockwork;
    const { sendingMs = 0 } = this.options;
    if (daemon.sendDelayMs === 0 && sendingMs === 0 && daemon.sentUntilMs < nowMs) {
      this.submit(daemon, item);
      return;
    }
    const delayMs = daemon.sendDelayMs + (sendingMs === 0 ? 0 : this.random() * sendingMs);
    daemon.sentUntilMs = Math.max(daemon.sentUntilMs, nowMs + delayMs);
    this.clockwork.at(daemon.sentUntilMs, () => this.submit(daemon, item));
  }

  private submit(daemon: Daemon<Payload>, item: Item<Payload>): void {
    if (!daemon.isUp) return;
    if (!daemon.isRunning || daemon.ring.isBlocked) daemon.pending.push(item);
    else this.order(daemon.ring, item);
  }

  private order(ring: Ring<Payload>, item: Item<Payload>): void {
    ring.append(item);
    const index = ring.log.length;
    for (const daemon of ring.daemons) {
      const delayMs = 0.1 + this.random() * ((this.options.deliveryMs ?? 1) - 0.1) + daemon.delayMs;
      this.clockwork.after(delayMs, () => {
        if (daemon.ring === ring && daemon.isRunning) this.deliverUpTo(daemon, Math.min(index, daemon.limit));
      });
    }
  }

  private deliverUpTo(daemon: Daemon<Payload>, index: number): void {
    const { ring } = daemon;
    while (daemon.delivered < index && daemon.ring === ring && daemon.isRunning) {
      const ordered = ring.log[daemon.delivered]!;
      daemon.delivered += 1;
      this.deliver(daemon, ordered);
    }
  }

  private deliver(daemon: Daemon<Payload>, { item, members, viewId }: Ordered<Payload>): void {
    if (item.kind === "message") {
      for (const session of [...daemon.sessions])
        if (session.isMember)
          session.receiver.deliver({ on: "message", from: item.session.name, payload: item.payload });
      return;
    }
    const { name } = item.session;
    if (item.kind === "join" && item.session.daemon === daemon) item.session.isMember = true;
    const cause = item.kind === "join" ? "join" : item.cause;
    for (const session of [...daemon.sessions]) {
      if (!session.isMember) continue;
      const together = session.name === name ? [name] : members.filter((member) => member !== name);
      session.receiver.deliver({ on: "view", view: { id: viewId, members, cause, together } });
    }
  }

  // -- rings

  /** Something is wrong in the ring: nothing is ordered in it until it is whole again or the rest has formed a new one. */
  private suspect(ring: Ring<Payload>): void {
    if (!ring.isBlocked) {
      ring.isBlocked = true;
      this.drawLimits(ring);
    }
    this.look(this.options.detectionMs * (0.9 + this.random() * 0.2));
  }

  /** Where a cable is cut, what was ordered last may have reached one side only. */
  private drawLimits(ring: Ring<Payload>): void {
    for (const side of sides(ring.daemons, ({ island }) => island).values()) {
      const least = Math.max(...side.map(({ delivered }) => delivered));
      const limit = least + Math.floor(this.random() * (ring.log.length - least + 1));
      for (const daemon of side) daemon.limit = limit;
    }
  }

  private isWhole(ring: Ring<Payload>): boolean {
    return ring.daemons.every(
      (daemon) => daemon.isRunning && daemon.ring === ring && daemon.island === ring.daemons[0]!.island,
    );
  }

  /** The ring goes on if everybody is back before anybody has left it. */
  private recovers(ring: Ring<Payload>): boolean {
    if (!this.isWhole(ring)) return false;
    if (!ring.isBlocked) return true;
    for (const daemon of ring.daemons) {
      daemon.limit = Number.POSITIVE_INFINITY;
      this.deliverUpTo(daemon, ring.log.length);
    }
    ring.isBlocked = false; // not before: what is sent at such a delivery comes behind what its sender sent before
    const waiting = ring.daemons.flatMap((daemon) => daemon.pending.splice(0));
    for (const item of waiting) this.order(ring, item);
    return true;
  }

  private look(afterMs: number): void {
    this.clockwork.after(afterMs, () => this.reform());
  }

  /** Each island's running daemons form a ring, unless they are one. */
  private reform(): void {
    const running = this.daemons.filter(({ isRunning }) => isRunning);
    for (const component of sides(running, ({ island }) => island).values()) {
      const ring = component[0]!.ring;
      const same =
        !ring.isBlocked && ring.daemons.length === component.length && component.every((d) => d.ring === ring);
      if (!same) this.form(component);
    }
  }

  private form(component: readonly Daemon<Payload>[]): void {
    const groups = [...sides(component, ({ ring }) => ring).values()];
    const before = new Map<Daemon<Payload>, readonly string[]>();
    for (const group of groups) this.flush(group, before);
    const members = groups.flatMap((group) => group.flatMap(({ sessions }) => sessions)).filter((s) => s.isMember);
    const ring = this.newRing(component, this.shuffled(members.map(({ name }) => name)));
    for (const daemon of component) {
      daemon.ring = ring;
      daemon.delivered = 0;
      daemon.limit = Number.POSITIVE_INFINITY;
    }
    ring.isBlocked = true; // what is sent at the view comes behind what its sender sent before
    for (const group of groups) {
      const moving = new Set(group.flatMap(({ sessions }) => sessions.map(({ name }) => name)));
      for (const daemon of group) {
        const had = before.get(daemon)!;
        const together = ring.members.filter((member) => moving.has(member) && had.includes(member));
        const view: View = { id: ring.viewId, members: ring.members, cause: "network", together };
        for (const session of [...daemon.sessions])
          if (session.isMember && session.isOpen && daemon.isRunning) session.receiver.deliver({ on: "view", view });
      }
    }
    ring.isBlocked = false;
    for (const item of this.shuffled(component).flatMap((daemon) => daemon.pending.splice(0)))
      if (item.kind === "part" || item.session.isOpen || item.kind === "message") this.order(ring, item);
  }

  /** Who moves together from one ring delivers the same of it, each its own sessions' members noted; the rest of their own goes to the next ring. */
  private flush(group: readonly Daemon<Payload>[], before: Map<Daemon<Payload>, readonly string[]>): void {
    const { ring } = group[0]!;
    const least = Math.max(...group.map(({ delivered }) => delivered));
    const end = Math.max(least, Math.min(ring.log.length, ...group.map(({ limit }) => limit)));
    const early = this.random() < 0.5;
    if (early) this.signal(group);
    for (const daemon of group) this.deliverUpTo(daemon, end);
    const own = ring.log.slice(end).filter(({ item }) => group.includes(item.session.daemon));
    for (const { item } of own.reverse()) item.session.daemon.pending.unshift(item);
    ring.isBlocked = true;
    if (!early) this.signal(group);
    let members = end > 0 ? ring.log[end - 1]!.members : ring.log.length > 0 ? undefined : ring.members;
    members ??= firstMembers(ring);
    if (this.random() < 0.5) members = this.deliverOwn(group, members);
    for (const daemon of group) before.set(daemon, members);
    // Who has parted, but whose parting is not ordered here, is simply not in the next view.
    for (const daemon of group) daemon.pending = daemon.pending.filter(({ kind }) => kind !== "part");
  }

  /** Some of the group's own pending messages, delivered in the old view to the group alone. Joins and partings wait for the next ring. */
  private deliverOwn(group: readonly Daemon<Payload>[], members: readonly string[] = []): readonly string[] {
    for (const from of group) {
      let count = Math.floor(this.random() * (from.pending.length + 1));
      while (count-- > 0 && from.pending[0]?.kind === "message") {
        const item = from.pending.shift()!;
        for (const daemon of group) this.deliver(daemon, { item, members, viewId: "" });
      }
    }
    return members;
  }

  private signal(group: readonly Daemon<Payload>[]): void {
    for (const daemon of group)
      for (const session of [...daemon.sessions])
        if (session.isMember) session.receiver.deliver({ on: "transitional" });
  }

  private newRing(daemons: readonly Daemon<Payload>[], members: readonly string[]): Ring<Payload> {
    this.rings += 1;
    return new Ring(this.rings, daemons, members);
  }

  private shuffled<T>(things: readonly T[]): T[] {
    const shuffled = [...things];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = Math.floor(this.random() * (at + 1));
      [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
    }
    return shuffled;
  }
}

function sides<T, Key>(things: readonly T[], keyOf: (thing: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const thing of things) {
    const group = groups.get(keyOf(thing));
    if (group === undefined) groups.set(keyOf(thing), [thing]);
    else group.push(thing);
  }
  return groups;
}

/** Members of a ring before the first thing ordered in it. */
function firstMembers<Payload>({ log, members }: Ring<Payload>): readonly string[] {
  const first = log[0];
  if (first === undefined) return members;
  const { item } = first;
  if (item.kind === "join") return first.members.filter((member) => member !== item.session.name);
  return item.kind === "part" ? [...first.members, item.session.name] : first.members;
}
