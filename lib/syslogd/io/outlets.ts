// The sinks of the rules in effect, and of rules that were: rules are values and come and go, sinks hold queues and outlive them.
//
// A sink that the rules before and after a change name goes on with its queue and its counts. One that none names any more is emptied, then closed; where it
// is named again before that, it is taken back.
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { ownerOf } from "../../run/accounts.ts";
import type { FileSet } from "../../sink/io/file-set.ts";
import type { FileSink } from "../../sink/io/file-sink.ts";
import { type GroupSink, groupSinkName } from "../../sink/io/group-sink.ts";
import type { QueuedCounters, QueuedSink } from "../../sink/io/queued-sink.ts";
import type { Leftovers } from "../../sink/leftovers.ts";
import type { AckStanding } from "../../sink/recorder-watch.ts";
import { type Outlet, type Sink, SinkCounters } from "../../sink/sink.ts";
import { spoolDirectoryName } from "../../sink/spool-name.ts";
import type { FormatChoice } from "../../syslog/format-choice.ts";
import { type Destination, formatDestination, type QueuedDestination } from "../destination.ts";
import type { DirectedRule } from "../directed-rule.ts";
import type { HandedLoss, HandedQueue } from "../handover.ts";
import { Router } from "../router.ts";
import type { SinkTotals } from "../samples.ts";
import { describeSink, keysOf, keysOfName, type SinkSettings } from "../sink-settings.ts";
import { leaveQueue } from "./inheritance.ts";
import type { SinkOpener } from "./sink-opener.ts";

/** A sink that no rule names any more, and whose queue does not outlive us, may take so long to be empty. */
const RETIRE_MS = 60_000;
const LOOK_MS = 100;

/** What a sink was made for. */
interface Held {
  readonly sink: Sink;
  /** As rules name it. */
  readonly name: string;
  /** What it was told, as text. */
  told: string;
}

type Say = (severity: "warning" | "info" | "notice", text: string) => void;

export class Outlets {
  /** By key: what it is called, and for files what they were told too. */
  readonly #held = new Map<string, Held>();
  readonly #retiring = new Map<string, Held>();
  readonly #closing = new Map<Held, Promise<void>>();
  /** Those of `#held`: asked at the end of each turn. */
  #sinks: readonly Sink[] = [];
  /** Of these, those that have on the disk what they take. */
  #settling: readonly Sink[] = [];
  #lastResort: QueuedSink | undefined;
  /** By sink, how many records a restart has lost: they could not be handed over, or nobody takes them up. */
  readonly #restartLosses = new Map<string, number>();
  readonly #opener: SinkOpener;
  readonly #say: Say;
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor(opener: SinkOpener, say: Say) {
    this.#opener = opener;
    this.#say = say;
  }

  /**
   * The way to the sinks of these rules; those that there are already are kept.
   * @throws {Fault} before anything is changed, where a setting names a user that this host does not know
   */
  route(rules: readonly DirectedRule[], settings: SinkSettings): Router {
    checkOwners(settings);
    const wanted = new Set<string>();
    const groups = new Map<string, Outlet>();
    const routes = rules.map(({ rule, to, acks }) => {
      if (to === undefined) return { rule, outlet: undefined };
      const format = formatFor(formatDestination(to), rules);
      return { rule, outlet: this.#outletFor(to, format, acks, settings, wanted, groups) };
    });
    for (const [key, held] of this.#held) if (!wanted.has(key)) this.#retire(key, held);
    this.#sinks = [...this.#held.values()].map(({ sink }) => sink);
    this.#settling = [...this.#held.values()].flatMap(({ sink, told }) => (told.includes('"sync":"each"') ? sink : []));
    return new Router(routes);
  }

  /** Those in use. */
  get sinks(): readonly Sink[] {
    return this.#sinks;
  }

  flush(): void {
    for (let at = 0; at < this.#sinks.length; at++) this.#sinks[at]!.flush();
  }

  get isBehind(): boolean {
    return this.#sinks.some((sink) => sink.isBehind === true);
  }

  /** Whether one is filling up whose disk keeps up. */
  get isPressed(): boolean {
    for (let at = 0; at < this.#sinks.length; at++) if (this.#sinks[at]!.isPressed === true) return true;
    return false;
  }

  /** Whether the queue of one that works, or only of such as fail, is filling up. */
  get isCrowded(): "no" | "yes" | "fails" {
    const full = this.#sinks.filter(({ hasRoom }) => hasRoom === false);
    if (full.length === 0) return "no";
    return full.some(({ isFailing }) => isFailing !== true) ? "yes" : "fails";
  }

  /** Of sinks that work, whether anything waits in one; and how many records have left all of them. */
  get progress(): { readonly isWaiting: boolean; readonly done: number } {
    const isWaiting = this.#sinks.some(({ waiting, isFailing }) => waiting > 0 && isFailing !== true);
    return { isWaiting, done: this.#sinks.reduce((sum, { counters }) => sum + counters.delivered + counters.lost, 0) };
  }

  /** Whether one that promises to have on the disk what it took has not yet. */
  get isUnsettled(): boolean {
    for (let at = 0; at < this.#settling.length; at++) if (this.#settling[at]!.isUnsettled === true) return true;
    return false;
  }

  /** Records that sinks have taken which work. */
  get takenByWorking(): number {
    return this.#sinks.reduce((sum, { isFailing, counters }) => sum + (isFailing === true ? 0 : counters.accepted), 0);
  }

  /** For what no sink that works takes. */
  lastResort(to: QueuedDestination, settings: SinkSettings): Outlet & Sink {
    this.#lastResort ??= this.#opener.queued(to, undefined, settings);
    return this.#lastResort;
  }

  reopen(): void {
    for (const { sink } of [...this.#held.values(), ...this.#retiring.values()]) sink.reopen();
  }

  get totals(): readonly SinkTotals[] {
    const all = [...this.#held.values(), ...this.#retiring.values(), ...this.#closing.keys()];
    const losses = new Map(this.#restartLosses);
    const totals = all.map(({ sink, name }): SinkTotals => {
      const { acks } = sink as Sink & { readonly acks?: AckStanding };
      const standing = acks === undefined ? {} : { acks };
      const failing = sink.isFailing === true ? 1 : 0;
      const failure = failing === 1 ? (this.#opener.failureOf(name) ?? this.#opener.failureOf(sink.name)) : undefined;
      const counts = countsOf(sink.counters, losses.get(name));
      losses.delete(name);
      return {
        name: sink.name,
        ...counts,
        waiting: sink.waiting,
        failing,
        ...(failure === undefined ? {} : { failure }),
        ...standing,
      };
    });
    const gone = [...losses].map(
      ([name, lost]): SinkTotals => ({ name, ...countsOf(new SinkCounters(), lost), waiting: 0, failing: 0 }),
    );
    return [...totals, ...gone];
  }

  /** Spools below the directory that no sink of ours reads: somebody should know that records lie there. */
  tellOrphans({ spoolDirectory }: SinkSettings): void {
    if (spoolDirectory === "") return;
    const ours = new Set(this.sinks.map(({ name }) => spoolDirectoryName(name)));
    for (const name of entriesOf(spoolDirectory)) {
      if (ours.has(basename(name)) || !entriesOf(join(spoolDirectory, name)).some((file) => file.endsWith(".spool")))
        continue;
      const path = join(spoolDirectory, name);
      this.#say(
        "warning",
        `${path}: records wait there for a sink that no rule names any more; remove it, or name the sink`,
      );
    }
  }

  /** What waited in the memory of the sinks of the process that we were goes first in the sinks of the same names; what nobody takes is lost. */
  takeUp(queues: Iterable<Leftovers & { readonly name: string }>, losses: readonly HandedLoss[]): void {
    for (const { name, records } of losses) this.#loseInRestart(name, records);
    for (const left of queues) {
      const held = [...this.#held.values()].find(({ name }) => name === left.name);
      if (held?.sink.takeUp === undefined) this.#loseInRestart(left.name, left.records);
      else held.sink.takeUp(left);
    }
  }

  /** When they can be heard. */
  tellRestartLosses(): void {
    for (const [name, lost] of this.#restartLosses) {
      const count = lost === 1 ? "1 record that waited was" : `${lost} records that waited were`;
      const isHeld = [...this.#held.values()].some((held) => held.name === name);
      const why = isHeld ? "what it holds could not be handed over" : "no rule names it any more";
      this.#say("warning", `${name}: ${count} lost in the restart: ${why}`);
    }
  }

  #loseInRestart(name: string, records: number): void {
    this.#restartLosses.set(name, (this.#restartLosses.get(name) ?? 0) + records);
  }

  /** As `close`; what sinks have in memory only is left to the process that this one becomes. */
  async handOver(
    withinMs: number,
  ): Promise<{ readonly queues: readonly HandedQueue[]; readonly losses: readonly HandedLoss[] }> {
    const queues: HandedQueue[] = [];
    const losses: HandedLoss[] = [];
    const lose = (name: string, records: number): void => {
      if (records > 0) losses.push({ name, records });
    };
    const closing = [...this.#closing.keys()];
    await this.#closeAll(withinMs, async ({ sink, name }) => {
      const before = sink.counters.lost;
      for (const left of (await sink.handOver?.(withinMs)) ?? (await sink.close(withinMs)) ?? []) {
        try {
          queues.push(leaveQueue(name, left));
        } catch {
          lose(name, left.records); // there is no memory for it
        }
      }
      lose(name, sink.counters.lost - before);
    });
    for (const { sink, name } of closing) lose(name, sink.waiting);
    return { queues, losses };
  }

  /** Gives the sinks `withinMs` to get rid of their queues. */
  async close(withinMs: number): Promise<void> {
    await this.#closeAll(withinMs, ({ sink }) => sink.close(withinMs));
  }

  async #closeAll(withinMs: number, closeOne: (held: Held) => Promise<void>): Promise<void> {
    clearInterval(this.#looking);
    const all = [...this.#held.values(), ...this.#retiring.values()];
    void this.#lastResort?.close(0);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, withinMs);
    });
    const retired = Promise.race([Promise.all(this.#closing.values()), late]);
    await Promise.all([retired, ...all.map(closeOne)]);
    clearTimeout(timer);
  }

  #outletFor(
    to: Destination,
    format: FormatChoice | undefined,
    acks: number,
    settings: SinkSettings,
    wanted: Set<string>,
    groups: Map<string, Outlet>,
  ): Outlet {
    const name = formatDestination(to);
    const keys = keysOf(to, settings);
    const told = describeSink(format, { ...keys, queue: keys.queue ?? settings.queueBytesMax });
    switch (to.kind) {
      case "file":
        return this.#keep(`${name} ${told}`, name, told, wanted, () =>
          this.#opener.file(to.path, format, keys, settings),
        );
      case "files":
        return this.#keep(`${name} ${told}`, name, told, wanted, () => this.#opener.files(to, format, keys, settings));
      case "group": {
        const payload = keys.payload ?? "records";
        const common = keysOfName("group:*", settings.entries);
        const sink = this.#keep(groupSinkName(payload, acks), name, "", wanted, () =>
          this.#opener.groups(payload, acks, common, settings),
        );
        const known = groups.get(name) ?? sink.outlet(to.name);
        groups.set(name, known);
        return known;
      }
      default:
        return this.#queued(to, format, name, told, settings, wanted);
    }
  }

  #queued(
    to: QueuedDestination,
    format: FormatChoice | undefined,
    name: string,
    told: string,
    settings: SinkSettings,
    wanted: Set<string>,
  ): Outlet {
    const sink = this.#keep(name, name, told, wanted, () => this.#opener.queued(to, format, settings));
    const held = this.#held.get(name)!;
    if (held.told !== told) sink.change(this.#opener.delivery(to, format, settings));
    held.told = told;
    return sink;
  }

  /** The sink of this key: in use, given up and not closed yet, or new. */
  #keep<T extends FileSink | FileSet | GroupSink | QueuedSink>(
    key: string,
    name: string,
    told: string,
    wanted: Set<string>,
    open: () => T,
  ): T {
    wanted.add(key);
    let held = this.#held.get(key) ?? this.#retiring.get(key);
    this.#retiring.delete(key);
    held ??= { sink: open(), name, told };
    this.#held.set(key, held);
    return held.sink as T; // keys tell kinds apart
  }

  #retire(key: string, held: Held): void {
    this.#held.delete(key);
    const sink = held.sink as Sink & { readonly outlives?: boolean };
    if (sink.outlives === true) {
      this.#retiring.set(key, held);
      this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
      this.#look();
    } else this.#close(held, RETIRE_MS);
  }

  /** Those with a spool take the time they need: what they hold is safe. */
  #look(): void {
    for (const [key, held] of this.#retiring) {
      if (held.sink.waiting > 0) continue;
      this.#retiring.delete(key);
      this.#close(held, RETIRE_MS);
    }
    if (this.#retiring.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #close(held: Held, withinMs: number): void {
    const { sink } = held;
    const closed = sink.close(withinMs).then(() => {
      this.#closing.delete(held);
      const { lost } = sink.counters;
      this.#say(lost > 0 ? "warning" : "info", `${sink.name}: closed, ${lost} records of it lost in all`);
    });
    this.#closing.set(held, closed);
  }
}

/** @throws {Fault} where files are to belong to somebody whom this host doesn't know */
export function checkOwners({ entries }: SinkSettings): void {
  for (const { keys } of entries) if (keys.owner !== undefined) ownerOf(keys.owner);
}

/** What all sinks count, and 0 for what only some do. */
function countsOf(counters: Readonly<SinkCounters & Partial<QueuedCounters>>, lostBefore = 0) {
  const { accepted, delivered, lost, again = 0, uncertain = 0 } = counters;
  return { accepted: accepted + lostBefore, delivered, lost: lost + lostBefore, again, uncertain };
}

/** The form of a sink's records: what one of its rules says, since all of them say the same. */
function formatFor(name: string, rules: readonly DirectedRule[]): FormatChoice | undefined {
  return rules.find(({ to, format }) => format !== undefined && to !== undefined && formatDestination(to) === name)
    ?.format;
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // nothing was ever spooled, or it is not ours to look at: who spools will say so
  }
}
