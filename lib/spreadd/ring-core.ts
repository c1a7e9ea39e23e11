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
// What corosync does not tell: which messages at the end of a view were ordered when hosts were already lost. Hosts that part there may have been
// delivered different ends; each says how many it was delivered and their digest, and only equal ones count as having come together.
import { assert } from "../base/assert.ts";
import type { MonotonicMs } from "../base/brand.ts";
import { Fault } from "../base/fault.ts";
import { FrameView, readInt32 } from "../spread/frame.ts";
import type { DaemonName } from "../spread/names.ts";
import { daemonId } from "../spread/spread-conf-hash.ts";
import type { Engine, EngineSink, Host } from "./engine.ts";
import type { Batch } from "./outgoing.ts";
import { agree } from "./ring-agreement.ts";
import { keyOf, RingExchange } from "./ring-exchange.ts";
import { RingHost } from "./ring-host.ts";
import {
  compareSeats,
  contentOf,
  ENTRIES_AT,
  expelledBy,
  expelMessage,
  isSame,
  kindOf,
  makeTag,
  nonceOf,
  numberOf,
  resyncMessage,
  type Seat,
  sameRing,
  sameTag,
  stateMessages,
  VERSION_MAX,
  VERSION_MIN,
  VERSION_OF_CALLS,
  viewKey,
} from "./ring-message.ts";
import { type Exit, RingSender } from "./ring-sender.ts";
import { RingView, readEntry } from "./ring-view.ts";
import { CHECKS, RingWatch } from "./ring-watch.ts";

/** What the core asks of the world. */
export interface RingPort extends Exit {
  /** Unix seconds. */
  wallSeconds(): number;
  /** 32 random bits. */
  nonce(): number;
  /** `flush` is to be called when this turn of the event loop ends. */
  flushSoon(): void;
  /** `check` is to be called in so many milliseconds, beside the regular calls. */
  checkIn(ms: number): void;
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
/** Daemons whose batches are remembered. */
const SEATS_MAX = 10_000;

export class RingCore implements Engine {
  readonly #host: Omit<Host, "run">;
  #sink: EngineSink | undefined;
  readonly #sender: RingSender;

  // --- the group, as far as it is known ---
  #self: Seat | undefined;
  #ring: { readonly node: number; readonly sequence: number } | undefined;
  #members: readonly Seat[] = [];

  // --- the view, and the change to the next one ---
  #view: RingView | undefined;
  #exchange: RingExchange | undefined;
  /** All of the view know what a call is. */
  #answersCalls = false;
  /** What we bring into the exchange: as of the end of the last view. */
  #key: Uint8Array | undefined;
  #snapshot: Uint8Array = NO_BYTES;
  /** Somebody has come: an exchange begins as soon as nothing is held back any more. By its nonce. */
  #joinWaits: number | undefined;
  /** States for it that have come before. */
  #early: { readonly from: Seat; readonly bytes: Uint8Array }[] = [];
  #lastTime = 0;
  /** The last batch that was delivered of each daemon, by the number of what was in it. */
  readonly #heard = new Map<string, number>();
  /** Requests are gathered, whatever the view: this host is on its way outside. */
  #isLeaving = false;
  /** Everybody was asked to exchange states, because this host was outside. */
  #resyncSent = false;

  readonly #watch: RingWatch;
  /** When anything was last delivered. */
  #pulseAt: MonotonicMs;
  /** Somebody was told that it is full. */
  #toldFull = false;

  constructor(
    private readonly settings: RingSettings,
    private readonly port: RingPort,
  ) {
    this.#host = { name: settings.name, id: daemonId(settings.name) };
    this.#sender = new RingSender(port);
    this.#pulseAt = port.now();
    this.#watch = new RingWatch(settings.silenceMs, this.#pulseAt);
  }

  // --- the engine ---

  start(sink: EngineSink): void {
    this.#sink = sink;
  }

  submit(slot: number, frame: FrameView): void {
    if (this.#sink === undefined) return;
    if (this.#deliversAtOnce && !this.#isLeaving) {
      this.#sink.deliver(0, slot, frame);
      return;
    }
    this.#sender.add(slot, frame);
    this.port.flushSoon();
  }

  get isFull(): boolean {
    const isFull = this.#isFull;
    if (isFull) this.#toldFull = true;
    return isFull;
  }

  get history(): number {
    return this.#view?.history ?? 0;
  }

  stop(): void {
    this.#sink = undefined;
  }

  /** Alone, and nobody there to come together with. */
  get #deliversAtOnce(): boolean {
    return this.#view?.isAlone === true && this.#exchange === undefined;
  }

  /** In a view with all that can be reached. */
  get #isStanding(): boolean {
    return this.#view !== undefined && !this.#view.isAlone && this.#exchange === undefined;
  }

  get #isFull(): boolean {
    if (this.#deliversAtOnce) return false;
    return (
      this.#exchange !== undefined ||
      this.#joinWaits !== undefined ||
      this.#sender.waitingBytes >= WAITING_BYTES_MAX ||
      (this.#view !== undefined && this.#view.heldBytes >= HELD_BYTES_MAX)
    );
  }

  // --- what the group tells ---

  /** We are in the group, as `self`; who else is, and in which ring, comes next. */
  entered(self: Seat): void {
    if (this.#heard.size > SEATS_MAX) this.#heard.clear();
    this.#self = self;
    this.#ring = undefined;
    this.#members = [];
    this.#resyncSent = false;
    this.#sender.startOver();
  }

  /** The group service is gone. */
  lost(fault: Fault): void {
    this.#self = undefined;
    this.#sender.startOver();
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
    this.#pulseAt = this.port.now();
    const kind = kindOf(bytes);
    if (kind === undefined) return;
    const isOwn = isSame(from, this.#self);
    if (isOwn) this.#sender.cameBack(numberOf(bytes));
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
    const view = this.#isStanding ? this.#view : undefined;
    const hasGone = this.#sender.flush(view, this.#joinWaits !== undefined);
    this.#checkReady();
    return hasGone;
  }

  #checkReady(): void {
    if (!this.#toldFull || this.#isFull) return;
    this.#toldFull = false;
    this.#sink?.ready();
  }

  // --- in a view ---

  #deliverBatch(from: Seat, bytes: Uint8Array, isOwn: boolean): void {
    const view = this.#view;
    if (view === undefined || this.#exchange !== undefined) return;
    if (isOwn && sameTag(view.tag, bytes)) this.#sender.wasDelivered();
    if (!view.deliver(from, bytes, this.port.now())) return;
    const content = contentOf(bytes);
    if (content > 0) this.#heard.set(keyOf(from), content);
    if (view.owes) this.port.flushSoon();
    this.#beginWhenReleased(view);
  }

  #beginWhenReleased(view: RingView): void {
    if (this.#joinWaits !== undefined && view.holdsNothing) this.#begin(this.#joinWaits);
  }

  get #isMember(): boolean {
    const self = this.#self;
    return self !== undefined && this.#members.some((member) => isSame(member, self));
  }

  /** A daemon ended while the ring stands. */
  #left(seat: Seat): void {
    const { sink, view, exchange } = { sink: this.#sink, view: this.#view, exchange: this.#exchange };
    if (sink === undefined) return;
    const host = view?.hostOf(seat);
    const isNews = host !== undefined && !host.isLost;
    if (isNews) {
      host.isLost = true;
      sink.transition([host.place]);
    }
    if (exchange !== undefined) {
      exchange.drop(seat);
      this.#completeExchange(exchange);
    } else if (isNews && view !== undefined) {
      view.leave(host, this.port.now());
      this.#beginWhenReleased(view);
    }
  }

  /** A daemon came, or one is back that has missed something, while the ring stands. */
  #joined(nonce: number): void {
    if (!this.#isMember) return;
    if (this.#isStanding && this.#view?.holdsNothing === false) {
      this.#joinWaits = nonce; // what is held back is not safe yet; nothing new is sent, so that it will be
      this.port.flushSoon();
    } else this.#begin(nonce);
  }

  // --- from one view to the next ---

  /** Ends the view, if it has not ended yet, and tells everybody our state. */
  #begin(nonce: number): void {
    const { sink, ring, view, self } = { sink: this.#sink, ring: this.#ring, view: this.#view, self: this.#self };
    if (sink === undefined || ring === undefined || self === undefined) return;
    this.#joinWaits = undefined;
    if (view !== undefined && !view.isAlone) this.#signalLost(view, sink);
    if (view !== undefined && this.#exchange === undefined) this.#endView(view, sink);
    this.#resyncSent = false;
    this.#abandon();
    const tag = makeTag(ring.node, ring.sequence, this.#members, nonce);
    const exchange = new RingExchange(tag, this.#members, this.port.now());
    this.#exchange = exchange;
    this.#sender.forgetUrgent();
    const state = stateMessages(tag, {
      versionMin: VERSION_MIN,
      versionMax: VERSION_MAX,
      name: this.#host.name,
      startedMs: this.settings.startedMs,
      now: this.port.wallSeconds(),
      lastTime: this.#lastTime,
      key: this.#key ?? viewKey(makeTag(0, 0, [self], this.port.nonce()), this.port.nonce(), 0, 0),
      heard: this.#members.map((seat) => ({ seat, content: this.#heard.get(keyOf(seat)) ?? 0 })),
      snapshot: this.#snapshot,
    });
    this.#sender.urge(...state);
    this.port.flushSoon();
    for (const { from, bytes } of this.#early.splice(0)) this.#takeState(from, bytes);
    if (this.#exchange === exchange)
      this.port.checkIn(this.#watch.patienceWith(exchange, this.#view, self, this.port.now()));
  }

  /**
   * Tells of hosts that are lost. Where something is held back, that is of all others: whether those who seem to stay have it too is only known when they
   * have told what they were delivered.
   */
  #signalLost(view: RingView, sink: EngineSink): void {
    const lost: number[] = [];
    for (const host of view.hosts) {
      if (host === view.own) continue;
      const isMember = this.#members.some((member) => isSame(member, host.seat));
      if (!view.holdsNothing || (!isMember && !host.isLost)) lost.push(host.place);
      if (!isMember) host.isLost = true;
    }
    if (lost.length > 0) sink.transition(lost);
  }

  #endView(view: RingView, sink: EngineSink): void {
    view.releaseAll();
    this.#snapshot = sink.snapshot();
    this.#key = view.key;
    this.#sender.unsend();
  }

  /** An exchange is not going to be completed, at least not here: others may have got as far as a ring, which no other must be taken for. */
  #abandon(): void {
    if (this.#exchange === undefined) return;
    this.#lastTime = Math.max(this.#lastTime, this.#exchange.time);
    this.#exchange = undefined;
  }

  #takeState(from: Seat, bytes: Uint8Array): void {
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      exchange.take(from, bytes, this.port.now());
      this.#completeExchange(exchange);
    } else if (this.#joinWaits !== undefined) this.#early.push({ from, bytes });
  }

  #completeExchange(exchange: RingExchange): void {
    const { attendants } = exchange;
    const { self, sink } = { self: this.#self, sink: this.#sink };
    if (attendants === undefined || self === undefined || sink === undefined) return;
    const { hosts, refused, sets, heard, time } = agree(attendants);
    const refusal = refused.find(({ seat }) => isSame(seat, self));
    if (refusal !== undefined) {
      this.#sink = undefined;
      sink.failed(refusal.fault);
      return;
    }
    const ringHosts = hosts.map(({ seat, state: { name, startedMs } }, place) => {
      const host = { name, id: daemonId(name), node: seat.node, run: `${keyOf(seat)}:${startedMs}` };
      return new RingHost(host, seat, place);
    });
    const own = ringHosts.find(({ seat }) => isSame(seat, self));
    assert(own !== undefined, "who is not refused is in the ring");
    this.#exchange = undefined;
    this.#answersCalls = hosts.every(({ state }) => state.versionMax >= VERSION_OF_CALLS);
    this.#tellOwn(heard[own.place]!, sink);
    this.#enter(new RingView(exchange.tag, ringHosts, own, false, sink, this.port.now()), {
      time,
      snapshots: hosts.map(({ state }) => state.snapshot),
      sets,
    });
    this.port.flushSoon();
  }

  /** Others were delivered batches of ours in their old view, which we were not: our sessions get those messages now, behind a signal. */
  #tellOwn(content: number, sink: EngineSink): void {
    const { view, self } = { view: this.#view, self: this.#self };
    const told = this.#sender.tell(content);
    if (told.length === 0 || view === undefined || self === undefined) return;
    this.#heard.set(keyOf(self), content);
    const others = view.hosts.filter((host) => host !== view.own);
    if (others.length > 0) sink.transition(others.map(({ place }) => place));
    for (const batch of told)
      this.#walk(batch, (slot, frame) => {
        if (frame.kind === "message") sink.deliver(view.own.place, slot, frame);
      });
  }

  #enter(view: RingView, { time, snapshots, sets }: Beginning): void {
    this.#view = view;
    this.#lastTime = time;
    this.#sink?.ring({
      hosts: view.hosts.map(({ host }) => host),
      own: view.own.place,
      time,
      merge: { snapshots, sets, salt: view.history },
      ...(view.isAlone ? { isOutside: true } : {}),
    });
  }

  // --- outside ---

  /** The group can't be reached: this host is a ring of its own, until it can. */
  #goOutside(fault: Fault): void {
    const { sink, view } = { sink: this.#sink, view: this.#view };
    const isExchanging = this.#exchange !== undefined;
    this.#abandon();
    this.#joinWaits = undefined;
    this.#early = [];
    if (sink === undefined || view === undefined || (view.isAlone && !isExchanging)) return;
    this.#isLeaving = true;
    sink.outside(fault);
    const lost = view.hosts.filter((host) => host !== view.own && !host.isLost);
    for (const host of lost) host.isLost = true;
    if (lost.length > 0) sink.transition(lost.map(({ place }) => place));
    if (!isExchanging) this.#endView(view, sink);
    const { host, seat } = view.own;
    const own = new RingHost(host, seat, 0);
    const tag = makeTag(0, this.port.nonce(), [seat], this.port.nonce());
    const time = Math.max(this.port.wallSeconds(), this.#lastTime + 1);
    this.#enter(new RingView(tag, [own], own, true, sink, this.port.now()), {
      time,
      snapshots: [this.#snapshot],
      sets: [0],
    });
    this.#deliverAlone();
    this.#isLeaving = false;
    this.#deliverAlone(); // what was asked for meanwhile
    this.#checkReady();
  }

  #deliverAlone(): void {
    for (const batch of this.#sender.drain()) {
      if (batch.content > 0 && this.#view !== undefined) this.#heard.set(keyOf(this.#view.own.seat), batch.content);
      this.#walk(batch, (slot, frame) => {
        if (frame.kind !== "message" || !batch.wasTold) this.#sink?.deliver(0, slot, frame);
      });
    }
  }

  #walk(batch: Batch, each: (slot: number, frame: FrameView) => void): void {
    const bytes = batch.whole();
    const frame = new FrameView();
    for (let at = ENTRIES_AT, took = 0; at < bytes.length; at += took) {
      took = readEntry(bytes, at, frame);
      if (took === 0) break;
      each(readInt32(bytes, at, true), frame);
    }
  }

  /** Something of ours has come back: after a silence, that is the time to find together again. */
  #comeBack(): void {
    this.port.flushSoon();
    if (!this.#deliversAtOnce || this.#ring === undefined || this.#resyncSent || !this.#isMember) return;
    this.#resyncSent = true;
    const { node, sequence } = this.#ring;
    this.#sender.urge(resyncMessage(makeTag(node, sequence, this.#members, 0), this.port.nonce()));
  }

  // --- what takes too long ---

  /** Looks at what has taken too long. Call it `CHECKS` times within `silenceMs`. */
  check(): void {
    const now = this.port.now();
    const { self, view, exchange } = { self: this.#self, view: this.#view, exchange: this.#exchange };
    const isIn = this.#sink !== undefined && self !== undefined;
    const overdue = this.#watch.look(isIn ? { self, sender: this.#sender, view, exchange } : undefined, now);
    if (!isIn) return;
    switch (overdue.is) {
      case "we":
        this.#waitAnew(now);
        break;
      case "the group":
        this.#fallSilent();
        break;
      case "others":
        this.#sender.urge(...overdue.owing.map((seat) => expelMessage(overdue.tag, seat)));
        this.port.flushSoon();
        break;
      case "nothing":
        if (overdue.inMs !== undefined) this.port.checkIn(overdue.inMs);
        break;
      default:
        overdue satisfies never;
    }
    this.#feelPulse(now);
  }

  /** So that a dead group service, or daemon, is noticed though nobody sends, somebody calls: the first host, and the next where it does not. */
  #feelPulse(now: MonotonicMs): void {
    const view = this.#view;
    if (view === undefined || !this.#isStanding) return;
    const turn = Math.min(view.own.place, 2) / CHECKS;
    const isDue = (at: MonotonicMs) => now - at > this.settings.silenceMs * (0.5 + turn);
    if (this.#answersCalls && view.hosts.length > 1) {
      if (!isDue(view.calledAt)) return;
      view.call(now);
    } else {
      if (!this.#sender.isIdle || !isDue(this.#pulseAt)) return;
      view.oweOne();
    }
    this.port.flushSoon();
  }

  #waitAnew(now: MonotonicMs): void {
    this.#sender.waitAnew();
    this.#view?.waitAnew(now);
    if (this.#exchange !== undefined) this.#exchange.since = now;
  }

  #fallSilent(): void {
    this.#sender.waitAnew();
    this.#sender.forgetUrgent();
    this.#goOutside(
      new Fault(
        "unavailable",
        "silent",
        `cannot reach the other hosts: corosync is there, but has not sent our messages back for ${this.settings.silenceMs} ms`,
      ),
    );
  }

  /** Somebody is to go who does not answer; void where he has answered meanwhile. */
  #expel(seat: Seat, bytes: Uint8Array): void {
    const { exchange, view, self } = { exchange: this.#exchange, view: this.#view, self: this.#self };
    const tag = exchange?.tag ?? view?.tag;
    if (tag === undefined || self === undefined || !sameTag(tag, bytes)) return;
    const host = view?.hostOf(seat);
    const owes = exchange?.owes(seat) ?? (host !== undefined && view?.isAwaited(host));
    if (!owes) return;
    if (exchange !== undefined) this.#watch.expelled(this.port.now());
    if (isSame(seat, self)) {
      this.#goOutside(new Fault("unavailable", "expelled", EXPELLED));
      this.#comeBack();
    } else this.#left(seat);
  }
}

/** What a ring begins with. */
interface Beginning {
  readonly time: number;
  readonly snapshots: readonly Uint8Array[];
  readonly sets: readonly number[];
}

const NO_BYTES = new Uint8Array(0);

const EXPELLED =
  "cannot reach the other hosts: this process did not answer for too long, and they went on without it; coming back";
