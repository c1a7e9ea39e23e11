// What an archive stores together: up to BLOCK_RECORDS_FULL records, one behind the other, as they lay in their messages.
//
//   header    32 bytes: magic, records, entries, bytes of names, bytes of records; three words are 0
//   records   each: its time (8 bytes), its length and where its message text begins (4 each), its PRI (1), in a column each
//   entries   runs of records that came by one stream, consecutively numbered: number of the first, when it came, which name, how many records
//   names     "GROUP SENDER HOST INCARNATION", one a line; of raw text, which has no numbers, the last two are "-"
//   bytes     of the records
//
// Columns in this order, all little-endian, those of 8 bytes first:  times, firsts, arrivals, lengths, texts, entry names, entry counts, PRIs, names, bytes.
// A block is compressed as a whole where it is stored. What is read is checked once, here: whatever stands in the file, nothing is read beside the block.
import { Fault } from "../base/fault.ts";

/** A block that has so many records, or bytes of them, takes no more. */
export const BLOCK_RECORDS_FULL = 512;
export const BLOCK_BYTES_FULL = 262_144;
/** No block has more: a record is at most 64 KiB, and one may come on top. */
export const BLOCK_BYTES_MAX = 1_048_576;

const MAGIC = 0x31626473;
const HEADER_BYTES = 32;
/** Of a record in the columns. */
const RECORD_COLUMNS_BYTES = 8 + 4 + 4 + 1;
const ENTRY_COLUMNS_BYTES = 8 + 8 + 4 + 4;

/** Whose a run of records is. */
export interface EntryName {
  readonly group: string;
  readonly sender: string;
  /** "" for raw text. */
  readonly host: string;
  readonly incarnation: string;
}

/** Fills a block. */
export class BlockBuilder {
  records = 0;
  end = 0;
  minUs = Number.POSITIVE_INFINITY;
  maxUs = Number.NEGATIVE_INFINITY;
  /** Bit n: severity, facility n occurs. */
  severities = 0;
  facilities = 0;
  bytes = new Uint8Array(BLOCK_BYTES_FULL + 65_536);
  readonly #times: Float64Array<ArrayBuffer>;
  readonly #lengths: Uint32Array<ArrayBuffer>;
  readonly #texts: Uint32Array<ArrayBuffer>;
  readonly #pris: Uint8Array<ArrayBuffer>;
  #entries = 0;
  readonly #firsts: Float64Array<ArrayBuffer>;
  readonly #arrivals: Float64Array<ArrayBuffer>;
  readonly #entryNames: Uint32Array<ArrayBuffer>;
  readonly #counts: Uint32Array<ArrayBuffer>;
  readonly #names = new Map<string, number>();
  /** The run that is open. */
  #name = "";
  #next = 0;

  constructor(readonly recordsMax = BLOCK_RECORDS_FULL) {
    this.#times = new Float64Array(recordsMax);
    this.#lengths = new Uint32Array(recordsMax);
    this.#texts = new Uint32Array(recordsMax);
    this.#pris = new Uint8Array(recordsMax);
    this.#firsts = new Float64Array(recordsMax);
    this.#arrivals = new Float64Array(recordsMax);
    this.#entryNames = new Uint32Array(recordsMax);
    this.#counts = new Uint32Array(recordsMax);
  }

  get isEmpty(): boolean {
    return this.records === 0;
  }

  get isFull(): boolean {
    return this.records >= this.recordsMax || this.end >= BLOCK_BYTES_FULL;
  }

  /** Empties it for the next block. */
  clear(): void {
    this.records = 0;
    this.end = 0;
    this.minUs = Number.POSITIVE_INFINITY;
    this.maxUs = Number.NEGATIVE_INFINITY;
    this.severities = 0;
    this.facilities = 0;
    this.#entries = 0;
    this.#names.clear();
    this.#name = "";
  }

  /**
   * Appends the record at [start, end) of `from`. Not to be called when the block is full.
   * @param name   as `entryName` writes it
   * @param number 0 for raw text
   * @param textStart where in `from` its message text begins
   */
  append(
    name: string,
    number: number,
    arrivalUs: number,
    timeUs: number,
    pri: number,
    from: Uint8Array,
    start: number,
    end: number,
    textStart: number,
  ): void {
    const length = end - start;
    if (this.end + length > this.bytes.length) this.#grow(this.end + length);
    this.bytes.set(start === 0 && end === from.length ? from : from.subarray(start, end), this.end);
    const index = this.records++;
    this.#times[index] = timeUs;
    this.#lengths[index] = length;
    this.#texts[index] = textStart - start;
    this.#pris[index] = pri;
    this.end += length;
    if (timeUs < this.minUs) this.minUs = timeUs;
    if (timeUs > this.maxUs) this.maxUs = timeUs;
    this.severities |= 1 << (pri & 7);
    this.facilities |= 1 << (pri >> 3);
    // A text keeps the time of its arrival: there is no other.
    if (name !== this.#name || number !== this.#next || number === 0) this.#begin(name, number, arrivalUs);
    else this.#counts[this.#entries - 1]! += 1;
    this.#next = number + 1;
  }

  /** The block as bytes, not compressed. */
  encode(): Uint8Array<ArrayBuffer> {
    const { records } = this;
    const entries = this.#entries;
    const names = new TextEncoder().encode([...this.#names.keys()].join("\n"));
    const columns = records * RECORD_COLUMNS_BYTES + entries * ENTRY_COLUMNS_BYTES;
    const out = new Uint8Array(HEADER_BYTES + columns + names.length + this.end);
    new Uint32Array(out.buffer, 0, 5).set([MAGIC, records, entries, names.length, this.end]);
    let at = HEADER_BYTES;
    const put = (column: Float64Array | Uint32Array | Uint8Array, count: number) => {
      out.set(new Uint8Array(column.buffer, 0, count * column.BYTES_PER_ELEMENT), at);
      at += count * column.BYTES_PER_ELEMENT;
    };
    put(this.#times, records);
    put(this.#firsts, entries);
    put(this.#arrivals, entries);
    put(this.#lengths, records);
    put(this.#texts, records);
    put(this.#entryNames, entries);
    put(this.#counts, entries);
    put(this.#pris, records);
    put(names, names.length);
    put(this.bytes, this.end);
    return out;
  }

  #begin(name: string, number: number, arrivalUs: number): void {
    let index = this.#names.get(name);
    if (index === undefined) {
      index = this.#names.size;
      this.#names.set(name, index);
    }
    const entry = this.#entries++;
    this.#name = name;
    this.#firsts[entry] = number;
    this.#arrivals[entry] = arrivalUs;
    this.#entryNames[entry] = index;
    this.#counts[entry] = 1;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(bytes * 2);
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }
}

/** None of the four may hold a space or a line feed: names that Spread takes don't. */
export function entryName({ group, sender, host, incarnation }: EntryName): string {
  return `${group} ${sender} ${host || "-"} ${incarnation || "-"}`;
}

/** A block that was read. */
export class BlockView {
  readonly records: number;
  readonly times: Float64Array;
  readonly pris: Uint8Array;
  /** Record `index` lies at [starts[index], starts[index + 1]) of `bytes`. */
  readonly starts: Uint32Array;
  /** Where the message text of a record begins, in `bytes`. */
  readonly texts: Uint32Array;
  readonly bytes: Uint8Array;
  readonly entries: readonly Entry[];

  /** @throws {Fault} kind "data", code "block": it is none */
  constructor(block: Uint8Array) {
    if (block.length < HEADER_BYTES) throw broken("it is cut");
    const whole = block.byteOffset % 8 === 0 ? block : block.slice();
    const { buffer } = whole;
    let at = whole.byteOffset;
    const [magic, records, entries, nameBytes, recordBytes] = new Uint32Array(buffer, at, 5) as unknown as Header;
    const wanted =
      HEADER_BYTES + records * RECORD_COLUMNS_BYTES + entries * ENTRY_COLUMNS_BYTES + nameBytes + recordBytes;
    if (magic !== MAGIC) throw broken("another form");
    if (wanted !== whole.length || entries > records) throw broken(`${whole.length} bytes for ${records} records`);
    at += HEADER_BYTES;
    const doubles = (count: number) => {
      at += count * 8;
      return new Float64Array(buffer, at - count * 8, count);
    };
    const words = (count: number) => {
      at += count * 4;
      return new Uint32Array(buffer, at - count * 4, count);
    };
    const octets = (count: number) => {
      at += count;
      return new Uint8Array(buffer, at - count, count);
    };
    this.records = records;
    this.times = doubles(records);
    const firsts = doubles(entries);
    const arrivals = doubles(entries);
    const lengths = words(records);
    const texts = words(records);
    const entryNames = words(entries);
    const counts = words(entries);
    this.pris = octets(records);
    const lines = nameBytes === 0 ? [] : new TextDecoder("latin1").decode(octets(nameBytes)).split("\n");
    const names = lines.map(readName);
    this.bytes = octets(recordBytes);
    this.starts = new Uint32Array(records + 1);
    this.texts = new Uint32Array(records);
    let end = 0;
    for (let index = 0; index < records; index++) {
      if (texts[index]! > lengths[index]!) throw broken("a text begins behind its record");
      this.texts[index] = end + texts[index]!;
      end += lengths[index]!;
      if (end > recordBytes) break;
      this.starts[index + 1] = end;
    }
    if (end !== recordBytes) throw broken("its records do not fill it");
    let from = 0;
    this.entries = Array.from(counts, (count, index) => {
      const name = names[entryNames[index]!];
      const first = firsts[index]!;
      if (name === undefined || !Number.isSafeInteger(first) || first < 0) throw broken("an entry of nobody");
      from += count;
      return { ...name, first, arrivalUs: arrivals[index]!, from: from - count, to: from };
    });
    if (from !== records) throw broken("its entries do not cover it");
  }
}

/** Records `from` up to, not with, `to` of a block: of one stream, consecutively numbered from `first` on. */
export interface Entry extends EntryName {
  /** 0 for raw text. */
  readonly first: number;
  /** When it came to who wrote the block: microseconds since 1970. */
  readonly arrivalUs: number;
  readonly from: number;
  readonly to: number;
}

type Header = readonly [number, number, number, number, number];

function readName(line: string): EntryName {
  const [group = "", sender = "", host = "", incarnation = "", ...more] = line.split(" ");
  if (group === "" || host === "" || incarnation === "" || more.length > 0) throw broken("a name that is none");
  return { group, sender, host: host === "-" ? "" : host, incarnation: incarnation === "-" ? "" : incarnation };
}

function broken(found: string): Fault {
  return new Fault("data", "block", `cannot read block: ${found}`);
}
