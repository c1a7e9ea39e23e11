// "message repeated 7 times: [...]": what a program says again and again, said once, and how often. By sender, so that two who take turns are both seen.
import type { Origin, RecordView } from "../syslog/record.ts";

/** A message of ours in a sender's name. */
export interface Summary {
  readonly bytes: Uint8Array;
  readonly origin: Origin;
  readonly pid: number;
  readonly uid: number;
}

const SENDERS_MAX = 1_024;
/** Nobody waits longer to hear of repetitions, however long they go on. */
const TOLD_EVERY_MS = 30_000;

/** What a sender said last. */
interface Last {
  readonly pri: number;
  readonly text: Uint8Array;
  readonly head: string;
  readonly origin: Origin;
  readonly pid: number;
  readonly uid: number;
  sinceMs: number;
  times: number;
}

export class Repeats {
  /** Records that were left out, since the start. */
  held = 0;
  readonly #lasts = new Map<string, Last>();

  /** Whether a record repeats the last one of its sender. Where it does not, what has to be said before it goes to `tell`. */
  isRepeat(record: RecordView, nowMs: number, tell: (summary: Summary) => void): boolean {
    const sender = `${record.hostText()} ${record.appText()} ${record.procidText()}`;
    const last = this.#lasts.get(sender);
    if (last !== undefined && isSame(last, record)) {
      if (last.times === 0) last.sinceMs = nowMs;
      last.times += 1;
      this.held += 1;
      return true;
    }
    if (last !== undefined) tellOf(last, tell);
    if (last === undefined && this.#lasts.size >= SENDERS_MAX) this.#forgetOldest(tell);
    this.#lasts.set(sender, lastOf(record, nowMs));
    return false;
  }

  /** Tells what has waited long enough; with `all`, at the end, what waits. */
  due(nowMs: number, tell: (summary: Summary) => void, all = false): void {
    for (const last of this.#lasts.values()) {
      if (!all && Math.abs(nowMs - last.sinceMs) < TOLD_EVERY_MS) continue;
      tellOf(last, tell);
      last.sinceMs = nowMs;
    }
  }

  #forgetOldest(tell: (summary: Summary) => void): void {
    const [sender, last] = this.#lasts.entries().next().value!;
    this.#lasts.delete(sender);
    tellOf(last, tell);
  }
}

function lastOf(record: RecordView, nowMs: number): Last {
  const field = (text: string) => (text === "" ? "-" : text);
  const head = `${field(record.hostText())} ${field(record.appText())} ${field(record.procidText())}`;
  const { pri, origin, pid, uid } = record;
  const text = record.bytes.slice(record.msgStart, record.msgEnd);
  return { pri, text, head, origin, pid, uid, sinceMs: nowMs, times: 0 };
}

function isSame(last: Last, record: RecordView): boolean {
  const { bytes, msgStart, msgEnd } = record;
  if (last.pri !== record.pri || last.text.length !== msgEnd - msgStart) return false;
  for (let at = 0; at < last.text.length; at++) if (last.text[at] !== bytes[msgStart + at]) return false;
  return true;
}

/** RFC 5424, which is read alike from every source, without a time: when it is said is when it counts. */
function tellOf(last: Last, tell: (summary: Summary) => void): void {
  const { pri, head, text, times, origin, pid, uid } = last;
  if (times === 0) return;
  last.times = 0;
  const often = times === 1 ? "once" : `${times} times`;
  const before = new TextEncoder().encode(`<${pri}>1 - ${head} - - message repeated ${often}: [`);
  const bytes = new Uint8Array(before.length + text.length + 1);
  bytes.set(before);
  bytes.set(text, before.length);
  bytes[bytes.length - 1] = 0x5d;
  tell({ bytes, origin, pid, uid });
}
