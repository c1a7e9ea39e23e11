// Fields of a record by name, for `--field`: those that every record has, the parameters of its structured data, and where the message itself is a JSON
// object, what is in it. Makes strings and objects: only for who asks.
import { Fault } from "../base/fault.ts";
import { wildcard } from "../base/wildcard.ts";
import { facilityName } from "../syslog/facility.ts";
import type { RecordView } from "../syslog/record.ts";
import { severityName } from "../syslog/severity.ts";
import { structuredData } from "../syslog/structured-data.ts";
import type { Arrival } from "./arrival.ts";

/** One condition on a field. */
export interface FieldTest {
  readonly name: string;
  readonly wants: "present" | "equal" | "unequal";
  /** What the value is compared with; matches anything where only presence is asked. */
  readonly value: RegExp;
}

export const FIELD_FORM = 'a field such as "status=500", "user!=root", "path=/api/*", or a name alone';

/**
 * Reads `NAME=VALUE`, `NAME!=VALUE` or `NAME`; VALUE may hold wildcards.
 * @throws {Fault} kind "usage", code "field"
 */
export function parseFieldTest(text: string): FieldTest {
  const [, name, operator, value] = /^([^=!]+)(?:(!?=)(.*))?$/su.exec(text) ?? [];
  if (name === undefined)
    throw new Fault("usage", "field", `cannot read field ${JSON.stringify(text)}: expected ${FIELD_FORM}`);
  if (operator === undefined) return { name, wants: "present", value: wildcard("*") };
  return { name, wants: operator === "=" ? "equal" : "unequal", value: wildcard(value ?? "") };
}

/** Whether a record passes all `tests`. A field that is absent equals nothing. */
export function passesFieldTests(tests: readonly FieldTest[], record: RecordView, arrival: Arrival): boolean {
  const fields = new FieldReader();
  fields.open(record, arrival);
  for (const { name, wants, value } of tests) {
    const found = fields.find(name);
    const matches = found !== undefined && value.test(found);
    if (matches === (wants === "unequal")) return false;
  }
  return true;
}

/** Finds fields of one record after the other. */
export class FieldReader {
  #record: RecordView | undefined;
  #arrival: Arrival | undefined;
  #json: unknown;
  #jsonIsRead = false;

  open(record: RecordView, arrival: Arrival): void {
    this.#record = record;
    this.#arrival = arrival;
    this.#jsonIsRead = false;
  }

  /** A field of the record that was opened; `undefined` where it has none of that name. */
  find(name: string): string | undefined {
    const record = this.#record!;
    const found = ownField(name, record, this.#arrival!) ?? dataField(name, record);
    if (found !== undefined) return found;
    if (!this.#jsonIsRead) this.#json = messageObject(record);
    this.#jsonIsRead = true;
    return jsonField(name, this.#json);
  }
}

function ownField(name: string, record: RecordView, arrival: Arrival): string | undefined {
  switch (name) {
    case "group":
      return arrival.group;
    case "sender":
      return arrival.sender;
    case "host":
      return record.hostText();
    case "app":
      return orAbsent(record.appText());
    case "pid":
    case "procid":
      return orAbsent(record.procidText());
    case "msgid":
      return orAbsent(record.msgidText());
    case "facility":
      return facilityName(record.facility);
    case "severity":
      return severityName(record.severity);
    default:
      return undefined;
  }
}

/** `param` in any element, or `id.param` in one. */
function dataField(name: string, record: RecordView): string | undefined {
  if (record.sdStart === record.sdEnd) return undefined;
  for (const [id, params] of Object.entries(structuredData(record) ?? {})) {
    if (params[name] !== undefined) return params[name];
    if (name.startsWith(`${id}.`)) {
      const value = params[name.slice(id.length + 1)];
      if (value !== undefined) return value;
    }
  }
  return undefined;
}

/** The message as an object, where it is one: JSON, alone or behind the "@cee:" of Common Event Expression. */
function messageObject(record: RecordView): unknown {
  const text = record.msgText().replace(/^\s*(?:@cee:\s*)?/u, "");
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** `a.b.c`: down the objects; a key that has dots itself is found as well. */
function jsonField(name: string, value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Object.hasOwn(value, name)) return scalarText((value as Record<string, unknown>)[name]);
  for (let dot = name.indexOf("."); dot > 0; dot = name.indexOf(".", dot + 1)) {
    const key = name.slice(0, dot);
    if (!Object.hasOwn(value, key)) continue;
    const found = jsonField(name.slice(dot + 1), (value as Record<string, unknown>)[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value === null || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

const orAbsent = (text: string): string | undefined => (text === "" ? undefined : text);
