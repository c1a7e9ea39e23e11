// RFC 5424, in two manners:
//
//   own    for ourselves (groups, spools, archives): all that is known of a record, byte for byte, with own-element.ts for what the form can't say. Read back
//          with OWN_RULES it is the same record. Control characters stay, so it needs a frame that counts bytes. A header field may be longer than the
//          RFC allows, or not ASCII, where it was received so.
//   line   for others: within the RFC's limits, on one line, the time of receipt where none is claimed.
import type { Format } from "./format.ts";
import { ascii, ESCAPED_BYTES, writeBytes, writeConstant, writeLine, writeNumber } from "./output.ts";
import { boundOwnElement, writeOwnElement } from "./own-element.ts";
import { APP_BYTES_MAX, HOST_BYTES_MAX, MSGID_BYTES_MAX, PROCID_BYTES_MAX } from "./parse-5424.ts";
import type { RecordView } from "./record.ts";
import { ISO_BYTES_MAX, TimeWriter } from "./time-writer.ts";

const LESS = 0x3c;
const VERSION = ascii(">1 ");
const BOM = new Uint8Array([0xef, 0xbb, 0xbf]);
const SPACE = 0x20;
const MINUS = 0x2d;
const QUESTION = 0x3f;
const DEL = 0x7f;
/** PRI, version, spaces, and a byte order mark. */
const FRAME_BYTES = 24;

/** All that is known of a record, for ourselves. */
export class OwnFormat implements Format {
  readonly #times = new TimeWriter();

  bound(record: RecordView): number {
    const { end, start, origin } = record;
    return FRAME_BYTES + ISO_BYTES_MAX + boundOwnElement(record) + origin.hostBytes.length + (end - start);
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    const bytes = record.bytes;
    at = writePri(record, out, at);
    if (record.hasTime) at = this.#times.iso(out, at, record.timeUs, record.zoneMinutes);
    else out[at++] = MINUS;
    out[at++] = SPACE;
    if (record.hostStart < record.hostEnd) at = writeBytes(out, at, bytes, record.hostStart, record.hostEnd);
    else at = writeConstant(out, at, record.origin.hostBytes);
    at = writeOwnField(out, at, bytes, record.appStart, record.appEnd);
    at = writeOwnField(out, at, bytes, record.procidStart, record.procidEnd);
    at = writeOwnField(out, at, bytes, record.msgidStart, record.msgidEnd);
    out[at++] = SPACE;
    at = writeOwnElement(record, out, at);
    at = writeBytes(out, at, bytes, record.sdStart, record.sdEnd);
    if (record.msgStart === record.msgEnd) return at;
    out[at++] = SPACE;
    // A text that begins with a byte order mark would lose it to the reader.
    if (bytes[record.msgStart] === BOM[0]) at = writeConstant(out, at, BOM);
    return writeBytes(out, at, bytes, record.msgStart, record.msgEnd);
  }
}

/** RFC 5424 for others, on one line. @param options.ownElement whether what only we know is told as structured data */
export class Rfc5424Format implements Format {
  readonly #times = new TimeWriter();
  readonly #ownElement: boolean;

  constructor(options: { readonly ownElement?: boolean } = {}) {
    this.#ownElement = options.ownElement ?? false;
  }

  bound(record: RecordView): number {
    const { end, start, origin } = record;
    const element = this.#ownElement ? boundOwnElement(record) : 0;
    return FRAME_BYTES + ISO_BYTES_MAX + element + origin.hostBytes.length + ESCAPED_BYTES * (end - start);
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    const bytes = record.bytes;
    at = writePri(record, out, at);
    at = this.#times.iso(out, at, record.bestTimeUs, record.zoneMinutes);
    if (record.hostStart < record.hostEnd) {
      at = writeField(out, at, bytes, record.hostStart, record.hostEnd, HOST_BYTES_MAX);
    } else {
      const host = record.origin.hostBytes;
      at = writeField(out, at, host, 0, host.length, HOST_BYTES_MAX);
    }
    at = writeField(out, at, bytes, record.appStart, record.appEnd, APP_BYTES_MAX);
    at = writeField(out, at, bytes, record.procidStart, record.procidEnd, PROCID_BYTES_MAX);
    at = writeField(out, at, bytes, record.msgidStart, record.msgidEnd, MSGID_BYTES_MAX);
    out[at++] = SPACE;
    if (this.#ownElement) at = writeOwnElement(record, out, at);
    else if (record.sdStart === record.sdEnd) out[at++] = MINUS;
    at = writeLine(out, at, bytes, record.sdStart, record.sdEnd);
    if (record.msgStart === record.msgEnd) return at;
    out[at++] = SPACE;
    return writeLine(out, at, bytes, record.msgStart, record.msgEnd);
  }
}

function writePri(record: RecordView, out: Uint8Array, at: number): number {
  out[at] = LESS;
  return writeConstant(out, writeNumber(out, at + 1, record.pri), VERSION);
}

function writeOwnField(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  out[at++] = SPACE;
  if (from < to) return writeBytes(out, at, bytes, from, to);
  out[at] = MINUS;
  return at + 1;
}

/** A space, and a header field within the RFC's limits: printable ASCII, not too long, `-` where there is none. */
function writeField(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number, max: number): number {
  out[at++] = SPACE;
  if (from === to) {
    out[at] = MINUS;
    return at + 1;
  }
  const end = Math.min(to, from + max);
  while (from < end) {
    const byte = bytes[from++]!;
    out[at++] = byte > SPACE && byte < DEL ? byte : QUESTION;
  }
  return at;
}
