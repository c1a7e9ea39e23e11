// A random history of acknowledged delivery: senders, recorders and a daemon, faults drawn from a seed, then peace. What is checked all along: a sender lets go of a record
// only when N hosts have it on disk, and an archive has nothing twice. At the end: every accepted record is on N hosts, nothing waits, each sender's numbers are in the order in
// which it accepted, and where every recorder counts, they lie on its disk in that order. A failing history is shrunk to the fewest faults that still fail.
import { type Random, seededRandom } from "../../../lib/base/random.ts";
import { Clockwork } from "../clockwork.ts";
import type { Kept } from "./disk.ts";
import { Net } from "./net.ts";
import { Recorder } from "./recorder.ts";
import { Sender } from "./sender.ts";

const FAULTS = [
  "kill sender",
  "kill sender in a turn",
  "kill recorder",
  "kill daemon",
  "drop sender",
  "drop recorder",
  "full disk",
] as const;

interface Fault {
  readonly atMs: number;
  readonly kind: (typeof FAULTS)[number];
  /** Which of them. */
  readonly nth: number;
  readonly forMs: number;
}

export interface History {
  readonly seed: number;
  readonly senders: number;
  readonly recorders: number;
  readonly acks: number;
  readonly groups: number;
  /** Records that a sender takes in a second. */
  readonly rate: number;
  readonly faults: readonly Fault[];
}

const FAULTS_MS = 20_000;
/** Peace: the longest wait is the one before an ask, and that before what failed once is sent again. */
const PEACE_MS = 60_000;

/** What a seed means. */
export function drawHistory(seed: number): History {
  const random = seededRandom(seed * 2_654_435_761);
  const pick = (most: number) => Math.floor(random() * most);
  const recorders = 1 + pick(3);
  const faults = Array.from({ length: 1 + pick(12) }, () => ({
    atMs: random() * FAULTS_MS,
    kind: FAULTS[pick(FAULTS.length)]!,
    nth: pick(6),
    forMs: random() < 0.2 ? random() * 10_000 : random() * 1_000,
  })).sort((a, b) => a.atMs - b.atMs);
  const acks = Math.min(recorders, 1 + pick(2));
  return { seed, senders: 1 + pick(3), recorders, acks, groups: 1 + pick(4), rate: random() < 0.2 ? 600 : 60, faults };
}

/** Runs it. Returns what was broken, `undefined` where nothing was. */
export function runHistory(history: History, onEvent: (line: string) => void = () => {}): string | undefined {
  return new Run(history, onEvent).run();
}

/** The same history with the fewest faults that still break something. */
export function shrink(history: History): History {
  let least = history;
  for (let at = least.faults.length - 1; at >= 0; at--) {
    const fewer = { ...least, faults: least.faults.filter((_, index) => index !== at) };
    if (runHistory(fewer) !== undefined) least = fewer;
  }
  return least;
}

export function tellStory(history: History): string {
  const { faults, ...rest } = history;
  const lines = faults.map(
    ({ atMs, kind, nth, forMs }) => `  ${atMs.toFixed(0)} ms: ${kind} ${nth}, for ${forMs.toFixed(0)} ms`,
  );
  return [`${JSON.stringify(rest)}: ${runHistory(history) ?? "holds"}`, ...lines].join("\n");
}

class Run {
  readonly #clock = new Clockwork();
  readonly #random: Random;
  readonly #net: Net;
  readonly #senders: Sender[];
  readonly #recorders: Recorder[];
  #broken: string | undefined;

  constructor(
    private readonly history: History,
    private readonly onEvent: (line: string) => void,
  ) {
    this.#random = seededRandom(history.seed);
    const random = this.#random;
    const clock = this.#clock;
    this.#net = new Net(clock, random);
    const net = this.#net;
    const groups = Array.from({ length: history.groups }, (_, at) => `log.${at}`);
    this.#recorders = Array.from({ length: history.recorders }, (_, at) => {
      const store = at > 0 && random() < 0.3 ? "file" : "archive";
      const onDouble = (what: string): void => this.#break(what);
      return new Recorder({ id: `r${at}`, host: `db${at}`, store, groups, clock, random, net, onDouble });
    });
    this.#senders = Array.from({ length: history.senders }, (_, at) => {
      const onFreed = (host: string, records: readonly Kept[]): void => this.#checkFreed(host, records);
      const onLost = (what: string): void => this.#break(`lost: ${what}`);
      return new Sender({ host: `web${at}`, groups, acks: history.acks, clock, random, net, onFreed, onLost });
    });
  }

  run(): string | undefined {
    for (const sender of this.#senders) this.#work(sender);
    for (const fault of this.history.faults) this.#clock.at(fault.atMs, () => this.#strike(fault));
    this.#clock.runUntil(FAULTS_MS + PEACE_MS);
    if (this.#broken === undefined) this.#checkEnd();
    return this.#broken;
  }

  #break(what: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = `at ${this.#clock.nowMs.toFixed(0)} ms: ${what}`;
    this.onEvent(this.#broken);
  }

  #work(sender: Sender): void {
    const random = this.#random;
    const turn = (): void => {
      if (this.#clock.nowMs > FAULTS_MS) return;
      const isBurst = random() < 0.01;
      sender.log(isBurst ? 300 : 1 + Math.floor(random() * 4), false);
      this.#clock.after((random() * 2 * 2_500) / this.history.rate, turn);
    };
    this.#clock.after(random() * 100, turn);
  }

  #strike({ kind, nth, forMs }: Fault): void {
    const clock = this.#clock;
    const sender = this.#senders[nth % this.#senders.length]!;
    const recorder = this.#recorders[nth % this.#recorders.length]!;
    this.onEvent(`${clock.nowMs.toFixed(0)} ms: ${kind} ${nth}`);
    switch (kind) {
      case "kill sender in a turn":
        sender.log(5, true);
        clock.after(forMs, () => sender.start());
        return;
      case "kill sender":
        sender.kill();
        clock.after(forMs, () => sender.start());
        return;
      case "kill recorder":
        recorder.kill();
        clock.after(forMs, () => recorder.start());
        return;
      case "kill daemon":
        this.#net.killDaemon();
        clock.after(forMs, () => this.#net.startDaemon());
        return;
      case "drop sender":
        if (sender.life !== undefined) this.#net.drop(sender.life);
        return;
      case "drop recorder":
        if (recorder.life !== undefined) this.#net.drop(recorder.life);
        return;
      case "full disk": {
        const { life } = recorder;
        if (life === undefined) return;
        life.isFull = true;
        clock.after(forMs, () => {
          life.isFull = false;
        });
        return;
      }
      default:
        kind satisfies never;
    }
  }

  #hostsWith(key: string): number {
    return this.#recorders.filter(({ store }) => store.records.has(key)).length;
  }

  #checkFreed(host: string, records: readonly Kept[]): void {
    for (const { stream, number } of records) {
      const hosts = this.#hostsWith(`${host} ${stream} ${number}`);
      if (hosts < this.history.acks) this.#break(`${host} lets go of ${stream} ${number}, which ${hosts} hosts have`);
    }
  }

  #checkEnd(): void {
    const { acks, recorders } = this.history;
    // Where a recorder does not count, since others suffice, what it missed may never come, and comes when it does.
    if (acks === recorders)
      for (const { store, options } of this.#recorders)
        if (store.backwards > 0) this.#break(`${options.id} wrote ${store.backwards} records behind later ones`);
    for (const sender of this.#senders) {
      const { host } = sender.options;
      if (sender.waiting > 0) this.#break(`${host} still keeps ${sender.waiting} records`);
      const has = this.#recorders.map(({ store }) => {
        const texts = new Map<string, string[]>();
        const ofHost = [...store.records].filter(([key]) => key.startsWith(`${host} `));
        const ordered = ofHost.map(([key, text]) => ({ parts: key.split(" "), text }));
        ordered.sort((a, b) => lifeOf(a.parts[1]!) - lifeOf(b.parts[1]!) || Number(a.parts[3]) - Number(b.parts[3]));
        for (const { parts, text } of ordered) {
          const all = texts.get(parts[2]!) ?? [];
          texts.set(parts[2]!, all);
          all.push(text);
        }
        for (const [group, all] of texts)
          for (let at = 1; at < all.length; at++)
            if (numberOf(all[at]!) <= numberOf(all[at - 1]!))
              this.#break(`${host} ${group}: ${all[at]} comes behind ${all[at - 1]}`);
        return new Set([...texts].flatMap(([group, all]) => all.map((text) => `${group} ${text}`)));
      });
      for (const text of sender.accepted) {
        const hosts = has.filter((one) => one.has(text)).length;
        if (hosts < acks) this.#break(`${host}: ${text} was accepted, and ${hosts} hosts have it`);
      }
    }
  }
}

function lifeOf(incarnation: string): number {
  return Number(incarnation.slice(1));
}

function numberOf(text: string): number {
  return Number(text.slice(2));
}
