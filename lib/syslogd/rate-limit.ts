// Bounds on what one sender may say: so many records within so long, and the rest is held back and reported. A loud one silences nobody else, and senders that
// make up names cost no memory: when there are too many, the new ones share one allowance.
import { parseDuration } from "../base/duration.ts";
import { Fault } from "../base/fault.ts";

export interface RateRule {
  readonly recordsMax: number;
  readonly withinMs: number;
}

export const RATE_FORM = 'records and a time, such as "1000/5s"';

/** @throws {Fault} kind "config", code "rate" */
export function parseRate(text: string): RateRule {
  const [, digits, within] = /^(\d{1,9})\/(\S+)$/.exec(text) ?? [];
  const recordsMax = Number(digits);
  const withinMs = within === undefined ? 0 : parseDuration(/^\d/.test(within) ? within : `1${within}`);
  if (digits !== undefined && recordsMax > 0 && withinMs > 0) return { recordsMax, withinMs };
  throw new Fault("config", "rate", `cannot read rate ${JSON.stringify(text)}: expected ${RATE_FORM}`);
}

/** What was held back of a sender in one stretch of time. */
export interface Held {
  readonly sender: string;
  readonly records: number;
}

const SENDERS_MAX = 4_096;
const OTHERS = "senders too many to tell apart";

class Window {
  taken = 0;
  held = 0;

  constructor(public startMs: number) {}
}

export class RateLimit {
  /** Of all senders, since the start. */
  held = 0;
  readonly #windows = new Map<string, Window>();
  #reports: Held[] = [];

  constructor(readonly rule: RateRule) {}

  /** Whether a record of this sender may pass. */
  admits(sender: string, nowMs: number): boolean {
    const window = this.#windowOf(sender, nowMs);
    if (this.#hasPassed(window, nowMs)) this.#begin(sender, window, nowMs);
    if (window.taken < this.rule.recordsMax) {
      window.taken += 1;
      return true;
    }
    window.held += 1;
    this.held += 1;
    return false;
  }

  /** What was held back in times that are over, each told once; asked now and then. */
  due(nowMs: number): readonly Held[] {
    for (const [sender, window] of this.#windows) {
      if (!this.#hasPassed(window, nowMs)) continue;
      this.#begin(sender, window, nowMs);
      this.#windows.delete(sender);
    }
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  #windowOf(sender: string, nowMs: number): Window {
    const known = this.#windows.get(sender);
    if (known !== undefined) return known;
    const key = this.#windows.size < SENDERS_MAX ? sender : OTHERS;
    const shared = this.#windows.get(key) ?? new Window(nowMs);
    this.#windows.set(key, shared);
    return shared;
  }

  /** A clock that went back ends it too. */
  #hasPassed(window: Window, nowMs: number): boolean {
    return nowMs >= window.startMs + this.rule.withinMs || nowMs < window.startMs;
  }

  #begin(sender: string, window: Window, nowMs: number): void {
    if (window.held > 0) this.#reports.push({ sender, records: window.held });
    window.startMs = nowMs;
    window.taken = 0;
    window.held = 0;
  }
}
