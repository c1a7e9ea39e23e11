// Messages as a daemon delivers them, for tests: real frames, made by the writers that senders use.

import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { BatchWriter } from "../../lib/feed/batch-writer.ts";
import { FrameView, frameSize, readFrame, writeHeader } from "../../lib/spread/frame.ts";
import { nameField } from "../../lib/spread/name-field.ts";
import { AGREED } from "../../lib/spread/service.ts";
import { OwnFormat } from "../../lib/syslog/format-5424.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";

export const utf8 = (text: string) => new TextEncoder().encode(text);

export interface Sent {
  readonly group?: string;
  readonly sender?: string;
  readonly messageType?: number;
}

/** The frame of one message. */
export function frameOf(
  body: Uint8Array,
  { group = "log.mail", sender = "#sb-1#web1", messageType = 0 }: Sent = {},
): FrameView {
  const bytes = new Uint8Array(frameSize(1, body.length));
  const groupAt = writeHeader(bytes, 0, AGREED, nameField(sender), 1, messageType, body.length);
  bytes.set(nameField(group), groupAt);
  bytes.set(body, groupAt + 32);
  const view = new FrameView();
  if (readFrame(bytes, 0, bytes.length, view) !== bytes.length) throw new Error("the frame is not whole");
  return view;
}

/** The body of a batch of records as they lie in groups. */
export function batchOf(
  first: number,
  records: readonly (string | Uint8Array)[],
  host = "web1",
  incarnation = "a",
): Uint8Array {
  const writer = new BatchWriter(host, incarnation);
  for (const [index, record] of records.entries()) {
    const bytes = typeof record === "string" ? utf8(record) : record;
    writer.append(first + index, bytes, 0, bytes.length);
  }
  return writer.close().slice();
}

export function batchFrame(
  first: number,
  records: readonly (string | Uint8Array)[],
  sent: Sent & { host?: string; incarnation?: string } = {},
): FrameView {
  return frameOf(batchOf(first, records, sent.host, sent.incarnation), { messageType: BATCH_MESSAGE_TYPE, ...sent });
}

/** 2026-11-23 12:03:04.123456 UTC, in microseconds. */
export const NOON_US = Date.UTC(2026, 10, 23, 12, 3, 4, 123) * 1_000 + 456;

/** What syslogd puts into a group for a message that it received from a local socket, on host web1. */
export function ownRecord(message: string | Uint8Array, receivedUs = NOON_US): Uint8Array {
  const record = new RecordView();
  record.origin = origin("unix", "web1");
  record.receivedUs = receivedUs;
  const bytes = typeof message === "string" ? utf8(message) : message;
  parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
  const format = new OwnFormat();
  const out = new Uint8Array(format.bound(record));
  return out.slice(0, format.write(record, out, 0));
}
