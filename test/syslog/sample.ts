// The samples as bytes, and a record of any message: what most tests here begin with.
import { readFileSync } from "node:fs";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { DEFAULT_RULES, type ParseRules } from "../../lib/syslog/parse-rules.ts";
import { type Origin, origin, RecordView } from "../../lib/syslog/record.ts";

export interface Sample {
  readonly id: string;
  readonly via: "udp" | "unix" | "tcp-stream";
  readonly raw?: string;
  readonly raw_b64?: string;
  readonly chunks_b64?: readonly string[];
  readonly now: string;
  readonly tz: string;
  readonly options?: {
    readonly bad_hostname?: string;
    readonly check_hostname?: boolean;
    readonly no_header?: boolean;
    readonly no_parse?: boolean;
    readonly sanitize_utf8?: boolean;
    readonly no_3164_fallback?: boolean;
    readonly lenient?: readonly string[];
  };
  readonly expect: Readonly<Record<string, unknown>>;
}

export const samples: readonly Sample[] = readFileSync(
  new URL("../vectors/syslog/samples.jsonl", import.meta.url),
  "utf8",
)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Sample);

/** Those that are one message. */
export const messages = samples.filter((sample) => sample.chunks_b64 === undefined);

/** Those that are scored: they need no setting of their own. */
export const scored = messages.filter((sample) =>
  Object.keys(sample.options ?? {}).every((name) => name === "lenient"),
);

export const SCORED_FIELDS = [
  "pri",
  "facility",
  "severity",
  "time",
  "hostname",
  "app",
  "procid",
  "msgid",
  "sd",
  "msg",
] as const;

/**
 * Samples whose year is not the one that brings the date nearest to their clock, which is the rule that the samples' own README states: 22 November 2018 is
 * 78 days before 8 February 2019 and is expected as 2019, while 29 August and 22 September are expected as 2018. Their year is not scored.
 */
export const YEAR_AGAINST_THE_RULE = new Set(["sng-034", "sng-068", "cap-070"]);

/** A time as it is written, as what a record has: microseconds and minutes. */
export function timeOf(text: string): { readonly us: number; readonly zone: number } {
  const [, second, fraction = "", zone] = /^(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text)!;
  const offset =
    zone === "Z" ? 0 : (Number(zone!.slice(1, 3)) * 60 + Number(zone!.slice(4))) * (zone![0] === "-" ? -1 : 1);
  const us = Date.parse(`${second}Z`) * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6)) - offset * 60_000_000;
  return { us, zone: offset };
}

/** The same, for scoring; `null` for none. */
export function timeAsScored(sample: Sample, text: string | null) {
  return text === null ? null : withScoredYear(sample, timeOf(text));
}

/** A time whose year is scored, or is not (`YEAR_AGAINST_THE_RULE`). */
export function withScoredYear<T extends { readonly us: number }>(sample: Sample, time: T): T {
  if (!YEAR_AGAINST_THE_RULE.has(sample.id)) return time;
  const date = new Date(time.us / 1000);
  date.setUTCFullYear(2000);
  return { ...time, us: date.getTime() * 1000 + (time.us % 1000) };
}

export function bytesOf(sample: Sample): Uint8Array {
  return sample.raw_b64 === undefined ? encode(sample.raw!) : Uint8Array.from(Buffer.from(sample.raw_b64, "base64"));
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Microseconds of an ISO date. */
export const microseconds = (iso: string): number => Date.parse(iso) * 1000;

export interface Arrival {
  readonly rules?: Partial<ParseRules>;
  readonly now?: string;
  readonly origin?: Origin;
  readonly pid?: number;
  readonly uid?: number;
}

/** The record of a message. */
export function recordOf(message: string | Uint8Array, arrival: Arrival = {}): RecordView {
  const bytes = typeof message === "string" ? encode(message) : message;
  const record = new RecordView();
  record.origin = arrival.origin ?? origin("udp", "sender.example", "192.0.2.7");
  record.receivedUs = microseconds(arrival.now ?? "2026-11-23T12:00:00Z");
  record.pid = arrival.pid ?? -1;
  record.uid = arrival.uid ?? -1;
  parseMessage(record, bytes, 0, bytes.length, { ...DEFAULT_RULES, ...arrival.rules });
  return record;
}

/** What a record says, as values that can be compared and read. */
export function saidBy(record: RecordView) {
  return {
    form: record.form,
    pri: record.pri,
    time: record.hasTime ? new Date(record.timeUs / 1000).toISOString() : "",
    zone: record.zoneMinutes,
    host: record.text(record.hostStart, record.hostEnd),
    app: record.appText(),
    procid: record.procidText(),
    msgid: record.msgidText(),
    sd: record.sdText(),
    msg: record.msgText(),
  };
}
