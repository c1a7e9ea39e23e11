import { Fault } from "../../lib/base/fault.ts";
import type { Call } from "../../lib/cli/call.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { type Style, styleFor } from "../../lib/cli/style.ts";
import { type Change, Changes, formerly, isWell } from "../../lib/cluster/changes.ts";
import { askCorosync } from "../../lib/cluster/io/corosync-map.ts";
import { type ClusterStatus, statusLines } from "../../lib/cluster/status-report.ts";
import { ask } from "../../lib/control/io/client.ts";
import { pause } from "../../lib/run/pause.ts";
import type { SpreaddStatus } from "../../lib/spreadd/io/control.ts";
import { configuredPath } from "../spreadd/status.ts";
import { look } from "./look.ts";

/** corosync has to be asked; spreadd tells by itself. */
const LOOK_EVERY_MS = 500;

export const watchCommand = defineCommand({
  name: "watch",
  summary: "tells what changes in the cluster as it comes, and how long it had been as it was",
  about:
    "Hosts that leave the ring and come back, links that go down, daemons that are outside. spreadd tells its changes at once; corosync is asked twice a second. Ctrl-C ends it.",
  examples: [
    { line: "spreadbox cluster watch", about: "while you pull a cable" },
    { line: "spreadbox cluster watch --json", about: "an object a change, for programs" },
    { line: "spreadbox cluster watch >> /var/log/cluster-changes", about: "as a log" },
  ],
  json: true,
  async run(call) {
    const path = configuredPath(call);
    const watch = new Watch(call, await look(path, call.stop));
    await watch.begin();
    await Promise.all([watch.corosync(), watch.spreadd(path)]);
    return 0;
  },
});

class Watch {
  readonly #changes = new Changes();
  readonly #style: Style;

  constructor(
    private readonly call: Call<Record<never, never>>,
    private status: ClusterStatus,
  ) {
    this.#style = styleFor(call.out.colour);
  }

  get #isOver(): boolean {
    return this.call.stop.aborted || this.call.out.closed.aborted;
  }

  async begin(): Promise<void> {
    await this.#tell({});
    if (!this.call.json) await this.call.out.write(`${statusLines(this.status, this.#style).join("\n")}\n\n`);
  }

  async corosync(): Promise<void> {
    while (await pause(LOOK_EVERY_MS, this.call.stop)) {
      if (this.#isOver) return;
      await this.#tell({ ring: await askCorosync().catch(missing) });
    }
  }

  async spreadd(path: string): Promise<void> {
    while (!this.#isOver) {
      try {
        for await (const status of ask("spreadd", path, { ask: "watch", with: {} }, { stop: this.call.stop }))
          await this.#tell({ spreadd: status as SpreaddStatus });
      } catch (error) {
        await this.#tell({ spreadd: missing(error) });
      }
      await pause(LOOK_EVERY_MS, this.call.stop);
    }
  }

  async #tell(news: Partial<ClusterStatus>): Promise<void> {
    this.status = { ...this.status, ...news };
    const at = new Date();
    for (const change of this.#changes.look(this.status, performance.now())) {
      if (this.call.json) await this.call.printJson({ at: at.toISOString(), ...change });
      else await this.call.out.write(`${this.#style.faint(at.toTimeString().slice(0, 8))}  ${this.#line(change)}\n`);
    }
  }

  #line(change: Change): string {
    const { what, is } = change;
    const paint = isWell(change) ? this.#style.good : this.#style.bad;
    return `${what} ${paint(is)}${formerly(change)}`;
  }
}

function missing(error: unknown): undefined {
  if (!(error instanceof Fault)) throw error;
}
