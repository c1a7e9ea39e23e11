// The engine that spans hosts, without corosync: what its process group tells comes in by `entered`, `configured`, `ringChanged`, `delivered` and `lost`,
// what goes to the group goes out through the port. Pure, so that it runs in a simulated group service by the million (test/spreadd/cpg-service.ts).
//
// A view is the time between two changes of the ring, and everything that requests ask for happens in one. Each message says in which view it was sent, by
// the view's tag. One that comes in another view is dropped by everybody, and its sender, who sees it come back like all others, sends it again. So
// nothing is ever applied to groups that it was not meant for, and nothing has to be held while views change.
//
//   change of the ring -> what is held back is delivered, snapshot -> each tells its state -> all have come: agreement, the new view
//
// All requests of a view are sent behind the last state, by someone who has had all of them; corosync orders them behind the states. So whoever is
// delivered a request has the view that it belongs to. A change in between begins the exchange again, with the same snapshot: nothing was delivered since.
//
// corosync tells a change of the ring by up to three `configured`, and then `ringChanged`: only that is acted on. A `configured` by a process that came or
// went by itself stands alone, at one place in the order for all hosts: who came begins an exchange in the same ring, who went just goes.
//
// Safe messages wait until every host has acknowledged them: each batch says how many batches of the view its sender had been delivered, and whoever owes an
// acknowledgement and has nothing to send, sends an empty one. These come in the one order as well, so all hosts deliver at the same place.
//
// What corosync does not tell: which messages at the end of a view were ordered when hosts were already lost. Hosts that part there may have been
// delivered different ends; each says how many it was delivered and their digest, and only equal ones count as having come together.
//
// Nothing waits without a bound. Our own messages come back within `silenceMs`, or the group service counts as dead (`outside`); when they come later all the
// same, `resync` has everybody exchange states again. A daemon that owes its state or an acknowledgement for as long is expelled, by a message too.
import { assert } from "../base/assert.ts";
import type { MonotonicMs } from "../base/brand.ts";
import { Fault } from "../base/fault.ts";
import { FrameError, FrameView, readInt32, readRequest } from "../spread/frame.ts";
import type { DaemonName } from "../spread/names.ts";
import { FIFO, RELIABLE, SAFE, UNRELIABLE } from "../spread/service.ts";
import { daemonId } from "../spread/spread-conf-hash.ts";
import type { Engine, EngineSink, Host } from "./engine.ts";
import { HeldBack, type HeldFrame } from "./held-back.ts";
import { Batch, Outgoing } from "./outgoing.ts";
import { agree, timeOf } from "./ring-agreement.ts";
import { RingHost } from "./ring-host.ts";
import {
  compareSeats,
  deliveredOf,
  ENTRIES_AT,
  expelledBy,
  expelMessage,
  isSame,
  kindOf,
  type MemberState,
  makeTag,
  mix,
  nonceOf,
  numberOf,
  resyncMessage,
  type Seat,
  StateParts,
  saltOf,
  sameRing,
  sameTag,
  setNumber,
  stateMessages,
  type Tag,
  VERSION_MAX,
  VERSION_MIN,
  viewKey,
  writeBatchHeader,
} from "./ring-message.ts";

/** What the core asks of the world. */
export interface RingPort {
  now(): MonotonicMs;
  /** Unix seconds. */
  wallSeconds(): number;
  /** 32 random bits. */
  nonce(): number;
  /** Sends a message to the group. `false`: not now; `flush` is to be called a little later. */
  send(bytes: Uint8Array): boolean;
  /** `flush` is to be called when this turn of the event loop ends. */
  flushSoon(): void;
}

export interface RingSettings {
  readonly name: DaemonName;
  /** When this daemon was started, milliseconds since 1970. */
  readonly startedMs: number;
  /** How long our own messages may take to come back. */
  readonly silenceMs: number;
}

/** Requests that wait, in bytes, when their senders have to. */
const WAITING_BYTES_MAX = 262_144;
/** Bytes that are held back when this host's senders have to wait. */
const HELD_BYTES_MAX = 8_388_608;
/** `check` is to be called so many times within `silenceMs`. */
export const CHECKS = 8;

interface View {
  readonly tag: Tag;
  readonly hosts: RingHost[];
  /** This host. */
  readonly own: RingHost;
  /** Nobody else can be reached: what is submitted is delivered. */
  readonly isAlone: boolean;
}

interface Exchange {
  readonly tag: Tag;
  /** Who has to tell its state. */
  expected: Seat[];
  readonly parts: Map<string, StateParts>;
  readonly states: Map<string, MemberState>;
  /** When anything last came of it. */
  since: MonotonicMs;
}

export class RingCore implements Engine {
  readonly #host: Omit<Host, "run">;
  #sink: EngineSink | undefined;
  readonly #outgoing = new Outgoing();
  /** Messages of exchanges, which go first. */
  #urgent: Uint8Array[] = [];
  readonly #held = new HeldBack();
  readonly #frame = new FrameView();

  // --- the group, as far as it is known ---
  #self: Seat | undefined;
  #ring: { readonly node: number; readonly sequence: number } | undefined;
  #members: readonly Seat[] = [];

  // --- the view, and the change to the next one ---
  #view: View | undefined;
  #exchange: Exchange | undefined;
  /** What we bring into the exchange: as of the end of the last view. */
  #key: Uint8Array | undefined;
  #snapshot: Uint8Array = NO_BYTES;
  /** Batches of the view that were delivered, and their digest. */
  #delivered = 0;
  #digestLow = 0;
  #digestHigh = 0;
  /** The last acknowledgement that we sent, and the one that we owe. */
  #acknowledged = 0;
  #owed = 0;
  /** Somebody has come: an exchange begins as soon as nothing is held back any more. By its nonce. */
  #joinWaits: number | undefined;
  /** States for it that have come before. */
  #early: { readonly from: Seat; readonly bytes: Uint8Array }[] = [];
  #heldSince: MonotonicMs = 0 as MonotonicMs;
  #lastTime = 0;

  // --- what is on its way ---
  #number = 0;
  #returned = 0;
  /** When something of ours last came back, or went out while nothing was on the way. */
  #heardAt: MonotonicMs;
  #checkedAt: MonotonicMs;
  #resyncSent = false;
  /** Somebody was told that it is full. */
  #toldFull = false;
  /** Requests are gathered, whatever the view: this host is on its way outside. */
  #isLeaving = false;

  constructor(
    private readonly settings: RingSettings,
    private readonly port: RingPort,
  ) {
    this.#host = { name: settings.name, id: daemonId(settings.name) };
    this.#heardAt = this.#checkedAt = port.now();
  }

  // --- the engine ---

  start(sink: EngineSink): void {
    this.#sink = sink;
  }

  submit(slot: number, frame: FrameView): void {
    if (this.#sink === undefined) return;
    const view = this.#view;
    if (view?.isAlone && this.#exchange === undefined && !this.#isLeaving) {
      this.#sink.deliver(0, slot, frame);
      return;
    }
    this.#outgoing.add(slot, frame);
    this.port.flushSoon();
  }

  get isFull(): boolean {
    const isFull = this.#isFull;
    if (isFull) this.#toldFull = true;
    return isFull;
  }

  get history(): number {
    return this.#digestLow;
  }

  stop(): void {
    this.#sink = undefined;
  }

  /** `true` in a view with all that can be reached; `false` before the first, and outside. */
  get isInside(): boolean {
    return this.#view !== undefined && !this.#view.isAlone && this.#exchange === undefined;
  }

  get #isFull(): boolean {
    if (this.#view?.isAlone && this.#exchange === undefined) return false;
    return (
      this.#exchange !== undefined ||
      this.#joinWaits !== undefined ||
      this.#outgoing.waitingBytes >= WAITING_BYTES_MAX ||
      this.#held.bytes >= HELD_BYTES_MAX
    );
  }

  // --- what the group tells ---

  /** We are in the group, as `self`; who else is, and in which ring, comes next. */
  entered(self: Seat): void {
    this.#self = self;
    this.#ring = undefined;
    this.#members = [];
    this.#returned = this.#number;
    this.#resyncSent = false;
    this.#heardAt = this.port.now();
  }

  /** The group service is gone. */
  lost(fault: Fault): void {
    this.#self = undefined;
    this.#returned = this.#number;
    this.#urgent = [];
    this.#goOutside(fault);
  }

  /** The processes of the group have changed. @param isOfRing a `ringChanged` follows, which counts */
  configured(members: readonly Seat[], left: readonly Seat[], hasJoined: boolean, isOfRing: boolean): void {
    this.#members = [...members].sort(compareSeats);
    if (this.#ring === undefined || isOfRing) return;
    for (const seat of left) this.#left(seat);
    if (hasJoined) this.#joined(0);
  }

  ringChanged(node: number, sequence: number): void {
    this.#ring = { node, sequence };
    if (this.#isMember) this.#begin(0);
  }

  delivered(from: Seat, bytes: Uint8Array): void {
    if (this.#sink === undefined || this.#self === undefined) return;
    const kind = kindOf(bytes);
    if (kind === undefined) return;
    const isOwn = isSame(from, this.#self);
    if (isOwn) {
      this.#returned = numberOf(bytes);
      this.#heardAt = this.port.now();
    }
    switch (kind) {
      case "batch":
        this.#deliverBatch(from, bytes, isOwn);
        break;
      case "state":
        this.#takeState(from, bytes);
        break;
      case "resync":
        if (this.#ring !== undefined && sameRing(bytes, this.#ring.node, this.#ring.sequence))
          this.#joined(nonceOf(bytes));
        break;
      case "expel":
        this.#expel(expelledBy(bytes), bytes);
        break;
      default:
        kind satisfies never;
    }
    if (isOwn) this.#comeBack();
    this.#checkReady();
  }

  /** Sends what may go. @returns `false` where the group takes no more for now: call it again a little later */
  flush(): boolean {
    if (this.#sink === undefined || this.#self === undefined) return true;
    for (let next = this.#urgent[0]; next !== undefined; next = this.#urgent[0]) {
      setNumber(next, this.#number + 1);
      if (!this.#send(next)) return false;
      this.#urgent.shift();
    }
    const view = this.#view;
    if (view === undefined || view.isAlone || this.#exchange !== undefined) return true;
    while (this.#joinWaits === undefined) {
      const batch = this.#outgoing.next(this.#onTheWay);
      if (batch === undefined) break;
      if (!this.#sendBatch(view, batch)) return false;
      this.#outgoing.wentOut();
    }
    if (this.#owed > this.#acknowledged) {
      const batch = new Batch(ENTRIES_AT);
      if (!this.#sendBatch(view, batch)) return false;
      this.#outgoing.wentOutEmpty(batch);
    }
    this.#checkReady();
    return true;
  }

  /** Looks at what has taken too long. Call it `CHECKS` times within `silenceMs`. */
  check(): void {
    const now = this.port.now();
    const { silenceMs } = this.settings;
    const pausedMs = now - this.#checkedAt - (2 * silenceMs) / CHECKS;
    this.#checkedAt = now;
    if (this.#sink === undefined || this.#self === undefined) return;
    if (pausedMs > 0) {
      // it was we who did not get to run
      this.#heardAt = (this.#heardAt + pausedMs) as MonotonicMs;
      this.#heldSince = (this.#heldSince + pausedMs) as MonotonicMs;
      if (this.#exchange !== undefined) this.#exchange.since = (this.#exchange.since + pausedMs) as MonotonicMs;
    }
    if (this.#onTheWay > 0 && now - this.#heardAt > silenceMs) this.#fallSilent(now);
    else this.#checkOthers(now);
    // so that a dead group service is noticed though nobody sends
    if (this.#onTheWay === 0 && this.#urgent.length === 0 && this.isInside && now - this.#heardAt > silenceMs / 2) {
      this.#owed = Math.max(this.#owed, this.#acknowledged + 1);
      this.port.flushSoon();
    }
  }

  // --- batches ---

  get #onTheWay(): number {
    return this.#number - this.#returned;
  }

  #sendBatch(view: View, batch: Batch): boolean {
    writeBatchHeader(batch.bytes, view.tag, this.#number + 1, this.#delivered);
    if (!this.#send(batch.whole())) return false;
    this.#acknowledged = Math.max(this.#delivered, this.#acknowledged);
    this.#owed = Math.min(this.#owed, this.#acknowledged);
    return true;
  }

  #send(bytes: Uint8Array): boolean {
    if (!this.port.send(bytes)) return false;
    if (this.#onTheWay === 0) this.#heardAt = this.port.now();
    this.#number += 1;
    return true;
  }

  #deliverBatch(from: Seat, bytes: Uint8Array, isOwn: boolean): void {
    const view = this.#view;
    if (view === undefined || this.#exchange !== undefined || !sameTag(view.tag, bytes)) return;
    if (isOwn) this.#outgoing.cameBack();
    const host = view.hosts.find(({ seat }) => isSame(seat, from));
    if (host === undefined || host.isLost) return;
    this.#count(from, numberOf(bytes));
    host.delivered = Math.max(host.delivered, deliveredOf(bytes));
    if (!this.#held.isEmpty) this.#release();
    const frame = this.#frame;
    for (let at = ENTRIES_AT; at < bytes.length; ) {
      const took = readEntry(bytes, at, frame);
      if (took === 0) break;
      this.#place(view, host, readInt32(bytes, at, true), frame);
      at += took;
    }
    if (!this.#held.isEmpty) this.#release();
  }

  /** Delivers a request, or has it wait behind a safe message. */
  #place(view: View, host: RingHost, slot: number, frame: FrameView): void {
    const service = frame.kind === "message" ? frame.service : FIFO;
    const isSafe = (service & SAFE) !== 0 && view.hosts.length > 1;
    const mayOvertake = (service & (RELIABLE | UNRELIABLE)) !== 0;
    if (!isSafe && (this.#held.isEmpty || mayOvertake)) {
      this.#sink?.deliver(host.place, slot, frame);
      return;
    }
    if (this.#held.isEmpty) this.#heldSince = this.port.now();
    const { bytes, start, bodyEnd: end } = frame;
    this.#held.push({ is: "frame", host, slot, bytes, start, end, safeAt: isSafe ? this.#delivered : 0 });
    if (!isSafe) return;
    this.#owed = this.#delivered;
    this.port.flushSoon();
  }

  /** Delivers what is held back no longer. */
  #release(): void {
    let stable = Number.POSITIVE_INFINITY;
    for (const host of this.#view?.hosts ?? []) if (!host.isLost) stable = Math.min(stable, host.delivered);
    for (let item = this.#held.first; item !== undefined; item = this.#held.first) {
      if (item.is === "frame" && item.safeAt > stable) break;
      this.#held.shift();
      this.#heldSince = this.port.now();
      if (item.is === "frame") this.#deliverHeld(item);
      else this.#drop(item.host);
    }
    if (this.#joinWaits !== undefined && this.#held.isEmpty) this.#begin(this.#joinWaits);
  }

  /** Delivers what is held back, whoever has it: the view ends. */
  #releaseAll(): void {
    while (!this.#held.isEmpty) {
      const item = this.#held.shift();
      if (item.is === "frame") this.#deliverHeld(item);
    }
  }

  #deliverHeld({ host, slot, bytes, start, end }: HeldFrame): void {
    readRequest(bytes, start, end, this.#frame);
    this.#sink?.deliver(host.place, slot, this.#frame);
  }

  #count({ node, pid }: Seat, number: number): void {
    this.#delivered += 1;
    this.#digestLow = mix(mix(mix(this.#digestLow, node), pid), number);
    this.#digestHigh = mix(mix(this.#digestHigh ^ number, pid), node);
  }

  // --- who comes and goes ---

  get #isMember(): boolean {
    const self = this.#self;
    return self !== undefined && this.#members.some((member) => isSame(member, self));
  }

  /** A daemon ended while the ring stands. */
  #left(seat: Seat): void {
    const { sink, exchange } = { sink: this.#sink, exchange: this.#exchange };
    if (sink === undefined) return;
    const host = this.#view?.hosts.find((each) => isSame(each.seat, seat));
    const isNews = host !== undefined && !host.isLost;
    if (isNews) {
      host.isLost = true;
      sink.transition([host.place]);
    }
    if (exchange !== undefined) {
      exchange.expected = exchange.expected.filter((expected) => !isSame(expected, seat));
      this.#completeExchange();
      return;
    }
    if (!isNews) return;
    this.#count(seat, -1);
    if (this.#held.isEmpty) this.#drop(host);
    else {
      this.#held.push({ is: "gone", host });
      this.#release();
    }
  }

  #drop(host: RingHost): void {
    const hosts = this.#view?.hosts ?? [];
    const { place } = host;
    hosts.splice(place, 1);
    for (const behind of hosts.slice(place)) behind.place -= 1;
    this.#sink?.gone(place);
  }

  /** A daemon came, or one is back that has missed something, while the ring stands. */
  #joined(nonce: number): void {
    if (!this.#isMember) return;
    const isStanding = this.#view !== undefined && !this.#view.isAlone && this.#exchange === undefined;
    if (isStanding && !this.#held.isEmpty) {
      this.#joinWaits = nonce; // what is held back is not safe yet; nothing new is sent, so that it will be
      this.port.flushSoon();
    } else this.#begin(nonce);
  }

  #expel(seat: Seat, bytes: Uint8Array): void {
    const { exchange, view } = { exchange: this.#exchange, view: this.#view };
    if (exchange !== undefined) {
      const owes = exchange.expected.some((each) => isSame(each, seat)) && !exchange.states.has(keyOf(seat));
      if (!sameTag(exchange.tag, bytes) || !owes) return;
    } else {
      const host = view?.hosts.find((each) => isSame(each.seat, seat));
      const first = this.#held.first;
      if (view === undefined || !sameTag(view.tag, bytes) || host === undefined || first?.is !== "frame") return;
      if (host.delivered >= first.safeAt) return;
    }
    if (this.#self !== undefined && isSame(seat, this.#self)) {
      this.#goOutside(new Fault("unavailable", "expelled", EXPELLED));
      this.#comeBack();
    } else this.#left(seat);
  }

  // --- exchanges ---

  /** Ends the view, if it has not ended yet, and tells everybody our state. */
  #begin(nonce: number): void {
    const sink = this.#sink;
    const ring = this.#ring;
    if (sink === undefined || ring === undefined || this.#self === undefined) return;
    this.#joinWaits = undefined;
    const view = this.#view;
    const isFirst = this.#exchange === undefined;
    if (view !== undefined && !view.isAlone) this.#signalLost(view, sink);
    if (isFirst) this.#endView(view, sink);
    this.#resyncSent = false;
    this.#abandon();
    const tag = makeTag(ring.node, ring.sequence, this.#members, nonce);
    const expected = [...this.#members];
    this.#exchange = { tag, expected, parts: new Map(), states: new Map(), since: this.port.now() };
    this.#urgent = stateMessages(tag, {
      versionMin: VERSION_MIN,
      versionMax: VERSION_MAX,
      name: this.#host.name,
      startedMs: this.settings.startedMs,
      now: this.port.wallSeconds(),
      lastTime: this.#lastTime,
      key: this.#key ?? viewKey(makeTag(0, 0, [this.#self], this.port.nonce()), this.port.nonce(), 0, 0),
      snapshot: this.#snapshot,
    });
    this.port.flushSoon();
    for (const { from, bytes } of this.#early.splice(0)) this.#takeState(from, bytes);
  }

  /**
   * Tells of hosts that are lost. Where something is held back, that is of all others: whether those who seem to stay have it too is only known when they
   * have told what they were delivered.
   */
  #signalLost(view: View, sink: EngineSink): void {
    const isHeld = !this.#held.isEmpty;
    const lost: number[] = [];
    for (const host of view.hosts) {
      if (host === view.own) continue;
      const isMember = this.#members.some((member) => isSame(member, host.seat));
      if (isHeld || (!isMember && !host.isLost)) lost.push(host.place);
      if (!isMember) host.isLost = true;
    }
    if (lost.length > 0) sink.transition(lost);
  }

  #endView(view: View | undefined, sink: EngineSink): void {
    if (view === undefined) return;
    this.#releaseAll();
    this.#snapshot = sink.snapshot();
    this.#key = viewKey(view.tag, this.#delivered, this.#digestLow, this.#digestHigh);
    this.#outgoing.unsend();
  }

  /** An exchange is not going to be completed, at least not here: others may have got as far as a ring, which no other must be taken for. */
  #abandon(): void {
    if (this.#exchange === undefined) return;
    this.#lastTime = Math.max(this.#lastTime, timeOf([...this.#exchange.states.values()]));
    this.#exchange = undefined;
  }

  #takeState(from: Seat, bytes: Uint8Array): void {
    const exchange = this.#exchange;
    if (exchange === undefined && this.#joinWaits !== undefined) this.#early.push({ from, bytes });
    if (exchange === undefined || !sameTag(exchange.tag, bytes)) return;
    exchange.since = this.port.now();
    const key = keyOf(from);
    const parts = exchange.parts.get(key) ?? new StateParts();
    exchange.parts.set(key, parts);
    try {
      const state = parts.add(bytes);
      if (state !== undefined) exchange.states.set(key, state);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return; // it owes its state, and will be expelled
    }
    this.#completeExchange();
  }

  #completeExchange(): void {
    const exchange = this.#exchange;
    const self = this.#self;
    const sink = this.#sink;
    if (exchange === undefined || self === undefined || sink === undefined) return;
    if (exchange.expected.some((seat) => !exchange.states.has(keyOf(seat)))) return;
    const { hosts, refused, sets, time } = agree(
      exchange.expected.map((seat) => ({ seat, state: exchange.states.get(keyOf(seat))! })),
    );
    const refusal = refused.find(({ seat }) => isSame(seat, self));
    if (refusal !== undefined) {
      this.#fail(refusal.fault);
      return;
    }
    const ringHosts = hosts.map(
      ({ seat, state }, place) =>
        new RingHost(
          { name: state.name, id: daemonId(state.name), run: `${keyOf(seat)}:${state.startedMs}` },
          seat,
          place,
        ),
    );
    const own = ringHosts.find(({ seat }) => isSame(seat, self));
    assert(own !== undefined, "who is not refused is in the ring");
    this.#exchange = undefined;
    this.#enter({ tag: exchange.tag, hosts: ringHosts, own, isAlone: false }, time);
    sink.ring({
      hosts: ringHosts.map(({ host }) => host),
      own: own.place,
      time,
      merge: { snapshots: hosts.map(({ state }) => state.snapshot), sets, salt: this.#digestLow },
    });
    this.port.flushSoon();
  }

  #enter(view: View, time: number): void {
    this.#view = view;
    this.#delivered = 0;
    // with who is in it: hosts that part in the midst of an exchange may have completed it differently
    this.#digestLow = this.#digestHigh = saltOf(view.tag);
    for (const { seat } of view.hosts) {
      this.#digestLow = mix(mix(this.#digestLow, seat.node), seat.pid);
      this.#digestHigh = mix(mix(this.#digestHigh, seat.pid), seat.node);
    }
    this.#acknowledged = 0;
    this.#owed = 0;
    this.#lastTime = time;
  }

  #fail(fault: Fault): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.failed(fault);
  }

  // --- outside ---

  /** The group can't be reached: this host is a ring of its own, until it can. */
  #goOutside(fault: Fault): void {
    const { sink, view } = { sink: this.#sink, view: this.#view };
    const isExchanging = this.#exchange !== undefined;
    this.#abandon();
    this.#joinWaits = undefined;
    if (sink === undefined || view === undefined || (view.isAlone && !isExchanging)) return;
    this.#isLeaving = true;
    sink.outside(fault);
    const lost = view.hosts.filter((host) => host !== view.own && !host.isLost);
    for (const host of lost) host.isLost = true;
    if (lost.length > 0) sink.transition(lost.map(({ place }) => place));
    if (!isExchanging) this.#endView(view, sink);
    const nonce = this.port.nonce();
    const { seat } = view.own;
    const own = new RingHost(view.own.host, seat, 0);
    const time = Math.max(this.port.wallSeconds(), this.#lastTime + 1);
    this.#enter({ tag: makeTag(0, nonce, [seat], this.port.nonce()), hosts: [own], own, isAlone: true }, time);
    sink.ring({
      hosts: [own.host],
      own: 0,
      time,
      isOutside: true,
      merge: { snapshots: [this.#snapshot], sets: [0], salt: this.#digestLow },
    });
    for (const batch of this.#outgoing.drain()) this.#deliverAlone(batch);
    this.#isLeaving = false;
    for (const batch of this.#outgoing.drain()) this.#deliverAlone(batch); // what was asked for meanwhile
    this.#checkReady();
  }

  #deliverAlone(batch: Batch): void {
    const bytes = batch.whole();
    for (let at = ENTRIES_AT; at < bytes.length; ) {
      const took = readEntry(bytes, at, this.#frame);
      if (took === 0) break;
      this.#sink?.deliver(0, readInt32(bytes, at, true), this.#frame);
      at += took;
    }
  }

  #fallSilent(now: MonotonicMs): void {
    this.#heardAt = now;
    this.#urgent = [];
    this.#goOutside(
      new Fault(
        "unavailable",
        "silent",
        `cannot reach the other hosts: corosync is there, but has not sent our messages back for ${this.settings.silenceMs} ms`,
      ),
    );
  }

  /** Something of ours has come back: after a silence, that is the time to find together again. */
  #comeBack(): void {
    if (this.#view?.isAlone && this.#exchange === undefined && this.#ring !== undefined && !this.#resyncSent) {
      if (!this.#isMember) return;
      this.#resyncSent = true;
      this.#urgent.push(
        resyncMessage(makeTag(this.#ring.node, this.#ring.sequence, this.#members, 0), this.port.nonce()),
      );
    }
    this.port.flushSoon();
  }

  /** Whoever owes us something for too long: the first of us has it expelled. */
  #checkOthers(now: MonotonicMs): void {
    const { exchange, view } = { exchange: this.#exchange, view: this.#view };
    if (exchange !== undefined) {
      if (now - exchange.since <= this.settings.silenceMs) return;
      exchange.since = now;
      const owing = exchange.expected.filter((seat) => !exchange.states.has(keyOf(seat)));
      const first = exchange.expected.find((seat) => exchange.states.has(keyOf(seat)));
      this.#expelFrom(exchange.tag, first, owing);
      return;
    }
    const item = this.#held.first;
    if (view === undefined || item?.is !== "frame" || now - this.#heldSince <= this.settings.silenceMs) return;
    this.#heldSince = now;
    const owing = view.hosts.filter((host) => !host.isLost && host.delivered < item.safeAt);
    const first = view.hosts.find((host) => !owing.includes(host) && !host.isLost)?.seat;
    this.#expelFrom(
      view.tag,
      first,
      owing.map(({ seat }) => seat),
    );
  }

  #expelFrom(tag: Tag, first: Seat | undefined, owing: readonly Seat[]): void {
    if (first === undefined || this.#self === undefined || !isSame(first, this.#self)) return;
    this.#urgent.push(...owing.map((seat) => expelMessage(tag, seat)));
    this.port.flushSoon();
  }

  #checkReady(): void {
    if (!this.#toldFull || this.#isFull) return;
    this.#toldFull = false;
    this.#sink?.ready();
  }
}

const NO_BYTES = new Uint8Array(0);

const EXPELLED =
  "cannot reach the other hosts: this process did not answer for too long, and they went on without it; coming back";

const keyOf = ({ node, pid }: Seat) => `${node}.${pid}`;

/** Reads an entry of a batch. @returns its bytes; 0 where it is none, which only a broken daemon sends */
function readEntry(bytes: Uint8Array, at: number, frame: FrameView): number {
  try {
    const took = readRequest(bytes, at + 4, bytes.length, frame);
    return took === 0 ? 0 : took + 4;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return 0;
  }
}
