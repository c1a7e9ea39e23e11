// Looks made for programs: the formats of lib/syslog, the raw message, and templates. On the way to a file or a pipe they are written as they are, and the only
// lines are records. On a terminal every byte goes through the sieve, and notices stand between the records as anywhere.
import type { Format } from "../syslog/format.ts";
import type { RecordView } from "../syslog/record.ts";
import { parseTemplate, TemplateFormat } from "../syslog/template.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import type { Arrival } from "./arrival.ts";
import { LineWriter } from "./line-writer.ts";
import type { Look } from "./look.ts";
import type { Notice } from "./notice.ts";
import { writeNotice } from "./text-look.ts";

/** The message alone, as it was sent: an access log stays one. A line feed within it becomes `\n`. */
export class RawLook implements Look {
  readonly showsNotices: boolean;

  constructor(private readonly forTerminal: boolean) {
    this.showsNotices = forTerminal;
  }

  record(line: LineWriter, record: RecordView): void {
    line.begin();
    if (this.forTerminal) line.visible(record.bytes, record.msgStart, record.msgEnd);
    else line.exact(record.bytes, record.msgStart, record.msgEnd);
    line.finish();
  }

  notice(line: LineWriter, notice: Notice): void {
    writeNotice(line, notice);
  }
}

/** One format of lib/syslog, or a template: constants and fields one after the other. */
export class FormatLook implements Look {
  readonly showsNotices: boolean;
  readonly #pieces: readonly (Format | ArrivalField)[];
  readonly #forTerminal: boolean;
  readonly #scratch = new LineWriter();

  constructor(pieces: readonly (Format | ArrivalField)[], forTerminal: boolean) {
    this.#pieces = pieces;
    this.#forTerminal = forTerminal;
    this.showsNotices = forTerminal;
  }

  record(line: LineWriter, record: RecordView, arrival: Arrival): void {
    line.begin();
    const target = this.#forTerminal ? this.#scratch : line;
    if (this.#forTerminal) target.clear();
    for (const piece of this.#pieces) {
      if (typeof piece === "string") target.text(String(arrival[piece]));
      else target.formatted(piece, record);
    }
    if (this.#forTerminal) line.visible(target.bytes, 0, target.end);
    line.finish();
  }

  notice(line: LineWriter, notice: Notice): void {
    writeNotice(line, notice);
  }
}

/** What a template here can say beyond lib/syslog/template.ts: where a record came from. */
export type ArrivalField = "group" | "sender" | "incarnation" | "number";

export const ARRIVAL_FIELDS: readonly ArrivalField[] = ["group", "sender", "incarnation", "number"];

/**
 * Reads a template with the fields of lib/syslog/template.ts and ARRIVAL_FIELDS.
 * @throws {TemplateError}
 */
export function parseLogcatTemplate(text: string, zone: ZoneOffset): readonly (Format | ArrivalField)[] {
  parseTemplate(
    text.replace(FIELD, (whole, name: string) => (isArrivalField(name) ? "x".repeat(whole.length) : whole)),
  ); // the whole first: an error tells where in it
  const pieces: (Format | ArrivalField)[] = [];
  let from = 0;
  const flush = (to: number) => {
    if (to > from) pieces.push(new TemplateFormat(parseTemplate(text.slice(from, to)), zone));
  };
  for (const match of text.matchAll(FIELD)) {
    const name = match[1]!;
    if (!isArrivalField(name)) continue;
    flush(match.index);
    pieces.push(name);
    from = match.index + match[0].length;
  }
  flush(text.length);
  return pieces;
}

/** One field, or "%%". */
const FIELD = /%([^%]*)%/gu;

const isArrivalField = (name: string): name is ArrivalField => ARRIVAL_FIELDS.some((field) => field === name);
