// The queue of a sink that takes lines: records are written in their final form into large blocks, and each block goes out in one write.
//
// The blocks of all sinks come from one pool: a sink with nothing to write holds no memory, be there thousands of them.
import type { Format } from "../syslog/format.ts";
import type { RecordView } from "../syslog/record.ts";

/** One write. Large enough that its cost is that of the bytes alone. */
const BLOCK_BYTES = 131_072;
const FREE_BLOCKS_MAX = 32;
const LF = 10;

/** Whole lines, one record each. */
export class Block {
  end = 0;
  records = 0;
  /** Holds a record that is to be on the disk at once. */
  isUrgent = false;

  constructor(readonly bytes: Uint8Array) {}
}

/** Blocks that nobody uses now. One for all sinks of a process. */
export class BlockPool {
  readonly #free: Block[] = [];

  /** An empty block with at least `bytes` of room. */
  take(bytes: number): Block {
    const block = bytes <= BLOCK_BYTES ? this.#free.pop() : undefined;
    return block ?? new Block(new Uint8Array(Math.max(BLOCK_BYTES, bytes)));
  }

  give(block: Block): void {
    if (block.bytes.length !== BLOCK_BYTES || this.#free.length >= FREE_BLOCKS_MAX) return;
    block.end = 0;
    block.records = 0;
    block.isUrgent = false;
    this.#free.push(block);
  }
}

export class LineQueue {
  readonly #blocks: Block[] = [];
  #filling: Block | undefined;
  #bytes = 0;
  #records = 0;

  /** @param bytesMax what may wait at most; one line may go over it */
  constructor(
    readonly bytesMax: number,
    private readonly format: Format,
    private readonly pool: BlockPool,
    /** Records of this severity, and of graver ones, are urgent; -1: none are. */
    private readonly urgentSeverity = -1,
  ) {}

  /** Records that wait, those of blocks taken and not yet `done` too. */
  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there is so much that waiting for more is of no use, or would fill the queue. */
  get isPressing(): boolean {
    return this.#blocks.length > 0 || this.#bytes > this.bytesMax / 4;
  }

  /** Appends a record as a line; false where the queue is full. */
  push(record: RecordView): boolean {
    if (this.#bytes >= this.bytesMax) return false;
    const block = this.#roomFor(this.format.bound(record) + 1);
    this.#end(block, this.format.write(record, block.bytes, block.end), record.pri & 7);
    return true;
  }

  /** Appends a record that is a line already, without its line end; false where the queue is full. */
  pushLine(line: Uint8Array, severity: number): boolean {
    if (this.#bytes >= this.bytesMax) return false;
    const block = this.#roomFor(line.length + 1);
    block.bytes.set(line, block.end);
    this.#end(block, block.end + line.length, severity);
    return true;
  }

  /** Appends whole lines, with their line ends, however full it is. The bytes are not copied. */
  pushLines(bytes: Uint8Array, records: number, isUrgent: boolean): void {
    const block = new Block(bytes);
    block.end = bytes.length;
    block.records = records;
    block.isUrgent = isUrgent;
    if (this.#filling !== undefined) this.#blocks.push(this.#filling);
    this.#filling = undefined;
    this.#blocks.push(block);
    this.#bytes += bytes.length;
    this.#records += records;
  }

  /** The oldest block, to be written and then given back by `done`. */
  take(): Block | undefined {
    const block = this.#blocks.shift() ?? this.#filling;
    if (block === this.#filling) this.#filling = undefined;
    return block;
  }

  done(block: Block): void {
    this.#bytes -= block.end;
    this.#records -= block.records;
    this.pool.give(block);
  }

  /** A record was written into the block, up to `end`. */
  #end(block: Block, end: number, severity: number): void {
    block.bytes[end] = LF;
    this.#bytes += end + 1 - block.end;
    block.end = end + 1;
    block.records += 1;
    if (severity <= this.urgentSeverity) block.isUrgent = true;
    this.#records += 1;
  }

  #roomFor(bytes: number): Block {
    const filling = this.#filling;
    if (filling !== undefined && filling.end + bytes <= filling.bytes.length) return filling;
    if (filling !== undefined) this.#blocks.push(filling);
    this.#filling = this.pool.take(bytes);
    return this.#filling;
  }
}
