// Daemons on the simulated process groups, each a real `Daemon` on a real `RingCore`, with sessions that speak the protocol; and a director that breaks
// things by seed. What the sessions hear is judged by ring-history.ts.
import type { MonotonicMs } from "../../lib/base/brand.ts";
import { Fault } from "../../lib/base/fault.ts";
import { type Random, seededRandom } from "../../lib/base/random.ts";
import { parseDaemonName } from "../../lib/spread/names.ts";
import { AGREED, CAUSAL, FIFO, RELIABLE, SAFE, UNRELIABLE } from "../../lib/spread/service.ts";
import { Daemon } from "../../lib/spreadd/daemon.ts";
import type { DaemonSettings } from "../../lib/spreadd/daemon-settings.ts";
import type { QueueLevel } from "../../lib/spreadd/rim.ts";
import { RingCore, type RingPort } from "../../lib/spreadd/ring-core.ts";
import type { Seat } from "../../lib/spreadd/ring-message.ts";
import { CHECKS } from "../../lib/spreadd/ring-watch.ts";
import type { SessionEnd } from "../../lib/spreadd/session-core.ts";
import { Clockwork } from "../sim/clockwork.ts";
import { type CpgClient, type CpgProcess, CpgService } from "./cpg-service.ts";
import { connectRequest, framesIn, join, kill, leave, message, methodChoice } from "./frames.ts";
import { DEFAULT_SETTINGS, type Line, RecordingRim, UNIX_PEER } from "./recording-rim.ts";
import { SessionHistory } from "./ring-history.ts";

export const SILENCE_MS = 400;
const RE_ENTRY_MS = 60;
const GROUPS = ["one", "two", "three"];
const SERVICES = [UNRELIABLE, RELIABLE, FIFO, CAUSAL, AGREED, AGREED, AGREED, SAFE, SAFE];

/** A client of a daemon. */
export class SimSession {
  sentCount = 0;

  constructor(
    readonly host: SimHost,
    readonly slot: number,
    readonly line: Line,
    readonly history: SessionHistory,
  ) {}

  get isOpen(): boolean {
    return !this.history.isOver;
  }

  send(groups: readonly string[], service: number): void {
    const body = `${this.history.name}.${this.sentCount++}`;
    this.history.sent.push({ body, groups, service });
    this.#write(message(this.history.name, groups, body, service));
  }

  join(group: string): void {
    this.#write(join(this.history.name, group));
  }

  leave(group: string): void {
    this.#write(leave(this.history.name, group));
  }

  end(): void {
    this.history.isOver = true;
    this.#write(kill(this.history.name));
  }

  #write(bytes: Uint8Array): void {
    this.host.daemon.receive(this.slot, bytes);
    this.host.work(this.slot);
  }
}

/** What a session's socket would take goes to its history. */
class SimRim extends RecordingRim {
  readonly sessions: (SimSession | undefined)[] = [];

  constructor(private readonly host: SimHost) {
    super();
  }

  override now(): MonotonicMs {
    return this.host.cluster.clockwork.nowMs as MonotonicMs;
  }

  override send(slot: number, bytes: Uint8Array, start: number, end: number): QueueLevel {
    const session = this.sessions[slot];
    if (session?.isOpen) for (const frame of framesIn(bytes.slice(start, end))) session.history.hear(frame);
    return "low";
  }

  override resume(slot: number): void {
    this.lines[slot]!.isPaused = false;
    this.host.cluster.clockwork.after(0.01, () => this.host.work(slot));
  }

  override close(slot: number, _name: string | undefined, end: SessionEnd): void {
    const session = this.sessions[slot];
    if (session !== undefined) session.history.isOver = true;
    this.sessions[slot] = undefined;
    if (this.lines[slot] !== undefined) this.lines[slot].end = end;
  }

  override failed(fault: Fault): void {
    this.host.failure = fault;
    this.host.cluster.say(`${this.host.name}: ${fault.message}`);
    this.host.kill();
  }

  override notice(line: string): void {
    this.host.cluster.say(`${this.host.name}: ${line}`);
  }
}

/** One run of a daemon. */
export class SimHost implements CpgClient, RingPort {
  readonly core: RingCore;
  readonly rim = new SimRim(this);
  readonly daemon: Daemon;
  process: CpgProcess | undefined;
  failure: Fault | undefined;
  isDead = false;
  isFrozen = false;
  #isFlushComing = false;

  constructor(
    readonly cluster: RingCluster,
    readonly at: number,
    readonly name: string,
    settings: Partial<DaemonSettings>,
  ) {
    const daemonName = parseDaemonName(name);
    const { clockwork } = cluster;
    this.core = new RingCore({ name: daemonName, startedMs: clockwork.nowMs, silenceMs: SILENCE_MS }, this);
    this.daemon = new Daemon(
      { ...DEFAULT_SETTINGS, name: daemonName, ...settings },
      this.core,
      this.rim,
      cluster.random,
    );
    this.#enter();
    this.#check();
  }

  /** A session connects; `undefined` where it is turned away. */
  connect(): SimSession | undefined {
    const slot = this.daemon.accept(UNIX_PEER);
    if (typeof slot !== "number") return undefined;
    const line = this.rim.open(slot);
    const name = `s${this.cluster.sessions.length}`;
    const history = new SessionHistory(`#${name}#${this.name}`, this.at);
    const session = new SimSession(this, slot, line, history);
    this.daemon.receive(slot, connectRequest(name));
    this.daemon.receive(slot, methodChoice("NULL"));
    if (line.timeoutMs === undefined) throw new Error(`${name} was not let in`);
    this.rim.sessions[slot] = session;
    this.cluster.sessions.push(session);
    return session;
  }

  work(slot: number): void {
    if (this.isDead) return;
    while (this.daemon.turn(slot)) {}
  }

  /** The process is killed. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    for (const session of this.cluster.sessions) if (session.host === this) session.history.isOver = true;
    if (this.process !== undefined) this.cluster.service.kill(this.process);
  }

  /** SIGSTOP, SIGCONT. */
  freeze(isFrozen: boolean): void {
    this.isFrozen = isFrozen;
    if (this.process !== undefined) this.cluster.service.freezeProcess(this.process, isFrozen);
  }

  #enter(): void {
    if (this.isDead) return;
    this.process = this.cluster.service.enter(this.at, this);
    if (this.process === undefined) this.cluster.clockwork.after(RE_ENTRY_MS, () => this.#enter());
    else if (this.isFrozen) this.process.isFrozen = true;
  }

  #check(): void {
    this.cluster.clockwork.after(SILENCE_MS / CHECKS, () => {
      if (this.isDead) return;
      if (!this.isFrozen) this.core.check();
      this.#check();
    });
  }

  // --- the group ---

  entered(self: Seat): void {
    this.core.entered(self);
  }

  configured(members: readonly Seat[], left: readonly Seat[], hasJoined: boolean, isOfRing: boolean): void {
    this.core.configured(members, left, hasJoined, isOfRing);
  }

  ringChanged(node: number, sequence: number): void {
    this.core.ringChanged(node, sequence);
  }

  delivered(from: Seat, bytes: Uint8Array): void {
    this.core.delivered(from, bytes);
  }

  lost(): void {
    this.process = undefined;
    this.core.lost(new Fault("unavailable", "corosync-gone", "corosync has ended"));
    this.cluster.clockwork.after(RE_ENTRY_MS, () => this.#enter());
  }

  // --- the port ---

  now(): MonotonicMs {
    return this.cluster.clockwork.nowMs as MonotonicMs;
  }

  wallSeconds(): number {
    return 1_700_000_000 + Math.floor(this.cluster.clockwork.nowMs / 1_000);
  }

  nonce(): number {
    return Math.floor(this.cluster.random() * 2 ** 32);
  }

  send(bytes: Uint8Array): boolean {
    if (bytes.length > 1_000_000) throw new Error(`a message of ${bytes.length} bytes`);
    return this.process !== undefined && this.cluster.service.send(this.process, bytes);
  }

  checkIn(ms: number): void {
    this.cluster.clockwork.after(ms, () => {
      if (!this.isDead && !this.isFrozen) this.core.check();
    });
  }

  flushSoon(): void {
    if (this.#isFlushComing) return;
    this.#isFlushComing = true;
    this.cluster.clockwork.after(0.01, () => {
      this.#isFlushComing = false;
      if (this.isDead || this.isFrozen || this.core.flush() || this.process === undefined) return;
      this.cluster.clockwork.after(2, () => this.flushSoon());
    });
  }
}

export class RingCluster {
  readonly clockwork = new Clockwork();
  readonly random: Random;
  readonly service: CpgService;
  readonly sessions: SimSession[] = [];
  readonly hosts: SimHost[] = [];
  readonly story: string[] = [];

  constructor(
    readonly seed: number,
    readonly size: number,
    readonly settings: Partial<DaemonSettings> = {},
  ) {
    this.random = seededRandom(seed);
    this.service = new CpgService(this.clockwork, this.random, size, { detectionMs: 100, mergeMs: 60 });
    for (let at = 0; at < size; at++) this.start(at);
  }

  start(at: number, name = `h${at}`): SimHost {
    this.hosts[at] = new SimHost(this, at, name, this.settings);
    return this.hosts[at];
  }

  say(line: string): void {
    this.story.push(`${this.clockwork.nowMs.toFixed(1)} ${line}`);
  }

  run(ms: number): void {
    this.clockwork.runUntil(this.clockwork.nowMs + ms);
  }

  get histories(): SessionHistory[] {
    return this.sessions.map(({ history }) => history);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** Sessions do something, at random moments, for so long. */
  work(ms: number, everyMs: number): void {
    const until = this.clockwork.nowMs + ms;
    const act = () => {
      if (this.clockwork.nowMs > until) return;
      this.#act();
      this.clockwork.after(everyMs * this.random() * 2, act);
    };
    this.clockwork.after(0, act);
  }

  #act(): void {
    const host = this.hosts[this.below(this.size)]!;
    if (host.isDead || host.isFrozen) return;
    const here = this.sessions.filter((session) => session.host === host && session.isOpen);
    const session = here[this.below(here.length)];
    if (session === undefined || (here.length < 4 && this.random() < 0.1)) {
      const fresh = host.connect();
      fresh?.join(GROUPS[this.below(GROUPS.length)]!);
      return;
    }
    if (session.line.isPaused) return;
    const group = GROUPS[this.below(GROUPS.length)]!;
    const dice = this.random();
    if (dice < 0.08) session.join(group);
    else if (dice < 0.12) session.leave(group);
    else if (dice < 0.14) session.end();
    else {
      const service = SERVICES[this.below(SERVICES.length)]!;
      const to =
        dice < 0.3 ? [group, GROUPS[this.below(GROUPS.length)]!] : dice < 0.35 ? [session.history.name] : [group];
      for (let left = dice > 0.9 ? 20 : 1; left > 0; left--) session.send(to, service);
    }
  }
}

/** Breaks things for so long, in steps; then everything heals. */
export function direct(cluster: RingCluster, ms: number): void {
  const { size, service, random } = cluster;
  const until = cluster.clockwork.nowMs + ms;
  const step = () => {
    if (cluster.clockwork.nowMs > until) {
      heal(cluster);
      return;
    }
    const at = cluster.below(size);
    const host = cluster.hosts[at]!;
    switch (cluster.below(10)) {
      case 0:
      case 1: {
        const parts = Array.from({ length: size }, () => cluster.below(2 + cluster.below(2)));
        cluster.say(`network parts: ${parts}`);
        service.part(parts);
        break;
      }
      case 2:
        cluster.say("network heals");
        service.part(new Array(size).fill(0));
        break;
      case 3:
        cluster.say(`h${at}: daemon is killed`);
        host.kill();
        cluster.clockwork.after(random() * 300, () => cluster.hosts[at]!.isDead && cluster.start(at));
        break;
      case 4:
        cluster.say(`h${at}: corosync is killed`);
        service.crash(at);
        cluster.clockwork.after(random() * 400, () => service.restart(at));
        break;
      case 5:
        cluster.say(`h${at}: daemon is stopped`);
        host.freeze(true);
        cluster.clockwork.after(random() * 900, () => host.freeze(false));
        break;
      case 6:
        cluster.say(`h${at}: corosync is stopped`);
        service.freezeNode(at, true);
        cluster.clockwork.after(random() * 900, () => service.freezeNode(at, false));
        break;
      case 8:
      case 9: {
        const parts = Array.from({ length: size }, () => cluster.below(2));
        cluster.say(`network parts for a moment: ${parts}`);
        service.flap(parts, random() * 6);
        break;
      }
      case 7:
        cluster.say(`h${at}: all is stopped`);
        service.freezeNode(at, true);
        host.freeze(true);
        cluster.clockwork.after(random() * 900, () => {
          service.freezeNode(at, false);
          host.freeze(false);
        });
        break;
    }
    cluster.clockwork.after(random() * (random() < 0.4 ? 30 : 500), step);
  };
  cluster.clockwork.after(20, step);
}

function heal(cluster: RingCluster): void {
  cluster.say("all heals");
  cluster.clockwork.after(1_000, () => {
    cluster.service.part(new Array(cluster.size).fill(0));
    for (let at = 0; at < cluster.size; at++) {
      cluster.service.restart(at);
      cluster.service.freezeNode(at, false);
      cluster.hosts[at]!.freeze(false);
      if (cluster.hosts[at]!.isDead) cluster.start(at);
    }
  });
}
