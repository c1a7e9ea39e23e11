// A spool as the sender's queue uses it, on a disk that outlives the process: what was written stays, what was not is gone with it. Reading takes time.
import type { Random } from "../../../lib/base/random.ts";
import type { KeptRecords } from "../../../lib/sink/acked-queue.ts";
import type { TakeSpooled } from "../../../lib/sink/io/spool.ts";
import { SpoolEntry } from "../../../lib/sink/spool-entry.ts";
import type { Clockwork } from "../clockwork.ts";

export interface Kept {
  readonly stream: string;
  readonly number: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** What a crash leaves. */
export class Platter {
  records: Kept[] = [];
  /** The first that is wanted. It is written behind the records, and may be old. */
  cursor = 0;
  next = 0;
}

export interface DiskOptions {
  readonly platter: Platter;
  readonly clock: Clockwork;
  readonly random: Random;
  readonly streamName: (stream: number) => string;
  readonly streamOf: (name: string) => number | undefined;
  readonly isAlive: () => boolean;
  /** These are not wanted any more. */
  readonly onFreed: (records: readonly Kept[]) => void;
}

export class Disk implements KeptRecords {
  nextSequence: number;
  readSequence: number;
  readonly isPendingFull = false;
  readonly isPressed = false;
  #pending: Kept[] = [];
  #confirmed: number;

  constructor(private readonly options: DiskOptions) {
    const { platter } = options;
    platter.records = platter.records.filter(({ sequence }) => sequence >= platter.cursor);
    this.nextSequence = Math.max(platter.cursor, (platter.records.at(-1)?.sequence ?? -1) + 1);
    this.readSequence = this.#confirmed = platter.records[0]?.sequence ?? this.nextSequence;
  }

  get unread(): number {
    return this.nextSequence - this.readSequence;
  }

  get unwritten(): number {
    return this.#pending.length;
  }

  get firstSequence(): number {
    return Math.min(this.#confirmed, this.nextSequence);
  }

  append(stream: number, number: number, bytes: Uint8Array, start: number, end: number): number {
    const sequence = this.nextSequence;
    this.nextSequence += 1;
    this.#pending.push({ stream: this.options.streamName(stream), number, sequence, bytes: bytes.slice(start, end) });
    return sequence;
  }

  writeNow(): void {
    this.options.platter.records.push(...this.#pending);
    this.#pending = [];
  }

  skipTo(sequence: number): void {
    this.readSequence = Math.max(this.readSequence, sequence);
  }

  rewind(): void {
    this.readSequence = this.#confirmed;
  }

  read(take: TakeSpooled): Promise<void> {
    const { clock, random, isAlive } = this.options;
    let onRead: () => void = () => {};
    const step = (): void => {
      if (!isAlive()) return;
      if (this.#readSome(take, 1 + Math.floor(random() * 20))) clock.after(random() * 5, step);
      else onRead();
    };
    clock.after(random() * 5, step);
    // Promises would have their turns where no seed decides. Who reads only waits for the end.
    // biome-ignore lint/suspicious/noThenProperty: it stands for a promise
    return { then: (then: () => void) => (onRead = then) } as unknown as Promise<void>;
  }

  confirm(sequence: number): void {
    if (sequence < this.#confirmed) return;
    const { platter, clock, random, onFreed } = this.options;
    const first = platter.records[0]?.sequence ?? 0;
    onFreed(platter.records.slice(this.#confirmed - first, sequence + 1 - first));
    this.#confirmed = sequence + 1;
    this.readSequence = Math.max(this.readSequence, this.#confirmed);
    const to = this.#confirmed;
    clock.after(random() * 50, () => {
      if (this.options.isAlive()) platter.cursor = Math.max(platter.cursor, to);
    });
  }

  async close(): Promise<void> {}

  /** Sequences have no gaps here. */
  #at(sequence: number): Kept | undefined {
    const { records } = this.options.platter;
    const index = sequence - (records[0] ?? this.#pending[0] ?? { sequence }).sequence;
    return index < records.length ? records[index] : this.#pending[index - records.length];
  }

  /** False where `take` has no room, or there is nothing more. */
  #readSome(take: TakeSpooled, count: number): boolean {
    const entry = new SpoolEntry();
    for (; count > 0; count--) {
      const found = this.#at(this.readSequence);
      if (found === undefined) return false;
      const stream = this.options.streamOf(found.stream);
      if (stream === undefined) throw new Error("no room for a stream");
      Object.assign(entry, { number: found.number, sequence: found.sequence, start: 0, end: found.bytes.length });
      if (!take(stream, entry, found.bytes)) return false;
      this.readSequence = found.sequence + 1;
    }
    return true;
  }
}
