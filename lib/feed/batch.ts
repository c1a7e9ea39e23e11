// What several log records in one Spread message look like: message type 5424, one group a message.
//
//   sb1 HOST INCARNATION FIRST COUNT FLAGS LF  LEN SP RECORD  LEN SP RECORD ...
//
//   sb1          the version, 1. A reader skips a higher one, and says so once: it cannot know what it means.
//   HOST         the sender: 1 to 255 printable ASCII characters, no space
//   INCARNATION  one life of the sender on that host: 1 to 32 letters and digits. Numbers begin anew with each
//   FIRST        the number of the first record. Records of one (host, incarnation, group) are numbered consecutively from 1
//   COUNT        how many records follow, numbered FIRST, FIRST + 1, ...; 0 tells only which number comes next
//   FLAGS        words joined by commas, or "-". A reader passes over words it does not know. See FLAG_AGAIN, ack.ts, former-life.ts
//   LEN          octets of the record, decimal, no leading zero (octet counting, RFC 6587 section 3.4.1)
//   RECORD       RFC 5424; what it cannot say is structured data of our own (lib/syslog)
//
// So a record's identity is (host, incarnation, group, number): who reads from 1 on knows what is missing and what came twice, whatever happened on the way.
import { Fault } from "../base/fault.ts";

/** The application type (hint) of messages that hold a batch. 0 is raw text, see text-payload.ts. */
export const BATCH_MESSAGE_TYPE = 5424;

/** The version that we write. Readers take this one and, once there is one, the version before. */
export const BATCH_VERSION = 1;

/** The longest record for a group; a longer one is cut, with a mark. */
export const RECORD_BYTES_MAX = 65_536;

/** A batch that holds this much takes no more: with one record on top it stays below the 143,151 bytes that are deadly to the real daemon. */
export const BATCH_BYTES_FULL = 65_536;

export const HOST_BYTES_MAX = 255;
export const INCARNATION_BYTES_MAX = 32;
export const FLAGS_BYTES_MAX = 128;

/** The batch was sent before, on a connection that was lost: who has its records already has them twice now. */
export const FLAG_AGAIN = "again";

/** The sender's last batch in the group: nothing follows under this incarnation, so nothing of it can be missing behind. */
export const FLAG_END = "end";

/** `sb1 `, host, incarnation, two numbers of at most 16 digits, flags, and what separates them. */
export const HEADER_BYTES_MAX = 4 + (HOST_BYTES_MAX + 1) + (INCARNATION_BYTES_MAX + 1) + 2 * 17 + (FLAGS_BYTES_MAX + 1);

export type BatchErrorCode =
  | "magic" // it does not begin with "sb" and a number
  | "newer" // a version that we don't know: told once, not an offence
  | "host"
  | "incarnation"
  | "first"
  | "count"
  | "flags"
  | "length" // a record's length is no number, or begins with 0
  | "short" // a record ends behind the batch
  | "surplus"; // bytes behind the last record

/** A payload that is no batch of a version we know. */
export class BatchError extends Fault {
  override readonly name = "BatchError";

  /** @param offset where in the message's body, in bytes */
  constructor(
    override readonly code: BatchErrorCode,
    readonly offset: number,
    found: string,
  ) {
    super(code === "newer" ? "protocol" : "data", code, `cannot read batch: ${found} at offset ${offset}`);
  }
}
