// The daemon without its sockets: sessions on one side, the engine and the groups on the other. Bytes come in by `receive`, all that goes out goes
// through the `Rim`.
//
//   bytes -> SessionCore -> request -> may it? -> engine -> deliver -> GroupState -> Deliveries -> Rim
//
// A session has a slot from its connection to the delivery of its KILL: until then events of it may be on their way, and its name is not free.
// Whoever cannot take what an event sends him ends when that event is done, never in the midst of it: all others get it before they get to know.
import { assert } from "../base/assert.ts";
import type { MonotonicMs } from "../base/brand.ts";
import type { Fault } from "../base/fault.ts";
import type { Random } from "../base/random.ts";
import type { FrameView } from "../spread/frame.ts";
import { wantsMembership, writeReject } from "../spread/handshake.ts";
import { nameBytes } from "../spread/name-field.ts";
import type { PrivateGroup, PrivateName } from "../spread/names.ts";
import { type AccessRule, EVERYTHING, permissionsOf, refusedAt } from "./access.ts";
import { type Attempt, authenticate } from "./authentication.ts";
import { type DaemonCounters, noneCounted } from "./daemon-counters.ts";
import type { DaemonSettings } from "./daemon-settings.ts";
import { Deliveries } from "./deliveries.ts";
import type { Engine, EngineSink, Ring } from "./engine.ts";
import { FlowControl } from "./flow-control.ts";
import type { Group } from "./group.ts";
import { GroupState } from "./group-state.ts";
import type { Member } from "./member.ts";
import { formatPeer, type Peer } from "./peer.ts";
import { Refusals } from "./refusals.ts";
import { rejectedFrame } from "./rejected-frame.ts";
import type { Rim } from "./rim.ts";
import { Session } from "./session.ts";
import type { SessionEnd } from "./session-core.ts";

/** A handshake that is older than this makes room where all slots are taken. */
const HANDSHAKE_GRACE_MS = 1_000;

/** A daemon. Construct it, then accept connections. */
export class Daemon implements EngineSink {
  readonly counters: DaemonCounters = noneCounted();
  #ring: Ring | undefined;
  #groups: GroupState | undefined;
  readonly #sessions: (Session | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Sessions in their handshake, oldest first. */
  readonly #handshakes = new Set<Session>();
  readonly #names = new Set<PrivateName>();
  readonly #flow: FlowControl;
  #access: readonly AccessRule[];
  readonly #waitingForEngine = new Set<number>();
  readonly #out = new Deliveries();
  /** Who was sent more than its soft bound by the event at hand. */
  readonly #pressed: number[] = [];
  /** Who could not take an event, and has to end when it is done. */
  readonly #overrun: number[] = [];
  #isEndingOverrun = false;
  readonly #refusals = new Refusals();

  constructor(
    readonly settings: DaemonSettings,
    private readonly engine: Engine,
    private readonly rim: Rim,
    private readonly random: Random,
  ) {
    this.#flow = new FlowControl(settings.flow, rim.now());
    this.#access = settings.access;
    engine.start(this);
  }

  get sessionCount(): number {
    return this.#sessions.length - this.#freeSlots.length;
  }

  get groupCount(): number {
    return this.#groups?.groupCount ?? 0;
  }

  /** All groups that have members, on any host. */
  get groups(): Iterable<Group> {
    return this.#groups?.groups ?? [];
  }

  /** Whether clients are let in: as long as there is a ring for them. */
  get isServing(): boolean {
    return this.#ring !== undefined && (!this.#ring.isOutside || this.settings.outside.holds);
  }

  /** The hosts, this one among them; `undefined` before the first ring. */
  get currentRing(): Ring | undefined {
    return this.#ring;
  }

  /** `true` while `check` is wanted every `CHECK_MS`. */
  get isWaiting(): boolean {
    return this.#flow.isWaiting;
  }

  /**
   * A connection is there.
   * @returns its slot, or what to answer before closing it
   */
  accept(peer: Peer): number | Uint8Array {
    if (!this.isServing) return NO_BYTES;
    if (this.sessionCount >= this.settings.sessionsMax && !this.#makeRoom()) {
      this.counters.refused += 1;
      return writeReject("quota");
    }
    const permissions = permissionsOf(this.#access, peer);
    const slot = this.#freeSlots.pop() ?? this.#sessions.length;
    const session = new Session(this, slot, peer, permissions, this.rim.now());
    this.#sessions[slot] = session;
    this.#handshakes.add(session);
    return slot;
  }

  /** Bytes came from a session: they are the daemon's from here on. Then comes `turn`. */
  receive(slot: number, bytes: Uint8Array): void {
    this.#sessions[slot]?.core.receive(bytes);
  }

  /** Lets a session work. @returns whether it has more work for another turn */
  turn(slot: number): boolean {
    return this.#sessions[slot]?.core.turn() ?? false;
  }

  /** `true` where a session has work left, though it may have to wait before it can go on. */
  hasWork(slot: number): boolean {
    return this.#sessions[slot]?.core.hasWork ?? false;
  }

  /** Ends a session at once. */
  end(slot: number, end: SessionEnd): void {
    this.#sessions[slot]?.core.end(end);
  }

  /** A session's client has closed its side, and what it had sent is done. */
  lost(slot: number): void {
    this.#sessions[slot]?.core.giveUp("lost");
  }

  /** When the oldest handshake began; `undefined` where there is none. */
  get oldestHandshake(): MonotonicMs | undefined {
    for (const session of this.#handshakes) return session.since;
    return undefined;
  }

  /** Ends the handshakes that began at `before` or earlier. */
  expireHandshakes(before: MonotonicMs): void {
    for (const session of [...this.#handshakes]) {
      if (session.since > before) return;
      session.core.giveUp("silent");
    }
  }

  /** A session's queue is low again. */
  drained(slot: number, isEmpty: boolean): void {
    if (isEmpty) this.#flow.emptied(slot);
    if (this.#flow.isWaiting) this.#resume(this.#flow.relieve(slot));
  }

  /** Looks after those who wait. Call it every `CHECK_MS` while `isWaiting`. */
  check(): void {
    this.#resume(this.#flow.check(this.rim.now(), (reader) => this.rim.takenBytes(reader)));
  }

  /**
   * Other rules from now on: for who connects, and for what sessions send and join. A session whose peer no rule names any more ends; others stay in their groups.
   * @returns how many ended
   */
  changeAccess(rules: readonly AccessRule[]): number {
    this.#access = rules;
    const unnamed: Session[] = [];
    for (const session of this.#sessions) {
      if (session === undefined || session.core.state === "ended") continue;
      session.permissions = permissionsOf(rules, session.peer);
      if (session.permissions === undefined && session.member !== undefined) unnamed.push(session);
    }
    for (const session of unnamed) session.core.end({ why: "refused", reason: "auth" });
    return unnamed.length;
  }

  /** Ends all sessions and the engine. */
  stop(): void {
    this.engine.stop();
    for (const session of this.#sessions) session?.core.end({ why: "stopped" });
  }

  // --- what sessions ask ---

  /** Keeps a name for a session. */
  claim(slot: number, wanted: PrivateName | undefined): PrivateName | undefined {
    let name = wanted ?? this.#inventName(slot);
    while (wanted === undefined && this.#names.has(name)) name = this.#inventName(slot);
    if (this.#names.has(name)) return undefined;
    this.#names.add(name);
    return name;
  }

  /** Whom the rules do not name is refused here, and not at once: so he is sure to hear why. */
  admits({ permissions }: Session, attempt: Attempt): boolean {
    return permissions !== undefined && authenticate(this.settings.authentication, attempt, this.settings.isPassword);
  }

  reply(slot: number, bytes: Uint8Array): void {
    this.rim.reply(slot, bytes);
  }

  opened(session: Session, name: PrivateGroup, flags: number): Member {
    assert(this.#groups !== undefined, "the engine gives a ring before there are sessions");
    this.#handshakes.delete(session);
    this.counters.accepted += 1;
    this.rim.opened(session.slot, name, session.timeoutMs);
    return this.#groups.connect(session.slot, name, wantsMembership(flags));
  }

  request(session: Session, frame: FrameView): void {
    this.counters.requests += 1;
    if (frame.kind === "kill") session.core.end({ why: "left" });
    else if (!this.#mayDo(session, frame)) this.#sendBack(session, frame);
    else this.engine.submit(session.slot, frame);
    if (!this.engine.isFull || session.core.state !== "open") return;
    this.#waitingForEngine.add(session.slot);
    this.#pause(session);
  }

  ended(session: Session, end: SessionEnd): void {
    const { slot, member } = session;
    if (end.why === "slow") this.counters.slow += 1;
    if (end.why === "illegal") this.counters.illegal += 1;
    if (end.why === "refused") this.counters.refused += 1;
    this.#handshakes.delete(session);
    this.#waitingForEngine.delete(slot);
    this.rim.close(slot, session.core.name, withReason(session, end));
    this.#resume(this.#flow.forget(slot));
    if (member === undefined) this.#release(session);
    else this.engine.submit(slot, member.killFrame());
  }

  // --- what the engine says ---

  ring(ring: Ring): void {
    this.#ring = ring;
    const daemonId = ring.hosts[0]!.id;
    this.#groups ??= new GroupState({ daemonId, time: ring.time }, Math.floor(this.random() * 2 ** 32));
    if (ring.merge !== undefined) this.#groups.merge(ring, this.#out);
    this.#distribute(undefined);
    if (ring.merge !== undefined) this.#tellRing(ring);
    this.rim.ringBegan();
  }

  transition(lost: readonly number[]): void {
    this.#groups?.transition(lost, this.#out);
    this.#distribute(undefined);
  }

  snapshot(): Uint8Array {
    return this.#groups?.snapshot() ?? NO_BYTES;
  }

  gone(host: number): void {
    const ring = this.#ring;
    assert(ring !== undefined, "who goes was in a ring");
    const hosts = ring.hosts.filter((_, place) => place !== host);
    this.#ring = { ...ring, hosts, own: ring.own - (host < ring.own ? 1 : 0) };
    this.#groups?.hasHeard(this.engine.history);
    this.#groups?.gone(host, this.#out);
    this.#distribute(undefined);
    this.rim.notice(`the daemon of ${ring.hosts[host]?.name} is gone`);
    this.#tellRing(this.#ring);
  }

  outside(fault: Fault): void {
    this.rim.notice(fault.message);
    const { holds, butNot } = this.settings.outside;
    for (const session of this.#sessions) {
      if (session === undefined || session.core.state === "ended") continue;
      const groups = [...(session.member?.groups ?? [])];
      if (!holds || groups.some(({ field }) => butNot.match(field, 0, nameBytes(field, 0))))
        session.core.end({ why: "outside" });
    }
  }

  deliver(host: number, slot: number, frame: FrameView): void {
    if (host !== this.#ring?.own) {
      this.#deliverForeign(host, slot, frame);
      return;
    }
    const session = this.#sessions[slot];
    const groups = this.#groups;
    assert(groups !== undefined && session?.member !== undefined, "what is delivered was submitted by a session");
    const { member } = session;
    const out = this.#out;
    if (frame.kind !== "message") groups.hasHeard(this.engine.history);
    switch (frame.kind) {
      case "message":
        groups.send(member, frame, out);
        break;
      case "join":
        this.#hasten(session, groups.join(member, frame, out));
        break;
      case "leave":
        groups.leave(member, frame, out);
        this.#relax(session);
        break;
      default: // a kill: clients send nothing else
        groups.disconnect(member, out);
        this.#release(session);
    }
    this.#distribute(session);
  }

  /** Delivers a request of another host's session: what there is of it here are its places in groups. */
  #deliverForeign(host: number, slot: number, frame: FrameView): void {
    const groups = this.#groups;
    if (groups === undefined) return;
    const out = this.#out;
    if (frame.kind === "message") groups.send(undefined, frame, out);
    else {
      const member = groups.guest(host, slot, frame);
      if (member === undefined) return;
      groups.hasHeard(this.engine.history);
      if (frame.kind === "join") groups.join(member, frame, out);
      else if (frame.kind === "leave") groups.leave(member, frame, out);
      else {
        groups.disconnect(member, out);
        groups.forget(member);
      }
    }
    this.#distribute(undefined);
  }

  ready(): void {
    const waiting = [...this.#waitingForEngine];
    this.#waitingForEngine.clear();
    this.#resume(waiting);
  }

  failed(fault: Fault): void {
    this.rim.failed(fault);
  }

  // --- and what follows from it ---

  #tellRing({ hosts, isOutside }: Ring): void {
    const names = hosts.map(({ name }) => name).join(", ");
    this.rim.notice(
      isOutside ? `${names} is alone until the other hosts can be reached` : `ring of ${hosts.length}: ${names}`,
    );
  }

  /** Hands the deliveries of one event to the rim. @param sender of this host, if any: it waits for whom it has sent too much */
  #distribute(sender: Session | undefined): void {
    const out = this.#out;
    let next = 0;
    for (let frame = 0; frame < out.frameCount; frame++) {
      const bytes = out.bytes[frame]!;
      const start = out.starts[frame]!;
      const end = out.ends[frame]!;
      for (const last = out.receiversEnd[frame]!; next < last; next++) {
        const receiver = out.receivers[next]!;
        const level = this.rim.send(receiver, bytes, start, end);
        if (level === "low") continue;
        (level === "full" ? this.#overrun : this.#pressed).push(receiver);
      }
    }
    this.counters.deliveries += next;
    out.clear();
    if (this.#pressed.length > 0) this.#waitFor(sender);
    if (this.#overrun.length > 0) this.#endOverrun();
  }

  /** The sender of the event at hand waits for those whom it has sent too much. */
  #waitFor(sender: Session | undefined): void {
    const now = this.rim.now();
    let waits = false;
    for (const reader of sender === undefined ? [] : this.#pressed)
      if (this.#flow.wait(sender!.slot, reader, this.rim.takenBytes(reader), now)) waits = true;
    this.#pressed.length = 0;
    if (!waits || sender === undefined || sender.core.state !== "open" || sender.core.isHeld) return;
    this.counters.waits += 1;
    this.#pause(sender);
  }

  #endOverrun(): void {
    if (this.#isEndingOverrun) return; // an end is an event, which may overrun others: the outer loop sees to them
    this.#isEndingOverrun = true;
    for (let slot = this.#overrun.pop(); slot !== undefined; slot = this.#overrun.pop())
      this.end(slot, { why: "slow" });
    this.#isEndingOverrun = false;
  }

  #pause(session: Session): void {
    session.core.hold(true);
    this.rim.pause(session.slot);
  }

  #resume(slots: readonly number[]): void {
    for (const slot of slots) {
      const session = this.#sessions[slot];
      if (session === undefined || this.#flow.isHeld(slot) || this.#waitingForEngine.has(slot)) continue;
      session.core.hold(false);
      this.rim.resume(slot);
    }
  }

  /** All slots are taken: the oldest client that says nothing goes. */
  #makeRoom(): boolean {
    const oldest = this.oldestHandshake;
    if (oldest === undefined || this.rim.now() - oldest < HANDSHAKE_GRACE_MS) return false;
    for (const session of this.#handshakes) {
      session.core.giveUp("silent");
      return true;
    }
    return false;
  }

  #release(session: Session): void {
    if (session.member !== undefined) this.#groups?.forget(session.member);
    if (session.privateName !== undefined) this.#names.delete(session.privateName);
    this.#sessions[session.slot] = undefined;
    this.#freeSlots.push(session.slot);
  }

  /** As the real daemon's: `r<number>-<number>`, at most 10 characters. */
  #inventName(slot: number): PrivateName {
    return `r${Math.floor(this.random() * 9_999)}-${slot}`.slice(0, 10) as PrivateName;
  }

  #mayDo({ permissions, member }: Session, frame: FrameView): boolean {
    if (frame.kind === "leave") return true;
    if (frame.kind === "join" && (member?.groups.size ?? 0) >= this.settings.sessionGroupsMax) return false;
    if (permissions === EVERYTHING) return true;
    assert(permissions !== undefined, "who may nothing has no session");
    return refusedAt(permissions, frame, member?.field ?? NO_BYTES) < 0;
  }

  #sendBack(session: Session, frame: FrameView): void {
    this.counters.forbidden += 1;
    const line = this.#refusals.line(session, frame);
    if (line !== undefined) this.rim.notice(line);
    const rejected = rejectedFrame(frame);
    if (rejected === undefined) return;
    this.#out.frame(rejected, 0, rejected.length);
    this.#out.to(session.slot);
    this.#distribute(session);
  }

  /** A session has joined a group where its death has to be noticed sooner. */
  #hasten(session: Session, joined: Group | undefined): void {
    if (joined === undefined || session.core.state !== "open") return;
    this.#retime(session, Math.min(session.timeoutMs, this.#timeoutOf(joined)));
  }

  /** A session has left a group, maybe one that demanded a shorter time than those it is still in. */
  #relax(session: Session): void {
    const { sessionTimeoutMs } = this.settings;
    if (session.timeoutMs === sessionTimeoutMs || session.core.state !== "open") return;
    let timeoutMs = sessionTimeoutMs;
    for (const group of session.member?.groups ?? []) timeoutMs = Math.min(timeoutMs, this.#timeoutOf(group));
    this.#retime(session, timeoutMs);
  }

  #timeoutOf({ field }: Group): number {
    const { groupTimeouts, sessionTimeoutMs } = this.settings;
    const end = nameBytes(field, 0);
    return groupTimeouts.find(({ groups }) => groups.match(field, 0, end))?.timeoutMs ?? sessionTimeoutMs;
  }

  #retime(session: Session, timeoutMs: number): void {
    if (timeoutMs === session.timeoutMs) return;
    session.timeoutMs = timeoutMs;
    this.rim.retime(session.slot, timeoutMs);
  }
}

const NO_BYTES = new Uint8Array(0);

/** The client hears "authentication failed", whatever it was. */
function withReason({ permissions, peer }: Session, end: SessionEnd): SessionEnd {
  if (end.why !== "refused" || end.reason !== "auth") return end;
  const told =
    permissions === undefined
      ? `no [[spreadd.allow]] is for it: ${formatPeer(peer)}`
      : `its password or its way to authenticate was not accepted: ${formatPeer(peer)}`;
  return { ...end, told };
}
