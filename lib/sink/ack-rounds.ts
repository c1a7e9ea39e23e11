// When a sender asks its recorders, and what it sends again.
//
//   sent ──(acknowledged in time)──> done
//     │ ASK_AFTER_MS without, or a connection was lost, or a recorder greets
//     v
//   ask ──(nobody answers)──> ask again, at most ASK_EVERY_MS later: somebody may come
//     │ a recorder answers that it has some, and not others
//     v
//   GATHER_MS for others to answer ──> one reading of the disk sends again what some recorder lacks and too few hosts have
//     │ and the next answer lacks the same
//     v
//   wait for longer each time, up to AGAIN_MOST_MS: a recorder that never commits what it gets must not have us send for ever
//
// An answer says what a recorder lacks of all that was sent before the ask. So nothing is sent again on a guess, and where nobody records, nothing is sent again at all.
import type { Ack, Ask } from "../feed/ack.ts";
import { NumberRanges } from "../feed/number-ranges.ts";
import type { AckLedger } from "./ack-ledger.ts";

/** Above what a recorder takes that syncs its files each second. */
const ASK_AFTER_MS = 3_000;
const ASK_EVERY_MS = 5_000;
/** Asks in one round: with thousands of groups the others have their turn in the next. */
const ASKS_MAX = 2_048;
const GATHER_MS = 200;
const AGAIN_FIRST_MS = 5_000;
const AGAIN_MOST_MS = 300_000;
/** Of one stream: what is behind is asked for again. */
const WANTED_RANGES_MAX = 1_024;
const RECORDERS_MAX = 64;
/** A recorder that was asked, and not heard for so long, is there no more. */
const RECORDER_MS = 15_000;

/** How often the owner should look whether something is due. */
export const ROUND_MS = 500;

/** An ask to be sent: an empty batch to the group of a stream. */
export interface DueAsk extends Ask {
  readonly stream: number;
  /** The number that comes next. */
  readonly next: number;
}

interface StreamRound {
  floor: number;
  askAtMs: number;
  askAfterMs: number;
  /** Since the floor moved last: nothing is sent again before. */
  againAtMs: number;
  againAfterMs: number;
}

export class AckRounds {
  readonly #ledger: AckLedger;
  readonly #rounds = new Map<number, StreamRound>();
  readonly #wanted = new Map<number, NumberRanges>();
  /** By id. `askedMs`: when something was asked since it was heard last. */
  readonly #recorders = new Map<string, { readonly host: string; askedMs: number | undefined }>();
  #asks = 0;
  /** Answers to asks up to this one were made before what they lack was sent again. */
  #staleAsks = 0;
  #gatherUntilMs = Number.POSITIVE_INFINITY;

  constructor(ledger: AckLedger) {
    this.#ledger = ledger;
  }

  /** An acknowledgement came. Returns how many records are done by that. @param streamOf `undefined` for what is not ours */
  heard(ack: Ack, streamOf: (incarnation: string, group: string) => number | undefined, nowMs: number): number {
    const isNew = this.#note(ack, nowMs);
    if (isNew || ack.lines.length === 0) this.askAll(nowMs);
    let done = 0;
    for (const { incarnation, group, asked, ranges } of ack.lines) {
      const stream = streamOf(incarnation, group);
      if (stream === undefined) continue;
      done += this.#ledger.acked(stream, ack.host, ranges);
      if (asked === undefined || asked.number <= this.#staleAsks || asked.number > this.#asks) continue;
      const has = new NumberRanges(ranges);
      for (const open of this.#ledger.openWithin(stream, asked.from, asked.to))
        for (const { from, to } of has.missing(open.from, open.to)) this.#want(stream, from, to, nowMs);
    }
    return done;
  }

  /** Recorders may have come, or acknowledgements have been lost: all that waits is asked for at once. */
  askAll(nowMs: number): void {
    for (const round of this.#rounds.values()) {
      round.askAtMs = nowMs;
      round.askAfterMs = ASK_AFTER_MS;
      round.againAtMs = nowMs;
      round.againAfterMs = AGAIN_FIRST_MS;
    }
  }

  /** The asks that are due. To be called every ROUND_MS while something waits. */
  due(nowMs: number): DueAsk[] {
    const asks: DueAsk[] = [];
    const waiting = new Set<number>();
    for (const { stream, from, next } of this.#ledger.waitingStreams()) {
      waiting.add(stream);
      const round = this.#roundOf(stream, from, nowMs);
      if (nowMs < round.askAtMs || asks.length >= ASKS_MAX) continue;
      this.#asks += 1;
      asks.push({ stream, number: this.#asks, from, next });
      round.askAtMs = nowMs + round.askAfterMs;
      round.askAfterMs = Math.min(ASK_EVERY_MS, round.askAfterMs * 2);
    }
    if (asks.length > 0) for (const recorder of this.#recorders.values()) recorder.askedMs ??= nowMs;
    for (const stream of this.#rounds.keys()) if (!waiting.has(stream)) this.#rounds.delete(stream);
    return asks;
  }

  /** What is to be sent again now, by stream; `undefined` while that is nothing, or more answers are expected. Taken: it is not given again. */
  takeWanted(nowMs: number): Map<number, NumberRanges> | undefined {
    if (nowMs < this.#gatherUntilMs) return undefined;
    this.#gatherUntilMs = Number.POSITIVE_INFINITY;
    this.#staleAsks = this.#asks;
    const wanted = new Map<number, NumberRanges>();
    for (const [stream, numbers] of this.#wanted) {
      const still = new NumberRanges();
      for (const { from, to } of numbers.ranges)
        for (const open of this.#ledger.openWithin(stream, from, to)) still.add(open.from, open.to);
      if (still.size === 0) continue;
      wanted.set(stream, still);
      const round = this.#rounds.get(stream);
      if (round === undefined) continue;
      round.againAtMs = nowMs + round.againAfterMs;
      round.againAfterMs = Math.min(AGAIN_MOST_MS, round.againAfterMs * 2);
    }
    this.#wanted.clear();
    return wanted.size > 0 ? wanted : undefined;
  }

  /** The hosts of the recorders that are there, as far as they were heard or not asked since. */
  recorderHosts(nowMs: number): string[] {
    const hosts = new Set<string>();
    for (const { host, askedMs } of this.#recorders.values()) if (isThere(askedMs, nowMs)) hosts.add(host);
    return [...hosts].sort();
  }

  #roundOf(stream: number, floor: number, nowMs: number): StreamRound {
    const known = this.#rounds.get(stream);
    if (known !== undefined && known.floor === floor) return known;
    const round = {
      floor,
      askAtMs: nowMs + ASK_AFTER_MS,
      askAfterMs: ASK_AFTER_MS,
      againAtMs: nowMs,
      againAfterMs: AGAIN_FIRST_MS,
    };
    this.#rounds.set(stream, round);
    return round;
  }

  #want(stream: number, from: number, to: number, nowMs: number): void {
    const round = this.#rounds.get(stream);
    if (round !== undefined && nowMs < round.againAtMs) return;
    const wanted = this.#wanted.get(stream) ?? new NumberRanges();
    this.#wanted.set(stream, wanted);
    wanted.add(from, to);
    wanted.keepLowest(WANTED_RANGES_MAX);
    if (this.#gatherUntilMs === Number.POSITIVE_INFINITY) this.#gatherUntilMs = nowMs + GATHER_MS;
  }

  /** Whether it is one that was not there. */
  #note({ recorder, host }: Ack, nowMs: number): boolean {
    const known = this.#recorders.get(recorder);
    if (known !== undefined && known.host === host) {
      const isNew = !isThere(known.askedMs, nowMs);
      known.askedMs = undefined;
      return isNew;
    }
    this.#recorders.set(recorder, { host, askedMs: undefined });
    if (this.#recorders.size > RECORDERS_MAX) this.#recorders.delete(this.#recorders.keys().next().value!);
    return true;
  }
}

function isThere(askedMs: number | undefined, nowMs: number): boolean {
  return askedMs === undefined || nowMs - askedMs < RECORDER_MS;
}
