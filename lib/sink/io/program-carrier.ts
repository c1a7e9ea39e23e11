// A program that reads records from its stdin, one a line. It runs as long as the sink does; when it ends it is started again, after a back-off. What it says on
// stderr becomes messages of ours; but what one that ends at once says each time, once: where the messages go to that program, each would start it again.
//
// A record has arrived when the program has read it. What one that ends has not read goes to the next; of what it read just before, nobody knows.
import type { BackOffRule } from "../../base/back-off.ts";
import type { Carrier, CarrierEnd } from "../carrier.ts";
import { RecentTally } from "../recent-tally.ts";
import type { Shipment } from "../shipment.ts";
import { type ProgramCall, ProgramRun } from "./program-run.ts";

/** After its stdin is closed: then it is asked to end, then ended. */
const GRACE_MS = 2_000;
/** One that ends sooner each time does not work. */
const PROVEN_MS = 10_000;
/** One that has read all and will end by itself, as head(1) does, does so within this time; only a young one is waited for. */
const ENDS_ITSELF_MS = 200;
/** How long the end of a program is waited for at most. */
const END_MOST_MS = 5_000;
const BACK_OFF: BackOffRule = { firstMs: 100, mostMs: 30_000, jitter: 0.2 };
/** How often it is looked how far the program has read: at first, and while it does not go on. */
const LOOK_MS = 2;
const LOOK_MOST_MS = 100;
/** So many different lines of failed starts are known again. */
const KNOWN_LINES_MAX = 100;

export interface ProgramOptions extends ProgramCall {
  /** It is started when this has resolved: what starts as root stays root. At once unless said. */
  readonly mayStart?: Promise<void>;
  /** 10 s unless said. */
  readonly provenAfterMs?: number;
}

/** What was sent and not read to its end. */
interface Underway {
  readonly shipment: Shipment;
  /** Where it begins in all that was sent to this life. */
  readonly startByte: number;
  readonly resolve: (missed: number) => void;
  readonly reject: (error: Error) => void;
}

export class ProgramCarrier implements Carrier {
  readonly name: string;
  readonly taker = "the program";
  readonly backOff = BACK_OFF;
  readonly provenAfterMs: number;
  readonly #options: ProgramOptions;
  readonly #recent = new RecentTally(1_000);
  #run: ProgramRun | undefined;
  /** Their stdin is closed, and they have not ended yet. */
  readonly #leaving = new Set<ProgramRun>();
  /** What it said when it was started and ended soon, since it ran for long last. */
  readonly #known = new Set<string>();
  readonly #underway: Underway[] = [];
  #sentBytes = 0;
  /** One write at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #looking: ReturnType<typeof setTimeout> | undefined;
  #lookMs = LOOK_MS;
  #seenBytes = 0;
  /** Of what was underway when it ended, records that it had read. */
  #readAtEnd = 0;

  constructor(options: ProgramOptions) {
    this.#options = options;
    this.name = `program:${options.command}`;
    this.provenAfterMs = options.provenAfterMs ?? PROVEN_MS;
  }

  async open(onBroken: (reason: Error) => void): Promise<void> {
    await this.#options.mayStart;
    const said = new Set<string>();
    const onLine = (line: string): void => {
      if (this.#known.has(line)) return;
      if (said.size < KNOWN_LINES_MAX) said.add(line);
      this.#options.onLine(line);
    };
    const run = await ProgramRun.start({ ...this.#options, onLine });
    this.#run = run;
    this.#sentBytes = 0;
    this.#seenBytes = 0;
    this.#last = Promise.resolve();
    void run.closed.then(() => {
      if (performance.now() - run.startedMs > this.provenAfterMs) this.#known.clear();
      else for (const line of said) if (this.#known.size < KNOWN_LINES_MAX) this.#known.add(line);
    });
    void run.ended.then((how) => {
      if (run !== this.#run) return;
      this.#leave(new Error(`the program ended ${how}`));
      onBroken(new Error(`the program ended ${how}`));
    });
  }

  send(shipment: Shipment): Promise<number> {
    const run = this.#run;
    if (run === undefined) return Promise.reject(new Error("the program does not run"));
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#underway.push({ shipment, startByte: this.#sentBytes, resolve, reject });
    this.#sentBytes += shipment.end;
    const written = this.#last.then(() => run.write(shipment.bytes, shipment.end));
    this.#last = written;
    written.then(
      () => this.#lookSoon(),
      (error: Error) => void within(run.ended, ENDS_ITSELF_MS).then(() => reject(error)), // how it ended says more
    );
    return promise;
  }

  takeUncertain(): number {
    return this.#recent.take(performance.now());
  }

  takeRead(): number {
    const records = this.#readAtEnd;
    this.#readAtEnd = 0;
    return records;
  }

  close(): void {
    const run = this.#run;
    this.#leave(new Error("closed"));
    if (run === undefined || run.isOver) return;
    this.#leaving.add(run);
    const timers = [
      setTimeout(() => run.signal("SIGTERM"), GRACE_MS),
      setTimeout(() => run.signal("SIGKILL"), 2 * GRACE_MS),
    ];
    for (const timer of timers) timer.unref();
    void run.ended.then(() => {
      this.#leaving.delete(run);
      timers.forEach(clearTimeout);
    });
    run.unref();
  }

  /** A program that fails at its end, or before it has seen that, may have done nothing with what it read. */
  async finish(withinMs: number): Promise<CarrierEnd> {
    const run = this.#run;
    const deadlineMs = performance.now() + Math.min(withinMs, END_MOST_MS);
    const rest = () => Math.max(0, deadlineMs - performance.now());
    if (run === undefined) {
      await this.#endAll(rest());
      return { uncertain: 0 };
    }
    this.#run = undefined; // what comes of it now is no break
    const uncertain = this.takeUncertain();
    const isYoung = performance.now() - run.startedMs < this.provenAfterMs;
    if (isYoung) await within(run.ended, Math.min(rest(), ENDS_ITSELF_MS));
    const endedEarly = run.isOver;
    run.endInput();
    this.#leaving.add(run);
    await within(run.ended, rest());
    const { end } = run;
    if (end !== undefined) this.#leaving.delete(run);
    await this.#endAll(0);
    if (endedEarly) return { uncertain, reason: `the program ended ${end} before the end of its input` };
    if (end === undefined) return { uncertain, reason: "the program did not end when its input did, and was told to" };
    return end === "with status 0" ? { uncertain: 0 } : { uncertain, reason: `the program ended ${end}` };
  }

  /** What still runs without an input has `withinMs`, then it is asked to end. */
  async #endAll(withinMs: number): Promise<void> {
    const all = [...this.#leaving];
    await within(Promise.all(all.map(({ ended }) => ended)), withinMs);
    for (const run of all) run.signal("SIGTERM");
  }

  /** The life is over, or is to be: what it has not read is not to be read any more. */
  #leave(reason: Error): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    clearTimeout(this.#looking);
    this.#looking = undefined;
    const readBytes = run.endInput();
    const ends = this.#underway.flatMap(({ shipment, startByte }) =>
      Array.from(shipment.ends.subarray(0, shipment.records), (end) => startByte + end),
    );
    this.#readAtEnd = ends.filter((end) => end <= readBytes).length;
    this.#recent.add(performance.now(), this.#readAtEnd);
    for (const { reject } of this.#underway.splice(0)) reject(reason);
  }

  #lookSoon(): void {
    if (this.#run !== undefined) this.#looking ??= setTimeout(() => this.#look(), this.#lookMs);
  }

  #look(): void {
    this.#looking = undefined;
    const readBytes = this.#run?.readBytes ?? 0;
    this.#lookMs = readBytes > this.#seenBytes ? LOOK_MS : Math.min(2 * this.#lookMs, LOOK_MOST_MS);
    this.#seenBytes = readBytes;
    this.#resolveRead(readBytes);
    if (this.#underway.length > 0) this.#lookSoon();
  }

  #resolveRead(readBytes: number): void {
    for (let [first] = this.#underway; first !== undefined; [first] = this.#underway) {
      const { shipment, startByte, resolve } = first;
      if (startByte + shipment.end > readBytes) return;
      this.#underway.shift();
      this.#recent.add(performance.now(), shipment.records);
      resolve(0);
    }
  }
}

/** Waits until it resolves, `ms` at most. */
async function within(event: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await Promise.race([event, late]);
  clearTimeout(timer);
}
