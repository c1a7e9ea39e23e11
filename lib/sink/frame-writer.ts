// How records are parted from each other in a stream.
//
//   octets    LEN SP RECORD: octet counting (RFC 6587 section 3.4.1, RFC 5425 section 4.3)
//   lines     RECORD LF (RFC 6587 section 3.4.2); the format has to write one line
//   terminal  CR RECORD CR LF: on its own line, whatever stands there already and whatever the terminal's mode
//   none      RECORD: a datagram each
import type { Format } from "../syslog/format.ts";
import { writeNumber } from "../syslog/output.ts";
import type { RecordView } from "../syslog/record.ts";

export type Frame = "octets" | "lines" | "terminal" | "none";

/** What a frame adds to a record at most. */
export const FRAME_BYTES_MAX = 9;
/** "65536 " and more: room for the length, which is known last. */
const LENGTH_BYTES_MAX = 8;
const SPACE = 32;
const CR = 13;
const LF = 10;

/** Writes a record in its frame at `at`, where `format.bound(record) + FRAME_BYTES_MAX` bytes have room; returns the offset behind it. */
export function writeFramed(frame: Frame, format: Format, record: RecordView, out: Uint8Array, at: number): number {
  switch (frame) {
    case "octets":
      return writeCounted(format, record, out, at);
    case "lines": {
      const end = format.write(record, out, at);
      out[end] = LF;
      return end + 1;
    }
    case "terminal": {
      out[at] = CR;
      const end = format.write(record, out, at + 1);
      out[end] = CR;
      out[end + 1] = LF;
      return end + 2;
    }
    case "none":
      return format.write(record, out, at);
    default:
      return frame satisfies never;
  }
}

function writeCounted(format: Format, record: RecordView, out: Uint8Array, at: number): number {
  const start = at + LENGTH_BYTES_MAX;
  const end = format.write(record, out, start);
  const behindLength = writeNumber(out, at, end - start);
  out[behindLength] = SPACE;
  out.copyWithin(behindLength + 1, start, end);
  return behindLength + 1 + end - start;
}
