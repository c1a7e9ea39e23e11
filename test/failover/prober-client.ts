// The prober at work in a client's namespace, as seen by the test.
import { join } from "node:path";
import type { Host } from "../cluster/host.ts";
import type { Child } from "../support/child.ts";
import type { Outage } from "./timeline.ts";

export interface Mark {
  readonly markMs: number;
  /** Up to now: those that are over, and those that are not (until infinity). */
  readonly outages: readonly Outage[];
  /** By how much the prober itself was held up at worst, since the last mark. */
  readonly lateMs: number;
}

export class ProberClient {
  #marks = 0;

  private constructor(private readonly child: Child) {}

  static async start(client: Host, addresses: readonly string[]): Promise<ProberClient> {
    const command = ["nice", "-n", "-10", process.execPath, join(import.meta.dir, "prober.ts"), ...addresses];
    const child = client.start(command, { stdin: "open" });
    await child.stdout.until('{"ready":true}\n');
    return new ProberClient(child);
  }

  async mark(): Promise<Mark> {
    this.#marks += 1;
    this.child.stdin.write("mark\n");
    await this.child.stdin.flush();
    const lines = (await this.child.stdout.until(`"mark":${this.#marks}}\n`))
      .split("\n")
      .filter((line) => line.endsWith("}"));
    const told = lines.map((line) => JSON.parse(line));
    const marks = told.filter((line) => line.mark !== undefined);
    const { markMs, open, lateMs } = marks[this.#marks - 1];
    const over: Outage[] = told.filter((line) => line.toMs !== undefined);
    return { markMs, lateMs, outages: [...over, ...open.map((one: object) => ({ ...one, toMs: Infinity }))] };
  }
}
