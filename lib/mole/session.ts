// One session in the group: its views, its exchange or its table, its beats. What it decides is what the *group* side of a host does; what the host itself does
// with addresses is `holdings.ts`.
//
// A session is in one of two states in each view: its table is complete, or an exchange goes on. With a complete table a view that brings nobody but lone
// joiners is carried over at once; a network view that brings others, or any change while an exchange goes on, is an exchange (the model, section 4).

import { Allowance } from "./allowance.ts";
import { wantedHosts } from "./assign.ts";
import { nextMove } from "./balance.ts";
import { CoverTable, type HostRecord } from "./cover-table.ts";
import { deliver } from "./deliver.ts";
import { carryOver } from "./departure.ts";
import type { Stored } from "./event.ts";
import { Exchange } from "./exchange.ts";
import type { Holdings } from "./holdings.ts";
import type { Member, View } from "./member.ts";
import { merge } from "./merge.ts";
import { type Message, RULES_VERSION, type Snapshot, type WaitLeft } from "./message.ts";
import type { Outbox } from "./outbox.ts";
import { Pulse } from "./pulse.ts";
import { isComplete, Remembered } from "./remembered.ts";
import type { Rules } from "./rules.ts";
import type { Self } from "./self.ts";
import type { Bounds } from "./times.ts";
import { Unreleased } from "./unreleased.ts";
import { namesAll, unnamed } from "./unreturned.ts";
import { Waits } from "./waits.ts";
import { Watch } from "./watch.ts";

/**
 * How much longer than `silence` an exchange may take in `safe` before what is held is let go: a beat's time to notice that a state is missing, and the `expel`'s
 * way. Within the margin of the others' wait: its half second, less the kernel's lateness.
 */
const EXPEL_ROUND_MS = 200;

export class Session {
  readonly pulse: Pulse;
  readonly waits = new Waits();
  view: View | undefined;
  /** Complete and in force. */
  table: CoverTable | undefined;
  exchange: Exchange | undefined;
  /** Between a transitional signal and the view: nothing is acquired, nothing decided. */
  isTransitional = false;
  /** The group has no place for this session any more, and why. */
  ended: string | undefined;
  /** Of another member with this host's name, which has the place. */
  namesake: HostRecord | undefined;
  /** The table, or what one may do by it, has changed. */
  changed = false;
  private viewMs = 0;
  /** The table as it was when the exchange began. */
  private lastTable: CoverTable | undefined;
  /** The table as it stood at this view, as long as somebody may need it. */
  private snapshot: Snapshot | undefined;
  private hasToldTable = false;
  /** Somebody who is no host has told a state, and was not told the table since. */
  private isOwedTable = false;
  /** In one complete view with me, and together with me since. */
  private acquainted: ReadonlySet<Member> = new Set();
  /** How many came together into the last network view with me. */
  private part = 1;
  readonly unreleased = new Unreleased();
  private readonly remembered = new Remembered();
  /** The view in which strangers were given up. */
  private gaveUpIn: string | undefined;
  /** The view and the version of the list of hosts that were said to be gone by. */
  private listedIn: string | undefined;
  /** The view and the counter of the maintenance that was said to be known. */
  private maintainedIn: string | undefined;
  /** Somebody may have been away without a lease when this session began, and no table since has named all who may. */
  private knowsUnreturned: boolean;
  /** The view in which that was said. */
  private unreturnedIn: string | undefined;
  private readonly allowance: Allowance;
  private readonly watch = new Watch();
  private calmFromMs: number;
  private isBalanced = false;

  constructor(
    readonly member: Member,
    private readonly incarnation: number,
    private readonly self: Self,
    private readonly holdings: Holdings,
    private readonly out: Outbox,
    private readonly rules: Rules,
    startMs: number,
  ) {
    this.pulse = new Pulse(startMs, self.config.times.beatMs);
    this.calmFromMs = startMs;
    this.knowsUnreturned = self.stored.unreturned;
    this.allowance = new Allowance(self.config.times);
  }

  /** The silence and the lease by which this host may hold. */
  get bounds(): Bounds {
    return this.rules.longerWhenTold ? this.allowance.inUse : this.self.config.times;
  }

  /** Before anything is decided by them. */
  lookAtBounds(nowMs: number): void {
    this.allowance.look(this.self.config.times, this.latestTable?.hosts.get(this.member)?.facts, this.pulse, nowMs);
  }

  /** The table in force, or the one before the exchange. */
  get latestTable(): CoverTable | undefined {
    return this.table ?? this.lastTable;
  }

  enter(view: View, nowMs: number): void {
    const first = this.view === undefined;
    this.isTransitional = false;
    this.pulse.enter(view, nowMs, first);
    if (!this.rules.silenceOutlivesJoins) this.pulse.forgetSilence(nowMs);
    if (this.table !== undefined) this.acquainted = new Set(this.table.members);
    // Also of one that departs while an exchange goes on.
    const isExchanging = this.table === undefined;
    if (this.latestTable !== undefined) this.unreleased.noteDepartures(this.latestTable, view, isExchanging);
    if (view.cause === "network") {
      this.acquainted = new Set([...this.acquainted].filter((member) => view.together.includes(member)));
      this.part = view.together.length;
    }
    this.view = view;
    this.viewMs = nowMs;
    this.calmFromMs = nowMs;
    this.hasToldTable = false;
    this.changed = true;
    const brings = view.cause === "network" && view.members.some((member) => !view.together.includes(member));
    if (this.table !== undefined && !brings) this.carryOver(this.table, view, nowMs);
    else this.beginExchange(view, nowMs, first);
  }

  /** The ring is changing: what comes until the view, only those get who come there together with me. */
  signal(): void {
    this.isTransitional = true;
  }

  receive(from: Member, message: Message, nowMs: number): void {
    if (this.view === undefined) return;
    if (message.kind === "beat") this.pulse.heard(from, nowMs);
    else this.calmFromMs = nowMs;
    if (message.kind === "farewell") this.unreleased.noteFarewell(from);
    if (message.kind === "table" && message.begun) this.receiveBegun(message.view, nowMs);
    else if (this.table !== undefined) this.receiveInForce(this.table, from, message, nowMs);
    else if (this.exchange !== undefined) this.receiveInExchange(this.exchange, from, message, nowMs);
    if (this.ended === undefined && message.kind === "beat" && from === this.member) {
      this.pulse.returned(message.number, nowMs);
      this.lookAround(nowMs);
    }
  }

  /** Sends a beat. */
  beat(nowMs: number): void {
    if (this.view === undefined) return;
    const table = this.table !== undefined || this.lastTable !== undefined;
    this.out.send({ kind: "beat", view: this.view.id, number: this.pulse.beat(nowMs), table });
  }

  /** In `safe` a host that has been without a complete table for long may not go on holding: others may have stopped waiting for it. */
  isCoverLost(nowMs: number): boolean {
    const { exchange, view } = this;
    if (exchange === undefined || view === undefined || !(this.lastTable?.isSafe() ?? false)) return false;
    if (nowMs - exchange.sinceMs >= this.bounds.silenceMs + EXPEL_ROUND_MS) return true;
    return view.members.length * 2 < this.lastTable!.hostList.hosts.length;
  }

  private carryOver(table: CoverTable, view: View, nowMs: number): void {
    carryOver(table, view);
    this.startWaits(table, [], nowMs);
    const all = view.members.every((member) => table.hosts.get(member)?.informed || table.expelled.has(member));
    this.snapshot = all && !this.isOwedTable ? undefined : table.snapshot();
    // Frozen as a newcomer, and thawed into a dozen views at once: I have the table by now, but my states all came too late, each for a view that was over.
    // Nobody counts me, and nobody would ever hear of me again.
    if (!table.hosts.has(this.member) && !table.expelled.has(this.member)) this.sendState(view, nowMs, undefined);
  }

  private beginExchange(view: View, nowMs: number, first: boolean): void {
    const before = this.exchange;
    this.remembered.reset();
    if (this.table !== undefined) {
      this.lastTable = this.table;
      this.table = undefined;
      this.exchange = Exchange.ofAll(view, nowMs);
    } else if (first || before === undefined) {
      // Alone I can't tell what the others are in the middle of: their states will.
      this.exchange =
        view.cause === "network" ? Exchange.ofAll(view, nowMs) : new Exchange(view, undefined, undefined, nowMs);
    } else {
      if (this.lastTable !== undefined) keepFacts(this.lastTable, before);
      this.exchange = before.next(view);
    }
    this.snapshot = undefined;
    this.sendState(view, nowMs, before);
  }

  private sendState(view: View, nowMs: number, before: Exchange | undefined): void {
    const { self, exchange } = this;
    const { stored } = self;
    const last = this.lastTable; // none with a complete table: then I am new, and hold nothing
    // Also where I was told a table in which mine did not count yet.
    const isStoredLater = last === undefined || stored.maintenance.counter > last.maintenance.counter;
    const isListLater = last === undefined || stored.hostList.version > last.hostList.version;
    const own = last?.hosts.get(this.member);
    const expelled = [...(last?.expelled ?? []), ...(before?.expelled ?? [])];
    this.out.send({
      kind: "state",
      version: RULES_VERSION,
      view: view.id,
      identity: self.identity(this.incarnation),
      facts: self.facts(),
      mature: self.mature,
      drained: own?.drained ?? self.drained,
      refusing: own === undefined ? self.refusing() : [...own.refusing],
      holds: this.holdings.told(last, this.member, nowMs),
      adopts: stored.maintenance.on && last === undefined,
      table: last?.snapshot(),
      waits: last === undefined ? [] : this.waits.left(last, nowMs),
      together: this.part,
      lone: exchange?.lone && [...exchange.lone],
      expelled: expelled.filter((member) => view.members.includes(member)),
      knows: last === undefined ? [] : [...this.acquainted],
      hostList: isListLater ? stored.hostList : last.hostList,
      maintenance: isStoredLater ? stored.maintenance : last.maintenance,
    });
  }

  private receiveInForce(table: CoverTable, from: Member, message: Message, nowMs: number): void {
    deliver(table, from, message);
    if (message.kind === "beat") return;
    if (message.kind === "state") this.hasToldTable = false;
    // Not let in, it has to see why.
    if (message.kind === "state" && table.expelled.has(from)) this.isOwedTable = true;
    if (message.kind === "table") this.isOwedTable = false;
    this.changed = true;
    this.isBalanced = false;
    this.startWaits(table, [], nowMs);
    this.lookAtMyself(table);
  }

  private receiveInExchange(exchange: Exchange, from: Member, message: Message, nowMs: number): void {
    exchange.note(from, message, this.member);
    if (message.kind === "beat") return;
    if (exchange.expelled.has(this.member)) {
      this.ended = "expelled";
      return;
    }
    if (message.kind === "table" && message.view === exchange.view.id && message.table !== undefined) {
      // It is for who just joined. Who has had a table was not in the view before with the sender's, and gathers states.
      if (this.lastTable === undefined) this.adopt(exchange, message.table, message.waits, nowMs);
    } else if (exchange.isComplete()) this.conclude(exchange, nowMs);
  }

  /** The newcomer's way: the table as it stood at the view, and then all that was delivered since. */
  private adopt(exchange: Exchange, snapshot: Snapshot, waits: readonly WaitLeft[], nowMs: number): void {
    const table = CoverTable.from(snapshot, this.rules);
    this.startWaits(table, waits, nowMs);
    if (this.rules.replay) for (const { from, message } of exchange.log) deliver(table, from, message);
    this.complete(table, nowMs, snapshot);
  }

  private conclude(exchange: Exchange, nowMs: number): void {
    const { view, states } = exchange;
    const table = merge({ view, states, expelled: exchange.allExpelled() }, this.rules);
    this.unreleased.noteMerge();
    const waits = [...states.values()].flatMap((state) => state.waits);
    this.startWaits(table, waits, nowMs);
    this.completeFrom(exchange, table, nowMs);
  }

  /** Somebody found that nobody here has ever had a table, and begins an empty one. Who has told no state may be anybody, and may hold anything. */
  private receiveBegun(viewId: string, nowMs: number): void {
    const { exchange, view, table } = this;
    if (view === undefined || view.id !== viewId) return;
    if (table !== undefined) {
      // Others have not heard of me in this view, and have begun without me.
      if (![...table.shown].some((member) => !table.expelled.has(member))) this.ended = "forgotten";
      return;
    }
    if (exchange === undefined || exchange.isTableAbout()) return;
    if (!exchange.states.has(this.member)) {
      this.ended = "forgotten";
      return;
    }
    for (const member of view.members) if (!exchange.states.has(member)) exchange.expelled.add(member);
    this.conclude(exchange, nowMs);
  }

  /** Runs what was delivered in the exchange over its result. */
  private completeFrom(exchange: Exchange, table: CoverTable, nowMs: number): void {
    for (const [member, number] of exchange.beats) table.beats.seed(member, number);
    for (const member of exchange.shown) table.shown.add(member);
    const snapshot = table.snapshot();
    if (this.rules.replay) {
      for (const { from, message } of exchange.log) {
        if (message.kind === "beat" || message.kind === "table") continue;
        if (message.kind === "state" && exchange.states.has(from)) continue;
        if (message.kind === "expel" && (message.missing.what === "beat" || message.missing.what === "state")) continue;
        deliver(table, from, message);
      }
    }
    this.complete(table, nowMs, snapshot);
  }

  private complete(table: CoverTable, nowMs: number, snapshot: Snapshot): void {
    this.table = table;
    this.lastTable = undefined;
    this.exchange = undefined;
    this.snapshot = snapshot;
    this.changed = true;
    this.isBalanced = false;
    this.hasToldTable = false;
    this.isOwedTable = false;
    this.startWaits(table, [], nowMs);
    this.lookAtMyself(table);
  }

  private lookAtMyself(table: CoverTable): void {
    const own = table.hosts.get(this.member);
    if (own !== undefined) {
      this.self.drained = own.drained;
      if (own.mature) this.self.mature = true;
    } else if (table.expelled.has(this.member)) {
      const { host } = this.self.config;
      this.namesake = table.hostNamed(host);
      this.ended ??= this.namesake === undefined ? "expelled" : "name taken";
    }
  }

  private startWaits(table: CoverTable, told: readonly WaitLeft[], nowMs: number): void {
    if (table.freshWaits.length === 0 && told.length === 0) return;
    const { silenceMs, leaseMs, clockBoundMs } = this.self.config.times;
    table.lengthen({ silenceMs, leaseMs });
    table.lengthen(this.self.stored.longest);
    const bounds = table.longest;
    this.waits.start(table, told, { nowMs, viewMs: this.viewMs, bounds, clockBoundMs, pulse: this.pulse });
    this.changed = true;
  }

  /** At each own beat that comes back: who is missing, who lacks the table, what could be better balanced. */
  private lookAround(nowMs: number): void {
    if (this.isTransitional || this.view === undefined) return;
    if (this.table !== undefined) {
      if (!this.table.maintenance.on) this.expelSuspects(this.view, this.table, nowMs);
      this.tellTable(nowMs);
      this.tellListed(this.view, this.table);
      this.tellMaintained(this.view, this.table);
      this.tellUnreturned(this.view, this.table);
      this.balance(this.table, nowMs);
      this.forgetBounds(this.table, nowMs);
      this.giveUpStrangers(this.view, this.table);
    } else if (this.exchange !== undefined) this.pushExchange(this.exchange, nowMs);
  }

  /**
   * Sessions that never told whose they were, and went under maintenance: a key that is being replaced makes such. What they may hold nobody can give back; with all hosts here, each of
   * which has told what it holds, they hold nothing any more. Said as an operator would say it, so that all take it at one point.
   */
  private giveUpStrangers(view: View, table: CoverTable): void {
    if (this.gaveUpIn === view.id || !this.rules.strangersAreGivenUp || table.teller() !== this.member) return;
    if (table.waited.size === 0 || ![...table.waited.values()].some(({ why }) => why === "kept")) return;
    if (!isComplete(table)) return;
    this.gaveUpIn = view.id;
    this.out.send({ kind: "maintenance", state: table.maintenance, force: true });
  }

  /** Where another list of hosts is wished for: which one I go by, and have on disk. */
  private tellListed(view: View, table: CoverTable): void {
    const { version } = table.hostList;
    const said = `${view.id} ${version}`;
    if (this.listedIn === said || !this.rules.listsByStep || wantedHosts(table) === undefined) return;
    if (this.kept.hostList.version !== version) return;
    this.listedIn = said;
    this.out.send({ kind: "listed", version });
  }

  /** In `safe`: that I know of the maintenance, and have it on disk. */
  private tellMaintained(view: View, table: CoverTable): void {
    const { counter, on } = table.maintenance;
    const said = `${view.id} ${counter}`;
    if (!on || this.maintainedIn === said || !table.isSafe()) return;
    const { maintenance } = this.kept;
    if (maintenance.counter !== counter || !maintenance.on) return;
    this.maintainedIn = said;
    this.out.send({ kind: "maintained", counter });
  }

  /** To a table that can't name who it is: who has brought one names it. */
  private tellUnreturned(view: View, table: CoverTable): void {
    this.knowsUnreturned &&= this.self.stored.unreturned && !namesAll(table);
    if (!this.knowsUnreturned || this.unreturnedIn === view.id || unnamed(table).length === 0) return;
    this.unreturnedIn = view.id;
    if (table.rules.remembersTheUnreturned) this.out.send({ kind: "unreturned" });
  }

  /** What a next life of this host will know. */
  private get kept(): Stored {
    return this.rules.saysWhatIsOnDisk ? this.self.onDisk : this.self.stored;
  }

  private forgetBounds(table: CoverTable, nowMs: number): void {
    const { self } = this;
    const longest = this.remembered.look(table, self.config.times.clockBoundMs, nowMs);
    if (longest === undefined) return;
    table.longest = longest;
    self.stored = { ...self.stored, longest };
    this.out.do({ do: "store", stored: self.stored });
  }

  private expelSuspects(view: View, table: CoverTable, nowMs: number): void {
    const { silenceMs } = this.self.config.times;
    if (!this.rules.silentAreExpelled) return;
    for (const suspect of this.watch.suspects(table, this.member, this.pulse, this.waits, silenceMs, nowMs))
      if (this.watch.isNew(view, suspect)) this.out.send({ kind: "expel", view: view.id, ...suspect });
  }

  private pushExchange(exchange: Exchange, nowMs: number): void {
    const { silenceMs } = this.self.config.times;
    const hadTable = this.lastTable !== undefined;
    if (this.rules.silentAreExpelled) {
      const suspects = this.watch.suspectsOfExchange(exchange, hadTable, this.member, this.pulse, silenceMs, nowMs);
      for (const suspect of suspects)
        if (this.watch.isNew(exchange.view, suspect))
          this.out.send({ kind: "expel", view: exchange.view.id, ...suspect });
    }
    if (hadTable || this.hasToldTable || exchange.isTableAbout()) return;
    if (this.pulse.missingMs(exchange.sinceMs, nowMs) < silenceMs) return;
    const first = exchange.view.members.find(
      (member) =>
        exchange.beats.has(member) &&
        exchange.states.has(member) &&
        this.pulse.missingMs(this.pulse.lastHeardMs(member) ?? nowMs, nowMs) < silenceMs,
    );
    if (first !== this.member) return;
    this.hasToldTable = true;
    this.out.send({ kind: "table", view: exchange.view.id, begun: true, table: undefined, waits: [] });
  }

  /** The first that has the table sends it, as it stood at the view, when somebody has told a state and lacks it. */
  tellTable(nowMs: number): void {
    const { table, snapshot } = this;
    if (table === undefined || snapshot === undefined || this.hasToldTable || table.teller() !== this.member) return;
    if (!this.isOwedTable && ![...table.hosts.values()].some(({ informed }) => !informed)) return;
    this.hasToldTable = true;
    const waits = this.waits.left(table, nowMs);
    this.out.send({ kind: "table", view: table.view, begun: false, table: snapshot, waits });
  }

  private balance(table: CoverTable, nowMs: number): void {
    if (this.isBalanced || nowMs - this.calmFromMs < this.self.config.times.calmMs) return;
    if (table.maintenance.on || !table.warm || table.teller() !== this.member) return;
    this.isBalanced = true;
    const move = nextMove(table);
    if (move === undefined) return;
    const { entry, to } = move;
    const vip = entry.definition.id;
    this.out.send({ kind: "move", view: table.view, vip, number: entry.number, to, pinned: false });
  }
}

/** What was delivered in an exchange that was broken off stands in the next state. */
function keepFacts(table: CoverTable, { log }: Exchange): void {
  for (const { from, message } of log) {
    if (message.kind === "beat" || message.kind === "state" || message.kind === "table") continue;
    if (message.kind === "move" || message.kind === "expel") continue; // decisions: void in the next view
    deliver(table, from, message);
  }
}
