// The way from the bytes of one message to a record: RFC 5424 or RFC 3164 as it is really sent, chosen by content.

import { DEFAULT_RULES, type ParseRules } from "./parse-rules.ts";
import type { RecordView } from "./record.ts";

/**
 * Reads the message at [start, end) of `bytes` into `record`. Never throws: what is of no known form comes out as text, and what breaks its form comes
 * out as text that is marked.
 *
 * Sets every field of the message, and `marks` anew; leaves those of the arrival alone. `record.origin` and `record.receivedUs` have to be set before: a
 * date without a year is read as the one nearest to `receivedUs`, and who it came from says whether a host name is to be expected.
 */
export function parseMessage(
  record: RecordView,
  bytes: Uint8Array,
  start: number,
  end: number,
  rules: ParseRules = DEFAULT_RULES,
): void {
  // First form: the text alone; the formats follow.
  record.bytes = bytes;
  record.start = start;
  record.end = end;
  record.form = "text";
  record.marks = 0;
  record.msgStart = start;
  record.msgEnd = end;
  void rules;
}
