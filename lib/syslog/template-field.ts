// The fields of a template: how much room each needs, and how it is written.
import { CivilDate } from "./civil-date.ts";
import { facilityName } from "./facility.ts";
import {
  ascii,
  constants,
  ESCAPED_BYTES,
  writeBytes,
  writeConstant,
  writeDigits,
  writeLine,
  writeNumber,
} from "./output.ts";
import { type RecordView, VIAS } from "./record.ts";
import { severityName } from "./severity.ts";
import { isEscapable, ParamCursor } from "./structured-data.ts";
import { ISO_BYTES_MAX, TimeWriter } from "./time-writer.ts";
import { cutAtCharacter } from "./utf8.ts";
import type { ZoneOffset } from "./zone.ts";

/** How fields are written, and what that needs. */
export class Manner {
  readonly times = new TimeWriter();
  readonly date = new CivilDate();
  readonly cursor = new ParamCursor();

  constructor(
    readonly zone: ZoneOffset,
    /** Whether control characters are escaped. */
    readonly isLine: boolean,
    /** A field is cut there. */
    readonly fieldBytesMax: number,
  ) {}
}

export interface Field {
  /** No fewer bytes than `write` needs, in any manner. */
  bound(record: RecordView): number;
  write(record: RecordView, out: Uint8Array, at: number, manner: Manner): number;
}

const BACKSLASH = 0x5c;
const NUMBER_BYTES_MAX = 16;
const FACILITIES = Array.from({ length: 24 }, (_, facility) => ascii(facilityName(facility)));
const SEVERITIES = Array.from({ length: 8 }, (_, severity) => ascii(severityName(severity)));
const VIA_WORDS = constants(VIAS);

/** What a name stands for. */
const FIELDS = {
  host: {
    bound: ({ hostStart, hostEnd, origin }) => ESCAPED_BYTES * Math.max(hostEnd - hostStart, origin.hostBytes.length),
    write: ({ bytes, hostStart, hostEnd, origin }, out, at, manner) =>
      hostStart < hostEnd
        ? writeText(out, at, bytes, hostStart, hostEnd, manner)
        : writeText(out, at, origin.hostBytes, 0, origin.hostBytes.length, manner),
  },
  app: textField(
    (record) => record.appStart,
    (record) => record.appEnd,
  ),
  procid: textField(
    (record) => record.procidStart,
    (record) => record.procidEnd,
  ),
  msgid: textField(
    (record) => record.msgidStart,
    (record) => record.msgidEnd,
  ),
  msg: textField(
    (record) => record.msgStart,
    (record) => record.msgEnd,
  ),
  sd: textField(
    (record) => record.sdStart,
    (record) => record.sdEnd,
  ),
  raw: textField(
    (record) => record.start,
    (record) => record.end,
  ),
  facility: smallField((record, out, at) => writeConstant(out, at, FACILITIES[record.facility]!)),
  severity: smallField((record, out, at) => writeConstant(out, at, SEVERITIES[record.severity]!)),
  pri: smallField((record, out, at) => writeNumber(out, at, record.pri)),
  timereported: smallField((record, out, at, { times, zone }) => {
    const minutes = record.hasTime ? record.zoneMinutes : zone(record.receivedUs / 1000);
    return times.iso(out, at, record.bestTimeUs, minutes);
  }),
  timereceived: smallField((record, out, at, { times, zone }) =>
    times.iso(out, at, record.receivedUs, zone(record.receivedUs / 1000)),
  ),
  year: smallField((record, out, at, manner) => writeDigits(out, at, localDate(record, manner).year, 4)),
  month: smallField((record, out, at, manner) => writeDigits(out, at, localDate(record, manner).month, 2)),
  day: smallField((record, out, at, manner) => writeDigits(out, at, localDate(record, manner).day, 2)),
  hour: smallField((record, out, at, manner) =>
    writeDigits(out, at, Math.floor(localSecond(record, manner) / 3600) % 24, 2),
  ),
  minute: smallField((record, out, at, manner) =>
    writeDigits(out, at, Math.floor(localSecond(record, manner) / 60) % 60, 2),
  ),
  via: smallField((record, out, at) => writeConstant(out, at, VIA_WORDS[record.origin.via])),
  peer: {
    bound: ({ origin }) => ESCAPED_BYTES * origin.peerBytes.length,
    write: ({ origin }, out, at, manner) => writeText(out, at, origin.peerBytes, 0, origin.peerBytes.length, manner),
  },
  group: {
    bound: ({ origin }) => ESCAPED_BYTES * origin.groupBytes.length,
    write: ({ origin }, out, at, manner) => writeText(out, at, origin.groupBytes, 0, origin.groupBytes.length, manner),
  },
  pid: {
    bound: ({ procidStart, procidEnd }) => NUMBER_BYTES_MAX + ESCAPED_BYTES * (procidEnd - procidStart),
    write: (record, out, at, manner) =>
      record.pid >= 0
        ? writeNumber(out, at, record.pid)
        : writeText(out, at, record.bytes, record.procidStart, record.procidEnd, manner),
  },
  uid: smallField((record, out, at) => (record.uid >= 0 ? writeNumber(out, at, record.uid) : at)),
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof FIELDS;

/** Names that stand for a field; `sd.ID.PARAM` does too. */
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

/** The field of a name, `undefined` where there is none. */
export function tryField(name: string): Field | undefined {
  return Object.hasOwn(FIELDS, name) ? FIELDS[name as FieldName] : undefined;
}

/** The value of one parameter of structured data, without its escapes; nothing where the message has none. */
export function paramField(id: string, name: string): Field {
  return {
    bound: ({ sdStart, sdEnd }) => ESCAPED_BYTES * (sdEnd - sdStart),
    write(record, out, at, manner) {
      const { cursor } = manner;
      cursor.start(record.bytes, record.sdStart, record.sdEnd);
      if (!cursor.find(id, name)) return at;
      return writeValue(out, at, record.bytes, cursor.valueStart, cursor.valueEnd, manner);
    },
  };
}

function textField(from: (record: RecordView) => number, to: (record: RecordView) => number): Field {
  return {
    bound: (record) => ESCAPED_BYTES * (to(record) - from(record)),
    write: (record, out, at, manner) => writeText(out, at, record.bytes, from(record), to(record), manner),
  };
}

/** A field of at most as many bytes as a time has. */
function smallField(write: Field["write"]): Field {
  return { bound: () => ISO_BYTES_MAX, write };
}

function writeText(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number, manner: Manner): number {
  if (to - from > manner.fieldBytesMax) to = cutAtCharacter(bytes, from, from + manner.fieldBytesMax);
  return manner.isLine ? writeLine(out, at, bytes, from, to) : writeBytes(out, at, bytes, from, to);
}

function writeValue(out: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number, manner: Manner): number {
  if (to - from > manner.fieldBytesMax) to = cutAtCharacter(bytes, from, from + manner.fieldBytesMax);
  let start = from;
  for (let index = from; index + 1 < to; index++) {
    if (bytes[index] !== BACKSLASH || !isEscapable(bytes[index + 1]!)) continue;
    at = writeText(out, at, bytes, start, index, manner);
    start = ++index;
  }
  return writeText(out, at, bytes, start, to, manner);
}

function localSecond(record: RecordView, manner: Manner): number {
  return Math.floor(record.receivedUs / 1_000_000) + manner.zone(record.receivedUs / 1000) * 60;
}

function localDate(record: RecordView, manner: Manner): CivilDate {
  manner.date.setDays(Math.floor(localSecond(record, manner) / 86_400));
  return manner.date;
}
