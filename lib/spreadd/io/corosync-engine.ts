// corosync's process group, and timers, around `RingCore`. All decisions are there.
//
// Whatever came in one go is worked through before anything is sent: what it makes us send goes as one message. When corosync takes no more, the message
// is offered again a little later, and when something of ours comes back; until then the core is full, and its senders wait.
import { BackOff } from "../../base/back-off.ts";
import type { MonotonicMs } from "../../base/brand.ts";
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { type CpgChange, CpgEntrance, CpgGroup, type CpgListener, type CpgProcess } from "../../linux/cpg.ts";
import { watchReadable } from "../../linux/sigio.ts";
import type { Clock } from "../../run/clock.ts";
import type { FrameView } from "../../spread/frame.ts";
import type { Engine, EngineSink } from "../engine.ts";
import { RingCore, type RingPort, type RingSettings } from "../ring-core.ts";
import { CHECKS } from "../ring-watch.ts";

/** Events that are taken in one go. */
const EVENTS_MAX = 64;
/** So soon a message that corosync did not take is offered again. */
const AGAIN_MS = 2;
/** How long to wait before trying to get into the group again. */
const RE_ENTRY = { firstMs: 50, mostMs: 1_000, jitter: 0.2 };
/** So long nobody is told that corosync is not there yet. */
const WAIT_TOLD_MS = 1_000;

export interface CorosyncSettings extends RingSettings {
  /** Name of the process group. */
  readonly system: string;
}

export class CorosyncEngine implements Engine, RingPort, CpgListener {
  readonly #core: RingCore;
  #group: CpgGroup | undefined;
  #watch: Disposable | undefined;
  #entrance: CpgEntrance | undefined;
  readonly #backOff = new BackOff(RE_ENTRY, Math.random);
  /** A handle of which corosync has died. */
  #dead: bigint | undefined;
  #entryTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setInterval> | undefined;
  #againTimer: ReturnType<typeof setTimeout> | undefined;
  #soonTimer: ReturnType<typeof setTimeout> | undefined;
  #isFlushComing = false;
  #isStopped = false;
  #triedSince: MonotonicMs;
  #toldWait = "";

  constructor(
    readonly settings: CorosyncSettings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.#core = new RingCore(settings, this);
    this.#triedSince = clock.monotonicMs();
  }

  // --- the engine ---

  /** @throws {Fault} kind "os-file" where there is no libcpg */
  start(sink: EngineSink): void {
    this.#core.start(sink);
    this.#checkTimer = setInterval(() => this.#core.check(), this.settings.silenceMs / CHECKS);
    this.#enter();
  }

  submit(slot: number, frame: FrameView): void {
    this.#core.submit(slot, frame);
  }

  get isFull(): boolean {
    return this.#core.isFull;
  }

  get history(): number {
    return this.#core.history;
  }

  /** The process may end: then its place in the group ends by itself. Else `leave`. */
  stop(): void {
    this.#isStopped = true;
    this.#core.stop();
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    this.#entrance?.[Symbol.dispose]();
    clearTimeout(this.#entryTimer);
    clearTimeout(this.#againTimer);
    clearTimeout(this.#soonTimer);
    clearInterval(this.#checkTimer);
  }

  /** Leaves the group, after `stop`: waits for corosync. */
  leave(): void {
    this.#group?.leave();
    this.#group = undefined;
  }

  // --- what the core asks ---

  now(): MonotonicMs {
    return this.clock.monotonicMs();
  }

  wallSeconds(): number {
    return Math.floor(this.clock.wallMs() / 1_000);
  }

  nonce(): number {
    return Math.floor(Math.random() * 2 ** 32);
  }

  send(bytes: Uint8Array): boolean {
    return this.#group?.send(bytes) ?? false;
  }

  flushSoon(): void {
    if (this.#isFlushComing) return;
    this.#isFlushComing = true;
    setImmediate(this.#flush);
  }

  checkIn(ms: number): void {
    clearTimeout(this.#soonTimer);
    this.#soonTimer = setTimeout(() => this.#core.check(), Math.ceil(ms));
  }

  // --- what the group tells ---

  delivered(from: CpgProcess, bytes: Uint8Array): void {
    this.#core.delivered(from, bytes);
  }

  configured(members: readonly CpgProcess[], left: readonly CpgChange[], joined: readonly CpgChange[]): void {
    const isOfRing = [...left, ...joined].some(({ reason }) => !BY_ITSELF.has(reason));
    this.#core.configured(members, left, joined.length > 0, isOfRing);
  }

  ring(node: number, sequence: number): void {
    this.#core.ringChanged(node, sequence);
  }

  // --- in and out ---

  #enter(): void {
    const slow = setTimeout(() => this.#tellWait("corosync does not answer"), 2 * WAIT_TOLD_MS);
    this.#entryTimer = slow;
    this.#entrance = new CpgEntrance(this.settings.system, this.#dead, (answer) => {
      if (this.#isStopped) return;
      clearTimeout(slow);
      this.#entrance = undefined;
      this.#dead = undefined;
      if (answer.is === "refused") {
        this.#tellWait(answer.fault.message);
        this.#entryTimer = setTimeout(() => this.#enter(), this.#backOff.nextMs());
        return;
      }
      this.#backOff.reset();
      this.#toldWait = "";
      const group = new CpgGroup(answer.entry);
      this.#group = group;
      this.#core.entered(group.self);
      this.#watch = watchReadable({
        fd: group.fd,
        readMax: EVENTS_MAX,
        queueMax: 0, // nothing waits for more: what is delivered lets the next go out
        readOnce: () => this.#dispatch(group),
        turnEnded: () => {},
      });
    });
  }

  #dispatch(group: CpgGroup): number {
    for (let count = 0; count < EVENTS_MAX; count++) {
      const outcome = group.dispatch(this);
      if (outcome === "heard") continue;
      if (outcome === "gone") this.#lose(group);
      return count;
    }
    return EVENTS_MAX;
  }

  #lose(group: CpgGroup): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    this.#group = undefined;
    this.#dead = group.entry.handle;
    this.#triedSince = this.now();
    this.#core.lost(
      new Fault(
        "unavailable",
        "corosync-gone",
        "cannot reach the other hosts: corosync has ended; waiting for it to come back",
      ),
    );
    this.#entryTimer = setTimeout(() => this.#enter(), this.#backOff.nextMs());
  }

  #tellWait(why: string): void {
    if (why === this.#toldWait || this.now() - this.#triedSince < WAIT_TOLD_MS) return;
    this.#toldWait = why;
    this.log.notice(`${why}; waiting for it`);
  }

  readonly #flush = (): void => {
    this.#isFlushComing = false;
    if (this.#core.flush() || this.#group === undefined) return;
    this.#againTimer ??= setTimeout(() => {
      this.#againTimer = undefined;
      this.#flush();
    }, AGAIN_MS);
  };
}

/** Why a process comes or goes while the ring stands. */
const BY_ITSELF: ReadonlySet<string> = new Set(["join", "leave", "process-down"]);
