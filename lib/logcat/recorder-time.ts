// `rewrite_time`: records with the recorder's own time instead of their sender's, where senders' clocks are not to be trusted, as spreadlogd's RewriteTimestamp did.
//
// A record's time is a field: it is set. Raw text has its time somewhere in the line: in the first brackets that hold one (access and error logs of web servers), or at its
// beginning (a line of a classic log, an ISO date). Where none is found the line stays as it is.
import type { RecordView } from "../syslog/record.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import type { Arrival } from "./arrival.ts";
import { LineWriter } from "./line-writer.ts";
import type { Look } from "./look.ts";
import type { Notice } from "./notice.ts";
import { TimeFormer } from "./time-form.ts";

/** Where a line's time is looked for. */
const HEAD_BYTES = 512;
const HEAD = new TextDecoder("latin1"); // one character a byte
const IN_BRACKETS = /\[([^\][]*\d\d:\d\d:\d\d[^\][]*)\]/;
const AT_BEGINNING =
  /^(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)(?=\s|$)/;

/** Where the time of a line of raw text stands: [from, to), `undefined` where none is found. */
export function timeInText(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly from: number; readonly to: number } | undefined {
  const head = HEAD.decode(bytes.subarray(start, Math.min(end, start + HEAD_BYTES)));
  const found = AT_BEGINNING.exec(head) ?? IN_BRACKETS.exec(head);
  if (found === null) return undefined;
  const from = start + found.index + found[0].indexOf(found[1]!);
  return { from, to: from + found[1]!.length };
}

/** Another look, with the recorder's time in it. */
export class RecorderTimeLook implements Look {
  readonly showsNotices: boolean;
  readonly #look: Look;
  readonly #isRaw: boolean;
  readonly #former: TimeFormer;
  readonly #nowUs: () => number;
  readonly #raw = new LineWriter();

  /**
   * @param pattern of parseTimeForm, for raw text
   * @param isRaw   whether the look writes a record's text and nothing else
   * @param nowUs   the recorder's time: microseconds since 1970, UTC
   */
  constructor(look: Look, pattern: string, isRaw: boolean, zone: ZoneOffset, nowUs: () => number) {
    this.showsNotices = look.showsNotices;
    this.#look = look;
    this.#isRaw = isRaw;
    this.#former = new TimeFormer(pattern, zone);
    this.#nowUs = nowUs;
  }

  record(line: LineWriter, record: RecordView, arrival: Arrival): void {
    if (this.#isRaw) {
      this.#writeRaw(line, record, arrival);
      return;
    }
    const { timeUs } = record;
    record.timeUs = this.#nowUs();
    this.#look.record(line, record, arrival);
    record.timeUs = timeUs;
  }

  notice(line: LineWriter, notice: Notice): void {
    this.#look.notice(line, notice);
  }

  #writeRaw(line: LineWriter, record: RecordView, arrival: Arrival): void {
    const raw = this.#raw;
    raw.clear();
    this.#look.record(raw, record, arrival);
    const end = raw.end - 1; // without its line feed
    const time = timeInText(raw.bytes, 0, end);
    line.begin();
    line.exact(raw.bytes, 0, time?.from ?? end);
    if (time !== undefined) {
      line.ascii(this.#former.text(this.#nowUs()));
      line.exact(raw.bytes, time.to, end);
    }
    line.finish();
  }
}
