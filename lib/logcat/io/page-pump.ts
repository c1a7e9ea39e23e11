// Writes pages to stdout as fast as it takes them. While one is being written the next fills: a single record goes out at once, and under load each write is
// as large as what came meanwhile.
import type { Output } from "../../cli/call.ts";
import type { Clock } from "../../run/clock.ts";
import type { Paper, Wide } from "../line-writer.ts";
import type { PageOutlet } from "../outlet.ts";

export class PagePump {
  #running: Promise<void> | undefined;
  #pagesWritten = 0;
  readonly #waiters: { readonly page: number; readonly resolve: () => void }[] = [];

  /** @param onRoom is called whenever a page has been written: there is room again */
  constructor(
    private readonly outlet: PageOutlet,
    private readonly out: Output,
    private readonly clock: Clock,
    private readonly onRoom: () => void,
  ) {}

  /** Lines were put into the outlet. They go out at the end of this turn, with all that came in it. */
  wake(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when what is in the outlet now is written: the page on its way, and the one behind it. */
  written(): Promise<void> {
    if (this.#running === undefined && this.outlet.waitingBytes === 0) return Promise.resolve();
    this.wake();
    const { promise, resolve } = Promise.withResolvers<void>();
    const ahead = (this.outlet.isWriting ? 1 : 0) + (this.outlet.waitingBytes > 0 ? 1 : 0);
    this.#waiters.push({ page: this.#pagesWritten + ahead, resolve });
    return promise;
  }

  /** Resolves when all is written, or nobody wants it any more. */
  async drained(): Promise<void> {
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    await null; // the frames of one read are handled in one go: let them all come first
    for (let page = this.outlet.take(); page !== undefined; page = this.outlet.take()) {
      const startMs = this.clock.monotonicMs();
      await this.out.write(page);
      this.outlet.done(this.clock.monotonicMs() - startMs);
      this.#pagesWritten += 1;
      this.#wakeWaiters();
      this.onRoom();
    }
    this.#running = undefined;
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    while (this.#waiters.length > 0 && (this.#waiters[0]!.page <= this.#pagesWritten || this.#running === undefined))
      this.#waiters.shift()!.resolve();
  }
}

/** What lines look like on `out`: only a terminal has an edge. */
export function paperOf(out: Output, wide: Wide, colour: boolean): Paper {
  if (!out.isTerminal) return { columns: Number.POSITIVE_INFINITY, wide: "plain", colour };
  return { columns: out.columns, wide, colour };
}
