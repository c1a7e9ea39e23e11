// What a host knows of itself, whatever session it is in: config, health, maturity, what it would refuse. Told to the others as facts.
import type { Definition, VipId } from "./definition.ts";
import type { HostConfig, Stored } from "./event.ts";
import type { Facts, Identity, Unfit } from "./message.ts";
import { refusalMs } from "./times.ts";

/** Sessions within this time count as flapping: hold-down doubles with each. */
const FLAP_MS = 600_000;
const HOLD_DOWN_DOUBLINGS = 6;

interface Refusal {
  failures: number;
  /** When to say that it would take the vip again; `undefined` once said. */
  untilMs: number | undefined;
}

export class Self {
  mature = false;
  drained = false;
  stopping = false;
  private serial = 0;
  private ready = false;
  private matureAtMs = Number.POSITIVE_INFINITY;
  private readyAtMs = Number.POSITIVE_INFINITY;
  private readonly sessionsMs: number[] = [];
  private readonly sick = new Set<string>();
  private readonly unplugged = new Set<string>();
  private readonly refusals = new Map<VipId, Refusal>();
  private told: Facts | undefined;
  /** What a next life will find: writing takes its time, and may fail. */
  onDisk: Stored;

  constructor(
    public config: HostConfig,
    public stored: Stored,
  ) {
    this.onDisk = stored;
  }

  /** A session begins: it is held down, the longer the more of them there were lately. */
  join(nowMs: number): void {
    while (this.sessionsMs.length > 0 && nowMs - this.sessionsMs[0]! > FLAP_MS) this.sessionsMs.shift();
    const flaps = Math.min(this.sessionsMs.length, HOLD_DOWN_DOUBLINGS);
    this.sessionsMs.push(nowMs);
    this.ready = false;
    this.readyAtMs = nowMs + this.config.times.holdDownMs * 2 ** flaps;
    if (!this.mature && this.matureAtMs === Number.POSITIVE_INFINITY)
      this.matureAtMs = nowMs + this.config.times.maturityMs;
    this.told = undefined;
  }

  identity(incarnation: number): Identity {
    return { host: this.config.host, machine: this.config.machine, incarnation };
  }

  facts(): Facts {
    if (this.told !== undefined) return this.told;
    const { capacity, mode, times, definitions, hosts, tiebreak } = this.config;
    const unfit: Record<string, Unfit> = {};
    for (const name of this.sick) unfit[name] = "health";
    for (const name of this.unplugged) unfit[name] = "carrier";
    this.serial += 1;
    this.told = {
      serial: this.serial,
      capacity,
      mode,
      silenceMs: times.silenceMs,
      leaseMs: times.leaseMs,
      ready: this.ready,
      stopping: this.stopping,
      definitions,
      unfit,
      hosts,
      tiebreak,
    };
    return this.told;
  }

  /** Whether facts have changed since they were last asked for. */
  hasNews(): boolean {
    return this.told === undefined;
  }

  configure(config: HostConfig): void {
    const before = new Set(this.config.definitions.map(({ digest }) => digest));
    // A changed definition is a new chance.
    for (const { id, digest } of config.definitions)
      if (!before.has(digest) && this.refusals.has(id)) this.refusals.get(id)!.untilMs = 0;
    this.config = config;
    this.told = undefined;
  }

  setHealth(vip: string, ok: boolean): void {
    this.set(this.sick, vip, !ok);
  }

  /** @returns whether that is news */
  setCarrier(vip: string, up: boolean): boolean {
    const isNews = this.unplugged.has(vip) === up;
    this.set(this.unplugged, vip, !up);
    // With its device back the vip is no more refused.
    if (up) for (const [id, refusal] of this.refusals) if (id.startsWith(`${vip}=`)) refusal.untilMs = 0;
    return isNews;
  }

  hasCarrier({ name }: Definition): boolean {
    return !this.unplugged.has(name);
  }

  stop(): void {
    this.stopping = true;
    this.told = undefined;
  }

  /** @returns for how long it will not be tried again */
  refuse(vip: VipId, nowMs: number): number {
    const failures = (this.refusals.get(vip)?.failures ?? 0) + 1;
    const forMs = refusalMs(failures);
    this.refusals.set(vip, { failures, untilMs: nowMs + forMs });
    return forMs;
  }

  succeed(vip: VipId): void {
    this.refusals.delete(vip);
  }

  /** Vips whose refusal has run out and has not been taken back yet. */
  *willing(nowMs: number): Generator<VipId> {
    for (const [vip, refusal] of this.refusals) {
      if (refusal.untilMs === undefined || nowMs < refusal.untilMs) continue;
      refusal.untilMs = undefined;
      yield vip;
    }
  }

  /** Not to be tried now: it could not be acquired lately, or that it may be again has not been said yet. */
  isRefusing(vip: VipId): boolean {
    return this.refusals.get(vip)?.untilMs !== undefined;
  }

  refusing(): readonly VipId[] {
    return [...this.refusals].filter(([, { untilMs }]) => untilMs !== undefined).map(([vip]) => vip);
  }

  /** Whether the maturity timer has run out just now. */
  ripens(nowMs: number): boolean {
    if (this.mature || nowMs < this.matureAtMs) return false;
    this.mature = true;
    return true;
  }

  /** What is left of the hold-down, and of the cold start where that is longer. */
  heldDownMs(nowMs: number): number {
    if (this.ready) return 0;
    return Math.max(0, this.readyAtMs - nowMs, this.mature ? 0 : this.matureAtMs - nowMs);
  }

  /** Looks at the hold-down. */
  tick(nowMs: number): void {
    if (this.ready || !this.mature || nowMs < this.readyAtMs) return;
    this.ready = true;
    this.told = undefined;
  }

  private set(names: Set<string>, vip: string, on: boolean): void {
    if (names.has(vip) === on) return;
    if (on) names.add(vip);
    else names.delete(vip);
    this.told = undefined;
  }
}
