// Takes the kernel's messages from /dev/kmsg. It knows no SIGIO, so it is asked several times a second; a read that finds nothing costs a microsecond.
//
// How far they were read is kept in a file, so that a restart repeats nothing and knows what it missed. The file is written behind what was taken, not before:
// a crash in between repeats a few messages rather than losing them. Its place is /run: it means nothing after the host's next start.
//
// A message that the kernel said in pieces comes in several records; the pieces are joined if they are there when the first is read.
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { reasonOf } from "../../base/system-reason.ts";
import type { Clock } from "../../run/clock.ts";
import { parseMessage } from "../../syslog/parse.ts";
import type { ParseRules } from "../../syslog/parse-rules.ts";
import { origin, RecordView } from "../../syslog/record.ts";
import { formatKernelPosition, KernelSequence, tryKernelPosition } from "../kernel-position.ts";
import { KERNEL_RECORD_BYTES_MAX, KernelRecord, readKernelRecord } from "../kernel-record.ts";
import type { Intake } from "./datagram-source.ts";

const PATH = "/dev/kmsg";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const ASK_EVERY_MS = 200;
/** So many records at a time; others get their turn, and the rest is taken soon after. */
const RECORDS_A_TURN = 256;

export interface KernelSourceOptions {
  readonly host: string;
  readonly rules: ParseRules;
  readonly clock: Clock;
  readonly intake: Intake;
  /** Where the number of the last message is kept. */
  readonly statePath: string;
  readonly say: (severity: "warning" | "notice", text: string) => void;
}

export class KernelSource implements Disposable {
  received = 0;
  readonly fd: number;
  readonly #options: KernelSourceOptions;
  readonly #bytes = new Uint8Array(KERNEL_RECORD_BYTES_MAX);
  readonly #record = new RecordView();
  readonly #bootId = readFileSync(BOOT_ID, "latin1").trim();
  readonly #sequence: KernelSequence;
  readonly #timer: ReturnType<typeof setInterval>;
  /** The record that was read last, and another to read the next into. */
  #pending = new KernelRecord();
  #next = new KernelRecord();
  #isPending = false;
  #isClosed = false;
  #cannotKeep = false;
  readonly #readOn = (): void => this.#readAll();

  /**
   * @param handed /dev/kmsg as another process has read it, to its place
   * @throws where /dev/kmsg cannot be opened: it is root's, and missing in most containers
   */
  constructor(options: KernelSourceOptions, handed?: number) {
    this.#options = options;
    this.fd = handed ?? openSync(PATH, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#record.origin = origin("kernel", options.host);
    this.#sequence = new KernelSequence(savedPosition(options.statePath, this.#bootId));
    this.#timer = setInterval(this.#readOn, ASK_EVERY_MS);
    setImmediate(this.#readOn);
  }

  /** Messages that the kernel overwrote before they were read. */
  get missed(): number {
    return this.#sequence.missed;
  }

  /** Reads no more: its descriptor keeps its place, for another process. */
  pause(): void {
    if (this.#isClosed) return;
    this.#takePending();
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#readAll(); // what was said last is often why we end
    this.#isClosed = true;
    clearInterval(this.#timer);
    closeSync(this.fd);
  }

  #readAll(): void {
    if (this.#isClosed) return;
    const before = this.#sequence.next;
    try {
      let reads = 0;
      while (reads < RECORDS_A_TURN && this.#readOne()) reads += 1;
      if (reads === RECORDS_A_TURN) setImmediate(this.#readOn);
      else this.#takePending();
    } catch (error) {
      this.#isClosed = true;
      clearInterval(this.#timer);
      closeSync(this.fd);
      this.#options.say("warning", `${PATH}: cannot be read any more: ${reasonOf(error)}`);
    }
    if (this.#sequence.next === before) return;
    this.#options.intake.turnEnded();
    this.#keepPosition();
  }

  /** False where nothing waits. */
  #readOne(): boolean {
    let length: number;
    try {
      length = readSync(this.fd, this.#bytes);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") return false;
      if (code === "EPIPE") return true; // the record we were at was overwritten: the next read gives the oldest there is, and its number tells how many
      throw error;
    }
    if (readKernelRecord(this.#bytes, length, this.#next)) this.#takeNext();
    return true;
  }

  #takeNext(): void {
    const next = this.#next;
    const missed = this.#sequence.take(next.sequence);
    if (missed < 0) return;
    if (missed > 0) {
      const count = missed === 1 ? "1 of the kernel's messages was" : `${missed} of the kernel's messages were`;
      this.#options.say("warning", `${PATH}: ${count} overwritten unread`);
    }
    if (next.isContinuation && this.#isPending && missed === 0) {
      this.#pending.append(next);
      return;
    }
    this.#takePending();
    this.#next = this.#pending;
    this.#pending = next;
    this.#isPending = true;
  }

  #takePending(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    const { bytes, end, monotonicUs } = this.#pending;
    const { clock, rules, intake } = this.#options;
    const record = this.#record;
    const wallMs = clock.wallMs();
    record.receivedUs = wallMs * 1_000;
    parseMessage(record, bytes, 0, end, rules);
    // The kernel counts from its start; where the wall clock stands now tells when that was.
    record.timeUs = Math.round((wallMs - clock.monotonicMs()) * 1_000 + monotonicUs);
    record.zoneMinutes = rules.zone(record.timeUs / 1_000);
    this.received += 1;
    intake.take(record);
  }

  /** In place, by one write that covers all that was there: once root is left the file is ours, its directory is not. It need not outlive the host. */
  #keepPosition(): void {
    const { statePath, say } = this.#options;
    try {
      const fd = openSync(statePath, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
      try {
        const text = formatKernelPosition({ bootId: this.#bootId, next: this.#sequence.next });
        writeSync(fd, text, 0);
        ftruncateSync(fd, text.length);
      } finally {
        closeSync(fd);
      }
      this.#cannotKeep = false;
    } catch (error) {
      if (!this.#cannotKeep)
        say("warning", `${statePath}: a restart will repeat the kernel's messages: ${reasonOf(error)}`);
      this.#cannotKeep = true;
    }
  }
}

/** -1 where nothing is known: then all that the kernel still has is new. */
function savedPosition(path: string, bootId: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return tryKernelPosition(readFileSync(path, "latin1"), bootId)?.next ?? -1;
  } catch {
    return -1; // none was kept; whether one can be kept, the first attempt tells
  }
}
