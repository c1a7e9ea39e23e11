// A daemon without sockets: what it asks of the world is written down, the clock stands still until told.
import type { MonotonicMs } from "../../lib/base/brand.ts";
import type { Fault } from "../../lib/base/fault.ts";
import { seededRandom } from "../../lib/base/random.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { daemonId } from "../../lib/spread/spread-conf-hash.ts";
import { GroupPatterns } from "../../lib/spreadd/access.ts";
import { Daemon } from "../../lib/spreadd/daemon.ts";
import type { DaemonSettings } from "../../lib/spreadd/daemon-settings.ts";
import type { Engine } from "../../lib/spreadd/engine.ts";
import { LocalEngine } from "../../lib/spreadd/local-engine.ts";
import type { Peer } from "../../lib/spreadd/peer.ts";
import type { QueueLevel, Rim } from "../../lib/spreadd/rim.ts";
import type { SessionEnd } from "../../lib/spreadd/session-core.ts";
import { connectRequest, framesIn, methodChoice, type Received, toldBy } from "./frames.ts";

/** What the rim knows of one session. */
export interface Line {
  replies: number[];
  frames: Uint8Array[];
  timeoutMs: number | undefined;
  isPaused: boolean;
  end: SessionEnd | undefined;
  /** What the next `send` answers. */
  level: QueueLevel;
  isOverrun: boolean;
  takenBytes: number;
}

export class RecordingRim implements Rim {
  clockMs = 0;
  readonly lines: Line[] = [];
  failure: Fault | undefined;
  readonly notices: string[] = [];

  now(): MonotonicMs {
    return this.clockMs as MonotonicMs;
  }

  /** A line for a connection that was just accepted. */
  open(slot: number): Line {
    this.lines[slot] = {
      replies: [],
      frames: [],
      timeoutMs: undefined,
      isPaused: false,
      end: undefined,
      level: "low",
      isOverrun: false,
      takenBytes: 0,
    };
    return this.lines[slot];
  }

  reply(slot: number, bytes: Uint8Array): void {
    this.lines[slot]!.replies.push(...bytes);
  }

  send(slot: number, bytes: Uint8Array, start: number, end: number): QueueLevel {
    const line = this.lines[slot]!;
    if (line.isOverrun) return "low";
    line.frames.push(bytes.slice(start, end));
    line.isOverrun = line.level === "full";
    return line.level;
  }

  takenBytes(slot: number): number {
    return this.lines[slot]!.takenBytes;
  }

  pause(slot: number): void {
    this.lines[slot]!.isPaused = true;
  }

  resume(slot: number): void {
    this.lines[slot]!.isPaused = false;
  }

  opened(slot: number, _name: string, timeoutMs: number): void {
    this.lines[slot]!.timeoutMs = timeoutMs;
  }

  retime(slot: number, timeoutMs: number): void {
    this.lines[slot]!.timeoutMs = timeoutMs;
  }

  close(slot: number, _name: string | undefined, end: SessionEnd): void {
    if (this.lines[slot] !== undefined) this.lines[slot].end = end;
  }

  ringBegan(): void {}

  notice(line: string): void {
    this.notices.push(line);
  }

  failed(fault: Fault): void {
    this.failure = fault;
  }
}

export const UNIX_PEER: Peer = { by: "unix", uid: 1_000, gids: [1_000], pid: 1 };

export const DEFAULT_SETTINGS: DaemonSettings = {
  name: parseDaemonName("dmn1"),
  sessionsMax: 100,
  sessionGroupsMax: 1_000,
  authentication: { methods: ["NULL"], required: [], accessIp: [] },
  isPassword: () => false,
  access: [],
  sessionTimeoutMs: 10_000,
  groupTimeouts: [],
  flow: { patienceMs: 200 },
  outside: { holds: false, butNot: new GroupPatterns(["mole"]) },
};

/** A daemon with its rim, and clients that speak to it by hand. */
export class Bench {
  readonly rim = new RecordingRim();
  readonly daemon: Daemon;

  constructor(settings: Partial<DaemonSettings> = {}, engine?: Engine) {
    const all = { ...DEFAULT_SETTINGS, ...settings };
    const local = new LocalEngine({ name: all.name, id: daemonId(all.name), run: "" }, 1_700_000_000);
    this.daemon = new Daemon(all, engine ?? local, this.rim, seededRandom(1));
  }

  /** A connection that has said nothing yet. @returns its client, or the reply with which it is turned away */
  connect(peer: Peer = UNIX_PEER): Client | Uint8Array {
    const slot = this.daemon.accept(peer);
    return typeof slot === "number" ? new Client(this, slot, this.rim.open(slot)) : slot;
  }

  /** A session whose handshake is over. */
  session(name: string, { peer = UNIX_PEER, membership = true } = {}): Client {
    const client = this.connect(peer);
    if (!(client instanceof Client)) throw new Error(`turned away with ${client}`);
    client.send(connectRequest(name, { membership }), methodChoice("NULL"));
    if (client.line.timeoutMs === undefined) throw new Error(`not accepted: ${JSON.stringify(client.line)}`);
    client.line.replies = [];
    return client;
  }
}

export class Client {
  constructor(
    readonly bench: Bench,
    readonly slot: number,
    readonly line: Line,
  ) {}

  /** Sends bytes, and lets the daemon work until it has done what it can. */
  send(...pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.bench.daemon.receive(this.slot, piece.slice());
    while (this.bench.daemon.turn(this.slot)) {}
  }

  /** The frames that came since this was last asked. */
  received(): Received[] {
    return this.line.frames.splice(0).flatMap(framesIn);
  }

  /** The same, a line each. */
  told(): string[] {
    return this.received().map(toldBy);
  }
}
