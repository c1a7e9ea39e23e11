// The formats of before RFC 5424. Both write one line, `TIME HOST APP[PROCID]: TEXT`, in local time of the zone they are given:
//
//   traditional   Nov 23 15:20:38 host app[311]: text          a log file, as BSD's syslogd writes it and everybody's scripts read it
//   3164          <13>Nov 23 15:20:38 host app[311]: text      to another syslog daemon (RFC 3164)
//
// A record without a program is `TIME HOST TEXT`; so is one whose first word was only taken for the program (parse-3164.ts), which no colon followed: its text stays as it came.
import type { Format } from "./format.ts";
import { ESCAPED_BYTES, writeConstant, writeLine, writeNumber } from "./output.ts";
import type { RecordView } from "./record.ts";
import { BSD_BYTES, TimeWriter } from "./time-writer.ts";
import { UTC, type ZoneOffset } from "./zone.ts";

const SPACE = 0x20;
const COLON = 0x3a;
const LESS = 0x3c;
const GREATER = 0x3e;
const OPEN = 0x5b;
const CLOSE = 0x5d;
/** PRI, spaces, and what stands around a tag. */
const FRAME_BYTES = 16;

/** The line of a classic log file. */
export class TraditionalFormat implements Format {
  readonly #times = new TimeWriter();

  /** @param zone the zone that the file's times are in */
  constructor(readonly zone: ZoneOffset = UTC) {}

  bound(record: RecordView): number {
    return FRAME_BYTES + BSD_BYTES + record.origin.hostBytes.length + ESCAPED_BYTES * (record.end - record.start);
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    const bytes = record.bytes;
    const timeUs = record.bestTimeUs;
    at = this.#times.bsd(out, at, timeUs, this.zone(timeUs / 1000));
    out[at++] = SPACE;
    if (record.hostStart < record.hostEnd) at = writeLine(out, at, bytes, record.hostStart, record.hostEnd);
    else at = writeConstant(out, at, record.origin.hostBytes);
    out[at++] = SPACE;
    if (record.appStart < record.appEnd) {
      at = writeLine(out, at, bytes, record.appStart, record.appEnd);
      if (record.procidStart < record.procidEnd) {
        out[at++] = OPEN;
        at = writeLine(out, at, bytes, record.procidStart, record.procidEnd);
        out[at++] = CLOSE;
      }
      if (!record.isAppBare) out[at++] = COLON;
      if (record.msgStart < record.msgEnd) out[at++] = SPACE;
    }
    return writeLine(out, at, bytes, record.msgStart, record.msgEnd);
  }
}

/** RFC 3164, for another syslog daemon. */
export class Rfc3164Format implements Format {
  readonly #line: TraditionalFormat;

  /** @param zone the zone that the times are in: RFC 3164 has no way to say it, the receiver has to know */
  constructor(zone: ZoneOffset = UTC) {
    this.#line = new TraditionalFormat(zone);
  }

  bound(record: RecordView): number {
    return this.#line.bound(record);
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    out[at] = LESS;
    at = writeNumber(out, at + 1, record.pri);
    out[at] = GREATER;
    return this.#line.write(record, out, at + 1);
  }
}
