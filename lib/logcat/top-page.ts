// One page of `logcat top`: who sends how much, the busiest first.
//
//   1,234 records/s   57,300 in all   0 missing   0 skipped
//   err 1.2  warning 14  info 1,218
//
//   GROUP              /s      HOST               /s      PROGRAM            /s
//   log.mail        1,200      web1              800      postfix/smtpd     700
//
//   -- 12 records of web1 missing in log.mail (1041-1052)
import { columnsOf } from "./glyph.ts";
import { LineWriter, type Paper } from "./line-writer.ts";
import { FAINT, NOTICE_COLOUR } from "./palette.ts";
import type { Rate, Rates, RateTable } from "./rates.ts";
import type { Stats } from "./tally.ts";

export interface TopPageOptions {
  readonly paper: Paper;
  /** Lines that the page may have. */
  readonly rows: number;
  /** What logcat said last, oldest first. */
  readonly notices: readonly string[];
}

const BLOCK_COLUMNS = 34;
const GAP_COLUMNS = 3;
const RATE_COLUMNS = 9;
const NOTICES_MAX = 5;

/** The page as bytes: whole lines, each no wider than the paper; at most `rows` of them, if there are ten or more. */
export function topPage(rates: Rates, stats: Stats, options: TopPageOptions): Uint8Array {
  const { paper, rows, notices } = options;
  const line = new LineWriter({ ...paper, columns: Math.min(paper.columns, 200), wide: "cut" });
  writeLine(line, "1", summary(rates, stats));
  writeLine(line, "", severities(rates));
  const blocks = [
    { title: "GROUP", table: rates.groups },
    { title: "HOST", table: rates.hosts },
    { title: "PROGRAM", table: rates.programs },
  ];
  const abreast = Math.max(
    1,
    Math.min(blocks.length, Math.floor((Math.min(paper.columns, 200) + GAP_COLUMNS) / (BLOCK_COLUMNS + GAP_COLUMNS))),
  );
  const stories = Math.ceil(blocks.length / abreast);
  const last = notices.slice(Math.max(0, notices.length - NOTICES_MAX));
  const left = rows - 2 - (last.length > 0 ? last.length + 1 : 0);
  const names = Math.max(1, Math.floor(left / stories) - 2);
  for (let first = 0; first < blocks.length; first += abreast)
    writeBlocks(line, blocks.slice(first, first + abreast), names);
  if (last.length > 0) writeLine(line, "", "");
  for (const notice of last) writeLine(line, NOTICE_COLOUR, `-- ${notice}`);
  return line.bytes.subarray(0, line.end);
}

interface Block {
  readonly title: string;
  readonly table: RateTable;
}

function writeBlocks(line: LineWriter, blocks: readonly Block[], names: number): void {
  writeLine(line, "", "");
  const columns = blocks.map(({ title, table }) => ({ title, rows: table.busiest(names) }));
  writeRow(
    line,
    FAINT,
    columns.map(({ title }) => [title, "/s"]),
  );
  const most = Math.max(...columns.map(({ rows }) => rows.length));
  for (let row = 0; row < most; row++)
    writeRow(
      line,
      "",
      columns.map(({ rows }) => cellOf(rows[row])),
    );
}

const cellOf = (rate: Rate | undefined): readonly [string, string] =>
  rate === undefined ? ["", ""] : [rate.name, rateText(rate.perSecond)];

function writeRow(line: LineWriter, colour: string, cells: readonly (readonly string[])[]): void {
  line.begin();
  if (colour !== "") line.sgr(colour);
  for (const [index, [name = "", rate = ""]] of cells.entries()) {
    const start = index * (BLOCK_COLUMNS + GAP_COLUMNS);
    line.padTo(start);
    line.text(shortened(name, BLOCK_COLUMNS - RATE_COLUMNS));
    line.padTo(start + BLOCK_COLUMNS - rate.length);
    line.ascii(rate);
  }
  line.sgr("0");
  line.finish();
}

/** A name that fits: its end is left off. */
function shortened(name: string, columns: number): string {
  if (columnsOf(name) <= columns) return name;
  let short = "";
  for (const character of name) {
    if (columnsOf(short) + columnsOf(character) >= columns) break;
    short += character;
  }
  return `${short}…`;
}

function writeLine(line: LineWriter, colour: string, text: string): void {
  line.begin();
  if (colour !== "") line.sgr(colour);
  line.text(text);
  line.sgr("0");
  line.finish();
}

function summary(rates: Rates, stats: Stats): string {
  const perSecond = rates.all.busiest(1)[0]?.perSecond ?? 0;
  return `${rateText(perSecond)} records/s   ${grouped(stats.chosen)} in all   ${grouped(stats.missing)} missing   ${grouped(stats.skipped)} skipped`;
}

function severities(rates: Rates): string {
  return rates.severities
    .busiest(8)
    .map(({ name, perSecond }) => `${name} ${rateText(perSecond)}`)
    .join("  ");
}

/** "0", "0.3", "14", "1,218". */
export function rateText(perSecond: number): string {
  return perSecond === 0 || perSecond >= 10
    ? grouped(Math.round(perSecond))
    : String(Math.max(0.1, Math.round(perSecond * 10) / 10));
}

/** Digits in threes. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
