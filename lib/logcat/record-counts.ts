// Counts of records by labels, for `to = "metrics:..."`. Labels are fields of records, so senders choose them: beyond a bound, what would be a new series counts in one
// whose labels are all "~other".
import type { Sample } from "../base/counters.ts";
import { visible } from "../base/visible.ts";
import type { RecordView } from "../syslog/record.ts";
import type { Arrival } from "./arrival.ts";
import { FieldReader } from "./field.ts";

export const SERIES_MAX = 10_000;
const VALUE_CHARACTERS_MAX = 128;
const OTHER = "~other";

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  records: number;
  bytes: number;
}

export class RecordCounts {
  /** Records that counted in "~other". */
  others = 0;
  readonly #fields: readonly string[];
  readonly #names: readonly string[];
  readonly #series = new Map<string, Series>();
  readonly #reader = new FieldReader();

  /** @param fields as `--field` names them; a label is called as its field, with `_` for what a label's name can't have */
  constructor(fields: readonly string[]) {
    this.#fields = fields;
    this.#names = fields.map(labelName);
  }

  add(record: RecordView, arrival: Arrival): void {
    this.#reader.open(record, arrival);
    const values = this.#fields.map((field) => valueText(this.#reader.find(field)));
    const key = values.join("\0");
    const series = this.#series.get(key) ?? this.#begin(key, values);
    series.records += 1;
    series.bytes += record.end - record.start;
  }

  /** Those of one name together. */
  samples(): Sample[] {
    const all = [...this.#series.values()];
    const counter = (name: string, help: string, value: (one: Series) => number): Sample[] =>
      all.map((one) => ({ name, kind: "counter", help, labels: one.labels, value: value(one) }));
    return [
      ...counter("records", "log records", ({ records }) => records),
      ...counter("record_bytes", "bytes of log records", ({ bytes }) => bytes),
    ];
  }

  #begin(key: string, values: readonly string[]): Series {
    const isOther = this.#series.size >= SERIES_MAX;
    if (isOther) this.others += 1;
    const usedKey = isOther ? OTHER : key;
    const known = this.#series.get(usedKey);
    if (known !== undefined) return known;
    const labels = Object.fromEntries(this.#names.map((name, at) => [name, isOther ? OTHER : values[at]!]));
    const series = { labels, records: 0, bytes: 0 };
    this.#series.set(usedKey, series);
    return series;
  }
}

/** What a label of that field is called: `[a-zA-Z_][a-zA-Z0-9_]*`. */
export function labelName(field: string): string {
  return field.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
}

function valueText(found: string | undefined): string {
  return found === undefined ? "" : visible(found.slice(0, VALUE_CHARACTERS_MAX));
}
