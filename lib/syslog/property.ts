// Fields of a record by name, as text, and the classic test of one: `:msg, contains, "x"`, `:hostname, !isequal, "gw"`, `:app-name, icase_startswith, "ssh"`.
//
// Decodes: what asks for a property comes behind what does not.
import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { facilityName } from "./facility.ts";
import type { RecordView } from "./record.ts";
import { severityName } from "./severity.ts";
import { ParamCursor, unescapeParam } from "./structured-data.ts";

type Reader = (record: RecordView) => string;

const READERS = {
  host: (record) => record.hostText(),
  app: (record) => record.appText(),
  procid: (record) => record.procidText(),
  msgid: (record) => record.msgidText(),
  msg: (record) => record.msgText(),
  raw: (record) => record.rawText(),
  sd: (record) => record.sdText(),
  facility: (record) => facilityName(record.facility),
  severity: (record) => severityName(record.severity),
  pri: (record) => String(record.pri),
  via: (record) => record.origin.via,
  peer: (record) => record.origin.peer,
  pid: (record) => (record.pid >= 0 ? String(record.pid) : record.procidText()),
  uid: (record) => (record.uid >= 0 ? String(record.uid) : ""),
} as const satisfies Record<string, Reader>;

/** What other daemons call them. */
const ALIASES: ReadonlyMap<string, keyof typeof READERS> = new Map([
  ["hostname", "host"],
  ["source", "host"],
  ["fromhost", "peer"],
  ["fromhost-ip", "peer"],
  ["programname", "app"],
  ["app-name", "app"],
  ["appname", "app"],
  ["rawmsg", "raw"],
  ["structured-data", "sd"],
  ["syslogfacility-text", "facility"],
  ["syslogseverity-text", "severity"],
  ["syslogpriority-text", "severity"],
]);

export const PROPERTY_NAMES: readonly string[] = Object.keys(READERS);

const OPERATIONS = ["contains", "isequal", "startswith", "endswith", "regex", "ereregex", "isempty"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A test that can't be read. */
export class PropertyError extends Fault {
  override readonly name = "PropertyError";

  constructor(
    readonly found: string,
    readonly expected: string,
    readonly meant?: string,
  ) {
    const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
    super("config", "property", `cannot read property filter: ${JSON.stringify(found)}, expected ${expected}${hint}`);
  }
}

/** A test of one property. */
export interface PropertyTest {
  readonly property: string;
  readonly operation: Operation;
  readonly value: string;
  readonly isNegated: boolean;
  readonly anyCase: boolean;
  readonly holds: (record: RecordView) => boolean;
}

/** What a test is made of. */
export interface PropertyTestParts {
  /** One of PROPERTY_NAMES, what another daemon calls it, or "sd.ID.PARAM". */
  readonly property: string;
  readonly operation: Operation;
  /** For "regex" and "ereregex" a regular expression of JavaScript's, whose common part with POSIX is what configurations use. */
  readonly value: string;
  readonly isNegated?: boolean;
  readonly anyCase?: boolean;
}

/** @throws {PropertyError} where the property is unknown, or the regular expression is none */
export function propertyTest(parts: PropertyTestParts): PropertyTest {
  const { property, operation, value, isNegated = false, anyCase = false } = parts;
  const read = propertyReader(property);
  const found = comparison(operation, value, anyCase);
  const holds = (record: RecordView) => found(read(record)) !== isNegated;
  return { property, operation, value, isNegated, anyCase, holds };
}

/** Reads the classic form, with or without the colon before it: `:PROPERTY, [!][icase_]OPERATION, "VALUE"`. @throws {PropertyError} */
export function parsePropertyTest(text: string): PropertyTest {
  const form = /^\s*:?\s*([^\s,]+)\s*,\s*(!?)\s*(icase_)?(\w+)\s*(?:,\s*"((?:[^"\\]|\\.)*)"\s*)?$/s.exec(text);
  if (form === null) throw new PropertyError(text, ':PROPERTY, [!][icase_]OPERATION, "VALUE"');
  const [, property, negation, icase, word, quoted] = form;
  const operation = OPERATIONS.find((known) => known === word);
  if (operation === undefined) throw new PropertyError(word!, OPERATIONS.join(", "), nearest(word!, OPERATIONS));
  if (quoted === undefined && operation !== "isempty") throw new PropertyError(text, "a value in quotes at the end");
  // Only what protects the quoting is undone: a regular expression keeps its backslashes.
  const value = (quoted ?? "").replace(/\\(["\\])/g, "$1");
  return propertyTest({
    property: property!,
    operation,
    value,
    isNegated: negation === "!",
    anyCase: icase !== undefined,
  });
}

/** What reads a property. @throws {PropertyError} where there is none of that name */
export function propertyReader(name: string): Reader {
  const known = ALIASES.get(name.toLowerCase()) ?? name.toLowerCase();
  if (Object.hasOwn(READERS, known)) return READERS[known as keyof typeof READERS];
  const param = /^sd\.(.+)\.([^.]+)$/.exec(name);
  if (param !== null) return paramReader(param[1]!, param[2]!);
  throw new PropertyError(name, 'a property such as "msg", or "sd.ID.PARAM"', nearest(name, PROPERTY_NAMES));
}

function paramReader(id: string, name: string): Reader {
  const cursor = new ParamCursor();
  return (record) => {
    cursor.start(record.bytes, record.sdStart, record.sdEnd);
    return cursor.find(id, name) ? unescapeParam(record.text(cursor.valueStart, cursor.valueEnd)) : "";
  };
}

function comparison(operation: Operation, value: string, anyCase: boolean): (text: string) => boolean {
  if (operation === "isempty") return (text) => text === "";
  if (operation === "regex" || operation === "ereregex") {
    const expression = readExpression(value, anyCase);
    return (text) => expression.test(text);
  }
  const wanted = anyCase ? value.toLowerCase() : value;
  const compare = COMPARISONS[operation];
  return anyCase ? (text) => compare(text.toLowerCase(), wanted) : (text) => compare(text, wanted);
}

const COMPARISONS = {
  contains: (text, wanted) => text.includes(wanted),
  isequal: (text, wanted) => text === wanted,
  startswith: (text, wanted) => text.startsWith(wanted),
  endswith: (text, wanted) => text.endsWith(wanted),
} as const satisfies Record<string, (text: string, wanted: string) => boolean>;

function readExpression(source: string, anyCase: boolean): RegExp {
  try {
    return new RegExp(source, anyCase ? "i" : "");
  } catch (error) {
    if (error instanceof SyntaxError) throw new PropertyError(source, "a regular expression");
    throw error;
  }
}
