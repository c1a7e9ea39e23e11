// An archive in a directory of its own, filled through the writing end and asked through the reading end, without a thread.
import { join } from "node:path";
import { BlockBuilder, entryName } from "../../lib/archive/block.ts";
import { ArchiveReader } from "../../lib/archive/io/reader.ts";
import { ArchiveStore, type StoreOptions } from "../../lib/archive/io/store.ts";
import type { ArchiveQuery } from "../../lib/archive/query.ts";
import { ANYTHING } from "../../lib/archive/required.ts";
import type { StreamMarks } from "../../lib/feed/marks.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { OWN_RULES } from "../../lib/syslog/parse-rules.ts";
import { RecordView } from "../../lib/syslog/record.ts";
import { ownRecord } from "../logcat/messages.ts";
import { temporaryDirectory } from "../support/temporary.ts";

export const ALL: ArchiveQuery = {
  groups: [],
  hosts: [],
  apps: [],
  severities: 0xff,
  facilities: 0xffffff,
  sinceUs: Number.NEGATIVE_INFINITY,
  beforeUs: Number.POSITIVE_INFINITY,
  text: ANYTHING,
};

export interface Put {
  readonly text: string | Uint8Array;
  readonly host?: string;
  readonly group?: string;
  readonly number: number;
}

export function archiveRig(more: Partial<StoreOptions> = {}) {
  const scratch = temporaryDirectory();
  const directory = more.directory ?? join(scratch.path, "archive");
  const troubles: string[] = [];
  const open = () =>
    new ArchiveStore({
      directory,
      retention: { ageMaxMs: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY },
      isSynced: false,
      mode: 0o640,
      wallMs: () => Date.UTC(2026, 10, 26, 12),
      onTrouble: (text) => troubles.push(text),
      ...more,
    });
  return {
    directory,
    troubles,
    open,
    reader: () => new ArchiveReader(directory, (text) => troubles.push(text)),
    [Symbol.dispose]() {
      scratch[Symbol.dispose]();
    },
  };
}

/** The bytes that a recorder hands over. */
export function chunkOf(records: readonly Put[]): Uint8Array {
  const block = new BlockBuilder(Math.max(1, records.length));
  const view = new RecordView();
  for (const { text, host = "web1", group = "log.mail", number } of records) {
    const head = new TextEncoder().encode("<19>Nov 23 12:03:04 postfix/smtpd[123]: ");
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const message = new Uint8Array([...head, ...bytes]);
    const own = ownRecord(message);
    parseMessage(view, own, 0, own.length, OWN_RULES);
    const name = entryName({ group, sender: "#s#d", host, incarnation: "a" });
    block.append(name, number, 1, view.bestTimeUs, view.pri, own, view.start, view.end, view.msgStart);
  }
  return block.encode();
}

/** What the blocks hold that are found: host, number, text. */
export function recordsOf(
  reader: ArchiveReader,
  query: ArchiveQuery = ALL,
): { host: string; number: number; text: string }[] {
  const found: { host: string; number: number; text: string }[] = [];
  const decoder = new TextDecoder("latin1");
  for (const { view, from } of reader.blocks(query))
    for (const entry of view.entries)
      for (let index = Math.max(from, entry.from); index < entry.to; index++)
        found.push({
          host: entry.host,
          number: entry.first + index - entry.from,
          text: decoder.decode(view.bytes.subarray(view.texts[index], view.starts[index + 1])),
        });
  return found;
}

export function marksTo(number: number, host = "web1"): StreamMarks {
  return { host, incarnation: "a", group: "log.mail", sender: "#s#d", ranges: [{ from: 1, to: number }] };
}
