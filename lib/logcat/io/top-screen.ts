// `logcat top` on the screen: a page a second. A terminal is redrawn in place, on its other screen, so that what stood there comes back; the last page stays.
// A pipe gets page after page, and with JSON an object each.
import type { Output } from "../../cli/call.ts";
import type { Paper } from "../line-writer.ts";
import { type Notice, noticeText } from "../notice.ts";
import { Rates, type RateTable } from "../rates.ts";
import type { Stats } from "../tally.ts";
import { topPage } from "../top-page.ts";

const INTERVAL_MS = 1_000;
/** Names in each list of a page in JSON. */
const JSON_NAMES = 20;
/** Lines of a page in a pipe. */
const PIPE_ROWS = 40;
const NOTICES_KEPT = 5;

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K\n";
const CLEAR_BELOW = "\x1b[J";

export interface TopScreenOptions {
  readonly out: Output;
  readonly paper: () => Paper;
  readonly json: boolean;
  readonly stats: () => Stats;
  readonly nowMs: () => number;
}

export class TopScreen {
  readonly rates: Rates;
  readonly #options: TopScreenOptions;
  readonly #notices: string[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #isDrawing = false;
  readonly #leave = () => process.stdout.write(LEAVE);

  constructor(options: TopScreenOptions) {
    this.#options = options;
    this.rates = new Rates(options.nowMs());
  }

  async start(): Promise<void> {
    if (this.#isLive) {
      process.once("exit", this.#leave); // whatever ends us, the terminal is left as it was
      await this.#options.out.write(ENTER);
      await this.#draw();
    }
    this.#timer = setInterval(() => void this.#draw(), INTERVAL_MS);
  }

  tell(notice: Notice): void {
    this.#notices.push(noticeText(notice));
    if (this.#notices.length > NOTICES_KEPT) this.#notices.shift();
  }

  /** Shows the last page for good. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#isLive) {
      process.off("exit", this.#leave);
      await this.#options.out.write(LEAVE);
    }
    this.rates.tick(this.#options.nowMs());
    await this.#options.out.write(this.#page(PIPE_ROWS));
  }

  get #isLive(): boolean {
    return this.#options.out.isTerminal && !this.#options.json;
  }

  /** Skipped while the page before is still on its way. */
  async #draw(): Promise<void> {
    this.rates.tick(this.#options.nowMs());
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    await this.#options.out.write(this.#isLive ? this.#inPlace() : this.#page(PIPE_ROWS));
    this.#isDrawing = false;
  }

  #inPlace(): string {
    const rows = process.stdout.rows || 24;
    const lines = new TextDecoder()
      .decode(this.#page(rows - 1))
      .trimEnd()
      .split("\n");
    return HOME + lines.slice(0, rows - 1).join(CLEAR_LINE) + CLEAR_LINE + CLEAR_BELOW;
  }

  #page(rows: number): Uint8Array {
    const { json, paper, stats } = this.#options;
    if (json) return new TextEncoder().encode(`${JSON.stringify(this.#object())}\n`);
    return topPage(this.rates, stats(), { paper: paper(), rows, notices: this.#notices });
  }

  #object() {
    const list = (table: RateTable) =>
      table
        .busiest(JSON_NAMES)
        .map(({ name, perSecond, total }) => ({ name, perSecond: Math.round(perSecond * 10) / 10, total }));
    const { all, groups, hosts, programs, severities } = this.rates;
    return {
      kind: "top",
      perSecond: list(all)[0]?.perSecond ?? 0,
      groups: list(groups),
      hosts: list(hosts),
      programs: list(programs),
      severities: list(severities),
      ...this.#options.stats(),
    };
  }
}
