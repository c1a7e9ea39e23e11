// The looks for people:
//
//   short   TIME HOST FACILITY.SEVERITY APP[PROCID]: MESSAGE
//   full    TIME GROUP HOST FACILITY.SEVERITY APP[PROCID] MSGID [structured data]: MESSAGE {number, marks}
//
// In a pipe the words are one space apart. On a terminal they stand in columns, which grow with what they hold up to a bound: a name that is longer pushes
// its own line only. Raw text from a foreign program has no facility, no severity and no program: its group stands for the program.
import { MARK_NAMES, type RecordView } from "../syslog/record.ts";
import type { Arrival } from "./arrival.ts";
import type { ClockFace } from "./clock-face.ts";
import type { Highlighter } from "./highlight.ts";
import type { LineWriter } from "./line-writer.ts";
import type { Look } from "./look.ts";
import { type Notice, noticeText } from "./notice.ts";
import { FAINT, hostColour, NOTICE_COLOUR, SEVERITY_COLOURS } from "./palette.ts";
import { priorityText } from "./priority.ts";

export interface TextLookOptions {
  readonly face: ClockFace;
  /** Words stand in columns: a terminal. */
  readonly aligned: boolean;
  readonly highlighter: Highlighter;
}

export class ShortLook implements Look {
  readonly showsNotices = true;
  readonly #options: TextLookOptions;
  readonly #host = new Column(20);
  readonly #priority = new Column(16);
  readonly #app = new Column(24);

  constructor(options: TextLookOptions) {
    this.#options = options;
  }

  record(line: LineWriter, record: RecordView, arrival: Arrival): void {
    const { aligned, highlighter } = this.#options;
    line.begin();
    writeTime(line, this.#options.face, record);
    writeHost(line, record, this.#host, aligned);
    writePriority(line, record, arrival, this.#priority, aligned);
    this.#app.begin(line);
    if (isBare(record, arrival)) line.text(arrival.group);
    else writeApp(line, record);
    line.ascii(":");
    this.#app.end(line, aligned);
    writeMessage(line, record, arrival, highlighter);
    line.finish();
  }

  notice(line: LineWriter, notice: Notice): void {
    writeNotice(line, notice);
  }
}

export class FullLook implements Look {
  readonly showsNotices = true;
  readonly #options: TextLookOptions;
  readonly #group = new Column(31);
  readonly #host = new Column(32);
  readonly #priority = new Column(16);

  constructor(options: TextLookOptions) {
    this.#options = options;
  }

  record(line: LineWriter, record: RecordView, arrival: Arrival): void {
    const { aligned, highlighter } = this.#options;
    line.begin();
    writeTime(line, this.#options.face, record);
    this.#group.begin(line);
    line.text(arrival.group);
    this.#group.end(line, aligned);
    writeHost(line, record, this.#host, aligned);
    writePriority(line, record, arrival, this.#priority, aligned);
    writeApp(line, record);
    line.ascii(" ");
    writeWord(line, record, record.msgidStart, record.msgidEnd);
    line.ascii(" ");
    writeWord(line, record, record.sdStart, record.sdEnd);
    line.ascii(": ");
    writeMessage(line, record, arrival, highlighter);
    writeTail(line, record, arrival);
    line.finish();
  }

  notice(line: LineWriter, notice: Notice): void {
    writeNotice(line, notice);
  }
}

/** A column that is as wide as the widest word so far, up to a bound. */
class Column {
  #width = 0;
  #start = 0;

  constructor(private readonly widthMax: number) {}

  begin(line: LineWriter): void {
    this.#start = line.column;
  }

  /** Ends the word with a space, and fills the column if `aligned`. */
  end(line: LineWriter, aligned: boolean): void {
    if (aligned) {
      this.#width = Math.min(this.widthMax, Math.max(this.#width, line.column - this.#start));
      line.padTo(this.#start + this.#width);
    }
    line.ascii(" ");
  }
}

/** A line of text and nothing more: its PRI is ours. */
function isBare(record: RecordView, arrival: Arrival): boolean {
  return arrival.isText && record.form === "text";
}

function writeTime(line: LineWriter, face: ClockFace, record: RecordView): void {
  if (face.look === "none") return;
  line.sgr(FAINT);
  face.write(line, record.bestTimeUs);
  line.sgr("0");
  line.ascii(" ");
}

function writeHost(line: LineWriter, record: RecordView, column: Column, aligned: boolean): void {
  const named = record.hostStart < record.hostEnd;
  const bytes = named ? record.bytes : record.origin.hostBytes;
  const from = named ? record.hostStart : 0;
  const to = named ? record.hostEnd : bytes.length;
  column.begin(line);
  if (line.colour) line.sgr(hostColour(bytes, from, to));
  line.visible(bytes, from, to);
  line.sgr("0");
  column.end(line, aligned);
}

function writePriority(line: LineWriter, record: RecordView, arrival: Arrival, column: Column, aligned: boolean): void {
  column.begin(line);
  const colour = SEVERITY_COLOURS[record.pri & 7]!;
  if (isBare(record, arrival)) line.ascii("-");
  else {
    if (colour !== "") line.sgr(colour);
    line.ascii(priorityText(record.pri));
    line.sgr("0");
  }
  column.end(line, aligned);
}

function writeApp(line: LineWriter, record: RecordView): void {
  writeWord(line, record, record.appStart, record.appEnd);
  if (record.procidStart === record.procidEnd) return;
  line.ascii("[");
  line.visible(record.bytes, record.procidStart, record.procidEnd);
  line.ascii("]");
}

function writeWord(line: LineWriter, record: RecordView, from: number, to: number): void {
  if (from === to) line.ascii("-");
  else line.visible(record.bytes, from, to);
}

function writeMessage(line: LineWriter, record: RecordView, arrival: Arrival, highlighter: Highlighter): void {
  const colour = isBare(record, arrival) ? "" : SEVERITY_COLOURS[record.pri & 7]!;
  line.hang();
  if (colour !== "") line.sgr(colour);
  highlighter.message(line, record);
  line.sgr("0");
}

/** What is known besides: number, and whether it was cut, late, of no form. */
function writeTail(line: LineWriter, record: RecordView, arrival: Arrival): void {
  const words = MARK_NAMES.filter((_, bit) => (record.marks & (1 << bit)) !== 0).map(String);
  if (!arrival.isText) words.unshift(`#${arrival.number}`);
  if (words.length === 0) return;
  line.sgr(FAINT);
  line.ascii(` {${words.join(", ")}}`);
  line.sgr("0");
}

/** "-- " and the notice, in a colour of its own. */
export function writeNotice(line: LineWriter, notice: Notice): void {
  line.begin();
  line.sgr(NOTICE_COLOUR);
  line.ascii("-- ");
  line.hang();
  line.text(noticeText(notice));
  line.sgr("0");
  line.finish();
}
