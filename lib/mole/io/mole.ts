// The service: the runner and the driver, with the checks, the hooks, the chronicle and the operator around them. What the cluster decides is in the machine; what
// is told of it to people and programs of this host is here.
import type { Sample } from "../../base/counters.ts";
import { formatDuration } from "../../base/duration.ts";
import type { Log } from "../../base/log.ts";
import { bootMs, type Clock } from "../../run/clock.ts";
import type { Report } from "../action.ts";
import { changesOf, fixedKeysChanged } from "../changes.ts";
import { Chronicle } from "../chronicle.ts";
import type { Definition, VipId } from "../definition.ts";
import type { HostConfig, MoleEvent } from "../event.ts";
import { samplesOf } from "../samples.ts";
import { describeStand, type StandsOn } from "../standing.ts";
import { hostOf, type Status, statusOf } from "../status.ts";
import { whoAnswers } from "../unheld.ts";
import type { Driver, DriverEvent, DriverOptions } from "./driver.ts";
import { HealthChecks } from "./health-checks.ts";
import { type HookFacts, Hooks } from "./hooks.ts";
import { type Onlooker, Runner } from "./runner.ts";
import type { Setup } from "./setup.ts";
import { Store } from "./store.ts";

export interface MoleOptions {
  readonly setup: Setup;
  readonly log: Log;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly openDriver: (options: DriverOptions) => Driver;
}

/** What a session may take to say good-bye to its daemon. */
const CLOSE_MS = 300;
/** What hooks of the last moment may take. */
const HOOKS_MS = 5_000;
/** For so long after the last frame that said so a foreign claim counts. */
const FOREIGN_MS = 30_000;
/** Whoever is on the wire may make them up. */
const FOREIGN_MAX = 1_000;
/** How long a claim has to stand, and for how long the group must not have changed, to be one from outside. */
const FOREIGN_PATIENCE_MS = 1_000;
const FOREIGN_CALM_MS = 4_000;
/** The machine reports it each second. */
const ANSWERED_EVERY_MS = 60_000;

/** Somebody outside of the group says that it has what we hold. */
interface Claim {
  readonly vip: string;
  readonly address: string;
  readonly device: string;
  readonly mac: string;
  /** When the driver told it. */
  readonly atMs: number;
  isTold: boolean;
}

export class Mole implements Onlooker {
  readonly runner: Runner;
  readonly driver: Driver;
  readonly chronicle = new Chronicle();
  readonly health: HealthChecks;
  readonly hooks: Hooks;
  /** The machine has given up because another one has our name: who, and what to do. */
  nameTaken: string | undefined;
  setup: Setup;
  private isStopping = false;
  private readonly store: Store;
  /** Of the start: no reload changes it. */
  private readonly stateDirectory: string;
  private readonly log: Log;
  private readonly lookers = new Set<(event: MoleEvent) => void>();
  private readonly reporters = new Set<(report: Report) => void>();
  private readonly foreign = new Map<string, Claim>();
  private readonly answeredMs = new Map<string, number>();
  private toldView: string | undefined;
  private toldTable = "";
  private toldMaintenance = false;

  /** @throws {Fault} the state directory or the driver can't be had */
  constructor(options: MoleOptions) {
    const { setup, log, env, clock } = options;
    const { table, config, spread, mac } = setup;
    this.setup = setup;
    this.log = log;
    this.stateDirectory = table.state_dir;
    this.store = new Store(table.state_dir, (error) => {
      if (error === undefined) log.notice(`state is kept in ${table.state_dir} again`);
      else for (const text of this.unkept()) log.error(text);
    });
    const kept = this.store.load();
    const link = { spread, group: table.group, mac, closeMs: CLOSE_MS };
    this.runner = new Runner({ config, kept, link, store: this.store, log, onlooker: this });
    this.hooks = new Hooks(table.hook, env, log);
    this.health = new HealthChecks({ clock, env, log, onTurn: (vip, ok) => this.runner.health(vip, ok) });
    this.driver = options.openDriver({
      notify: table.notify,
      notifyPerSecond: table.notify_rate,
      onEvent: this.runner.onDriverEvent,
    });
  }

  start(): void {
    const { table, config } = this.setup;
    for (const text of this.hooks.unfit()) this.log.warn(text);
    this.runner.start(this.driver);
    this.health.configure(table.health, vipNames(config));
  }

  /** Gives up all in order, and ends. What takes longer than it may is left to the guard and the leases. */
  async stop(): Promise<void> {
    const { silenceMs } = this.setup.config.times;
    this.isStopping = true;
    this.runner.stop();
    if (!(await within(this.runner.ended, 5 * silenceMs + 2_000)))
      this.log.warn("could not give up everything in order: what is left ends with its leases");
    this.health[Symbol.dispose]();
    this.driver[Symbol.dispose]();
    await within(this.hooks.idle(), HOOKS_MS);
    await this.store.flushed();
    this.store[Symbol.dispose]();
  }

  /** Goes on with another configuration. @returns what changed, and what of it can't be held here, in a line */
  reload(setup: Setup): string {
    const before = this.setup;
    const fixed = fixedKeysChanged(before, setup);
    const config = { ...setup.config, host: before.config.host, machine: before.config.machine };
    this.setup = { ...setup, config, mac: before.mac }; // the session's
    this.runner.configure(config);
    this.hooks.configure(setup.table.hook);
    this.health.configure(setup.table.health, vipNames(config));
    const rest = fixed.length === 0 ? "" : `; ${fixed.join(", ")} will count after a restart`;
    return [`${changesOf(before, this.setup)}${rest}`, ...this.impossible(), ...this.hooks.unfit()].join("; ");
  }

  /** Waits until what has been decided is on this host's disk. @returns why it is not; `undefined`: it is */
  async keeps(patienceMs: number): Promise<string | undefined> {
    const isInTime = await within(this.store.flushed(), patienceMs);
    return isInTime ? this.unkept()[0] : `cannot keep state in ${this.stateDirectory} yet: its disk does not answer`;
  }

  /** By the configuration. */
  get hostNames(): readonly string[] {
    const { host, hosts } = this.setup.config;
    return [host, ...hosts];
  }

  /** Which hosts of the group have addresses by themselves. */
  readonly standsOn: StandsOn = (addresses) =>
    this.runner.standing.on(addresses, (member) => this.chronicle.nameOf(member));

  get status(): Status {
    const { runner, chronicle, setup } = this;
    return statusOf({
      machine: runner.machine,
      chronicle,
      config: setup.config,
      group: setup.table.group,
      stored: runner.keeps,
      awayReason: runner.awayReason,
      standsOn: this.standsOn,
      isOn: (vip) => this.isOn(vip),
      failureOf: (vip) => this.driver.facts(vip)?.failure?.why,
      unreadable: runner.unreadable,
      warnings: this.warnings(),
      alarms: this.doubled(),
      nowMs: bootMs(),
    });
  }

  /** By the kernel. */
  isOn(vip: VipId): boolean {
    return this.driver.facts(vip)?.addresses.every(({ isPresent, isOurs }) => isPresent && isOurs) ?? false;
  }

  get samples(): readonly Sample[] {
    const { counts } = this.runner;
    const { dropped, failed } = this.hooks;
    return samplesOf({
      status: this.status,
      counts: { ...counts, hooksDropped: dropped, hooksFailed: failed },
      health: this.health.all,
    });
  }

  /** Calls `look` after every event until the result is disposed. */
  onlook(look: (event: MoleEvent) => void, report: (report: Report) => void): Disposable {
    this.lookers.add(look);
    this.reporters.add(report);
    return {
      [Symbol.dispose]: () => {
        this.lookers.delete(look);
        this.reporters.delete(report);
      },
    };
  }

  // -- what the runner tells

  onStep(event: MoleEvent): void {
    this.chronicle.note(event, this.runner.machine);
    for (const look of this.lookers) look(event);
    if (event.on === "message" && event.message.kind === "beat") return;
    this.tellTable();
    this.tellMaintenance(event);
  }

  onDriven(what: "acquired" | "released", { name, id, addresses }: Definition): void {
    const why = what === "acquired" ? this.chronicle.whyGiven(id) : this.whyReleased(name, id);
    this.log.notice(`${what} ${name} (${addresses.join(" ")})${why === "" ? "" : `: ${why}`}`);
    const facts = this.facts();
    const held = facts["HELD"] === "" ? name : `${facts["HELD"]} ${name}`; // the machine has not heard of it yet
    this.hooks.call(what === "acquired" ? "acquire" : "release", name, {
      ...facts,
      ...(what === "acquired" ? { HELD: held } : {}),
      ADDRESSES: addresses.join(" "),
      REASON: why,
    });
  }

  onReport(report: Report): void {
    for (const tell of this.reporters) tell(report);
    switch (report.about) {
      case "outside":
        this.log.warn(`out of the group (${report.why}): lets everything go, and comes back as a new session`);
        return;
      case "refused":
        this.log.error(`cannot take ${report.vip}; tries again in ${formatDuration(report.forMs)}`);
        this.hooks.call("refused", report.vip, this.facts());
        return;
      case "answered":
        this.tellAnswered(report.vip);
        return;
      case "name taken":
        this.nameTaken = namesakeText(report, this.setup);
        return;
      case "expelled":
        this.log.warn(`threw out ${this.chronicle.nameOf(report.member)}: ${report.why}`);
        return;
      case "command":
        return;
      default:
        report satisfies never;
    }
  }

  onDriverEvent(event: DriverEvent): void {
    const { log } = this;
    switch (event.on) {
      case "carrier":
        if (event.up) log.debug(`${event.vip} can be held here${event.why === "" ? "" : `: ${event.why}`}`);
        else log.warn(`${event.vip} can't be held here: ${event.why}`);
        return;
      case "driven":
        log.warn(`${this.runner.nameOf(event.vip)}: ${event.did}: ${event.why}`);
        return;
      case "taken-away":
        if (event.isRefused)
          log.error(`${event.address} of ${event.vip} was taken away again and again on this host: gives it up`);
        else log.warn(`${event.address} of ${event.vip} was taken away by somebody on this host: put back`);
        return;
      case "foreign":
        // At a merge the hosts' own announcements cross: whoever is left with the claim after that is none of ours.
        this.noteForeign(event);
        return;
      case "standing":
        this.tellConflicts();
        return;
      case "confirmed":
        if (event.isAnswered)
          log.error(
            `lets ${this.runner.nameOf(event.vip)} go again: ${event.why}, most likely the host that had it, which the group does not hear but clients do`,
          );
        return;
      case "trouble":
        log.warn(event.text);
        return;
      default:
        event satisfies never;
    }
  }

  private noteForeign({ vip, address, device, mac }: Extract<DriverEvent, { on: "foreign" }>): void {
    const key = `${address} ${mac}`;
    const atMs = this.foreign.get(key)?.atMs ?? bootMs();
    if (this.foreign.size >= FOREIGN_MAX) this.foreign.clear();
    this.foreign.set(key, { vip, address, device, mac, atMs, isTold: false });
    setTimeout(() => this.tellForeign(key), FOREIGN_PATIENCE_MS);
  }

  /** Once it is certain; asks itself again while it may become so. */
  private tellForeign(key: string): void {
    const claim = this.foreign.get(key);
    if (claim === undefined || claim.isTold || this.isStopping) return;
    if (!this.isDoubled(claim)) {
      setTimeout(() => this.tellForeign(key), FOREIGN_CALM_MS);
      return;
    }
    claim.isTold = true;
    const { vip, address, device, mac } = claim;
    this.log.error(this.describeClaim(claim));
    this.hooks.call("doubled", vip, { ...this.facts(), ADDRESSES: address, MAC: mac, DEVICE: device });
  }

  private describeClaim({ vip, address, device, mac }: Claim): string {
    const stands = this.standsOn([address]).filter(({ host }) => host !== this.setup.config.host);
    const who = stands.map(describeStand).join("; ") || this.whoMayCover(address);
    return `${mac} on ${device} says that it has ${address} of ${vip}, which this host holds: ${who}`;
  }

  /** Of who has not told that the address stands there: a host that may hold it still, one that nobody hears, or somebody outside. */
  private whoMayCover(address: string): string {
    const { host: own, hosts: configured } = this.setup.config;
    const { session } = this.runner.machine;
    const table = session?.latestTable;
    if (table === undefined) return "something else covers it too";
    const others = [...table.entries.values()]
      .filter(({ definition }) => definition.addresses.includes(address))
      .flatMap(({ set }) => [...set.keys()])
      .filter((name) => name !== session?.member);
    if (others.length > 0)
      return `${others.map((name) => hostOf(name, table, this.chronicle)).join(", ")} may hold it still`;
    const here = new Set([...table.hosts.values()].map(({ identity }) => identity.host));
    const away = [...new Set([...configured, ...table.hostList.hosts])].filter(
      (host) => !here.has(host) && host !== own,
    );
    return away.length === 0
      ? "something outside of the group covers it too"
      : `${away.join(" or ")}, which nobody hears, may cover it too; if not, something outside of the group`;
  }

  onLink(text: string): void {
    this.log.notice(text);
  }

  // -- telling

  private tellTable(): void {
    const { machine } = this.runner;
    const { session } = machine;
    const view = session?.view?.id;
    const { table } = session ?? {};
    const majority = table?.covers === false ? ": no majority, and mode safe covers nothing here" : "";
    const hosts = table === undefined ? undefined : `${this.hostsHere().join(" ")}${majority}`;
    const told = `${view} ${hosts}`;
    if (hosts === undefined || told === this.toldTable) return;
    this.toldTable = told;
    if (view !== this.toldView || this.toldHosts !== hosts) {
      if (this.toldHosts !== hosts) this.log.notice(`the group is ${hosts}`);
      this.toldHosts = hosts;
      this.toldView = view;
      this.hooks.call("view", "", this.facts());
    }
  }

  private toldHosts = "";

  private tellMaintenance(event: MoleEvent): void {
    const table = this.runner.machine.session?.table;
    if (table === undefined || table.maintenance.on === this.toldMaintenance) return;
    this.toldMaintenance = table.maintenance.on;
    const isSaid = event.on === "message" && event.message.kind === "maintenance";
    const by = isSaid ? `said on ${this.chronicle.nameOf(event.from)}` : "by what is kept on disk, or other hosts told";
    if (table.maintenance.on) this.log.warn(`MAINTENANCE is on (${by}): nothing is taken over, moved or given up`);
    else this.log.notice(`maintenance is off (${by})`);
  }

  private hostsHere(): readonly string[] {
    const hosts = this.runner.machine.session?.latestTable?.hosts.values() ?? [];
    return [...hosts].map(({ identity }) => identity.host).sort();
  }

  private facts(): HookFacts {
    const { session } = this.runner.machine;
    return {
      HOST: this.setup.config.host,
      GROUP: this.setup.table.group,
      HOSTS: this.hostsHere().join(" "),
      VIEW: session?.view?.id ?? "",
      HELD: [...this.runner.machine.holds.values()]
        .filter(({ at }) => at === "held")
        .map(({ definition }) => definition.name)
        .join(" "),
    };
  }

  private whyReleased(name: string, vip: VipId): string {
    const { runner, isStopping } = this;
    const why = this.chronicle.whyTaken(vip, this.setup.config.host);
    if (why !== undefined) return why;
    if (isStopping) return "this mole is stopping";
    if (runner.machine.session?.table === undefined) return `out of the group: ${runner.awayReason}`;
    return this.driver.unplugged().find((one) => one.vip === name)?.why ?? ""; // let go of before the group has heard of it
  }

  private tellAnswered(vip: string): void {
    const nowMs = bootMs();
    if (nowMs - (this.answeredMs.get(vip) ?? Number.NEGATIVE_INFINITY) < ANSWERED_EVERY_MS) return;
    this.answeredMs.set(vip, nowMs);
    const { addresses = [] } = this.setup.config.definitions.find(({ name }) => name === vip) ?? {};
    this.log.error(`${vip} is not taken: ${whoAnswers(addresses, this.standsOn)}; asks again each second`);
  }

  /** Whom this host shares an address with: as long as it holds the vip, and the other one shows itself. @param vip its name; left out: of all */
  doubled(vip?: string): readonly string[] {
    return [...this.foreign.values()]
      .filter((claim) => (vip === undefined || claim.vip === vip) && this.isDoubled(claim))
      .map((claim) => this.describeClaim(claim));
  }

  private isDoubled(claim: Claim): boolean {
    const { vip, address, mac, atMs } = claim;
    const nowMs = bootMs();
    const found = [...this.runner.machine.holds].find(
      ([, { at, definition }]) => at === "held" && definition.name === vip,
    );
    if (found === undefined) {
      // Kept for a while: the driver does not tell it again at once.
      if (nowMs - atMs > FOREIGN_MS) this.foreign.delete(`${address} ${mac}`);
      return false;
    }
    const [id, { sinceMs }] = found;
    const seen = this.driver.facts(id)?.addresses.find((one) => one.address === address)?.foreign;
    if (seen?.mac !== mac || nowMs - seen.atMs > FOREIGN_MS) {
      this.foreign.delete(`${address} ${mac}`);
      return false;
    }
    // What came as the group changed or the vip was taken may be the last of its former holder.
    const calmMs = this.chronicle.viewMs + FOREIGN_CALM_MS - FOREIGN_PATIENCE_MS;
    return seen.atMs >= sinceMs && seen.atMs >= calmMs && nowMs - atMs >= FOREIGN_PATIENCE_MS;
  }

  /** Whoever owns such a vip by now: no other host can take it either, while this one answers for it. */
  private tellConflicts(): void {
    for (const text of this.driver.conflicts()) this.log.error(text);
  }

  /** What keeps vips from being held here. Those that are not meant for this host may well have no device on it. */
  private impossible(): readonly string[] {
    const { host, definitions } = this.setup.config;
    const others = definitions.filter(({ only }) => only.length > 0 && !only.includes(host)).map(({ name }) => name);
    const unplugged = this.driver.unplugged().filter(({ vip }) => !others.includes(vip));
    return [...this.driver.conflicts(), ...unplugged.map(({ vip, why }) => `vip ${vip} can't be held here: ${why}`)];
  }

  private unkept(): readonly string[] {
    const why = this.store.trouble;
    if (why === undefined) return [];
    return [
      `cannot keep state in ${this.stateDirectory}: ${why}; tries on: a restart of this mole before that is mended goes by what was kept before`,
    ];
  }

  private warnings(): readonly string[] {
    return [
      ...this.unkept(),
      ...this.impossible(),
      ...this.runner.leftAlone.vips.map(
        (vip) =>
          `vip ${this.runner.nameOf(vip)} is left to a host that the group can't hear, and that answers for it: asks again each second`,
      ),
      ...(this.setup.mac === undefined ? ["no key_file: whoever can send to the group can move vips"] : []),
      ...[...this.runner.unreadable].map(
        ([from, why]) => `${from} is in the group and says what this mole can't read: ${why.message}`,
      ),
      ...this.health.all
        .filter(({ isWell }) => !isWell)
        .map(({ check, lastText }) => `health ${check.name} fails here: ${lastText}`),
      ...this.hooks.troubles(bootMs()),
    ];
  }
}

function namesakeText(
  { by, machine, isSameMachine }: Extract<Report, { about: "name taken" }>,
  { table, config }: Setup,
): string {
  const who = `${by} is in group ${table.group} as host ${config.host} already`;
  return isSameMachine
    ? `${who}, with the same machine id: give a copied image an /etc/machine-id and a mole.host of its own; or stop the other mole of this host`
    : `${who}, from another machine (${machine}, this one is ${config.machine}): give one of them another mole.host`;
}

function vipNames({ definitions }: HostConfig): readonly string[] {
  return definitions.map(({ name }) => name);
}

/** Whether it came in time. */
async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  const isInTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return isInTime;
}
