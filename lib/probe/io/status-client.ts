// Asks the daemons of a spread.conf for their counters (PROTOCOL.md 11). A daemon answers only who asks from the address of a configured daemon with the
// right configuration hash, and says nothing to anybody else, so silence has to be explained here.
//
// One UDP socket, one request a daemon; lost datagrams are asked for again. Spread 4 is tried where Spread 5's form stays unanswered: neither daemon
// takes the other's form for anything but noise, as the lengths don't fit.
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { Fault } from "../../base/fault.ts";
import { type ConfDaemon, daemonsOf, type SpreadConf } from "../../spread/spread-conf.ts";
import { isLoopback } from "../../spread/spread-conf-address.ts";
import { configurationHash } from "../../spread/spread-conf-hash.ts";
import {
  ANY_HASH_4,
  readStatusReport,
  type StatusDialect,
  StatusError,
  type StatusReport,
  writeStatusRequest,
} from "../../spread/status.ts";
import type { StatusAnswer } from "../status-answer.ts";
import { hostAddresses } from "./spread-conf-file.ts";

export interface AskOptions {
  /** Which daemon's address to ask from; unless said the first that this host has. */
  readonly as: string | undefined;
  /** Only these; unless said all. */
  readonly only: readonly string[];
  readonly timeoutMs: number;
  /** `undefined`: 5, and 4 where that stays unanswered. */
  readonly dialect: StatusDialect | undefined;
}

/** Requests in the time that there is: one lost datagram must not mean "down". */
const TRIES = 3;

/** Asks until it is closed; each round is one `ask`. */
export class StatusClient implements Disposable {
  private constructor(
    private readonly socket: Socket,
    private readonly conf: SpreadConf,
    private readonly from: ConfDaemon,
    private readonly targets: readonly ConfDaemon[],
    private readonly options: AskOptions,
  ) {
    socket.on("message", (bytes, remote) => this.#received(bytes, remote));
    socket.on("error", () => {}); // a daemon's host that refuses is a daemon that does not answer
  }

  #waiting = new Map<ConfDaemon, (report: StatusReport) => void>();

  /**
   * Binds to the address of a configured daemon.
   * @throws {Fault} kind "unavailable": no daemon of the file has an address of this host; kind "usage": no such daemon
   */
  static async open(conf: SpreadConf, options: AskOptions): Promise<StatusClient> {
    const all = daemonsOf(conf);
    const from = chooseFrom(all, options.as);
    const targets = options.only.length === 0 ? all : options.only.map((name) => named(all, name));
    const socket = createSocket(from.address!.family === 4 ? "udp4" : "udp6");
    await bind(socket, from);
    return new StatusClient(socket, conf, from, targets, options);
  }

  /** Asks every daemon at once; resolves when all have answered or the time is over. */
  async ask(): Promise<readonly StatusAnswer[]> {
    return await Promise.all(this.targets.map((daemon) => this.#askOne(daemon)));
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }

  async #askOne(daemon: ConfDaemon): Promise<StatusAnswer> {
    const started = performance.now();
    const { promise, resolve } = Promise.withResolvers<StatusReport | undefined>();
    this.#waiting.set(daemon, resolve);
    const timers = this.#schedule().map(([dialect, atMs]) => setTimeout(() => this.#send(daemon, dialect), atMs));
    timers.push(setTimeout(() => resolve(undefined), this.options.timeoutMs));
    const report = await promise;
    for (const timer of timers) clearTimeout(timer);
    this.#waiting.delete(daemon);
    const where = { name: daemon.name, address: daemon.address?.text, port: daemon.port };
    if (report !== undefined) return { ...where, at: "answered", report, elapsedMs: performance.now() - started };
    return { ...where, at: "silent", waitedMs: this.options.timeoutMs };
  }

  /** When to send which form: all of the time, the first half for Spread 5 if both are tried. */
  #schedule(): readonly (readonly [dialect: StatusDialect, atMs: number])[] {
    const { dialect, timeoutMs } = this.options;
    const spread = (form: StatusDialect, fromMs: number, forMs: number) =>
      Array.from({ length: TRIES }, (_, index) => [form, fromMs + (forMs * index) / TRIES] as const);
    if (dialect !== undefined) return spread(dialect, 0, timeoutMs);
    if (this.from.address?.family === 6) return spread(5, 0, timeoutMs); // Spread 4 knows IPv4 only
    return [...spread(5, 0, timeoutMs / 2), ...spread(4, timeoutMs / 2, timeoutMs / 2)];
  }

  #send(daemon: ConfDaemon, dialect: StatusDialect): void {
    const { address } = daemon;
    if (address === undefined) return;
    const id = dialect === 5 ? this.from.id : addressNumber(this.from);
    const request = writeStatusRequest({
      dialect,
      byteOrder: "little",
      fromId: id,
      replyId: id,
      replyPort: this.socket.address().port,
      configurationHash: dialect === 5 ? configurationHash(this.conf)! : ANY_HASH_4,
    });
    this.socket.send(request, daemon.port, address.text, () => {}); // unreachable is told by silence
  }

  #received(bytes: Uint8Array, remote: RemoteInfo): void {
    let report: StatusReport;
    try {
      report = readStatusReport(bytes);
    } catch (error) {
      if (error instanceof StatusError) return; // anybody may send to this port
      throw error;
    }
    for (const [daemon, resolve] of this.#waiting) {
      const id = report.dialect === 5 ? daemon.id : addressNumber(daemon);
      if (report.myId === id && daemon.address?.text.split("%", 1)[0] === remote.address.split("%", 1)[0])
        resolve(report);
    }
  }
}

function chooseFrom(all: readonly ConfDaemon[], as: string | undefined): ConfDaemon {
  if (as !== undefined) {
    const daemon = named(all, as);
    if (daemon.address !== undefined) return daemon;
    throw new Fault("config", "no-address", `cannot ask as ${JSON.stringify(as)}: its address is unknown`);
  }
  const here = hostAddresses();
  const from = all.find(
    ({ address }) => address !== undefined && (isLoopback(address) || here.includes(address.text.split("%", 1)[0]!)),
  );
  if (from !== undefined) return from;
  throw new Fault(
    "unavailable",
    "not-a-daemon",
    "cannot ask for status: no daemon of the file has an address of this host, and daemons answer to nobody else; ask from one of their hosts",
  );
}

function named(all: readonly ConfDaemon[], name: string): ConfDaemon {
  const daemon = all.find((one) => one.name === name);
  if (daemon !== undefined) return daemon;
  throw new Fault(
    "usage",
    "unknown-daemon",
    `cannot find daemon ${JSON.stringify(name)}: the file has ${all.map((one) => one.name).join(", ")}`,
  );
}

async function bind(socket: Socket, from: ConfDaemon): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", reject);
  socket.bind(0, from.address!.text, resolve);
  try {
    await promise;
  } catch (error) {
    socket.close();
    throw new Fault(
      "unavailable",
      "bind",
      `cannot ask from ${from.address!.text}: ${error instanceof Error ? error.message : error}; ask from the host of ${JSON.stringify(from.name)}`,
      { cause: error },
    );
  }
  socket.off("error", reject);
}

/** Spread 4 names a daemon by its IPv4 address as a number. */
function addressNumber(daemon: ConfDaemon): number {
  const octets = daemon.address?.family === 4 ? daemon.address.canonical.split(".").map(Number) : [0, 0, 0, 0];
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}
