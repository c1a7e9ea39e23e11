// Many hosts over one simulated group service, and the invariants of the model's section 8, checked as things happen.
import { type Random, seededRandom } from "../../lib/base/random.ts";
import type { Action, Report } from "../../lib/mole/action.ts";
import { candidates } from "../../lib/mole/assign.ts";
import { nextMove } from "../../lib/mole/balance.ts";
import { type Definition, define } from "../../lib/mole/definition.ts";
import type { HostConfig } from "../../lib/mole/event.ts";
import type { Message } from "../../lib/mole/message.ts";
import { ALL_RULES, type Rules } from "../../lib/mole/rules.ts";
import { DEFAULT_TIMES, type Times } from "../../lib/mole/times.ts";
import { Clockwork } from "./clockwork.ts";
import type { Moment } from "./fault.ts";
import { GroupService } from "./group-service.ts";
import { type Payload, SimHost } from "./host.ts";

export interface ClusterOptions {
  readonly seed: number;
  readonly hosts: number;
  readonly vips: number;
  readonly mode: "available" | "safe";
  /** One daemon under all hosts, as one `spreadd` is; else one a host. */
  readonly oneDaemon?: boolean;
  readonly detectionMs?: number;
  readonly times?: Partial<Times>;
  readonly rules?: Partial<Rules>;
  /** The wire answers probes. Mostly it must not: a probe hides what the rules have let through. */
  readonly probes?: boolean;
  /** Clocks all alike. */
  readonly evenClocks?: boolean;
  /** Weights, preferences and constraints, capacities and times that differ from host to host. */
  readonly mixed?: boolean;
  /** A breaks ties. */
  readonly tiebreak?: boolean;
  /** By how much the slowest clock may differ from the fastest: a hundredth if not said. */
  readonly drift?: number;
  /** How slow the group service is at most (group-service.ts). */
  readonly deliveryMs?: number;
  readonly sendingMs?: number;
  /** Leaves out comparing tables at each step, which costs a fifth of the time. */
  readonly skipTables?: boolean;
  /** Messages go through their bytes, in parts of so many. */
  readonly partBytes?: number;
  readonly onSend?: (message: Message) => void;
  /** Told of everything, for a story to read. */
  readonly trace?: (line: string) => void;
}

/** Something that must never be. */
export class Violation extends Error {
  override readonly name = "Violation";
  constructor(
    readonly invariant: string,
    detail: string,
    readonly atMs: number,
  ) {
    super(`${invariant} at ${atMs.toFixed(0)} ms: ${detail}`);
  }
}

/** In a millisecond. */
const WAKES_MOST = 100;

/** Short, so that a history holds many faults; by the model's rules for one another. */
const SIM_TIMES: Times = { ...DEFAULT_TIMES, maturityMs: 3_000, holdDownMs: 500, calmMs: 400 };

export class Cluster {
  readonly clockwork = new Clockwork();
  readonly service: GroupService<Payload>;
  readonly hosts: SimHost[] = [];
  readonly random: Random;
  readonly rules: Rules;
  readonly reports: { readonly host: string; readonly report: Report; readonly atMs: number }[] = [];
  /** By vip name: who put it on, in order. */
  readonly puts: { readonly host: string; readonly vip: string; readonly atMs: number }[] = [];
  readonly sent: Record<string, number> = {};
  private readonly wakes = new Map<SimHost, { readonly at: number; readonly times: number }>();
  /** By host and vip: when it was announced last. By vip: when one of two holders let it go last, and which. */
  /** Told when the protocol takes a step that a fault can be aimed at. */
  private readonly aims: { readonly moment: Moment; readonly strike: (host: SimHost) => void }[] = [];
  readonly announcedMs = new Map<string, number>();
  private readonly doubled = new Map<string, { readonly host: SimHost; readonly atMs: number }>();
  /** By session: whom it has seen thrown out, and when. */
  private readonly thrownOut = new Map<string, Map<string, number>>();
  private readonly fingerprints = new Map<string, string>();

  constructor(readonly options: ClusterOptions) {
    this.random = seededRandom(options.seed);
    this.rules = { ...ALL_RULES, ...options.rules };
    const daemons = options.oneDaemon ? 1 : options.hosts;
    const detectionMs = options.detectionMs ?? 200;
    this.service = new GroupService(this.clockwork, this.random, {
      daemons,
      detectionMs,
      mergeMs: 150,
      ...(options.deliveryMs !== undefined && { deliveryMs: options.deliveryMs }),
      ...(options.sendingMs !== undefined && { sendingMs: options.sendingMs }),
    });
    const names = Array.from({ length: options.hosts }, (_, at) => String.fromCharCode(65 + at));
    const some = () => names.filter(() => this.random() < 0.6);
    const definitions = Array.from({ length: options.vips }, (_, at) =>
      define({
        name: `v${at}`,
        addresses: [`192.0.2.${at + 1}`, ...(options.mixed && at % 2 === 1 ? [`2001:db8::${at + 1}`] : [])],
        ...(options.mixed && { weight: 1 + Math.floor(this.random() * 3) }),
        ...(options.mixed && this.random() < 0.3 && { prefer: some().slice(0, 2) }),
        ...(options.mixed && this.random() < 0.3 && { only: some() }),
      }),
    );
    for (const [index, host] of names.entries()) this.addHost(index, host, names, definitions);
  }

  get nowMs(): number {
    return this.clockwork.nowMs;
  }

  run(ms: number): void {
    this.clockwork.runUntil(this.clockwork.nowMs + ms);
  }

  host(name: string): SimHost {
    return this.hosts.find((host) => host.name === name)!;
  }

  startAll(): void {
    for (const host of this.hosts) host.start();
  }

  /** Runs until every vip is held by exactly one host, at most so long; then demands it. */
  settle(mostMs: number): void {
    const endMs = this.nowMs + mostMs;
    let trouble = "";
    while (this.nowMs < endMs) {
      this.run(250);
      trouble = this.troubleOfRest() ?? "";
      if (trouble === "") return;
    }
    throw new Violation("every vip that can be is held by exactly one host", trouble, this.nowMs);
  }

  /** Balancing ends, and then there is nothing left to gain by a move. */
  balance(mostMs: number): void {
    const endMs = this.nowMs + mostMs;
    const tables = () => this.hosts.map((host) => host.machine?.session?.table);
    while (tables().some((table) => table === undefined || nextMove(table) !== undefined)) {
      if (this.nowMs > endMs) throw new Violation("balancing ends", JSON.stringify(this.owners()), this.nowMs);
      this.run(200);
    }
  }

  holders(address: string): SimHost[] {
    return this.hosts.filter((host) => host.has(address));
  }

  owners(): Record<string, string> {
    const owners: Record<string, string> = {};
    for (const { name, addresses } of this.hosts[0]!.config.definitions)
      owners[name] = this.holders(addresses[0]!)
        .map((host) => host.name)
        .join("+");
    return owners;
  }

  /** Why the cluster is not at rest, `undefined` if it is: every island that may cover holds each vip exactly once. */
  troubleOfRest(): string | undefined {
    for (const island of this.islands()) {
      const trouble = this.troubleOf(island);
      if (trouble !== undefined) return trouble;
    }
    return undefined;
  }

  private troubleOf(hosts: readonly SimHost[]): string | undefined {
    const alive = hosts.filter((host) => host.isUp && !host.isFrozen && host.daemon.isRunning);
    const frozen = hosts.length - alive.length;
    if (alive.length === 0) return undefined;
    const first = alive[0]!.machine?.session;
    for (const host of alive) {
      const session = host.machine?.session;
      if (session?.table === undefined) return `${host.name} has no table`;
      if (session.view?.id !== first?.view?.id) return `${host.name} is in another view`;
      if (!session.table.hosts.get(session.member)?.informed) return `${host.name} is not informed`;
    }
    const table = first!.table!;
    if (frozen > 0 && table.hosts.size > alive.length) return "a frozen host is counted still";
    if (table.hosts.size !== alive.length) return "the table has other hosts than there are";
    for (const entry of table.entries.values()) {
      const able = candidates(table, entry);
      const address = entry.definition.addresses[0]!;
      // A host that went away under maintenance keeps what is its own, by whatever name the vip went then.
      const rivals = [...table.entries.values()].filter(({ definition: { addresses } }) => addresses.includes(address));
      if (rivals.some(({ set }) => [...set.keys()].some((name) => table.waited.get(name)?.why === "kept"))) continue;
      const holding = hosts
        .filter((host) => host.has(address) && !this.isCutOffWithoutLeases(host))
        .map((host) => host.name);
      if (table.isInForce(entry) && able.length > 0 && holding.length !== 1)
        return `${entry.definition.name} is held by [${holding}], owner ${entry.owner} ${entry.number} {${[...entry.set]}}`;
      if (holding.length > 1) return `${entry.definition.name} is held by [${holding}]`;
      // An announcement is repeated after 1.1 s. Of a host that is still away or frozen the group can't know when it let go.
      const doubled = this.doubled.get(entry.definition.name);
      const announcedMs = this.announcedMs.get(`${holding[0]} ${entry.definition.name}`) ?? -1;
      if (
        table.isInForce(entry) &&
        holding.length === 1 &&
        doubled !== undefined &&
        alive.includes(doubled.host) &&
        announcedMs + 1_100 < doubled.atMs
      )
        return `${entry.definition.name}: ${holding} has not announced itself since another let it go`;
      const owner = entry.owner === undefined ? undefined : table.hosts.get(entry.owner)?.identity.host;
      if (able.length > 0 && holding[0] !== owner)
        return `${entry.definition.name} is held by ${holding}, owned by ${owner}`;
    }
    return undefined;
  }

  /** In `available` maintenance that has ended for the others lets them cover all, also what it holds who hangs in it, or is left in it by its daemon. As it is put on that is judged. */
  private isCutOffWithoutLeases({ daemon, isFrozen, stored }: SimHost): boolean {
    return this.options.mode === "available" && (isFrozen || !daemon.isRunning) && stored.lifted;
  }

  /** Calls at the next such moment, once. */
  whenNext(moment: Moment, strike: (host: SimHost) => void): void {
    this.aims.push({ moment, strike });
  }

  private reach(moment: string, host: SimHost): void {
    if (this.aims.length === 0) return;
    const due = this.aims.filter((aim) => aim.moment === moment);
    if (due.length === 0) return;
    for (const aim of due) this.aims.splice(this.aims.indexOf(aim), 1);
    for (const { strike } of due) strike(host);
  }

  private islands(): SimHost[][] {
    const islands = new Map<number, SimHost[]>();
    for (const host of this.hosts) {
      const island = islands.get(host.daemon.island);
      if (island === undefined) islands.set(host.daemon.island, [host]);
      else island.push(host);
    }
    return [...islands.values()];
  }

  private addHost(index: number, host: string, names: readonly string[], definitions: readonly Definition[]): void {
    const { mode, evenClocks, oneDaemon, mixed } = this.options;
    const slower = mixed && index === 1 ? { silenceMs: 900, leaseMs: 3_000, maturityMs: 4_500 } : {};
    const config: HostConfig = {
      host,
      machine: `m-${host}`,
      capacity: mixed ? 1 + (index % 2) : 1,
      mode,
      times: { ...SIM_TIMES, ...this.options.times, ...slower },
      definitions,
      hosts: names,
      tiebreak: this.options.tiebreak ? names[0] : undefined,
    };
    const rate = evenClocks ? 1 : 1 + (this.random() - 0.5) * (this.options.drift ?? 0.01);
    const offsetMs = this.random() * 1e6;
    const daemon = this.service.daemons[oneDaemon ? 0 : index]!;
    const sim = new SimHost(
      index,
      config,
      daemon,
      this.service,
      this.clockwork,
      this.random,
      this.rules,
      {
        onPut: (who, definition) => this.checkPut(who, definition),
        onRemove: (who, definition) => this.noteRemoval(who, definition),
        onStep: (who) => this.checkTable(who),
        onDelivery: (who, on) => this.reach(on, who),
        onReport: (who, report) => this.note(who, report),
        onAction: (who, action) => this.count(who, action),
      },
      rate,
      offsetMs,
    );
    sim.partBytes = this.options.partBytes;
    sim.isOnWire = (address) =>
      this.options.probes === true &&
      this.hosts.some((other) => other !== sim && this.service.reaches(other.daemon, sim.daemon) && other.has(address));
    this.hosts.push(sim);
  }

  /** Invariant 1. In `safe` no address is ever held twice in the whole network; in `available` not among hosts that see each other in the group. */
  private checkPut(host: SimHost, definition: Definition): void {
    this.puts.push({ host: host.name, vip: definition.name, atMs: this.nowMs });
    this.options.trace?.(`${this.nowMs.toFixed(0)} ${host.name} puts ${definition.name}`);
    for (const address of definition.addresses) {
      for (const other of this.hosts) {
        if (other === host || !other.has(address)) continue;
        const excuse =
          this.options.mode === "safe" || this.isOutwaited(host, other) ? undefined : this.excuse(host, other);
        if (excuse === undefined)
          throw new Violation(
            "no address is held twice",
            `${definition.name} is put on ${host.name} while ${other.name} holds it`,
            this.nowMs,
          );
      }
    }
  }

  private noteRemoval(host: SimHost, { name, addresses }: Definition): void {
    for (const other of this.hosts)
      if (other !== host && this.service.reaches(host.daemon, other.daemon) && other.has(addresses[0]!))
        this.doubled.set(name, { host, atMs: this.nowMs });
  }

  /** Whoever is thrown out for hanging, and hangs on, is waited for also in `available`, wherever its session is by now. */
  private isOutwaited(host: SimHost, other: SimHost): boolean {
    if (!other.isFrozen || other.stored.maintenance.counter > 0) return false;
    const atMs = this.thrownOut.get(host.session?.name ?? "")?.get(other.session?.name ?? "");
    return atMs !== undefined && other.frozenMs <= atMs;
  }

  private excuse(host: SimHost, other: SimHost): string | undefined {
    if (!this.service.reaches(host.daemon, other.daemon)) return "apart";
    // One of the daemons is frozen, or has not learnt yet that it was.
    if (host.daemon.ring !== other.daemon.ring) return "in another ring";
    // Said in its part alone, and it hangs before it can tell: in `available` leases are lifted all the same. Who had heard it would have said its end by a higher number.
    if (
      other.stored.lifted &&
      other.stored.maintenance.counter >= host.stored.maintenance.counter &&
      !host.stored.maintenance.on
    )
      return "in a maintenance that nobody else knows of";
    const view = host.machine?.session?.view;
    if (view === undefined) return undefined;
    const name = other.session?.name;
    if (name === undefined || !view.members.includes(name)) return "not in my view";
    return undefined;
  }

  /** Invariant 3: equal histories, equal tables. */
  private checkTable(host: SimHost): void {
    for (const name of host.machine?.session?.table?.expelled ?? []) {
      const seen = this.thrownOut.get(host.session?.name ?? "") ?? new Map<string, number>();
      this.thrownOut.set(host.session?.name ?? "", seen);
      if (!seen.has(name)) seen.set(name, this.nowMs);
    }
    if (this.options.skipTables) return;
    const session = host.machine?.session;
    if (session?.table === undefined || session.view === undefined) return;
    const key = `${session.view.id} ${host.historyOfView}`;
    const print = session.table.fingerprint();
    const seen = this.fingerprints.get(key);
    if (seen === undefined) this.fingerprints.set(key, print);
    else if (seen !== print)
      throw new Violation(
        "equal histories give equal tables",
        `${host.name} in ${key}:\n${print}\nnot\n${seen}`,
        this.nowMs,
      );
  }

  private note(host: SimHost, report: Report): void {
    this.reports.push({ host: host.name, report, atMs: this.nowMs });
    this.options.trace?.(`${this.nowMs.toFixed(0)} ${host.name} reports ${JSON.stringify(report)}`);
  }

  /** A machine that asks to be woken at once, again and again, takes all of a processor. */
  private checkWake(host: SimHost): void {
    const at = Math.floor(this.nowMs);
    const before = this.wakes.get(host);
    const times = before?.at === at ? before.times + 1 : 1;
    this.wakes.set(host, { at, times });
    if (times > WAKES_MOST) throw new Violation("a machine waits", `${host.name} is woken again and again`, this.nowMs);
  }

  private count(host: SimHost, action: Action): void {
    if (action.do === "wake") this.checkWake(host);
    if (action.do === "announce") this.announcedMs.set(`${host.name} ${action.vip.split("=")[0]}`, this.nowMs);
    this.reach(action.do === "send" ? action.message.kind : action.do, host);
    if (action.do === "send") {
      const { kind } = action.message;
      this.sent[kind] = (this.sent[kind] ?? 0) + 1;
      this.options.onSend?.(action.message);
    }
    if (
      this.options.trace !== undefined &&
      action.do !== "wake" &&
      !(action.do === "send" && action.message.kind === "beat")
    )
      this.options.trace(`${this.nowMs.toFixed(0)} ${host.name} ${brief(action)}`);
  }
}

function brief(action: Action): string {
  if (action.do === "send") {
    const { message } = action;
    if (message.kind === "state") return `send state ${message.view} holds ${message.holds.map(({ vip }) => vip)}`;
    if (message.kind === "table") return `send table ${message.view} begun ${message.begun}`;
    if (message.kind === "facts") return `send facts ready ${message.facts.ready}`;
    return `send ${JSON.stringify(message)}`;
  }
  if (action.do === "acquire" || action.do === "release") return `${action.do} ${action.vip}`;
  return action.do;
}
