// Records as `syslogd` sends them, as fast as a daemon takes them: the load for readers. Batches are filled once and sent again and again with other numbers.
import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { BatchWriter } from "../../lib/feed/batch-writer.ts";
import { connect, type Session } from "../../lib/spread/index.ts";

/** Records in a batch of 64 KiB. */
const BATCH_RECORDS = 300;

const HEAD = "<30>1 2026-11-26T12:00:00.000000Z web1 app 4711 - - ";

/** A record of `bytes` bytes; every tenth holds the word "timeout". */
function record(index: number, bytes: number): Uint8Array {
  const text = `${HEAD}request ${index % BATCH_RECORDS} ${index % 10 === 0 ? "timeout" : "was served"} `;
  return new TextEncoder().encode(text.padEnd(bytes, "x"));
}

export class RecordFlood implements AsyncDisposable {
  #next = 1;

  private constructor(
    readonly session: Session,
    readonly group: string,
    readonly bytes: number,
  ) {}

  static async open(server: string, group: string, bytes: number): Promise<RecordFlood> {
    return new RecordFlood(await connect({ servers: server, membership: false }), group, bytes);
  }

  /** Sends `count` records. @param perSecond 0: flat out. @param isOver ends it before */
  async batches(count: number, perSecond = 0, isOver: () => boolean = () => false): Promise<void> {
    const records = Array.from({ length: BATCH_RECORDS }, (_, index) => record(index, this.bytes));
    const begunMs = performance.now();
    for (let sent = 0; sent < count && !isOver(); ) {
      const writer = new BatchWriter("bench", "a");
      for (let index = 0; index < BATCH_RECORDS && sent < count && !writer.isFull; index++, sent++, this.#next++)
        writer.append(this.#next, records[index]!, 0, this.bytes);
      await this.session.multicast(this.group, writer.close(), { messageType: BATCH_MESSAGE_TYPE });
      if (perSecond > 0) await Bun.sleep(Math.max(0, (sent * 1_000) / perSecond - (performance.now() - begunMs)));
    }
  }

  /** Sends `count` lines of raw text, one a message. */
  async singles(count: number): Promise<void> {
    const body = record(1, this.bytes);
    for (let sent = 0; sent < count; sent += BATCH_RECORDS) {
      const some = Math.min(BATCH_RECORDS, count - sent);
      const taken = Array.from({ length: some }, () => this.session.multicast(this.group, body));
      await Promise.all(taken);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }
}
