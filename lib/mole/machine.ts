// Who covers what, and when: the whole of mole's decisions, without a socket, a clock or a system call. Events go in, actions come out, time is an argument; so the
// same machine runs on a host (the runner) and some millions of times in a simulated cluster (test/sim).
//
// The rules, and for each the history that breaks the simpler one, stand where they are kept:
//   cover-table, deliver, assign, departure, merge   the table, which delivered events alone change: equal histories, equal tables
//   session, exchange, pulse, waits, watch, balance  one session in the group: views, states, beats, silence, expulsion
//   holdings                                         what this host takes, renews and lets go
//   self                                             what it tells about itself
//
// Here is the life of a host: one session after the other. A session ends when it is lost, when the host is *outside* (its own beats stay away: others may have
// gone on without it), or when it reads that it is expelled. Then everything is let go first, and only after that a new session begins, under a new name.
import type { Action } from "./action.ts";
import type { CoverTable } from "./cover-table.ts";
import type { VipId } from "./definition.ts";
import { wouldUncover } from "./deliver.ts";
import type { Command, HostConfig, MoleEvent, Stored } from "./event.ts";
import { Holdings, type Holds } from "./holdings.ts";
import { mayLift } from "./lifting.ts";
import type { HostName } from "./member.ts";
import { Outbox } from "./outbox.ts";
import { ALL_RULES, type Rules } from "./rules.ts";
import { Self } from "./self.ts";
import { Session } from "./session.ts";
import { awayMs, SHORT_LIFE_MS } from "./times.ts";
import { mayBeUnreturned } from "./unreturned.ts";

/** How many times `silence` an orderly stop may take. */
const STOP_SILENCES = 4;
/** For so long a host tries to come in beside another session with its name and machine id: its own former one, of which the group has not noticed the end. */
const NAMESAKE_MS = 5_000;
const NAMESAKE = "another session with this host's name and machine id is heard still";

type Life =
  /** No session; what is still held is being let go. */
  | { readonly at: "outside" }
  /** The runner has been asked for a session. */
  | { readonly at: "connecting" }
  | { readonly at: "inside"; readonly session: Session }
  /** The session is over as far as I am concerned: everything is being let go, then it is closed. */
  | { readonly at: "leaving"; readonly session: Session; readonly forGood: boolean }
  | { readonly at: "stopped" };

export class Machine {
  private readonly self: Self;
  private readonly out = new Outbox();
  private readonly holdings: Holdings;
  private life: Life = { at: "outside" };
  private nextBeatMs = Number.POSITIVE_INFINITY;
  private hasLeased = false;
  /** There will be no further session. */
  private isLast = false;
  /** When a stop that nobody has let happen happens all the same. */
  private stopByMs = Number.POSITIVE_INFINITY;
  private wakeMs = Number.POSITIVE_INFINITY;
  /** When this session began; how many short ones there were in a row until it; before when there is no other. */
  private joinedMs = 0;
  private shortLives = 0;
  private awayUntilMs = Number.NEGATIVE_INFINITY;
  /** The counter of the last word about maintenance that was sent from here. */
  private maintenanceSaid = 0;
  /** Since when another session with this host's name has been in the way. */
  private namesakeMs: number | undefined;

  /** @param rules for the simulator alone, which breaks them one at a time */
  constructor(
    config: HostConfig,
    stored: Stored,
    private readonly rules: Rules = ALL_RULES,
  ) {
    this.self = new Self(config, stored);
    this.holdings = new Holdings(this.self, this.out, rules);
  }

  /** The session and its table, to look at: status, tests. */
  get session(): Session | undefined {
    return this.life.at === "inside" ? this.life.session : undefined;
  }

  /** Where this life stands: with a session, without one, on the way in or out. */
  get standing(): Life["at"] {
    return this.life.at;
  }

  /** What this host itself holds, is taking or letting go, by vip. */
  get holds(): ReadonlyMap<VipId, Holds> {
    return this.holdings.all;
  }

  /** For how long this host is given nothing yet that a live one has. To look at: when it is over the host tells. */
  heldDownMs(nowMs: number): number {
    return this.self.heldDownMs(nowMs);
  }

  /** Asked by the driver directly before it puts an address on. */
  mayAcquire(vip: VipId, number: number, nowMs: number): boolean {
    const { session } = this;
    if (session === undefined) return false;
    if (!this.rules.asksAgain) return true;
    return this.holdings.mayAcquire(session, vip, number, nowMs);
  }

  handle(event: MoleEvent): readonly Action[] {
    const { now } = event;
    // Before anything else is looked at: a beat of mine that comes now is a late one, and does not bring me back.
    this.judgeOutside(now);
    this.take(event);
    if (this.life.at === "inside" && this.life.session.ended !== undefined)
      this.leave(this.life.session.ended, false, now);
    this.follow(now);
    this.schedule(now);
    return this.out.take();
  }

  private take(event: MoleEvent): void {
    const { now } = event;
    const session = this.session;
    switch (event.on) {
      case "start":
        this.holdings.adopt(event.held, now);
        return;
      case "connected":
        this.begin(event.member, event.incarnation, now);
        return;
      case "disconnected":
        if (this.life.at !== "stopped") this.lose(now);
        return;
      case "view":
        if (event.view.cause === "network" && event.view.together.length < event.view.members.length)
          this.holdings.trust();
        session?.enter(event.view, now);
        if (session !== undefined && this.nextBeatMs === Number.POSITIVE_INFINITY) this.nextBeatMs = now;
        return;
      case "transitional":
        session?.signal();
        return;
      case "message":
        session?.receive(event.from, event.message, now);
        return;
      case "timer":
        this.wakeMs = Number.POSITIVE_INFINITY;
        return;
      case "driven":
        this.holdings.driven(session, event.vip, event.did, now);
        if (event.did === "acquired" && this.isLifted()) this.lift([event.vip]);
        if (session !== undefined) session.changed = true;
        return;
      case "probed":
        this.holdings.probed(session, event.vip, event.answered, now);
        if (session !== undefined) session.changed = true;
        return;
      case "health":
        this.self.setHealth(event.vip, event.ok);
        return;
      case "carrier":
        if (this.self.setCarrier(event.vip, event.up) && event.up) this.holdings.doubt(event.vip);
        return;
      case "config":
        this.self.configure(event.config);
        return;
      case "command":
        this.obey(event.command, now);
        return;
      case "stored":
        this.self.onDisk = event.stored;
        return;
      default:
        event satisfies never;
    }
  }

  private judgeOutside(now: number): void {
    const { session } = this;
    session?.lookAtBounds(now);
    if (session === undefined || this.isLifted()) return;
    if (session.pulse.isStale(session.bounds.silenceMs, now) && this.rules.freshBeats)
      this.leave("own beats stay away", false, now);
  }

  private begin(member: string, incarnation: number, now: number): void {
    if (this.life.at !== "connecting") {
      this.out.do({ do: "disconnect", forGood: true }); // stopped meanwhile
      return;
    }
    this.self.join(now);
    this.holdings.forgetAnswers();
    this.joinedMs = now;
    const session = new Session(member, incarnation, this.self, this.holdings, this.out, this.rules, now);
    this.life = { at: "inside", session };
    this.nextBeatMs = Number.POSITIVE_INFINITY; // until the first view
  }

  private lose(now: number): void {
    if (this.life.at === "leaving") this.isLast ||= this.life.forGood;
    if (this.life.at === "inside") this.judgeLife(now);
    this.life = { at: "outside" };
    if (!this.isLifted()) this.holdings.releaseAll();
  }

  /** Thrown out again and again, a host does not come back at once each time: that would keep the group from its work. */
  private judgeLife(now: number): void {
    this.shortLives = now - this.joinedMs < SHORT_LIFE_MS ? this.shortLives + 1 : 0;
    this.awayUntilMs = now + awayMs(this.shortLives);
  }

  private leave(why: string, forGood: boolean, now: number): void {
    if (this.life.at !== "inside") return;
    this.judgeLife(now);
    const isNameTaken = this.isNameTaken(this.life.session, now);
    if (!isNameTaken && !forGood && !this.self.stopping)
      this.out.report({ about: "outside", why: why === "name taken" ? NAMESAKE : why });
    // Whoever is on his way out does not come back because the group went away first.
    this.isLast ||= forGood || isNameTaken || this.self.stopping;
    this.life = { at: "leaving", session: this.life.session, forGood: this.isLast };
    if (!this.isLifted()) this.holdings.releaseAll();
  }

  /** Says so, if there is no more hope. */
  private isNameTaken({ namesake }: Session, now: number): boolean {
    if (namesake === undefined) return false;
    const { member: by, identity } = namesake;
    const isSameMachine = identity.machine === this.self.config.machine;
    this.namesakeMs ??= now;
    if (isSameMachine && now - this.namesakeMs < NAMESAKE_MS) return false;
    this.out.report({ about: "name taken", by, machine: identity.machine, isSameMachine });
    return true;
  }

  private isLifted(): boolean {
    return this.self.stored.lifted;
  }

  /** What follows from the new state of things: one life may end here and the next begin. */
  private follow(now: number): void {
    if (this.life.at === "inside") this.followInside(this.life.session, now);
    if (this.life.at === "leaving" && (this.holdings.isEmpty || this.isLifted())) {
      // Under maintenance nobody takes over: what it owned waits for this host to be back, which it could not once the name is struck.
      if (!this.self.stored.maintenance.on) this.out.send({ kind: "farewell" });
      this.out.do({ do: "disconnect", forGood: this.life.forGood });
      this.life = this.life.forGood ? { at: "stopped" } : { at: "outside" };
    }
    this.connect(now);
  }

  private connect(now: number): void {
    if (this.life.at !== "outside" || (!this.holdings.isEmpty && !this.isLifted())) return;
    if (this.isLast || this.self.stopping) {
      this.life = { at: "stopped" };
      this.out.do({ do: "disconnect", forGood: true });
      return;
    }
    if (now < this.awayUntilMs) return;
    this.life = { at: "connecting" };
    this.nextBeatMs = Number.POSITIVE_INFINITY;
    this.out.do({ do: "connect" });
  }

  private followInside(session: Session, now: number): void {
    const { table } = session;
    if (now >= this.nextBeatMs) this.beat(session, now);
    if (this.self.hasNews() && session.view !== undefined) this.out.send({ kind: "facts", facts: this.self.facts() });
    this.holdings.releaseUnplugged();
    if (!this.isLifted() && (session.isCoverLost(now) || isUncovered(table))) this.holdings.releaseAll();
    const isInVain = this.self.stopping && table?.maintenance.on === true; // nothing moves away
    if (now >= this.stopByMs || isInVain) this.leave("stopped", true, now);
    if (!session.changed && now < this.holdings.nextMs) return;
    session.changed = false;
    if (table === undefined) return;
    if (table.hosts.has(session.member)) {
      this.namesakeMs = undefined;
      this.store(session); // once what I have on disk counts in the table: it may be the later word
    }
    session.tellTable(now);
    this.holdings.announceStruck(session, table);
    this.holdings.follow(session, table, now);
    if (this.self.stopping && this.holdings.isEmpty) this.leaveIfFree(session, now);
  }

  private beat(session: Session, now: number): void {
    const { silenceMs, leaseMs } = session.bounds;
    session.beat(now);
    this.nextBeatMs = now + this.self.config.times.beatMs;
    this.sayLeased(session);
    this.self.tick(now);
    if (this.self.ripens(now)) this.out.send({ kind: "mature" });
    for (const vip of this.self.willing(now)) {
      this.out.sayWilling(vip);
      session.changed = true;
    }
    const vips = this.holdings.held();
    if (vips.length === 0 || (this.rules.freshBeats && !session.pulse.isFresh(silenceMs, now))) return;
    if (this.isLifted()) return;
    const notAfterMs = this.rules.freshBeats ? session.pulse.youngestMs + silenceMs : Number.POSITIVE_INFINITY;
    this.out.do({ do: "renew", vips, notAfterMs, leaseMs });
  }

  /** Keeps on disk what must outlive a restart, and puts leases on or lifts them as maintenance begins or ends. */
  private store({ table, pulse, bounds }: Session): void {
    const { hostList, maintenance, longest } = table!;
    const before = this.self.stored;
    const lifted = maintenance.on && (before.lifted || mayLift(table!));
    const unreturned = mayBeUnreturned(table!, before.unreturned);
    const isSame =
      hostList.version === before.hostList.version &&
      hostList.hosts.length === before.hostList.hosts.length &&
      maintenance.counter === before.maintenance.counter &&
      maintenance.on === before.maintenance.on && // two operators in two parts may have counted alike
      lifted === before.lifted &&
      unreturned === before.unreturned &&
      longest.silenceMs <= before.longest.silenceMs &&
      longest.leaseMs <= before.longest.leaseMs;
    if (isSame) return;
    const stored = { hostList, maintenance, lifted, unreturned, longest };
    this.self.stored = stored;
    this.out.do({ do: "store", stored });
    const vips = this.holdings.held();
    if (lifted === before.lifted || vips.length === 0) return;
    const { leaseMs, silenceMs } = bounds;
    if (lifted) this.lift(vips);
    else this.out.do({ do: "renew", vips, notAfterMs: pulse.youngestMs + silenceMs, leaseMs });
  }

  /** Under maintenance what is held is held without a lease, as soon as enough hosts know of it. */
  private lift(vips: readonly VipId[]): void {
    this.out.do({ do: "renew", vips, notAfterMs: Number.POSITIVE_INFINITY, leaseMs: undefined });
  }

  /** After maintenance, once a whole beat has passed since the leases were ordered on, and a next life would not take what it finds for held without them. */
  private sayLeased({ table, member }: Session): void {
    if (table === undefined || table.maintenance.on || this.isLifted() || !table.unleased.has(member)) return;
    if (this.self.onDisk.lifted && this.rules.saysWhatIsOnDisk) return;
    if (this.hasLeased) this.out.send({ kind: "leased" });
    this.hasLeased = !this.hasLeased;
  }

  private schedule(now: number): void {
    if (this.life.at === "outside" && now < this.awayUntilMs) this.wake(this.awayUntilMs, now);
    if (this.life.at !== "inside") return;
    const { pulse, bounds } = this.life.session;
    let at = this.nextBeatMs;
    if (this.life.session.table !== undefined) at = Math.min(at, this.holdings.nextMs);
    // Under maintenance it is not outside however long its own beats stay away: nothing happens at that time, and it stays in the past.
    if (pulse.youngestMs >= 0 && !this.isLifted()) at = Math.min(at, pulse.youngestMs + bounds.silenceMs);
    this.wake(at, now);
  }

  private wake(at: number, now: number): void {
    if (at >= this.wakeMs && this.wakeMs > now) return;
    if (at === Number.POSITIVE_INFINITY) return;
    this.wakeMs = Math.max(at, now);
    this.out.do({ do: "wake", atMs: this.wakeMs });
  }

  private obey(command: Command, now: number): void {
    if (command.do === "stop") {
      this.stop(now);
      return;
    }
    const { session } = this;
    if (session?.table === undefined) {
      this.answer(false, "the group is not settled: try again");
      return;
    }
    const { table, view } = session;
    switch (command.do) {
      case "drain": {
        const host = this.memberOf(session, command.host);
        if (host === undefined) this.answer(false, `no such host here: ${command.host}`);
        else if (!command.force && wouldUncover(table, host))
          this.answer(false, `${command.host} is the last that can hold some vip: --force lets it go uncovered`);
        else this.out.send({ kind: "drain", host: command.host, on: true, force: command.force });
        return;
      }
      case "resume":
        if (this.memberOf(session, command.host) === undefined) {
          this.answer(false, `no such host here: ${command.host}`);
          return;
        }
        this.out.send({ kind: "drain", host: command.host, on: false, force: false });
        return;
      case "move": {
        const entry = table.vipNamed(command.vip);
        const to = this.memberOf(session, command.host);
        if (entry === undefined) this.answer(false, `no vip is called ${command.vip}`);
        else if (to === undefined) this.answer(false, `no such host here: ${command.host}`);
        else if (session.isTransitional) this.answer(false, "the group is changing just now: try again");
        else
          this.out.send({
            kind: "move",
            view: view!.id,
            vip: entry.definition.id,
            number: entry.number,
            to,
            pinned: true,
          });
        return;
      }
      case "balance":
        this.out.send({ kind: "balance" });
        return;
      case "maintenance": {
        // What was said just before may not have come back yet, and the later word counts.
        this.maintenanceSaid = Math.max(table.maintenance.counter, this.maintenanceSaid) + 1;
        const state = { counter: this.maintenanceSaid, on: command.on };
        this.out.send({ kind: "maintenance", state, force: command.force });
        return;
      }
      case "forget":
        if (this.memberOf(session, command.host) !== undefined)
          this.answer(false, `${command.host} is here: only a host that is gone can be forgotten`);
        else this.out.send({ kind: "forget", host: command.host });
        return;
      default:
        command satisfies never;
    }
  }

  /** Gives up in order: others take over as each vip is let go, and the session ends when nothing is left. Under maintenance everything stays where it is. */
  private stop(now: number): void {
    this.self.stop();
    switch (this.life.at) {
      case "inside":
        this.stopByMs = now + STOP_SILENCES * this.self.config.times.silenceMs;
        if (this.life.session.table === undefined || this.isLifted()) this.leave("stopped", true, now);
        else this.life.session.changed = true;
        return;
      case "leaving":
        this.life = { ...this.life, forGood: true };
        return;
      case "outside":
        return; // ends when everything has been released
      case "connecting":
        this.life = { at: "stopped" };
        this.out.do({ do: "disconnect", forGood: true });
        return;
      case "stopped":
        return;
      default:
        this.life satisfies never;
    }
  }

  private leaveIfFree(session: Session, now: number): void {
    const own = session.table?.hosts.get(session.member);
    const named = [...(session.table?.entries.values() ?? [])].some(({ set }) => set.has(session.member));
    if (own?.facts.stopping && !named) this.leave("stopped", true, now);
  }

  private memberOf({ table }: Session, name: HostName): string | undefined {
    return table!.hostNamed(name)?.member;
  }

  private answer(done: boolean, text: string): void {
    this.out.report({ about: "command", done, text });
  }
}

/** By its table this part may not cover. Without maintenance it gives its vips no owner, and each is let go of by that. */
function isUncovered(table: CoverTable | undefined): boolean {
  return table?.maintenance.on === true && !table.covers;
}
