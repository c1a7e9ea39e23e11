// The real Spread 5 daemon beside a test, where SPREAD_PREFIX (default /opt/spread5) has one. Elsewhere such tests say loudly that they were skipped.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NULL_METHOD } from "../../lib/spread/auth-method.ts";
import { ClientHandshake } from "../../lib/spread/client-handshake.ts";
import { writeHeader } from "../../lib/spread/frame.ts";
import { nameField } from "../../lib/spread/name-field.ts";
import { JOIN } from "../../lib/spread/service.ts";
import { Child, WAIT_MS } from "./child.ts";

/** Where the real toolkit lies. */
export const spreadPrefix = process.env["SPREAD_PREFIX"] ?? "/opt/spread5";
const daemon = join(spreadPrefix, "sbin/spread");

/** `true` where there is a real daemon; says so once where there is none. For `describe.if(hasRealSpread)`. */
export const hasRealSpread = existsSync(daemon);
if (!hasRealSpread) process.stderr.write(`SKIP: no Spread at ${spreadPrefix}\n`);

export interface RealSpreadOptions {
  /** TCP on loopback, the unix socket /tmp/PORT, and UDP on PORT and PORT + 1. */
  readonly port: number;
  /** 1 to 19 characters; "dmn1" unless said. */
  readonly name?: string;
  /** More lines of spread.conf: `MaxSessionMessages = 5000`. */
  readonly config?: string;
}

/** A running daemon whose ring stands: it answers joins. Ended with the scope: `await using daemon = await startRealSpread({ port })`. */
export class RealSpread {
  /** As in the vectors: `4803@127.0.0.1`. */
  readonly tcp: string;
  readonly unix: string;

  constructor(
    readonly port: number,
    readonly name: string,
    private readonly child: Child,
    private readonly directory: string,
  ) {
    this.tcp = `${port}@127.0.0.1`;
    this.unix = `unix:/tmp/${port}`;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** SIGSTOP makes a daemon that is silent and does not close; SIGCONT wakes it. */
  signal(name: NodeJS.Signals): void {
    this.child.signal(name);
  }

  async kill(): Promise<void> {
    this.child.signal("SIGKILL");
    await this.child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(`/tmp/${this.port}`, { force: true }); // the daemon leaves it behind
  }
}

/** Starts a daemon and waits until it has formed its ring (some 2 s). */
export async function startRealSpread(options: RealSpreadOptions): Promise<RealSpread> {
  const { port, name = "dmn1", config = "" } = options;
  const directory = mkdtempSync(join(tmpdir(), "spreadbox-real-"));
  const user = Bun.spawnSync(["id", "-un"]).stdout.toString().trim(); // Bun's own userInfo() only reads $USER
  const file = join(directory, "spread.conf");
  writeFileSync(
    file,
    `Spread_Segment 127.0.0.1:${port} {
  ${name} 127.0.0.1 {
    127.0.0.1
  }
}
EventLogFile = ${directory}/log
SocketPortReuse = on
RuntimeDir = ${directory}
DaemonUser = ${user}
DaemonGroup = ${user}
${config}
`,
  );
  const child = new Child([daemon, "-c", file, "-n", name], { cwd: directory });
  const running = new RealSpread(port, name, child, directory);
  try {
    await ringFormed(port, child, join(directory, "log"));
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}

/** Joins a group and waits for its view: the daemon answers handshakes at once, but joins only when its ring stands. */
async function ringFormed(port: number, child: Child, log: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (Date.now() < deadline) {
    if (await answersJoin(port, deadline)) return;
    const ended = await Promise.race([child.exited, Bun.sleep(20)]);
    if (ended !== undefined) throw new Error(`spread ended with ${ended}: ${readFileSync(log, "utf8")}`);
  }
  throw new Error(`spread on port ${port} formed no ring within ${WAIT_MS} ms`);
}

async function answersJoin(port: number, deadline: number): Promise<boolean> {
  const options = { name: undefined, membership: true, priority: 0, methods: [NULL_METHOD] };
  const handshake = new ClientHandshake(options);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let joined = false;
  const timer = setTimeout(() => resolve(false), deadline - Date.now());
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (opened) => void opened.write(handshake.request),
      data(opened, chunk) {
        if (joined) return resolve(true);
        handshake.take(chunk, 0, chunk.length, (bytes) => opened.write(bytes));
        const { acceptance } = handshake;
        if (acceptance === undefined) return;
        const join = new Uint8Array(80);
        writeHeader(join, 0, JOIN, nameField(acceptance.privateGroup), 1, 0, 0);
        join.set(nameField("ready"), 48);
        joined = opened.write(join) > 0;
      },
      close: () => resolve(false),
    },
  }).catch(() => undefined);
  if (socket === undefined) resolve(false);
  const answered = await promise;
  clearTimeout(timer);
  socket?.terminate();
  return answered;
}
