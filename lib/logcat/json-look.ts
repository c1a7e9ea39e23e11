// Records and notices as JSON, one object a line, told apart by `kind`:
//
//   {"kind":"record","group":"log.mail","sender":"#sb-12#web1","from":"web1","incarnation":"x7","number":12,"time":...}   as lib/syslog/format-json.ts from "time" on
//   {"kind":"gap","group":"log.mail","host":"web1","from":1041,"to":1052,"away":"nobody","records":12}
//
// Raw text has no `from`, `incarnation` and `number`. JSON itself escapes only C0: where a terminal may read it, what else could drive one is escaped as well,
// which is still the same JSON.
import { JsonFormat } from "../syslog/format-json.ts";
import type { RecordView } from "../syslog/record.ts";
import { characterBytes } from "../syslog/utf8.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import type { Arrival } from "./arrival.ts";
import { COMBINING, glyphOf, UNSAFE } from "./glyph.ts";
import { LineWriter } from "./line-writer.ts";
import type { Look } from "./look.ts";
import type { Notice } from "./notice.ts";

const COMMA = 0x2c;
const ENCODER = new TextEncoder();

export class JsonLook implements Look {
  readonly showsNotices = true;
  readonly #format: JsonFormat;
  readonly #forTerminal: boolean;
  readonly #scratch = new LineWriter();
  /** The part that is the same for all records of a group and a sender, and for whom it was made. */
  #head = "";
  #headGroup = "";
  #headSender = "";
  #headHost = "";
  #headIncarnation = "";

  constructor(zone: ZoneOffset, forTerminal: boolean) {
    this.#format = new JsonFormat(zone);
    this.#forTerminal = forTerminal;
  }

  record(line: LineWriter, record: RecordView, arrival: Arrival): void {
    line.begin();
    const target = this.#forTerminal ? this.#scratch : line;
    if (this.#forTerminal) target.clear();
    target.ascii(this.#headOf(arrival));
    if (!arrival.isText) target.ascii(`,"number":${arrival.number}`);
    const at = target.end;
    target.formatted(this.#format, record);
    target.bytes[at] = COMMA; // where its own object begins
    if (this.#forTerminal) writeSafely(line, target.bytes, target.end);
    line.finish();
  }

  notice(line: LineWriter, notice: Notice): void {
    line.begin();
    const records = notice.kind === "gap" ? { records: notice.to - notice.from + 1 } : {};
    const bytes = ENCODER.encode(JSON.stringify({ ...notice, ...records }));
    if (this.#forTerminal) writeSafely(line, bytes, bytes.length);
    else line.exact(bytes, 0, bytes.length);
    line.finish();
  }

  #headOf(arrival: Arrival): string {
    if (
      arrival.group !== this.#headGroup ||
      arrival.sender !== this.#headSender ||
      arrival.host !== this.#headHost ||
      arrival.incarnation !== this.#headIncarnation ||
      this.#head === ""
    ) {
      this.#headGroup = arrival.group;
      this.#headSender = arrival.sender;
      this.#headHost = arrival.host;
      this.#headIncarnation = arrival.incarnation;
      const { group, sender, host, incarnation } = arrival;
      const known = arrival.isText ? { group, sender } : { group, sender, from: host, incarnation };
      this.#head = toAscii(JSON.stringify({ kind: "record", ...known })).slice(0, -1);
    }
    return this.#head;
  }
}

/** JSON of ASCII alone: the same value, every other character escaped. */
export function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Copies JSON, escaping every character outside of ASCII that a terminal must not get. */
function writeSafely(line: LineWriter, bytes: Uint8Array, end: number): void {
  let from = 0;
  for (let at = 0; at < end; ) {
    if (bytes[at]! >= 0x20 && bytes[at]! < 0x7f) {
      at += 1;
      continue;
    }
    const length = Math.max(1, characterBytes(bytes, at, end));
    const character = DECODER.decode(bytes.subarray(at, at + length));
    if (mustEscape(character.codePointAt(0)!)) {
      line.visible(bytes, from, at);
      line.ascii(toAscii(character));
      from = at + length;
    }
    at += length;
  }
  line.visible(bytes, from, end);
}

/** Marks too: the sieve would write a heap of them in a way that is no JSON. */
function mustEscape(codePoint: number): boolean {
  const glyph = glyphOf(codePoint);
  return glyph === UNSAFE || (glyph === COMBINING && codePoint > 0xffff);
}

const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
