// A FIFO. Without a reader it can't be opened, and a full one takes nothing: neither holds us up, both are tried again.
import { constants } from "node:fs";
import type { Carrier } from "../carrier.ts";
import { RecentTally } from "../recent-tally.ts";
import type { Shipment } from "../shipment.ts";
import { files } from "./files.ts";

const FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** A full FIFO is tried again: nothing tells when it has room. */
const FULL_MS = 10;

export class FifoCarrier implements Carrier {
  readonly name: string;
  readonly mayMove = true;
  readonly taker = "its reader";
  readonly #recent = new RecentTally(1_000);
  #fd: number | undefined;
  /** One send at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly path: string) {
    this.name = `fifo:${path}`;
  }

  async open(): Promise<void> {
    const fd = await files.open(this.path, FLAGS, 0).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENXIO" ? new Error("nobody reads it") : error;
    });
    if (!(await files.fstat(fd)).isFIFO()) {
      await files.close(fd);
      throw new Error("this is no FIFO (mkfifo makes one)");
    }
    this.#fd = fd;
  }

  send(shipment: Shipment): Promise<number> {
    const sent = this.#last.then(() => this.#write(shipment));
    this.#last = sent.catch(() => {});
    return sent;
  }

  takeUncertain(): number {
    return this.#recent.take(performance.now());
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) void this.#last.then(() => files.close(fd).catch(() => {}));
  }

  async #write(shipment: Shipment): Promise<number> {
    for (let at = 0; at < shipment.end; ) {
      const fd = this.#fd;
      if (fd === undefined) throw new Error("closed");
      try {
        at += await files.write(fd, shipment.bytes, at, shipment.end, null);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") throw new Error("its reader has gone");
        if (code !== "EAGAIN") throw error;
        await new Promise((resolve) => setTimeout(resolve, FULL_MS));
      }
    }
    this.#recent.add(performance.now(), shipment.records);
    return 0;
  }
}
