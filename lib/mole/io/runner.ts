// Where decisions meet the world: the machine's actions are done here, and what comes of them goes back as events. Nothing is decided here, and nothing waits: an
// event's actions are all done before the next event is looked at, and what they bring comes behind what is queued already.
//
// Each event carries the time at which it is *handled*: a process that was stopped finds a socket full of news and a timer that is late, and whichever comes first
// shows the machine that it has been away.
import type { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { bootMs } from "../../run/clock.ts";
import type { Action, Report } from "../action.ts";
import type { Definition, VipId } from "../definition.ts";
import type { Command, HostConfig, MoleEvent, Stored } from "../event.ts";
import { Machine } from "../machine.ts";
import { describeAction, describeEvent, Recorder } from "../recorder.ts";
import { Standing, type StandingAddress } from "../standing.ts";
import type { Kept } from "../stored.ts";
import { otherHolder, Succession } from "../succession.ts";
import { LATE_END_MS, MARGIN_MS } from "../times.ts";
import type { Driver, DriverEvent } from "./driver.ts";
import type { GroupLink, LinkEvent, LinkOptions } from "./group-link.ts";
import { LeftAlone } from "./left-alone.ts";
import { Sessions } from "./sessions.ts";
import type { Store } from "./store.ts";

type Bare<T> = T extends { readonly now: number } ? Omit<T, "now"> : never;
type BareEvent = Bare<MoleEvent>;

/** Looks on; must be quick. */
export interface Onlooker {
  /** The machine has handled an event. */
  onStep(event: MoleEvent): void;
  onDriven(what: "acquired" | "released", definition: Definition): void;
  onReport(report: Report): void;
  onDriverEvent(event: DriverEvent): void;
  onLink(text: string): void;
}

export interface RunnerOptions {
  readonly config: HostConfig;
  readonly kept: Kept;
  readonly link: LinkOptions;
  readonly store: Store;
  readonly log: Log;
  readonly onlooker: Onlooker;
}

/** What the runner counts, for status and metrics. */
export interface RunnerCounts {
  sessions: number;
  sessionsLost: number;
  views: number;
  sent: number;
  received: number;
  unread: number;
  acquired: number;
  released: number;
  failed: number;
  late: number;
  dropped: number;
  stalls: number;
}

/** Whom a host has spoken with changes slowly. */
const NEIGHBOURS_EVERY_MS = 30_000;
/** How often it is told that somebody sends to the group who is not in it. */
const PASSER_EVERY_MS = 60_000;
/** A timer that is later than this was held up: the process was stopped, the machine swaps or is overloaded. */
const STALL_MS = 250;

export class Runner {
  readonly recorder = new Recorder();
  readonly counts: RunnerCounts = {
    sessions: 0,
    sessionsLost: 0,
    views: 0,
    sent: 0,
    received: 0,
    unread: 0,
    acquired: 0,
    released: 0,
    failed: 0,
    late: 0,
    dropped: 0,
    stalls: 0,
  };
  readonly machine: Machine;
  /** Why there is no session, if there is none. */
  awayReason = "not connected yet";
  private config: HostConfig;
  private stored: Stored;
  private incarnation: number;
  private driver!: Driver;
  private readonly queue: BareEvent[] = [];
  private isHandling = false;
  private timer: Timer | undefined;
  private wakeAtMs = Number.POSITIVE_INFINITY;
  private readonly definitions = new Map<VipId, Definition>();
  private readonly sessions: Sessions;
  private readonly stopped = Promise.withResolvers<void>();
  private neighboursTimer: Timer | undefined;
  private toldFailure = "";
  private toldRefusal = "";
  private readonly succession = new Succession();
  /** Vips that a holder out of reach has. */
  readonly leftAlone = new LeftAlone({
    asks: async (vip) => {
      const definition = this.definitions.get(vip);
      return definition !== undefined && (await this.asks(definition));
    },
    holderOf: (vip) => otherHolder(this.machine.session, vip),
    onEnd: (vip) => this.tryAgain(vip),
  });
  /** The session that is not told of yet. */
  private untold = "";

  constructor(private readonly options: RunnerOptions) {
    this.config = options.config;
    this.stored = options.kept.stored;
    this.incarnation = options.kept.incarnation;
    this.machine = new Machine(options.config, options.kept.stored);
    this.learn(options.config.definitions);
    this.sessions = new Sessions(options.link, () => this.driver, {
      nextIncarnation: () => this.nextIncarnation(),
      connected: (link) => this.connected(link),
      told: (event) => this.onLinkEvent(event),
      failed: (error) => this.tellFailure(error),
    });
  }

  /** Resolves when the machine has stopped for good, and its session is closed. */
  get ended(): Promise<void> {
    return this.stopped.promise;
  }

  /** What outlives the mole. */
  get keeps(): Stored {
    return this.stored;
  }

  /** @param driver made with this runner's `onDriverEvent` */
  start(driver: Driver): void {
    this.driver = driver;
    const { definitions } = this.config;
    const held = driver.found(definitions, this.stored.lifted);
    this.learn(held);
    driver.configure(definitions);
    driver.hush(this.stored.maintenance.on);
    this.neighboursTimer = setInterval(() => this.tellNeighbours(), NEIGHBOURS_EVERY_MS);
    this.tell({ on: "start", held });
  }

  /** Gives up in order; `ended` follows. */
  stop(): void {
    this.tell({ on: "command", command: { do: "stop" } });
  }

  command(command: Command): void {
    this.tell({ on: "command", command });
  }

  health(vip: string, ok: boolean): void {
    this.tell({ on: "health", vip, ok });
  }

  configure(config: HostConfig): void {
    this.config = config;
    this.learn(config.definitions);
    for (const vip of this.leftAlone.vips)
      if (config.definitions.every(({ id }) => id !== vip)) this.leftAlone.end(vip);
    this.driver.configure(config.definitions);
    this.tell({ on: "config", config });
  }

  /** What the driver tells by itself. */
  readonly onDriverEvent = (event: DriverEvent): void => {
    if (event.on === "standing") this.tellStanding(true);
    this.options.onlooker.onDriverEvent(event);
    if (event.on === "carrier") this.tellCarrier(event.vip, event.up);
    else if (event.on === "confirmed") {
      if (event.isAnswered) this.leaveAlone(event.vip);
      else this.succession.settle(event.vip);
    } else if (event.on === "driven") {
      this.recorder.note(bootMs(), `driver: ${event.vip} ${event.did}: ${event.why}`);
      if (event.did === "released") this.noteReleased(event.vip);
      this.tell({ on: "driven", vip: event.vip, did: event.did });
    }
  };

  private tell(event: BareEvent): void {
    this.queue.push(event);
    if (this.isHandling) return;
    this.isHandling = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) this.handle(next);
    } finally {
      this.isHandling = false;
    }
    // What was decided in this turn goes out in it: a beat that waits for the tick's end waits for whatever else the tick has to do.
    this.sessions.link?.flush();
  }

  private handle(bare: BareEvent): void {
    const event = { ...bare, now: bootMs() } as MoleEvent;
    const told = describeEvent(event);
    if (told !== undefined) this.recorder.note(event.now, told);
    if (event.on === "view" && this.succession.enter(event.view, this.machine.session?.latestTable, event.now))
      this.meetOthers();
    const actions = this.machine.handle(event);
    this.options.onlooker.onStep(event); // before what follows from it, so that the reason is known when something is taken
    for (const action of actions) {
      const done = describeAction(action);
      if (done !== undefined) this.recorder.note(event.now, done);
      this.perform(action);
    }
  }

  private perform(action: Action): void {
    switch (action.do) {
      case "connect":
        void this.sessions.open();
        return;
      case "disconnect":
        void this.disconnect(action.forGood);
        return;
      case "send":
        this.counts.sent += 1;
        this.sessions.link?.send(action.message);
        return;
      case "acquire":
        this.acquire(action);
        return;
      case "renew":
        this.renew(action);
        return;
      case "release":
        if (!this.driver.release(action.vip)) return; // retried, and told by the driver
        this.noteReleased(action.vip);
        this.tell({ on: "driven", vip: action.vip, did: "released" });
        return;
      case "announce":
        this.driver.announce(action.vip);
        return;
      case "probe":
        void this.probe(action.vip, action.definition);
        return;
      case "wake":
        this.wake(action.atMs);
        return;
      case "store":
        this.stored = action.stored;
        this.driver.hush(action.stored.maintenance.on);
        this.save();
        return;
      case "report":
        if (action.report.about === "outside") this.awayReason = action.report.why;
        this.options.onlooker.onReport(action.report);
        return;
      default:
        action satisfies never;
    }
  }

  private acquire({ vip, definition, number, notAfterMs, leaseMs }: Extract<Action, { do: "acquire" }>): void {
    this.definitions.set(vip, definition);
    const did = this.driver.acquire(definition, leaseMs, notAfterMs, () =>
      this.machine.mayAcquire(vip, number, bootMs()),
    );
    this.counts[did] += 1;
    if (did === "acquired") this.options.onlooker.onDriven("acquired", definition);
    this.tell({ on: "driven", vip, did });
    if (did === "acquired" && this.config.mode === "available") this.doubt(vip, leaseMs);
  }

  /** One whose mole, daemon or host stands still answers as long as its lease lasts, and would serve nobody after it: only then is the wire asked. */
  private doubt(vip: VipId, leaseMs: number): void {
    const nowMs = bootMs();
    const sinceMs = this.succession.doubtedSinceMs(vip, nowMs);
    if (sinceMs !== undefined)
      this.driver.confirm(vip, Math.max(0, sinceMs + leaseMs + LATE_END_MS + MARGIN_MS - nowMs));
  }

  /**
   * A holder that is out of reach has it and serves on. To this host it is as if its device had no carrier: it lets the vip go, may not have it, and asks the wire before it takes it again.
   */
  private leaveAlone(vip: VipId): void {
    this.leftAlone.add(vip);
    this.tell({ on: "carrier", vip: this.nameOf(vip), up: false });
  }

  private tryAgain(vip: VipId): void {
    const name = this.nameOf(vip);
    this.tellCarrier(
      name,
      this.driver.unplugged().every((one) => one.vip !== name),
    );
  }

  private tellCarrier(name: string, isUp: boolean): void {
    const isLeft = this.leftAlone.vips.some((vip) => this.nameOf(vip) === name);
    this.tell({ on: "carrier", vip: name, up: isUp && !isLeft });
  }

  /** From here on the group decides, with those that had been out of reach. */
  private meetOthers(): void {
    for (const vip of this.machine.holds.keys()) this.driver.confirm(vip, undefined);
    for (const vip of this.leftAlone.vips) this.leftAlone.end(vip);
  }

  private renew({ vips, notAfterMs, leaseMs }: Extract<Action, { do: "renew" }>): void {
    for (const vip of this.driver.renew(vips, leaseMs, notAfterMs)) {
      this.counts.late += 1;
      this.options.log.warn(`vip ${this.nameOf(vip)}: renewed too late, and removed at once`);
      this.tell({ on: "driven", vip, did: "late" });
    }
  }

  private noteReleased(vip: VipId): void {
    const definition = this.definitions.get(vip);
    this.counts.released += 1;
    if (definition !== undefined) this.options.onlooker.onDriven("released", definition);
  }

  private async probe(vip: VipId, definition: Definition): Promise<void> {
    const answered = await this.asks(definition);
    if (!answered) this.succession.settle(vip);
    this.tell({ on: "probed", vip, answered });
  }

  /** Whether somebody on the wire has it. */
  private async asks(definition: Definition): Promise<boolean> {
    try {
      return await this.driver.probe(definition);
    } catch (error) {
      this.options.log.warn(`vip ${definition.name}: cannot ask the wire: ${(error as Error).message}`);
      return false;
    }
  }

  private wake(atMs: number): void {
    clearTimeout(this.timer);
    this.wakeAtMs = atMs;
    this.timer = setTimeout(this.onTimer, Math.min(2 ** 31 - 1, Math.max(0, Math.ceil(atMs - bootMs()))));
  }

  private readonly onTimer = (): void => {
    const nowMs = bootMs();
    const lateMs = nowMs - this.wakeAtMs;
    if (lateMs < 0) {
      this.wake(this.wakeAtMs); // a timer counts by another clock
      return;
    }
    if (lateMs > STALL_MS) {
      this.counts.stalls += 1;
      this.recorder.note(nowMs, `was held up for ${Math.round(lateMs)} ms`);
      this.options.log.warn(
        `was held up for ${Math.round(lateMs)} ms: stopped, swapped out, or the host is overloaded`,
      );
    }
    this.tell({ on: "timer" });
  };

  // -- the session

  private connected(link: GroupLink): void {
    this.counts.sessions += 1;
    this.toldFailure = "";
    this.untold = `session ${link.member} at ${link.server}, group ${this.options.link.group}`;
    if (this.toldRefusal === "") this.tellSession();
    this.tell({ on: "connected", member: link.member, incarnation: link.incarnation });
  }

  /** A daemon that refuses us does so to each session: it is told once, until one has come through. */
  private tellSession(): void {
    this.toldRefusal = "";
    if (this.untold !== "") this.options.onlooker.onLink(this.untold);
    this.untold = "";
  }

  /** By the time of day, and never one that was used before. */
  private nextIncarnation(): number {
    this.incarnation = Math.max(this.incarnation + 1, Date.now());
    this.save();
    return this.incarnation;
  }

  private tellFailure(error: Fault): void {
    this.awayReason = error.message;
    if (error.message === this.toldFailure) return;
    this.toldFailure = error.message;
    this.options.onlooker.onLink(`${error.message}; tries on`);
  }

  private onLinkEvent(event: LinkEvent): void {
    switch (event.on) {
      case "view":
        this.counts.views += 1;
        for (const from of this.unreadable.keys()) if (!event.view.members.includes(from)) this.unreadable.delete(from);
        this.standing.keep(event.view.members);
        this.tell(event);
        this.tellStanding(false);
        return;
      case "transitional":
        this.tell(event);
        return;
      case "message":
        this.counts.received += 1;
        if (this.untold !== "" && event.from === this.sessions.link?.member) this.tellSession();
        if (event.message.kind !== "neighbours") this.tell({ on: "message", from: event.from, message: event.message });
        else if (this.machine.session?.view?.members.includes(event.from)) {
          this.driver.pool(event.message.neighbours);
          this.standing.note(event.from, event.message.standing ?? []);
        }
        return;
      case "unread":
        this.counts.unread += 1;
        this.recorder.note(bootMs(), `< ${event.from}: ${event.why.message}`);
        this.tellUnread(event.from, event.why);
        return;
      case "lost":
        this.lose(event.why, event.isRefused);
        return;
      default:
        event satisfies never;
    }
  }

  /** What members have told of addresses that they have by themselves. */
  readonly standing = new Standing();

  /** By sender: why what it says last could not be read. */
  readonly unreadable = new Map<string, Fault>();

  private toldPasserMs = Number.NEGATIVE_INFINITY;

  /** Once for each sender and reason: whoever may send to the group could fill the log. */
  private tellUnread(from: string, why: Fault): void {
    // The group is open: who only sends to it is nobody's trouble, whatever the name it uses this time.
    if (!this.machine.session?.view?.members.includes(from)) {
      if (bootMs() - this.toldPasserMs < PASSER_EVERY_MS) return;
      this.toldPasserMs = bootMs();
      this.options.log.notice(`${from} is not in the group, and sends to it what is ignored: ${why.message}`);
      return;
    }
    const known = this.unreadable.get(from);
    if (known?.code === why.code || this.unreadable.size > 1_000) return;
    this.unreadable.set(from, why);
    this.options.log.warn(`${from}: ${why.message}; such are counted and ignored`);
  }

  private lose(why: string, isRefused: boolean): void {
    this.sessions.lost();
    this.counts.sessionsLost += 1;
    this.awayReason = why;
    this.recorder.note(bootMs(), `session lost: ${why}`);
    if (!isRefused || why !== this.toldRefusal)
      this.options.onlooker.onLink(isRefused ? `${why}; tries on` : `session lost: ${why}`);
    this.toldRefusal = isRefused ? why : "";
    this.tell({ on: "disconnected" });
  }

  private async disconnect(forGood: boolean): Promise<void> {
    await this.sessions.leave(forGood);
    if (forGood) this.finish();
  }

  private finish(): void {
    clearTimeout(this.timer);
    clearInterval(this.neighboursTimer);
    this.leftAlone[Symbol.dispose]();
    this.stopped.resolve();
  }

  private tellNeighbours(): void {
    const neighbours = this.driver.neighbours();
    const standing = this.standingHere();
    if (neighbours.length > 0 || standing !== undefined)
      this.sessions.link?.send({ kind: "neighbours", neighbours, standing });
  }

  /** @param isNews else only for those who may have come: nothing is said of nothing */
  private tellStanding(isNews: boolean): void {
    const standing = this.standingHere();
    if (isNews || standing !== undefined) this.sessions.link?.send({ kind: "neighbours", neighbours: [], standing });
  }

  /** Left out where there is none: moles of the version before don't know of it. */
  private standingHere(): readonly StandingAddress[] | undefined {
    const standing = this.driver.standing();
    return standing.length === 0 ? undefined : standing;
  }

  private save(): void {
    const { stored, incarnation } = this;
    this.options.store.save({ stored, incarnation }, () => this.tell({ on: "stored", stored }));
  }

  private learn(definitions: readonly Definition[]): void {
    for (const definition of definitions) this.definitions.set(definition.id, definition);
  }

  /** What an operator calls it. */
  nameOf(vip: VipId): string {
    return this.definitions.get(vip)?.name ?? vip;
  }
}
