// What would become of a message: how it is read, which rules take it, where they send it. Nothing is opened or written.
import { facilityName } from "../syslog/facility.ts";
import { expandGroup, expandPath } from "../syslog/name-template.ts";
import { MARK_NAMES, type RecordView } from "../syslog/record.ts";
import { matches } from "../syslog/rule.ts";
import { severityName } from "../syslog/severity.ts";
import { structuredData } from "../syslog/structured-data.ts";
import { ISO_BYTES_MAX, TimeWriter } from "../syslog/time-writer.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import { type Destination, formatDestination } from "./destination.ts";
import { type DirectedRule, describeRule } from "./directed-rule.ts";

/** The fields of a message as they were read; `null`: it has none. */
export interface ReadFields {
  readonly pri: number;
  readonly facility: string;
  readonly severity: string;
  /** ISO 8601, in the zone in which the message claims it. */
  readonly time: string | null;
  readonly hostname: string | null;
  readonly app: string | null;
  readonly procid: string | null;
  readonly msgid: string | null;
  /** By id and name, without escapes; `null` where the message is not RFC 5424. */
  readonly sd: Readonly<Record<string, Readonly<Record<string, string>>>> | null;
  readonly msg: string;
}

export interface Explanation extends ReadFields {
  /** Where the message names no host, this is taken. */
  readonly host: string;
  readonly form: "5424" | "3164" | "text";
  /** "malformed", "cut", "time-off", "no-pri". */
  readonly marks: readonly string[];
  /** The rules that took it, in their order. */
  readonly rules: readonly { readonly number: number; readonly rule: string; readonly stops: boolean }[];
  /** Where it would go, each sink once, with its names made of this very record. */
  readonly sinks: readonly string[];
}

/** Explains the record of one message. @param zone that of this host, for paths with dates */
export function explain(record: RecordView, rules: readonly DirectedRule[], zone: ZoneOffset): Explanation {
  const taken = takers(record, rules);
  const sinks = taken.flatMap((index) => rules[index]!.to ?? []).map((to) => sinkOf(to, record, zone));
  return {
    ...readFields(record),
    host: record.hostText(),
    form: record.form,
    marks: MARK_NAMES.filter((_, bit) => record.isMarked(1 << bit)),
    rules: taken.map((index) => {
      const rule = rules[index]!;
      return { number: index + 1, rule: describeRule(rule), stops: rule.rule.stop };
    }),
    sinks: [...new Set(sinks)],
  };
}

/** An explanation for people, fields that the message has not left out. */
export function formatExplanation(found: Explanation): string {
  const { pri, facility, severity, time, hostname, host, app, procid, msgid, sd, msg, form, marks, rules, sinks } =
    found;
  const rows: [string, string | null][] = [
    ["read as", [FORMS[form], ...marks].join(", ")],
    ["pri", `${pri} (${facility}.${severity})`],
    ["time", time ?? "none, so when it is received"],
    ["hostname", hostname ?? `none, so ${host}`],
    ["app", app],
    ["procid", procid],
    ["msgid", msgid],
    ["sd", sd === null || Object.keys(sd).length === 0 ? null : JSON.stringify(sd)],
    ["msg", JSON.stringify(msg)],
    ...rules.map(({ number, rule }): [string, string] => [`rule ${number}`, rule]),
    ...sinks.map((sink): [string, string] => ["goes to", sink]),
    ...(sinks.length > 0
      ? []
      : [["goes to", rules.length === 0 ? "nowhere: no rule takes it" : "nowhere"] as [string, string]]),
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : `${name.padEnd(9)} ${printable(value)}\n`)).join("");
}

const FORMS = { "5424": "RFC 5424", "3164": "RFC 3164", text: "text" } as const;

function takers(record: RecordView, rules: readonly DirectedRule[]): number[] {
  const taken: number[] = [];
  for (const [index, { rule }] of rules.entries()) {
    if (!matches(rule, record)) continue;
    taken.push(index);
    if (rule.stop) break;
  }
  return taken;
}

function sinkOf(to: Destination, record: RecordView, zone: ZoneOffset): string {
  if (to.kind === "files") return `file:${expandPath(to.path, record, zone)}`;
  if (to.kind === "group") return `group:${expandGroup(to.name, record)}`;
  return formatDestination(to);
}

function readFields(record: RecordView): ReadFields {
  const field = (from: number, to: number) => (from === to ? null : record.text(from, to));
  return {
    pri: record.pri,
    facility: facilityName(record.facility),
    severity: severityName(record.severity),
    time: record.hasTime ? isoTime(record.timeUs, record.zoneMinutes) : null,
    hostname: field(record.hostStart, record.hostEnd),
    app: field(record.appStart, record.appEnd),
    procid: field(record.procidStart, record.procidEnd),
    msgid: field(record.msgidStart, record.msgidEnd),
    sd: structuredData(record) ?? null,
    msg: record.msgText(),
  };
}

function isoTime(timeUs: number, zoneMinutes: number): string {
  const out = new Uint8Array(ISO_BYTES_MAX);
  return new TextDecoder().decode(out.subarray(0, new TimeWriter().iso(out, 0, timeUs, zoneMinutes)));
}

/** A sender's text must not drive the terminal of who asks. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
