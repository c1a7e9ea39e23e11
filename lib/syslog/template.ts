// Templates: text with fields of a record in it, compiled once.
//
//   %host% %app% %procid% %msgid% %msg% %raw% %facility% %severity% %pri%      of the message; `host` is that of the origin where it names none
//   %timereported% %timereceived%                                             ISO 8601; reported: what it claims, or the receipt where it claims none
//   %year% %month% %day% %hour% %minute%                                      of the receipt, in local time: for names of files
//   %via% %peer% %pid% %uid%                                                  of the source; pid is the kernel's where it gave one, else procid
//   %sd% %sd.ID.PARAM%                                                        structured data: all as it lies, or one value without its escapes
//   %%                                                                        a percent sign
//
// What a field becomes depends on where it is written. In a line, control characters are escaped. In a path and in a group name a field is one piece of
// the name and can't become more: no `/`, no leading dot, nothing unprintable, and `-` where it is empty, so `%host%/%app%.log` never leaves its directory,
// whatever a sender calls itself. The template's own text is taken as it is.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import type { Format } from "./format.ts";
import { ascii, writeConstant } from "./output.ts";
import type { RecordView } from "./record.ts";
import { FIELD_NAMES, type Field, Manner, paramField, tryField } from "./template-field.ts";
import { UTC, type ZoneOffset } from "./zone.ts";

/** A template that can't be read. */
export class TemplateError extends Fault {
  override readonly name = "TemplateError";

  constructor(
    readonly text: string,
    /** Where in it: an index of a character. */
    readonly offset: number,
    readonly found: string,
    readonly expected: string,
    /** What was most likely meant. */
    readonly meant?: string,
  ) {
    const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
    super(
      "config",
      "template",
      `cannot read template: ${JSON.stringify(found)} at offset ${offset}, expected ${expected}${hint}`,
    );
  }
}

/** A template as it was read: what stands between the percent signs looked up, nothing else decided. */
export interface Template {
  readonly text: string;
  /** In order: constants, and fields. */
  readonly pieces: readonly (Uint8Array | Field)[];
  /** Whether it gives the same text for all records. */
  readonly isConstant: boolean;
}

/** @throws {TemplateError} where a field is unknown or not closed: the offset, what was found, and the name that was most likely meant */
export function parseTemplate(text: string): Template {
  const pieces: (Uint8Array | Field)[] = [];
  let constant = "";
  let at = 0;
  const flush = () => {
    if (constant !== "") pieces.push(ascii(constant));
    constant = "";
  };
  while (at < text.length) {
    const open = text.indexOf("%", at);
    if (open < 0) break;
    constant += text.slice(at, open);
    const close = text.indexOf("%", open + 1);
    if (close < 0) throw new TemplateError(text, open, text.slice(open), 'a field such as "%host%", or "%%"');
    if (close === open + 1) {
      constant += "%";
    } else {
      flush();
      pieces.push(readField(text, open, close));
    }
    at = close + 1;
  }
  constant += text.slice(at);
  flush();
  return { text, pieces, isConstant: pieces.every((piece) => piece instanceof Uint8Array) };
}

/** The template, or `undefined` where it is none. */
export function tryTemplate(text: string): Template | undefined {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

function readField(text: string, open: number, close: number): Field {
  const name = text.slice(open + 1, close);
  const param = /^sd\.([^\s=\]"]+)\.([^\s=\]".]+)$/.exec(name); // an id may have dots: the last one parts it from the name
  const field = param === null ? tryField(name) : paramField(param[1]!, param[2]!);
  if (field !== undefined) return field;
  const meant = nearest(name, FIELD_NAMES);
  const hint = meant === undefined ? undefined : `%${meant}%`;
  throw new TemplateError(text, open, `%${name}%`, 'a field such as "%host%", or "%sd.ID.PARAM%"', hint);
}

/** Writes records by a template, each on one line. */
export class TemplateFormat implements Format {
  readonly #pieces: readonly (Uint8Array | Field)[];
  readonly #manner: Manner;
  #constantBytes = 0;

  /** @param zone the zone that times are told in, but for those that a message claims */
  constructor(template: Template, zone: ZoneOffset = UTC) {
    this.#pieces = template.pieces;
    this.#manner = new Manner(zone, true, Number.POSITIVE_INFINITY);
    for (const piece of template.pieces) if (piece instanceof Uint8Array) this.#constantBytes += piece.length;
  }

  bound(record: RecordView): number {
    let bytes = this.#constantBytes;
    for (const piece of this.#pieces) if (!(piece instanceof Uint8Array)) bytes += piece.bound(record);
    return bytes;
  }

  write(record: RecordView, out: Uint8Array, at: number): number {
    for (const piece of this.#pieces) {
      at = piece instanceof Uint8Array ? writeConstant(out, at, piece) : piece.write(record, out, at, this.#manner);
    }
    return at;
  }
}
