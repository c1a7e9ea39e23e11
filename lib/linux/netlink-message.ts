// Netlink messages as bytes, written and read. Numbers are in the machine's order (little-endian on all we build for), every part begins at a multiple of 4.
//
//   header (16): length (4), type (2), flags (2), sequence (4), port (4); a body of fixed length; then attributes:
//   length (2) without padding, type (2), value.

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;
/** Set in a dump during which something changed. */
export const NLM_F_DUMP_INTR = 0x10;

export const HEADER_BYTES = 16;
const ATTRIBUTE_HEADER_BYTES = 4;
/** The two high bits of an attribute's type say how it is to be read. */
const TYPE_MASK = 0x3fff;

const aligned = (length: number): number => (length + 3) & ~3;

/** Writes messages one behind the other, into memory that grows. */
export class NetlinkWriter {
  #bytes = new Uint8Array(4_096);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #messageAt = 0;

  get length(): number {
    return this.#end;
  }

  /** What was written since `clear`. Good until the next call. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = 0;
  }

  /** Begins a message; `body` follows its header. */
  begin(type: number, flags: number, sequence: number, body: Uint8Array): void {
    this.#room(HEADER_BYTES + aligned(body.length));
    const at = this.#end;
    this.#messageAt = at;
    this.#view.setUint16(at + 4, type, true);
    this.#view.setUint16(at + 6, flags | NLM_F_REQUEST, true);
    this.#view.setUint32(at + 8, sequence, true);
    this.#view.setUint32(at + 12, 0, true);
    this.#bytes.set(body, at + HEADER_BYTES);
    this.#end = at + HEADER_BYTES + aligned(body.length);
    this.#close();
  }

  attribute(type: number, value: Uint8Array): void {
    const length = ATTRIBUTE_HEADER_BYTES + value.length;
    this.#room(aligned(length));
    const at = this.#end;
    this.#view.setUint16(at, length, true);
    this.#view.setUint16(at + 2, type, true);
    this.#bytes.fill(0, at + length, at + aligned(length));
    this.#bytes.set(value, at + ATTRIBUTE_HEADER_BYTES);
    this.#end = at + aligned(length);
    this.#close();
  }

  /** Writes a message once more that was written before, under another number. */
  again(message: Uint8Array, flags: number, sequence: number): void {
    this.#room(message.length);
    const at = this.#end;
    this.#bytes.set(message, at);
    this.#view.setUint16(at + 6, flags | NLM_F_REQUEST, true);
    this.#view.setUint32(at + 8, sequence, true);
    this.#end = at + message.length;
  }

  #close(): void {
    this.#view.setUint32(this.#messageAt, this.#end - this.#messageAt, true);
  }

  #room(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#end + more));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** One message where it lies. Refilled by each `next`. */
export class NetlinkReader {
  type = 0;
  flags = 0;
  sequence = 0;
  /** Of what follows the header. */
  bodyStart = 0;
  end = 0;
  #next = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #limit = 0;

  /** Reads from `start` to `limit` of these bytes next. */
  open(bytes: Uint8Array, start: number, limit: number): void {
    if (this.#bytes !== bytes) this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#bytes = bytes;
    this.#next = start;
    this.#limit = limit;
  }

  /** Goes to the next message; `false` where there is none, or what is left is none. */
  next(): boolean {
    const at = this.#next;
    if (this.#limit - at < HEADER_BYTES) return false;
    const length = this.#view.getUint32(at, true);
    if (length < HEADER_BYTES || length > this.#limit - at) return false;
    this.type = this.#view.getUint16(at + 4, true);
    this.flags = this.#view.getUint16(at + 6, true);
    this.sequence = this.#view.getUint32(at + 8, true);
    this.bodyStart = at + HEADER_BYTES;
    this.end = at + length;
    this.#next = at + aligned(length);
    return true;
  }

  /** Of the body; 0 behind its end, as a kernel that knows less would leave it out. */
  u8(offset: number): number {
    const at = this.bodyStart + offset;
    return at < this.end ? this.#bytes[at]! : 0;
  }

  u16(offset: number): number {
    return this.u8(offset) | (this.u8(offset + 1) << 8);
  }

  u32(offset: number): number {
    return (this.u16(offset) | (this.u16(offset + 2) << 16)) >>> 0;
  }

  i32(offset: number): number {
    return this.u32(offset) | 0;
  }

  /** Calls `take` with the type of each attribute behind a body of so many bytes, and where its value lies in the message's bytes. */
  attributes(bodyBytes: number, take: (type: number, start: number, end: number) => void): void {
    let at = this.bodyStart + aligned(bodyBytes);
    while (this.end - at >= ATTRIBUTE_HEADER_BYTES) {
      const length = this.#view.getUint16(at, true);
      if (length < ATTRIBUTE_HEADER_BYTES || length > this.end - at) return;
      take(this.#view.getUint16(at + 2, true) & TYPE_MASK, at + ATTRIBUTE_HEADER_BYTES, at + length);
      at += aligned(length);
    }
  }

  /** A copy. */
  slice(start: number, end: number): Uint8Array {
    return this.#bytes.slice(start, end);
  }

  /** A number of an attribute's value, of 1, 2 or 4 bytes. */
  number(start: number, end: number): number {
    if (end - start >= 4) return this.#view.getUint32(start, true);
    return end - start >= 2 ? this.#view.getUint16(start, true) : end > start ? this.#bytes[start]! : 0;
  }

  /** Text up to the NUL. */
  text(start: number, end: number): string {
    let stop = start;
    while (stop < end && this.#bytes[stop] !== 0) stop++;
    return new TextDecoder("latin1").decode(this.#bytes.subarray(start, stop));
  }
}
