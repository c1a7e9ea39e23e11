// Takes the kernel's messages from /dev/kmsg. It knows no SIGIO, so it is asked several times a second; a read that finds nothing costs a microsecond.
import { closeSync, constants, openSync, readSync } from "node:fs";
import type { Clock } from "../../run/clock.ts";
import { parseMessage } from "../../syslog/parse.ts";
import type { ParseRules } from "../../syslog/parse-rules.ts";
import { origin, RecordView } from "../../syslog/record.ts";
import { KERNEL_RECORD_BYTES_MAX, KernelRecord, readKernelRecord } from "../kernel-record.ts";
import type { Intake } from "./datagram-source.ts";

const PATH = "/dev/kmsg";
const ASK_EVERY_MS = 200;
/** So many records at a time; others get their turn, and the rest is taken soon after. */
const RECORDS_A_TURN = 256;

export interface KernelSourceOptions {
  readonly host: string;
  readonly rules: ParseRules;
  readonly clock: Clock;
  readonly intake: Intake;
  /** So many messages were overwritten by the kernel before we could read them. */
  readonly onMissed: (count: number) => void;
  /** Reading failed; nothing more will come. */
  readonly onEnd: (error: unknown) => void;
}

export class KernelSource implements Disposable {
  received = 0;
  missed = 0;
  readonly #fd = openSync(PATH, constants.O_RDONLY | constants.O_NONBLOCK);
  readonly #options: KernelSourceOptions;
  readonly #bytes = new Uint8Array(KERNEL_RECORD_BYTES_MAX);
  readonly #kernelRecord = new KernelRecord();
  readonly #record = new RecordView();
  readonly #timer: ReturnType<typeof setInterval>;
  /** The sequence number that comes next; -1 before the first. */
  #next = -1;
  #isClosed = false;

  /** @throws where /dev/kmsg cannot be opened: it is root's, and missing in most containers */
  constructor(options: KernelSourceOptions) {
    this.#options = options;
    this.#record.origin = origin("kernel", options.host);
    this.#timer = setInterval(() => this.#readAll(), ASK_EVERY_MS);
    setImmediate(() => this.#readAll());
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    closeSync(this.#fd);
  }

  #readAll(): void {
    if (this.#isClosed) return;
    try {
      let taken = 0;
      while (taken < RECORDS_A_TURN && this.#readOne()) taken += 1;
      if (taken > 0) this.#options.intake.turnEnded();
    } catch (error) {
      this[Symbol.dispose]();
      this.#options.onEnd(error);
    }
  }

  /** False where nothing waits. */
  #readOne(): boolean {
    let length: number;
    try {
      length = readSync(this.#fd, this.#bytes);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") return false;
      if (code === "EPIPE") return true; // the record we were at was overwritten: the next read gives the oldest there is
      throw error;
    }
    if (readKernelRecord(this.#bytes, length, this.#kernelRecord)) this.#take(this.#kernelRecord);
    return true;
  }

  #take({ bytes, end, sequence, monotonicUs }: KernelRecord): void {
    const { clock, rules, intake, onMissed } = this.#options;
    const record = this.#record;
    const wallMs = clock.wallMs();
    record.receivedUs = wallMs * 1_000;
    parseMessage(record, bytes, 0, end, rules);
    // The kernel counts from its start; where the wall clock stands now tells when that was.
    record.timeUs = Math.round((wallMs - clock.monotonicMs()) * 1_000 + monotonicUs);
    record.zoneMinutes = rules.zone(record.timeUs / 1_000);
    if (this.#next >= 0 && sequence > this.#next) {
      this.missed += sequence - this.#next;
      onMissed(sequence - this.#next);
    }
    this.#next = sequence + 1;
    this.received += 1;
    intake.take(record);
  }
}
