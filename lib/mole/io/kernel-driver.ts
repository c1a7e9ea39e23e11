// The driver on a real host: addresses by rtnetlink, announcements by packet sockets, the guard. What the calls promise is in `driver.ts`.
import { Fault } from "../../base/fault.ts";
import { PacketSender } from "../../linux/packet-socket.ts";
import type { AddressRecord } from "../../linux/rtnetlink.ts";
import { SystemError } from "../../linux/system-error.ts";
import { bootMs, threadCpuMs } from "../../run/clock.ts";
import { type Claimant, ClaimBook } from "../claim-book.ts";
import type { Definition, VipId } from "../definition.ts";
import { formatMac } from "../mac.ts";
import { type Neighbour, NeighbourPool, neighboursToTell } from "../neighbours.ts";
import { type Placed, tryPlaced } from "../placement.ts";
import { RenewalPace } from "../renewal-pace.ts";
import { STANDING_TOLD_MAX, type StandingAddress } from "../standing.ts";
import { AddressWriter, isUsable, orderOf } from "./address-writer.ts";
import { type Announced, Announcer } from "./announcer.ts";
import type { Acquired, AddressFacts, Driver, DriverEvent, DriverOptions, GuardedSession, VipFacts } from "./driver.ts";
import { type IpMode, ipMode } from "./guard.ts";
import { type GuardedPlace, Guarding } from "./guarding.ts";
import { HostNetwork, MARK } from "./host-network.ts";
import { missingRights } from "./preflight.ts";
import { Reclaiming } from "./reclaiming.ts";
import { WireInquiry } from "./wire-inquiry.ts";
import { type ForeignClaim, type Question, WireWatch } from "./wire-watch.ts";

/** So many times in so long an address may be taken away, then that is a refusal. */
const REMOVALS_MAX = 3;
const REMOVALS_MS = 60_000;
/** What comes so soon after we asked the wire is an answer to that. */
const ANSWER_MS = 1_000;
const REMOVE_AGAIN_MS = 100;
/** The kernel ends with one lease all that have up to a fiftieth of a second left, and counts in ticks of a hundredth. */
const EARLY_END_MS = 40;

interface Held {
  readonly definition: Definition;
  readonly addresses: readonly GuardedPlace[];
  /** By CLOCK_BOOTTIME, infinite where there is no lease. */
  leaseEndMs: number;
  /** When the kernel may take it at the soonest, infinite likewise. */
  leaseEndSoonestMs: number;
  leaseMs: number | undefined;
  notAfterMs: number;
  renewedAtMs: number;
  announcedAtMs: number | undefined;
  /** When the wire was asked last who else has it. */
  askedAtMs: number;
  /** When addresses were taken away, lately. */
  removedAtMs: number[];
  /** Why it was not renewed; "" where it was. */
  trouble: string;
  /** When the wire is to be asked whether its former holder lives. */
  confirmation: ReturnType<typeof setTimeout> | undefined;
}

/** The driver of this host. @throws {Fault} kind "no-permission" without CAP_NET_ADMIN and CAP_NET_RAW; "os" where the guard can't run, or a socket can't be had */
export function openKernelDriver(options: DriverOptions): Driver {
  const missing = missingRights();
  // Else it would join, be given vips, and refuse them all.
  if (missing.length > 0) throw new Fault("no-permission", "rights", `cannot cover anything: ${missing.join("; ")}`);
  const mode = ipMode();
  if (mode === undefined)
    throw new Fault(
      "os",
      "guard",
      "cannot guard what is held: it takes sh and ip (package iproute2), and they don't run",
    );
  return new KernelDriver(options, mode);
}

class KernelDriver implements Driver {
  readonly #network: HostNetwork;
  readonly #writer: AddressWriter;
  readonly #sender = new PacketSender();
  readonly #wire: WireWatch;
  readonly #pool = new NeighbourPool();
  readonly #announcer: Announcer;
  readonly #inquiry = new WireInquiry(
    (vip) => this.#askWhoElse(vip),
    (vip) => this.#isDisputed(vip),
  );
  readonly #reclaiming = new Reclaiming(
    (vip) => this.#askWhoElse(vip),
    (vip) => this.#announcer.once(this.#held.get(vip)?.addresses.map(announced) ?? []),
  );
  readonly #held = new Map<VipId, Held>();
  readonly #heldByAddress = new Map<string, Held>();
  readonly #claims = new ClaimBook();
  readonly #takenAway = new Map<VipId, number>();
  /** What could not be taken or kept, until it can. */
  readonly #failures = new Map<VipId, { readonly why: string; readonly atMs: number }>();
  readonly #guarding: Guarding;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #pace = new RenewalPace();
  #definitions: readonly Definition[] = [];
  #carriers = new Map<string, string>();
  #toldStanding = "[]";
  #events: DriverEvent[] = [];
  #gone: AddressRecord[] = [];

  constructor(
    private readonly options: DriverOptions,
    mode: IpMode,
  ) {
    this.#guarding = new Guarding(mode, (text) => this.#emit({ on: "trouble", text }));
    this.#network = new HostNetwork({
      addressGone: (record) => this.#noteGone(record),
      changed: () => {
        this.#lookAtCarriers();
        this.#lookAtStanding();
      },
      lost: () => this.#noteLost(),
    });
    this.#writer = new AddressWriter(this.#network);
    this.#wire = new WireWatch(this.#network, this.#sender, (claim) => this.#noteClaim(claim));
    this.#announcer = new Announcer(
      options,
      this.#network,
      this.#sender,
      this.#pool,
      (vip) => bootMs() < (this.#held.get(vip)?.leaseEndMs ?? Number.NEGATIVE_INFINITY),
    );
  }

  configure(definitions: readonly Definition[]): void {
    this.#definitions = definitions;
    for (const vip of this.#failures.keys()) if (definitions.every(({ id }) => id !== vip)) this.#failures.delete(vip);
    this.#carriers = new Map();
    this.#claims.clear();
    const all = [...definitions, ...Array.from(this.#held.values(), ({ definition }) => definition)];
    const placed = all.flatMap((definition) => tryPlaced(definition) ?? []);
    this.#wire.watch([...new Map(placed.map(({ text, address }) => [text, address.bytes])).values()]);
    this.#lookAtCarriers();
    this.#lookAtStanding();
  }

  found(definitions: readonly Definition[], isMaintained: boolean): readonly Definition[] {
    const ours = this.#writer.ours(definitions);
    if (!isMaintained) {
      this.#writer.remove(ours.map(orderOf));
      return [];
    }
    this.#guarding.keep(true);
    return definitions.filter((definition) => this.#adopt(definition, ours));
  }

  acquire(definition: Definition, leaseMs: number, notAfterMs: number, mayAcquire: () => boolean): Acquired {
    this.#network.drain();
    if (this.#held.has(definition.id)) return this.#fail(definition, "it is being let go");
    const places = this.#writer.place(definition, (text) => this.#heldByAddress.has(text));
    if (typeof places === "string") return this.#fail(definition, places);
    const addresses = places.map((place) => this.#guarding.add(place));
    if (bootMs() > notAfterMs || !mayAcquire()) {
      this.#guarding.remove(addresses);
      return "dropped";
    }
    const beganMs = bootMs();
    const trouble = this.#writer.put(addresses, leaseMs);
    if (trouble !== undefined) {
      this.#guarding.remove(addresses);
      return this.#fail(definition, trouble);
    }
    const held = this.#hold(definition, addresses, leaseMs, notAfterMs, beganMs);
    this.#failures.delete(definition.id);
    if (held.renewedAtMs <= notAfterMs) return "acquired";
    this.#letGo(held);
    return "late";
  }

  renew(vips: readonly VipId[], leaseMs: number | undefined, notAfterMs: number): readonly VipId[] {
    const held = vips.flatMap((vip) => this.#held.get(vip) ?? []);
    if (leaseMs === undefined) this.#guarding.keep(true);
    let late: readonly Held[] = bootMs() > notAfterMs ? held : [];
    if (late.length === 0) {
      const due = this.#pace.isDue(held, leaseMs, notAfterMs, bootMs()) ? held : [];
      this.#lengthen(due, leaseMs);
      for (const one of held) one.notAfterMs = notAfterMs;
      if (bootMs() > notAfterMs) late = due;
    }
    for (const one of late) this.#letGo(one);
    if (leaseMs !== undefined) this.#guarding.keep(false);
    return late.map(({ definition }) => definition.id);
  }

  release(vip: VipId): boolean {
    const held = this.#held.get(vip);
    return held === undefined || this.#letGo(held);
  }

  announce(vip: VipId): void {
    const held = this.#held.get(vip);
    if (held === undefined) return;
    held.announcedAtMs = bootMs();
    this.#announcer.start(vip, held.addresses.map(announced));
  }

  async probe(definition: Definition): Promise<boolean> {
    const questions = this.#questionsOf(definition);
    return questions.length > 0 && (await this.#wire.probe(questions));
  }

  async claimants(definition: Definition): Promise<readonly Claimant[]> {
    const questions = this.#questionsOf(definition);
    return questions.length > 0 ? await this.#wire.claimants(questions) : [];
  }

  confirm(vip: VipId, afterMs: number | undefined): void {
    const held = this.#held.get(vip);
    if (held === undefined) return;
    clearTimeout(held.confirmation);
    held.confirmation = undefined;
    if (afterMs === undefined) return;
    const confirmation = this.#after(afterMs, () => void this.#confirm(held, confirmation));
    held.confirmation = confirmation;
  }

  neighbours(): readonly Neighbour[] {
    const placed = this.#definitions.flatMap((definition) => tryPlaced(definition) ?? []);
    const devices = new Set(placed.map((one) => this.#writer.linkFor(one)?.device));
    const known = this.#network.neighbours().filter(({ device }) => devices.has(device));
    return neighboursToTell(known.map(({ text, mac }) => ({ address: text, mac: formatMac(mac) })));
  }

  pool(told: readonly Neighbour[]): void {
    this.#pool.add(told, bootMs());
  }

  beginSession(session: GuardedSession): void {
    this.#guarding.begin(session);
  }

  hush(isSilent: boolean): void {
    this.#guarding.hush(isSilent);
  }

  endSession(): void {
    this.#guarding.end();
  }

  conflicts(): readonly string[] {
    const isHeld = (text: string) => this.#heldByAddress.has(text);
    return this.#definitions.flatMap((definition) =>
      (tryPlaced(definition) ?? []).flatMap((placed) => {
        const { name } = definition;
        const { text } = placed;
        const stray = this.#writer.strayBeside(text, isHeld);
        if (stray !== undefined) return [`vip ${name}: ${stray}`];
        const conflict = this.#writer.conflict(text, isHeld) ?? this.#writer.noHostAddress(placed);
        return conflict === undefined ? [] : [`vip ${name} can't be held here: ${conflict}`];
      }),
    );
  }

  unplugged(): readonly { readonly vip: string; readonly why: string }[] {
    return [...this.#carriers].flatMap(([vip, why]) => (why === "" ? [] : [{ vip, why }]));
  }

  standing(): readonly StandingAddress[] {
    const placed = this.#definitions.flatMap((definition) => tryPlaced(definition) ?? []);
    return placed
      .flatMap(({ text }) => this.#writer.standing(text, (one) => this.#heldByAddress.has(one)))
      .slice(0, STANDING_TOLD_MAX);
  }

  facts(vip: VipId): VipFacts | undefined {
    const held = this.#held.get(vip);
    const definition = held?.definition ?? this.#definitions.find(({ id }) => id === vip);
    if (definition === undefined) return undefined;
    const present = this.#network.addresses();
    return {
      vip: definition.name,
      isHeld: held !== undefined,
      addresses: (tryPlaced(definition) ?? []).map((placed) => this.#addressFacts(placed, present)),
      announcedAtMs: held?.announcedAtMs,
      renewedAtMs: held?.renewedAtMs,
      takenAway: this.#takenAway.get(vip) ?? 0,
      failure: this.#failures.get(vip),
    };
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#announcer[Symbol.dispose]();
    this.#inquiry[Symbol.dispose]();
    this.#reclaiming[Symbol.dispose]();
    this.#wire[Symbol.dispose]();
    this.#guarding[Symbol.dispose]();
    this.#network[Symbol.dispose]();
    this.#sender[Symbol.dispose]();
  }

  // -- what is held

  /** @param beganMs when the kernel was asked to put them on */
  #hold(
    definition: Definition,
    addresses: readonly GuardedPlace[],
    leaseMs: number | undefined,
    notAfterMs: number,
    beganMs = bootMs(),
  ) {
    const nowMs = bootMs();
    const held: Held = {
      definition,
      addresses,
      leaseEndMs: endOf(leaseMs, nowMs),
      leaseEndSoonestMs: endOf(leaseMs, beganMs) - EARLY_END_MS,
      leaseMs,
      notAfterMs,
      renewedAtMs: nowMs,
      announcedAtMs: undefined,
      askedAtMs: Number.NEGATIVE_INFINITY,
      removedAtMs: [],
      trouble: "",
      confirmation: undefined,
    };
    this.#held.set(definition.id, held);
    for (const { placed } of addresses) this.#heldByAddress.set(placed.text, held);
    this.#inquiry.start(definition.id);
    return held;
  }

  /** Under maintenance: what is there of the vip counts as held, and has no lease from now on. */
  #adopt(definition: Definition, ours: readonly AddressRecord[]): boolean {
    const places = this.#writer.place(definition, () => true);
    if (typeof places === "string") return false;
    const present = places.filter(({ placed, order }) => ours.some((record) => isAt(record, placed.text, order)));
    if (present.length === 0) return false;
    this.#writer.lengthen(present, undefined);
    const addresses = places.map((place) => this.#guarding.add(place));
    this.#hold(definition, addresses, undefined, Number.POSITIVE_INFINITY);
    return true;
  }

  #lengthen(due: readonly Held[], leaseMs: number | undefined): void {
    if (due.length === 0) return;
    const beganMs = bootMs();
    const usedMs = threadCpuMs();
    const owners = new Map(due.flatMap((held) => held.addresses.map((address) => [address, held] as const)));
    const refused = new Map<Held, string>();
    try {
      for (const [address, number] of this.#writer.lengthen([...owners.keys()], leaseMs))
        refused.set(owners.get(address)!, new SystemError(`renew ${address.placed.text}`, number).message);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      for (const held of due) refused.set(held, error.message);
    }
    const nowMs = bootMs();
    this.#pace.note(due.length, nowMs - beganMs, threadCpuMs() - usedMs);
    for (const held of due) {
      const why = refused.get(held);
      if (why !== undefined) this.#noteUnrenewed(held, why, nowMs);
      else {
        held.leaseMs = leaseMs;
        held.leaseEndMs = endOf(leaseMs, nowMs);
        held.leaseEndSoonestMs = endOf(leaseMs, beganMs) - EARLY_END_MS;
        held.renewedAtMs = nowMs;
        held.trouble = "";
      }
    }
  }

  /** It is tried again with each call. Once the lease has ended others had better have the vip. */
  #noteUnrenewed(held: Held, why: string, nowMs: number): void {
    const { id, name } = held.definition;
    if (held.trouble !== why) this.#emit({ on: "trouble", text: `vip ${name}: ${why}` });
    held.trouble = why;
    if (nowMs < held.leaseEndMs) return;
    held.leaseEndMs = nowMs + (held.leaseMs ?? 0); // told again as often as a lease would end
    this.#failLater(id, why);
  }

  /** @returns whether it is gone already */
  #letGo(held: Held): boolean {
    const { id } = held.definition;
    this.#announcer.stop(id);
    this.#inquiry.stop(id);
    this.#reclaiming.stop(id);
    this.confirm(id, undefined);
    for (const { placed } of held.addresses) this.#heldByAddress.delete(placed.text);
    if (this.#removeAll(held)) return true;
    const retry = (): void => {
      if (this.#removeAll(held)) this.#emit({ on: "driven", vip: id, did: "released", why: "at another try" });
      else this.#after(REMOVE_AGAIN_MS, retry);
    };
    this.#after(REMOVE_AGAIN_MS, retry);
    return false;
  }

  #removeAll(held: Held): boolean {
    const isGone = this.#writer.remove(held.addresses.map(({ order }) => order));
    // A lease that has ended has done it; half a second covers the kernel's lateness.
    if (!isGone && bootMs() < held.leaseEndMs + 500) return false;
    this.#guarding.remove(held.addresses);
    this.#held.delete(held.definition.id);
    return true;
  }

  #fail({ id, name }: Definition, why: string): "failed" {
    this.#failures.set(id, { why, atMs: bootMs() });
    this.#emit({ on: "trouble", text: `cannot acquire vip ${name}: ${why}` });
    return "failed";
  }

  /** What was held can't be any more. */
  #failLater(vip: VipId, why: string): void {
    this.#failures.set(vip, { why, atMs: bootMs() });
    this.#emit({ on: "driven", vip, did: "failed", why });
  }

  // -- what others do

  #noteGone(record: AddressRecord): void {
    const held = this.#heldByAddress.get(record.text);
    if (held === undefined || !held.addresses.some(({ placed, order }) => isAt(record, placed.text, order))) return;
    if (bootMs() >= held.leaseEndSoonestMs) return; // the kernel's own doing
    if (this.#gone.length === 0) setImmediate(() => this.#mend());
    this.#gone.push(record);
  }

  /** Puts back what was taken away while it is held. */
  #mend(): void {
    this.#network.readLinks();
    const gone = this.#gone.splice(0);
    const nowMs = bootMs();
    for (const record of gone) {
      const held = this.#heldByAddress.get(record.text);
      const place = held?.addresses.find(({ placed, order }) => isAt(record, placed.text, order));
      const link = this.#network.link(record.device);
      if (held === undefined || place === undefined || link === undefined || !isUsable(link)) continue;
      const { definition } = held;
      if (nowMs <= held.notAfterMs) {
        this.#writer.lengthen([place], held.leaseMs);
        if (bootMs() > held.notAfterMs)
          this.#writer.remove([place.order]); // the next renewal puts it back
        else this.announce(definition.id);
      }
      held.removedAtMs = [...held.removedAtMs.filter((atMs) => nowMs - atMs < REMOVALS_MS), nowMs];
      this.#takenAway.set(definition.id, (this.#takenAway.get(definition.id) ?? 0) + 1);
      const isRefused = held.removedAtMs.length >= REMOVALS_MAX;
      this.#emit({ on: "taken-away", vip: definition.name, address: record.text, isRefused });
      if (!isRefused) continue;
      held.removedAtMs = [];
      const why = `${record.text} was taken away ${REMOVALS_MAX} times in a minute`;
      this.#failLater(definition.id, why);
    }
  }

  #noteLost(): void {
    this.#emit({ on: "trouble", text: "the kernel's notifications came too fast: all was read anew" });
    const present = this.#network.addresses();
    for (const { addresses } of this.#held.values())
      for (const { placed, order } of addresses)
        if (!present.some((record) => isAt(record, placed.text, order)))
          this.#noteGone({ ...order, text: placed.text, label: order.label, validMs: undefined });
  }

  #noteClaim({ address, device, mac, by }: ForeignClaim): void {
    const atMs = bootMs();
    const text = formatMac(mac);
    const held = this.#heldByAddress.get(address);
    // What answers a probe by neighbour discovery tells it to all of the link, and they believe it.
    if (held !== undefined && by === "nd" && atMs - held.askedAtMs < ANSWER_MS)
      this.#announcer.once(held.addresses.filter(({ placed }) => placed.text === address).map(announced));
    const isNews = this.#claims.note(address, text, held !== undefined, atMs);
    if (held !== undefined) this.#reclaiming.claimed(held.definition.id);
    if (held === undefined || !isNews) return;
    const deviceName = this.#network.link(device)?.name ?? `device ${device}`;
    this.#emit({ on: "foreign", vip: held.definition.name, address, device: deviceName, mac: text, by });
  }

  #questionsOf(definition: Definition): readonly Question[] {
    return (tryPlaced(definition) ?? []).flatMap((placed) => {
      const link = this.#writer.linkFor(placed);
      if (link === undefined || !isUsable(link)) return [];
      return [{ text: placed.text, bytes: placed.address.bytes, device: link.device }];
    });
  }

  /** Nothing waits for the answer: it comes as any other claim does. */
  #askWhoElse(vip: VipId): void {
    const held = this.#held.get(vip);
    if (held === undefined || bootMs() >= held.leaseEndMs) return;
    held.askedAtMs = bootMs();
    this.#wire.ask(
      held.addresses.map(({ placed: { text, address }, order: { device } }) => ({
        text,
        bytes: address.bytes,
        device,
      })),
    );
  }

  async #confirm(held: Held, confirmation: ReturnType<typeof setTimeout>): Promise<void> {
    const { definition } = held;
    const isAnswered = await this.probe(definition);
    if (this.#held.get(definition.id) !== held || held.confirmation !== confirmation) return;
    const claimants = held.addresses.flatMap(({ placed: { text } }) => this.#claims.of(text)?.mac ?? []);
    const why = isAnswered ? `${[...new Set(claimants)].join(", ")} answers for ${definition.addresses.join(" ")}` : "";
    this.#emit({ on: "confirmed", vip: definition.id, isAnswered, why });
  }

  #isDisputed(vip: VipId): boolean {
    const texts = this.#held.get(vip)?.addresses.map(({ placed }) => placed.text) ?? [];
    return texts.some((text) => this.#claims.isDisputed(text, bootMs()));
  }

  #lookAtCarriers(): void {
    for (const definition of this.#definitions) {
      const why = this.#unpluggedWhy(definition);
      if (this.#carriers.get(definition.name) === why) continue;
      this.#carriers.set(definition.name, why);
      this.#emit({ on: "carrier", vip: definition.name, up: why === "", why });
    }
  }

  #lookAtStanding(): void {
    const now = JSON.stringify(this.standing());
    if (now === this.#toldStanding) return;
    this.#toldStanding = now;
    this.#emit({ on: "standing" });
  }

  /** "" where all of its devices are there and plugged. */
  #unpluggedWhy(definition: Definition): string {
    for (const placed of tryPlaced(definition) ?? []) {
      const link = this.#writer.linkFor(placed);
      if (link === undefined) return this.#writer.noDevice(placed);
      if (!link.isUp) return `${link.name} is down`;
      if (!link.hasCarrier) return `${link.name} has no carrier`;
    }
    return "";
  }

  // -- odds and ends

  #addressFacts(placed: Placed, present: readonly AddressRecord[]): AddressFacts {
    const link = this.#writer.linkFor(placed);
    const there = present.filter(({ text }) => text === placed.text);
    const found = there.find(({ mark }) => mark === MARK) ?? there[0]; // a stray one may be beside ours
    return {
      address: placed.text,
      prefixBits: placed.prefixBits,
      device: link?.name,
      hasCarrier: link?.hasCarrier === true,
      isPresent: found !== undefined,
      isOurs:
        found !== undefined && (this.#network.hasMarks ? found.mark === MARK : this.#heldByAddress.has(placed.text)),
      leaseLeftMs: found?.validMs,
      foreign: this.#claims.of(placed.text),
    };
  }

  /** After what goes on now: never from inside of a call. */
  #emit(event: DriverEvent): void {
    if (this.#events.length === 0)
      setImmediate(() => {
        for (const one of this.#events.splice(0)) this.options.onEvent(one);
      });
    this.#events.push(event);
  }

  #after(ms: number, happening: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      happening();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }
}

function announced({ placed, order, deviceName }: GuardedPlace): Announced {
  return { bytes: placed.address.bytes, device: order.device, deviceName };
}

function endOf(leaseMs: number | undefined, nowMs: number): number {
  return leaseMs === undefined ? Number.POSITIVE_INFINITY : nowMs + leaseMs;
}

function isAt(record: AddressRecord, text: string, order: { device: number; prefixBits: number }): boolean {
  return record.text === text && record.device === order.device && record.prefixBits === order.prefixBits;
}
