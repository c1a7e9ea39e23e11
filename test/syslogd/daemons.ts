// The daemons that a syslogd may send to, each started and killed in the same way: the real one, and ours from source.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../support/binary.ts";
import { Child } from "../support/child.ts";
import { hasRealSpread, startRealSpread } from "../support/real-spread.ts";

/** A daemon that runs. */
export interface Daemon extends AsyncDisposable {
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export interface DaemonKind {
  readonly name: string;
  readonly isHere: boolean;
  /** Where it is reached, dead or alive. */
  readonly server: string;
  start(): Promise<Daemon>;
}

/** @param port and the one behind it are used on loopback; @param directory for sockets */
export function daemonKinds(port: number, directory: string): readonly DaemonKind[] {
  const socket = join(directory, "spread.sock");
  return [
    {
      name: "the real daemon",
      isHere: hasRealSpread,
      server: `unix:/tmp/${port}`,
      start: () => startRealSpread({ port, config: "MaxSessionMessages = 100000" }),
    },
    { name: "spreadd", isHere: true, server: `unix:${socket}`, start: () => startSpreadd(socket) },
  ];
}

async function startSpreadd(socket: string): Promise<Daemon> {
  const main = join(projectRoot, "cmd/main.ts");
  const child = new Child([process.execPath, main, "spreadd", "--port", "0", "--name", "dmn1", "--socket", socket]);
  await child.stderr.until("listens on");
  if (!existsSync(socket)) throw new Error(`spreadd listens, but not on ${socket}`);
  return {
    signal: (name) => child.signal(name),
    async kill() {
      child.signal("SIGKILL");
      await child.exited;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
