// A sink that sends: records wait in a queue, in memory and on disk, and a carrier takes them from there. All that carriers have in common is here: when to open, to
// wait, to try again, and what is counted.
//
//   take ──> SpooledQueue ──> Shipment ──> Carrier ──> confirmed
//                 ^                           │
//                 └────── broken: again ──────┘
//
// The carrier is opened when something waits, and stays open. Where it breaks, all that is not confirmed waits again; the next try comes after a back-off that
// grows until a try has held.
import { BackOff, type BackOffRule, DEFAULT_BACK_OFF } from "../../base/back-off.ts";
import { formatDuration } from "../../base/duration.ts";
import { reasonOf } from "../../base/system-reason.ts";
import type { Format } from "../../syslog/format.ts";
import type { RecordView } from "../../syslog/record.ts";
import type { Carrier } from "../carrier.ts";
import type { Frame } from "../frame-writer.ts";
import { type Leftovers, RecordPacker, visitPacked } from "../leftovers.ts";
import { LossWatch } from "../loss-watch.ts";
import { type QueueEvent, queueEventOf, whyLost } from "../queue-event.ts";
import { RecordWriter } from "../record-writer.ts";
import { Shipment, Shipper } from "../shipment.ts";
import { LINGER_MS, type Outlet, type Sink, SinkCounters } from "../sink.ts";
import type { SpoolEvent } from "./spool.ts";
import { SpooledQueue, type SpooledQueueOptions } from "./spooled-queue.ts";

/** What may be sent and not confirmed. */
const WINDOW_BYTES = 1_048_576;
/** What is sent and gets nowhere for so long is told as a failure, though nothing broke. */
const STALLED_MS = 30_000;
/** A try that lasted this long has held. */
const HELD_MS = 10_000;

export interface QueuedSinkOptions {
  readonly carrier: Carrier;
  /** A format of its own: it may keep what it last rendered. */
  readonly format: Format;
  readonly frame: Frame;
  /** What may wait in memory. */
  readonly queueBytesMax: number;
  /** What outlives memory; without it, memory is all, and a full one refuses the newest. */
  readonly spool: SpoolPlace | undefined;
  /** This life of the daemon. */
  readonly incarnation: string;
  readonly onEvent: (event: QueueEvent) => void;
  readonly backOff?: BackOffRule;
  /** 30 s unless said. */
  readonly stalledMs?: number;
}

/** What of a sink may be another while it runs: how records get to where they belong. */
export type Delivery = Pick<QueuedSinkOptions, "carrier" | "format" | "frame">;

/** Where a sink may spool, and how much. */
export type SpoolPlace = Omit<NonNullable<SpooledQueueOptions["spool"]>, "streamName" | "streamOf">;

/** What a sink that sends counts besides. */
export class QueuedCounters extends SinkCounters {
  /** Records that were sent again after a break: some may have come twice. */
  again = 0;
  /** Records that had been told to have arrived when a connection broke, so that nobody knows. They are among `delivered`. */
  uncertain = 0;
}

export class QueuedSink implements Sink, Outlet {
  readonly name: string;
  readonly counters = new QueuedCounters();
  readonly #options: QueuedSinkOptions;
  #carrier: Carrier;
  readonly #queue: SpooledQueue;
  readonly #writer = new RecordWriter();
  #shipper: Shipper;
  /** What it goes on with as soon as all that was sent has arrived. */
  #next: Delivery | undefined;
  readonly #spare: Shipment[] = [];
  readonly #backOff: BackOff;
  #number = 1;
  #isOpen = false;
  #openedAtMs = 0;
  #broken: Error | undefined;
  #mustReopen = false;
  /** The other side ends what is open. */
  #isEnding = false;
  /** Openings of the carrier: what an earlier one confirms counts no more. */
  #epoch = 0;
  #isClosing = false;
  #isClosed = false;
  #lastShipMs = Number.NEGATIVE_INFINITY;
  #failingSinceMs: number | undefined;
  /** Runs while something is sent and not confirmed. */
  #stallTimer: ReturnType<typeof setTimeout> | undefined;
  /** Runs while what is open has not held for as long as its carrier has to. */
  #provenTimer: ReturnType<typeof setTimeout> | undefined;
  /** Of the counters, what has been told. */
  readonly #toldDoubts = { again: 0, uncertain: 0 };
  #uncertainBefore = 0;
  /** Of `counters.lost`, what has been told. */
  #toldLost = 0;
  readonly #losses = new LossWatch();
  /** Why nothing can be spooled; `undefined` where it can. */
  #spoolFailure: string | undefined;
  /** Of what waits, what `close` could keep nowhere. */
  #lostAtEnd = 0;
  #wake: () => void = () => {};
  #wakeUntil: () => boolean = () => false;
  readonly #running: Promise<void>;

  constructor(options: QueuedSinkOptions) {
    this.name = options.carrier.name;
    this.#options = options;
    this.#carrier = options.carrier;
    this.#shipper = new Shipper(options.format, options.frame);
    this.#backOff = new BackOff(options.backOff ?? options.carrier.backOff ?? DEFAULT_BACK_OFF, Math.random);
    const { spool, incarnation } = options;
    this.#queue = new SpooledQueue({
      memoryBytesMax: options.queueBytesMax,
      spool: spool === undefined ? undefined : { ...spool, streamName: () => incarnation, streamOf: () => 0 },
      onReady: () => this.#nudge(),
      onEvent: (event) => this.#onSpool(event),
    });
    this.counters.accepted = this.#queue.records; // of an earlier life
    this.#queue.refill();
    this.#running = this.#run();
  }

  get waiting(): number {
    return this.#queue.records - this.#lostAtEnd;
  }

  /** Whether there is room for more than a few records: who can wait, takes no more where it has not. */
  get hasRoom(): boolean {
    return this.#queue.hasRoom;
  }

  get isPressed(): boolean {
    return this.#queue.isPressed;
  }

  take(record: RecordView): void {
    this.counters.accepted += 1;
    const length = this.#writer.write(record);
    if (this.#isClosing || !this.#queue.push(0, this.#number++, this.#writer.bytes, 0, length))
      this.#lose(1, this.#whyFull);
  }

  flush(): void {
    this.#queue.refill();
    this.#nudge();
  }

  /** Where what is open may be another one now, it is left as soon as all that was sent has arrived. Connections stay. */
  reopen(): void {
    this.#mustReopen ||= this.#carrier.mayMove === true;
    this.#nudge();
  }

  /** Goes on in another way, with the same queue: as soon as all that was sent has arrived. */
  change(delivery: Delivery): void {
    this.#next = delivery;
    this.#mustReopen = true;
    this.#nudge();
  }

  get isFailing(): boolean {
    return this.#failingSinceMs !== undefined;
  }

  /** Whether what waits outlives an end of the process. */
  get outlives(): boolean {
    return this.#queue.outlives;
  }

  async close(withinMs: number): Promise<void> {
    await this.#close(withinMs, true);
  }

  /** @param isEnd the other side is to end too, before we do */
  async #close(withinMs: number, isEnd: boolean): Promise<void> {
    this.#isClosing = true;
    const deadlineMs = performance.now() + withinMs;
    const giveUp = (): void => {
      this.#isClosed = true;
      this.#carrier.close();
      this.#nudge();
    };
    const late = setTimeout(giveUp, withinMs);
    // While the destination is away nothing is gained by waiting: what has a spool is kept.
    if (this.#failingSinceMs !== undefined && !this.#isOpen && this.#queue.outlives) giveUp();
    else this.flush();
    await this.#running;
    clearTimeout(late);
    this.#stopStallTimer();
    clearTimeout(this.#provenTimer);
    const end = isEnd ? await this.#carrier.finish?.(Math.max(0, deadlineMs - performance.now())) : undefined;
    this.counters.uncertain += end?.uncertain ?? 0;
    this.#carrier.close();
    this.#confirmRead();
    this.#tellDoubts(end?.reason);
    this.#lostAtEnd = await this.#queue.close(Math.max(500, deadlineMs - performance.now()));
    this.counters.lost += this.#lostAtEnd;
  }

  async handOver(withinMs: number): Promise<readonly Leftovers[]> {
    await this.#close(withinMs, false);
    if (this.#queue.outlives) return [];
    const packer = new RecordPacker();
    this.#queue.visitLeft(() => packer.push(this.#queue.bytes, this.#queue.start, this.#queue.end));
    const { packed } = packer;
    if (packed === undefined) return [];
    this.counters.lost -= packed.records;
    return [packed];
  }

  takeUp({ bytes }: Leftovers): void {
    visitPacked(bytes, (start, end) => {
      this.counters.accepted += 1;
      if (!this.#queue.pushLate(this.#number++, bytes, start, end)) this.#lose(1, this.#whyFull);
    });
    this.flush();
  }

  /** Runs until it is closed. Never throws. */
  async #run(): Promise<void> {
    while (!this.#isDone) {
      await this.#until(() => this.#queue.waiting > 0 || this.#isDone || this.#broken !== undefined || this.#isEnding);
      if (this.#isDone) break;
      try {
        if (this.#broken !== undefined) throw this.#broken;
        if (this.#isEnding) {
          await this.#leaveEnded();
          continue;
        }
        if (this.#mustReopen) this.#leave();
        if (!this.#isOpen) await this.#open();
        await this.#ship();
      } catch (error) {
        this.#failed(error);
        await this.#pause(this.#backOff.nextMs(), () => this.#isClosed);
      }
    }
  }

  get #isDone(): boolean {
    return this.#isClosed || (this.#isClosing && this.#queue.records === 0);
  }

  async #open(): Promise<void> {
    const epoch = ++this.#epoch;
    await this.#carrier.open(
      (reason) => {
        if (epoch === this.#epoch) this.#onBroken(reason);
      },
      () => {
        if (epoch !== this.#epoch) return;
        this.#isEnding = true;
        this.#mustReopen = true;
        this.#nudge();
      },
    );
    this.#isOpen = true;
    this.#openedAtMs = performance.now();
    this.#queue.back();
  }

  /** The other side has ended, and its system has got all. One that does so at once, time after time, is not asked again without a pause. */
  async #leaveEnded(): Promise<void> {
    const held = performance.now() - this.#openedAtMs > HELD_MS;
    this.counters.uncertain += this.#carrier.takeUncertain();
    this.#leave();
    this.#tellDoubts();
    if (held) this.#backOff.reset();
    else await this.#pause(this.#backOff.nextMs(), () => this.#isClosed);
  }

  /** With nothing underway. */
  #leave(): void {
    this.#epoch += 1;
    this.#isEnding = false;
    this.#carrier.close();
    this.#isOpen = false;
    this.#mustReopen = false;
    if (this.#next === undefined) return;
    this.#carrier = this.#next.carrier;
    this.#shipper = new Shipper(this.#next.format, this.#next.frame);
    this.#next = undefined;
  }

  /** Sends all that waits, as far as the window is open; returns when nothing waits or it is to be opened anew, throws when it broke. */
  async #ship(): Promise<void> {
    while (this.#queue.waiting > 0 && !this.#isClosed) {
      if (this.#mustReopen && this.#queue.unconfirmed === 0) return;
      await this.#linger();
      if (this.#maySend) this.#shipOne();
      await this.#until(
        () =>
          this.#broken !== undefined ||
          this.#isClosed ||
          (this.#queue.waiting > 0 && this.#maySend) ||
          this.#queue.unconfirmed === 0,
      );
      if (this.#broken !== undefined) throw this.#broken;
    }
  }

  get #maySend(): boolean {
    return this.#broken === undefined && !this.#mustReopen && this.#queue.unconfirmedBytes < WINDOW_BYTES;
  }

  #shipOne(): void {
    const shipment = this.#spare.pop() ?? new Shipment();
    const epoch = this.#epoch;
    shipment.clear();
    this.#shipper.fill(shipment, this.#queue);
    const mark = this.#queue.mark();
    this.#watchForStall();
    const sent = this.#carrier.send(shipment);
    sent.then(
      (missed) => {
        this.#spare.push(shipment);
        if (epoch !== this.#epoch || this.#broken !== undefined) return;
        const records = this.#queue.confirm(mark);
        this.#stopStallTimer();
        if (this.#queue.unconfirmed > 0) this.#watchForStall();
        this.counters.delivered += records - missed;
        this.counters.lost += missed;
        if (missed === 0) this.#worked(); // a report of what was missed would be missed too, and reported
        this.#nudge();
      },
      (error: unknown) => {
        if (epoch === this.#epoch) this.#onBroken(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  /** A carrier that was just used waits a moment for more, unless there is enough. */
  async #linger(): Promise<void> {
    const restMs = this.#lastShipMs + LINGER_MS - performance.now();
    const isEnough = () => this.#queue.waitingBytes >= 65_536 || this.#isClosing || this.#broken !== undefined;
    if (restMs > 0 && !isEnough()) await this.#pause(restMs, isEnough);
    this.#lastShipMs = performance.now();
  }

  #onBroken(reason: Error): void {
    this.#broken ??= reason;
    this.#nudge();
  }

  #watchForStall(): void {
    this.#stallTimer ??= setTimeout(() => this.#stalled(), this.#options.stalledMs ?? STALLED_MS);
  }

  #stopStallTimer(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
  }

  /** Nothing broke, so nothing is tried again; but somebody should know. */
  #stalled(): void {
    this.#stopStallTimer();
    this.#tellFailing(`takes nothing since ${formatDuration(this.#options.stalledMs ?? STALLED_MS)}`);
  }

  #failed(error: unknown): void {
    this.#stopStallTimer();
    clearTimeout(this.#provenTimer);
    this.#provenTimer = undefined;
    const held = this.#isOpen && performance.now() - this.#openedAtMs > HELD_MS;
    if (held) this.#backOff.reset();
    this.#epoch += 1;
    this.#isOpen = false;
    this.#isEnding = false;
    this.#broken = undefined;
    this.#carrier.close();
    this.#confirmRead();
    const uncertainBefore = this.counters.uncertain;
    this.counters.uncertain += this.#carrier.takeUncertain();
    // What is sent by nobody any more does not come twice; and what a carrier knows not to have arrived comes once.
    if (!this.#isClosed && this.#carrier.takeRead === undefined) this.counters.again += this.#queue.unconfirmed;
    this.#queue.away();
    if (this.#isClosed) return; // it broke because it was left
    if (this.#failingSinceMs === undefined) this.#tellDoubts(); // else when it works again
    this.#tellFailing(reasonOf(error), uncertainBefore);
  }

  /** Of what was sent and had not been told to have arrived, some has. */
  #confirmRead(): void {
    const read = this.#carrier.takeRead?.() ?? 0;
    if (read === 0) return;
    this.#queue.confirmFirst(read);
    this.counters.delivered += read;
  }

  /** @param reason what happened, where nothing else tells it */
  #tellDoubts(reason?: string): void {
    const told = this.#toldDoubts;
    const again = this.counters.again - told.again;
    const uncertain = this.counters.uncertain - told.uncertain;
    if (again + uncertain === 0 && reason === undefined) return;
    told.again += again;
    told.uncertain += uncertain;
    const { taker } = this.#carrier;
    this.#options.onEvent({
      on: "uncertain",
      again,
      uncertain,
      ...(taker === undefined ? {} : { taker }),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  #tellFailing(reason: string, uncertainBefore = this.counters.uncertain): void {
    if (this.#failingSinceMs !== undefined) return;
    this.#uncertainBefore = uncertainBefore;
    this.#failingSinceMs = performance.now();
    this.#options.onEvent({ on: "failing", reason });
  }

  get #whyFull(): string {
    const { spool } = this.#options;
    if (spool === undefined) return "its queue in memory is full";
    return `its queue is full, in memory and in ${spool.directory}${this.#spoolFailure === undefined ? "" : ` (${this.#spoolFailure})`}`;
  }

  /** Tells later: it may be in the midst of a record. */
  #lose(records: number, reason: string): void {
    this.counters.lost += records;
    if (this.#failingSinceMs === undefined || this.#isClosing) return;
    const nowMs = performance.now();
    const outageMs = nowMs - this.#failingSinceMs;
    if (this.#losses.isDue(nowMs)) queueMicrotask(() => this.#options.onEvent({ on: "losing", reason, outageMs }));
  }

  #worked(): void {
    const lost = this.counters.lost - this.#toldLost;
    if (this.#failingSinceMs !== undefined) {
      if (!this.#isProven()) return;
      const outageMs = performance.now() - this.#failingSinceMs;
      const uncertain = this.counters.uncertain - this.#uncertainBefore;
      this.#failingSinceMs = undefined;
      this.#toldLost = this.counters.lost;
      this.#losses.reset();
      this.#tellDoubts();
      this.#options.onEvent({ on: "working", outageMs, lost, ...(uncertain === 0 ? {} : { uncertain }) });
    } else if (lost > 0 && this.#queue.hasRoom) {
      this.#toldLost = this.counters.lost;
      this.#options.onEvent({ on: "overflowed", lost });
    }
  }

  /** Whether what is open has held for as long as it has to; else it is asked again when it has. */
  #isProven(): boolean {
    const restMs = this.#openedAtMs + (this.#carrier.provenAfterMs ?? 0) - performance.now();
    if (restMs <= 0) return true;
    this.#provenTimer ??= setTimeout(() => {
      this.#provenTimer = undefined;
      this.#worked();
    }, restMs);
    return false;
  }

  /** Tells later: the spool may have something to say while nobody knows this sink yet. */
  #onSpool(event: SpoolEvent): void {
    if (event.on === "lost") {
      this.#lose(event.records, whyLost(event.cause, this.#options.spool?.directory ?? ""));
      return;
    }
    if (event.on !== "recovered") this.#spoolFailure = event.on === "failing" ? event.reason : undefined;
    queueMicrotask(() => this.#options.onEvent(queueEventOf(event)));
  }

  #nudge(): void {
    if (this.#wakeUntil()) this.#wake();
  }

  /** Waits until it holds; asked at every nudge. */
  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wakeUntil = holds;
      this.#wake = () => {
        this.#wakeUntil = () => false;
        resolve();
      };
    });
  }

  /** Waits for a time, or until it holds. */
  #pause(ms: number, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wakeUntil = () => false;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wakeUntil = holds;
      this.#wake = done;
    });
  }
}
