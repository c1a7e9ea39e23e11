// The C tools of the Spread toolkit, as found through SPREAD_PREFIX, and the daemons they talk to.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, startSpreadbox } from "../../test/support/child.ts";
import { hasRealSpread, spreadPrefix, startRealSpread } from "../../test/support/real-spread.ts";
import type { Figures } from "./pairs.ts";

export { hasRealSpread, spreadPrefix };

/** A daemon to be measured: where its clients reach it. */
export interface Daemon extends AsyncDisposable {
  /** For C programs: a port is the unix socket /tmp/PORT. */
  readonly name: string;
  /** For ours. */
  readonly server: string;
}

/**
 * The real daemon. Its queue of a session is raised for both sides alike: at the 1,000 messages it comes with, it throws the C reader out of most floods
 * on a machine with two cores.
 */
export async function realDaemon(port: number): Promise<Daemon> {
  const daemon = await startRealSpread({ port, config: "MaxSessionMessages = 50000" });
  return { name: String(port), server: daemon.unix, [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose]() };
}

/** Our daemon, as it runs with no configuration, on the same kinds of sockets. */
export async function ourDaemon(port: number): Promise<Daemon> {
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-bench-"));
  const socket = join(directory, "spread.sock");
  const child = startSpreadbox(["spreadd", "--port", String(port), "--name", "dmn1", "--socket", socket]);
  await child.stderr.until("listens on");
  return {
    name: String(port),
    server: `unix:${socket}`,
    async [Symbol.asyncDispose]() {
      child.signal("SIGTERM");
      await child.exited;
      await child[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The real daemon throws a reader out that has 1,000 messages waiting, its own C reader too. Such a run says nothing of speed, so it is run again. */
export async function wholeFlood(daemon: Daemon, messages: number, bytes: number): Promise<Figures> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const figures = await flood(daemon, messages, bytes);
    if (figures["rate"] !== 0) return figures;
    console.log(`(the C reader was thrown out at ${bytes} bytes: run again)`);
  }
  throw new Error("the C reader was thrown out five times in a row");
}

/** One C writer floods one C reader. Rate, 0 where not all arrived, from the writer's start to the reader's end; CPU of the writer for a million messages. */
async function flood(daemon: Daemon, messages: number, bytes: number): Promise<Figures> {
  const flooder = join(spreadPrefix, "bin/spflooder");
  const common = ["-m", String(messages), "-b", String(bytes), "-s", daemon.name];
  await using reader = start(["stdbuf", "-oL", flooder, "-u", "reader", "-ro", ...common]);
  await reader.stdout.until("Only receiving");
  // The reader tells of nothing between that line and its join; a join takes well under this on any daemon.
  await Bun.sleep(300);
  const begun = performance.now();
  const writer = Bun.spawn([flooder, "-u", "writer", "-wo", ...common], { stdio: ["ignore", "ignore", "ignore"] });
  const [status] = await Promise.all([reader.exited, writer.exited]);
  const seconds = (performance.now() - begun) / 1_000;
  const whole = status === 0 && reader.stdout.text.includes(`completed multicast of ${messages} messages`);
  return { rate: whole ? messages / seconds : 0, senderCpu: cpuPerMillion(writer, messages) };
}

/** Microseconds a message are seconds a million. */
function cpuPerMillion(process: Bun.Subprocess, messages: number): number {
  return Number(process.resourceUsage()?.cpuTime.total ?? 0) / messages;
}
