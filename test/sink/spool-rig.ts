// A spool with what it said and what it gave, for tests.
import { join } from "node:path";
import { Spool, type SpoolEvent, type SpoolOptions } from "../../lib/sink/io/spool.ts";

export class Rig {
  readonly events: SpoolEvent[] = [];
  readonly read: string[] = [];
  nowMs = 1_000_000;
  readonly spool: Spool;
  #heard: () => void = () => {};

  constructor(directory: string, more: Partial<SpoolOptions> = {}) {
    this.spool = new Spool({
      directory,
      bytesMax: 1 << 20,
      ageMaxMs: Number.POSITIVE_INFINITY,
      whenFull: "drop-newest",
      pendingBytesMax: 1 << 20,
      wallMs: () => this.nowMs,
      streamName: (stream) => `stream${stream}`,
      streamOf: (name) => Number(name.slice(6)),
      onEvent: (event) => {
        this.events.push(event);
        this.#heard();
      },
      ...more,
    });
  }

  /** Appends texts to stream 3, numbered from `number`. */
  append(number: number, ...texts: string[]): number[] {
    return texts.map((text, index) => {
      const bytes = new TextEncoder().encode(text);
      return this.spool.append(3, number + index, bytes, 0, bytes.length);
    });
  }

  /** Reads until `room` records came; "STREAM/NUMBER TEXT". Returns those of this call. */
  async take(room = Number.POSITIVE_INFINITY): Promise<string[]> {
    const before = this.read.length;
    await this.spool.read((stream, entry, bytes) => {
      if (this.read.length - before >= room) return false;
      const text = new TextDecoder().decode(bytes.subarray(entry.start, entry.end));
      this.read.push(`${stream}/${entry.number} ${text}`);
      return true;
    });
    return this.read.slice(before);
  }

  get lost(): number {
    return this.events.reduce((sum, event) => sum + (event.on === "lost" ? event.records : 0), 0);
  }

  async heard(on: SpoolEvent["on"]): Promise<SpoolEvent> {
    for (;;) {
      const event = this.events.find((one) => one.on === on);
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** Waits until all of it is on disk. */
  async written(): Promise<void> {
    while (this.spool.unwritten > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  close(): Promise<void> {
    return this.spool.close(5_000);
  }
}

export const spoolIn = (path: string) => join(path, "spool");
