// One simulated host: a machine (the real one), its session, its driver's queue and kernel, its clock, its guard. It does what the runner will do, and nothing more:
// no decision is made here but the one that belongs to the driver (the clock is looked at directly before and after the system call).
import type { Random } from "../../lib/base/random.ts";
import type { Action, Report } from "../../lib/mole/action.ts";
import type { Definition, VipId } from "../../lib/mole/definition.ts";
import { type Command, type HostConfig, type MoleEvent, NOTHING_STORED, type Stored } from "../../lib/mole/event.ts";
import { Machine } from "../../lib/mole/machine.ts";
import { Mailbox } from "../../lib/mole/mailbox.ts";
import type { Message } from "../../lib/mole/message.ts";
import type { Rules } from "../../lib/mole/rules.ts";
import type { Clockwork } from "./clockwork.ts";
import type { Daemon, Delivery, GroupService, GroupSession } from "./group-service.ts";
import { Kernel } from "./kernel.ts";

type Bare<T> = T extends { readonly now: number } ? Omit<T, "now"> : never;
export type BareEvent = Bare<MoleEvent>;

export interface Watcher {
  /** Addresses have been put on. */
  onPut(host: SimHost, definition: Definition): void;
  /** Addresses have been taken off in order. */
  onRemove(host: SimHost, definition: Definition): void;
  /** The machine has handled a view or a message other than a beat. */
  onStep(host: SimHost): void;
  /** A view, a signal or a message is about to be handled. */
  onDelivery(host: SimHost, on: Delivery<Payload>["on"]): void;
  onReport(host: SimHost, report: Report): void;
  onAction(host: SimHost, action: Action): void;
}

/** Messages as they are; or, where they go through their bytes, frames. */
export type Payload = Message | Uint8Array;

/** In which view a message was sent, and the how-manieth it was of all. */
const sentIn = new WeakMap<Payload, { readonly viewId: string | undefined; readonly nth: number }>();
let sentSoFar = 0;

const FULL_DISK_AGAIN_MS = 500;

/** How long the disk takes; not by chance, or all histories were others than before. */
function diskMs(nth: number): number {
  return 1 + ((nth * 7_919) % 23);
}

type Order = Extract<Action, { do: "acquire" | "release" }>;

export class SimHost {
  readonly kernel: Kernel;
  machine: Machine | undefined;
  session: GroupSession<Payload> | undefined;
  isFrozen = false;
  /** When it was frozen last, in true time. */
  frozenMs = 0;
  /** Without one, what a killed process held stays until its leases end. */
  hasGuard = true;
  /** How long the driver takes for one order. */
  driverMs = 0.3;
  /** Messages go through their bytes, in parts of so many. */
  partBytes: number | undefined;
  failsToAcquire = false;
  /** Nothing can be written. */
  hasFullDisk = false;
  /** On its disk. */
  stored: Stored = NOTHING_STORED;
  /** What its process wants there; the guard has been told as much. */
  private told: Stored = NOTHING_STORED;
  /** A sum over all that was delivered in this view, in order: hosts with the same one must have the same table. */
  historyOfView = 0;
  config: HostConfig;
  /** Since when its machine has been left alone by faults. */
  sessions = 0;
  /** Its clock is so far ahead of the others' that give the incarnations. */
  incarnationsAhead = 0;
  private mailbox: Mailbox | undefined;
  private readonly late: (() => void)[] = [];
  private readonly orders: Order[] = [];
  private isDriving = false;
  private life = 0;
  private wakes = 0;
  private writes = 0;

  constructor(
    readonly index: number,
    config: HostConfig,
    readonly daemon: Daemon<Payload>,
    private readonly service: GroupService<Payload>,
    private readonly clockwork: Clockwork,
    private readonly random: Random,
    private readonly rules: Rules,
    private readonly watcher: Watcher,
    /** Its clock: how fast it goes, and from where. */
    private readonly rate: number,
    private readonly offsetMs: number,
  ) {
    this.config = config;
    this.kernel = new Kernel(random);
  }

  get name(): string {
    return this.config.host;
  }

  get isUp(): boolean {
    return this.machine !== undefined;
  }

  get nowMs(): number {
    return this.clockwork.nowMs * this.rate + this.offsetMs;
  }

  start(): void {
    if (this.isUp) return;
    this.life += 1;
    const adopts = this.stored.lifted;
    const held = adopts ? this.kernel.definitionsHeld(this.clockwork.nowMs) : [];
    if (!adopts) this.kernel.clear();
    // As the driver does: what it finds has no lease from now on.
    for (const definition of held) this.kernel.renew(definition, this.clockwork.nowMs, undefined);
    this.told = this.stored;
    this.machine = new Machine(this.config, this.stored, this.rules);
    this.tell({ on: "start", held });
  }

  /** SIGKILL. The guard, if it lives, removes the addresses before it lets the session's socket go. */
  kill(): void {
    if (!this.isUp) return;
    this.end();
    const { session } = this;
    this.session = undefined;
    if (session === undefined) {
      if (this.hasGuard && !this.told.lifted) this.kernel.clear();
      return;
    }
    if (!this.hasGuard) {
      this.service.close(session, "disconnect");
      return;
    }
    const says = this.random() < 0.5;
    const { lifted, maintenance } = this.told;
    this.clockwork.after(2 + this.random() * 10, () => {
      if (!lifted) {
        if (!this.isUp) this.kernel.clear();
        if (says && !maintenance.on) this.service.send(session, { kind: "farewell" });
      }
      this.service.close(session, "disconnect");
    });
  }

  /** Power off: kernel, process and all. The daemon's end is the service's business. */
  crash(): void {
    this.end();
    this.kernel.clear();
    this.session = undefined;
  }

  freeze(): void {
    if (!this.isFrozen) this.frozenMs = this.clockwork.nowMs;
    this.isFrozen = true;
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    const waiting = this.late.splice(0);
    for (const happening of waiting) this.run(happening);
  }

  /** The daemon throws the session out: what it had sent before is still read. */
  kick(): void {
    const { session } = this;
    if (session === undefined) return;
    this.service.close(session, "disconnect");
    this.run(() => this.loseSession(session));
  }

  command(command: Command): void {
    this.run(() => this.tell({ on: "command", command }));
  }

  tellLater(event: BareEvent): void {
    this.run(() => this.tell(event));
  }

  configure(config: HostConfig): void {
    this.config = config;
    this.run(() => this.tell({ on: "config", config }));
  }

  has(address: string): boolean {
    return this.kernel.hasAddress(address, this.clockwork.nowMs);
  }

  /** Now, or when the process runs again; never after its death. */
  private run(happening: () => void): void {
    const { life } = this;
    if (!this.isUp) return;
    if (this.isFrozen)
      this.late.push(() => {
        if (life === this.life && this.isUp) happening();
      });
    else happening();
  }

  private after(ms: number, happening: () => void): void {
    const { life } = this;
    this.clockwork.after(ms, () => {
      if (life === this.life) this.run(happening);
    });
  }

  private end(): void {
    this.life += 1;
    this.machine = undefined;
    this.isFrozen = false;
    this.late.length = 0;
    this.orders.length = 0;
    this.isDriving = false;
  }

  private tell(event: BareEvent): void {
    const { machine } = this;
    if (machine === undefined) return;
    const actions = machine.handle({ ...event, now: this.nowMs } as MoleEvent);
    for (const action of actions) this.perform(action);
    if (event.on === "view" || (event.on === "message" && event.message.kind !== "beat")) this.watcher.onStep(this);
  }

  private perform(action: Action): void {
    this.watcher.onAction(this, action);
    switch (action.do) {
      case "connect":
        this.connectAfter(1 + this.random() * 20);
        return;
      case "disconnect": {
        const { session } = this;
        this.session = undefined;
        if (session !== undefined) this.service.close(session, "leave");
        return;
      }
      case "send":
        if (this.session === undefined) return;
        this.sendOn(this.session, action.message);
        return;
      case "acquire":
      case "release":
        this.orders.push(action);
        this.drive();
        return;
      case "renew":
        this.renew(action);
        return;
      case "announce":
        return;
      case "probe":
        this.after(10 + this.random() * 20, () => this.finishProbe(action.vip, action.definition));
        return;
      case "wake": {
        const nth = ++this.wakes;
        // A hair later, so that by its own clock, with its rounding, the time has come.
        this.clockwork.at((action.atMs - this.offsetMs) / this.rate + 0.001, () => {
          if (nth === this.wakes) this.run(() => this.tell({ on: "timer" }));
        });
        return;
      }
      case "store":
        this.told = action.stored;
        this.write(action.stored);
        return;
      case "report":
        this.watcher.onReport(this, action.report);
        return;
      default:
        action satisfies never;
    }
  }

  private write(stored: Stored): void {
    this.after(this.hasFullDisk ? FULL_DISK_AGAIN_MS : diskMs(++this.writes), () => {
      if (stored !== this.told) return; // overtaken
      if (this.hasFullDisk) {
        this.write(stored);
        return;
      }
      this.stored = stored;
      this.tell({ on: "stored", stored });
    });
  }

  private sendOn(session: GroupSession<Payload>, message: Message): void {
    for (const sent of this.mailbox?.seal(message) ?? [message]) {
      sentIn.set(sent, { viewId: this.machine?.session?.view?.id, nth: ++sentSoFar });
      this.service.send(session, sent);
    }
  }

  private connectAfter(ms: number): void {
    this.after(ms, () => {
      if (this.session !== undefined) return;
      if (!this.daemon.isRunning) {
        this.connectAfter(50 + this.random() * 100);
        return;
      }
      this.sessions += 1;
      const name = `${String.fromCharCode(65 + this.index)}.${this.sessions}`;
      const incarnation = this.sessions + this.incarnationsAhead;
      const { life } = this;
      const session: GroupSession<Payload> = this.service.open(name, this.daemon, {
        deliver: (delivery) => {
          if (life === this.life) this.run(() => this.receive(session, delivery));
        },
      });
      this.session = session;
      this.mailbox =
        this.partBytes === undefined ? undefined : new Mailbox(name, incarnation, undefined, this.partBytes);
      this.tell({ on: "connected", member: name, incarnation });
    });
  }

  private receive(session: GroupSession<Payload>, delivery: Delivery<Payload>): void {
    if (this.session !== session) return;
    this.watcher.onDelivery(this, delivery.on);
    switch (delivery.on) {
      case "view":
        this.historyOfView = 0;
        for (const message of this.mailbox?.enter(delivery.view) ?? []) this.sendOn(session, message as Message);
        this.tell(delivery);
        return;
      case "transitional":
        this.tell(delivery);
        return;
      case "message":
        this.historyOfView = Math.imul(this.historyOfView ^ (sentIn.get(delivery.payload)?.nth ?? 0), 0x01000193) + 1;
        this.receiveMessage(delivery.from, delivery.payload);
        return;
      case "lost":
        this.loseSession(session);
        return;
      default:
        delivery satisfies never;
    }
  }

  private receiveMessage(from: string, payload: Payload): void {
    const message = payload instanceof Uint8Array ? this.mailbox?.open(payload, from) : payload;
    if (message === undefined || message.kind === "neighbours") return;
    if (!this.rules.factsInAnyView && this.isStaleFact(message)) return;
    this.tell({ on: "message", from, message });
  }

  /** For the mutation that drops facts which were sent in another view. */
  private isStaleFact(message: Message): boolean {
    if (message.kind !== "answer" && message.kind !== "facts") return false;
    return sentIn.get(message)?.viewId !== this.machine?.session?.view?.id;
  }

  private loseSession(session: GroupSession<Payload>): void {
    if (this.session !== session) return;
    this.session = undefined;
    this.tell({ on: "disconnected" });
  }

  // -- the driver

  private drive(): void {
    if (this.isDriving || this.orders.length === 0) return;
    this.isDriving = true;
    this.after(this.driverMs * (0.5 + this.random()), () => {
      this.isDriving = false;
      const order = this.orders.shift()!;
      this.execute(order);
      this.drive();
    });
  }

  private execute(order: Order): void {
    const { vip } = order;
    if (order.do === "release") {
      const definition = this.definitionHeld(vip);
      this.kernel.remove(vip);
      if (definition !== undefined) this.watcher.onRemove(this, definition);
      this.tell({ on: "driven", vip, did: "released" });
      return;
    }
    if (!this.machine!.mayAcquire(vip, order.number, this.nowMs) || this.nowMs > order.notAfterMs) {
      this.tell({ on: "driven", vip, did: "dropped" });
      return;
    }
    if (this.failsToAcquire) {
      this.tell({ on: "driven", vip, did: "failed" });
      return;
    }
    this.kernel.put(order.definition, this.clockwork.nowMs, order.leaseMs / this.rate);
    this.watcher.onPut(this, order.definition);
    this.tell({ on: "driven", vip, did: "acquired" });
  }

  private renew({ vips, notAfterMs, leaseMs }: Extract<Action, { do: "renew" }>): void {
    for (const vip of vips) {
      const definition = this.config.definitions.find(({ id }) => id === vip) ?? this.definitionHeld(vip);
      if (definition === undefined) continue;
      if (this.nowMs > notAfterMs) {
        this.kernel.remove(vip);
        this.tell({ on: "driven", vip, did: "late" });
        continue;
      }
      const lapsed = !this.has(definition.addresses[0]!);
      this.kernel.renew(definition, this.clockwork.nowMs, leaseMs === undefined ? undefined : leaseMs / this.rate);
      if (lapsed) this.watcher.onPut(this, definition);
    }
  }

  private definitionHeld(vip: VipId): Definition | undefined {
    return this.kernel.definitionsHeld(this.clockwork.nowMs).find(({ id }) => id === vip);
  }

  private finishProbe(vip: VipId, definition: Definition): void {
    const answered = definition.addresses.some((address) => this.isOnWire(address));
    this.tell({ on: "probed", vip, answered });
  }

  /** Set by the cluster: whether somebody else who can be reached has the address. */
  isOnWire: (address: string) => boolean = () => false;
}
