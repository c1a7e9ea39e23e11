// How a record is read that came by a group, now or out of an archive: one of a batch is in our own form; a line of raw text is from a foreign program.
import { parseMessage } from "../syslog/parse.ts";
import { DEFAULT_RULES, OWN_RULES, type ParseRules } from "../syslog/parse-rules.ts";
import { type Origin, origin, type RecordView } from "../syslog/record.ts";

/** Raw text is not interpreted... */
const TEXT_RULES: ParseRules = { ...DEFAULT_RULES, read: "nothing" };

/** Reads the record at [start, end). Its origin has to be set before. @param arrivedUs when it came: microseconds since 1970, UTC */
export function readReceived(
  record: RecordView,
  bytes: Uint8Array,
  start: number,
  end: number,
  isText: boolean,
  arrivedUs: number,
): void {
  record.receivedUs = arrivedUs;
  record.pid = -1;
  record.uid = -1;
  const rules = !isText ? OWN_RULES : hasPri(bytes, start, end) ? DEFAULT_RULES : TEXT_RULES;
  parseMessage(record, bytes, start, end, rules);
}

/** Where records of a batch come from, or lines of a session. @param host of the batch, "" for raw text */
export function receivedOrigin(group: string, sender: string, host: string): Origin {
  // A session is #name#daemon, and a daemon mostly has its host's name: the best that is known of where a text is from.
  return origin("group", host === "" ? sender.slice(sender.lastIndexOf("#") + 1) : host, "", group);
}

/** ...unless it begins as a syslog message does: "<13>". */
function hasPri(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 2 && bytes[start] === 0x3c && bytes[start + 1]! >= 0x30 && bytes[start + 1]! <= 0x39;
}
