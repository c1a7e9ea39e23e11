// Opens the sources that the settings ask for, and says what they are.
import { type IpNetwork, networkContains, tryPeerAddress } from "../../base/ip-address.ts";
import type { ListenAddress } from "../../base/listen-address.ts";
import { formatSize } from "../../base/size.ts";
import { reasonOf } from "../../base/system-reason.ts";
import {
  adoptUdp,
  adoptUnixDatagram,
  type DatagramSocket,
  listenUdp,
  listenUnixDatagram,
} from "../../linux/datagram-socket.ts";
import { keepOpen } from "../../linux/exec.ts";
import { type PassedSocket, passedSockets } from "../../linux/service-manager.ts";
import { readCertificateFiles } from "../../run/certificate-files.ts";
import type { Clock } from "../../run/clock.ts";
import { DEFAULT_RULES, LOCAL_RULES, type ParseRules } from "../../syslog/parse-rules.ts";
import type { SeverityName } from "../../syslog/severity.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import type { Handover } from "../handover.ts";
import { formatPlace, type Listener } from "../listener.ts";
import { Refusals } from "../refusals.ts";
import type { Settings } from "../settings.ts";
import { chooseSockets, DEV_LOG, hearsJournal, ownsDevLog, type SocketChoice } from "../socket-choice.ts";
import { listenersOf, shareAPort, sourcePlan } from "../source-plan.ts";
import { DatagramSource, type Door, type Intake } from "./datagram-source.ts";
import type { Inheritance } from "./inheritance.ts";
import { KernelSource } from "./kernel-source.ts";
import { Listeners, rulesFor } from "./listeners.ts";
import { SocketGuard } from "./socket-guard.ts";
import { openUnix, socketFacts, unixName } from "./unix-sockets.ts";

/** Room for a pause: the system's 208 KiB hold a millisecond of 100,000 messages a second, 4 MiB lost 0.9 % of 400,000 a second on a busy machine. */
const UDP_BUFFER_BYTES = 32 * 1024 * 1024;
const TOLD_EVERY_MS = 60_000;
export const KERNEL_LOG = "/dev/kmsg";
const NOTHING = { received: 0, cut: 0, unfinished: 0, refused: 0, missed: 0, connections: 0 };

export interface SourceContext {
  readonly host: string;
  readonly zone: ZoneOffset;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly env: Record<string, string | undefined>;
  readonly say: (severity: SeverityName, text: string) => void;
  /** What the process that we were left us. */
  readonly inheritance: Inheritance;
  /** stdin has ended. */
  readonly onInputEnd: () => void;
}

/** What a source has taken so far. */
export interface SourceTotals {
  readonly name: string;
  readonly received: number;
  /** Of these, how many were longer than the limit. */
  readonly cut: number;
  /** Of these, how many ended in their midst with their connection. */
  readonly unfinished: number;
  /** Messages or connections that were turned away. */
  readonly refused: number;
  /** Messages that the kernel had no room for before they were read: its own that it overwrote, and datagrams. */
  readonly missed: number;
  readonly connections: number;
}

/** All open sources. */
export interface Sources {
  /** What we listen on, each as an operator would write it. */
  readonly names: readonly string[];
  /** What we say on stderr comes back as a message. */
  readonly echoesStderr: boolean;
  /** When all listen. @throws where one that was asked for cannot be had */
  ready(): Promise<void>;
  totals(): readonly SourceTotals[];
  /** What they read at the start may have changed: certificates. */
  renew(): void;
  /** Goes on with other sources: new ones are opened, others closed, without a message or a connection lost. @returns what is to be told of certificates @throws where a new one cannot be had; then all is as before */
  reload(settings: Settings): Promise<readonly string[]>;
  /** Takes what still waits in them, then closes them. */
  close(): Promise<void>;
  /** Has end what can't be left open for another process. */
  drain(): Promise<void>;
  /** Reads no more, and leaves open what there is. */
  pause(): void;
  /** After `pause`: what stays open. */
  handOver(): Pick<Handover, "places" | "connections">;
}

/** @throws {SystemError | Fault} where a socket that was asked for cannot be had; those opened before are closed again */
export function openSources(settings: Settings, context: SourceContext): Sources {
  const opened = new OpenSources(settings, context);
  try {
    opened.open();
  } catch (error) {
    void opened.close();
    throw error;
  }
  return opened;
}

/** A datagram socket that is open. */
interface OpenDatagram {
  readonly source: DatagramSource;
  readonly refusals: Refusals;
}

class OpenSources implements Sources {
  #settings: Settings;
  readonly #context: SourceContext;
  readonly #datagrams = new Map<string, OpenDatagram>();
  readonly #listeners: Listeners;
  readonly #guard: SocketGuard;
  readonly #passed: readonly PassedSocket[];
  #timers: ReturnType<typeof setInterval>[] = [];
  #kernel: KernelSource | undefined;
  #choices: readonly SocketChoice[] = [];
  /** By what is told and source, how many were. */
  readonly #told = new Map<string, number>();

  constructor(settings: Settings, context: SourceContext) {
    this.#settings = settings;
    this.#context = context;
    this.#passed = passedSockets(context.env);
    this.#guard = new SocketGuard(settings.sources.restoreSockets, context.say);
    this.#listeners = new Listeners(settings.sources, context, this.#guard, context.inheritance);
  }

  open(): void {
    const { sources } = this.#settings;
    const { onInputEnd } = this.#context;
    if (sources.stdin !== "no") this.#listeners.openStdin(onInputEnd);
    if (sources.stdin === "only") return;
    this.#choices = this.#choicesOf(this.#settings);
    for (const choice of this.#choices) this.#openUnix(choice);
    for (const socket of this.#passed) this.#adopt(socket);
    for (const one of listenersOf(this.#settings)) this.#open(one);
    if (this.#wantsKernel) this.#openKernel();
    this.#startTimers();
  }

  get names(): readonly string[] {
    const kernel = this.#kernel === undefined ? [] : [KERNEL_LOG];
    return [...this.#datagrams.keys(), ...this.#listeners.names, ...kernel];
  }

  get echoesStderr(): boolean {
    return this.#context.env["JOURNAL_STREAM"] !== undefined && hearsJournal(this.#choices);
  }

  ready(): Promise<void> {
    return this.#listeners.ready();
  }

  totals(): readonly SourceTotals[] {
    const datagrams = [...this.#datagrams].map(([name, { source, refusals }]) => {
      const { received, cut, missed } = source;
      return { ...NOTHING, name, received, cut, refused: refusals.count, missed };
    });
    const streams = this.#listeners.receptions.map(({ options, received, cut, unfinished, refusals, connections }) => {
      return { ...NOTHING, name: options.name, received, cut, unfinished, refused: refusals.count, connections };
    });
    const { received = 0, missed = 0 } = this.#kernel ?? {};
    const kernel = this.#kernel === undefined ? [] : [{ ...NOTHING, name: KERNEL_LOG, received, missed }];
    return [...datagrams, ...streams, ...kernel];
  }

  renew(): void {
    this.#listeners.reload();
  }

  async reload(settings: Settings): Promise<readonly string[]> {
    if (this.#settings.sources.stdin === "only") return [];
    const before = this.#settings;
    const plan = sourcePlan(before, settings);
    const choices = this.#choicesOf(settings);
    const newChoices = choices.filter((choice) => !this.#datagrams.has(unixName(choice)));
    const opened: string[] = [];
    for (const one of plan.kept) checkCertificates(one, before);
    // An address that is given up may be in the way of another, as a wildcard's is.
    const inTheWay = plan.gone.filter((one) => plan.fresh.some((other) => shareAPort(one, other)));
    for (const one of inTheWay) await this.#giveUp(formatPlace(one.on));
    this.#settings = settings; // what is opened is read by its rules
    try {
      for (const choice of newChoices) {
        this.#openUnix(choice);
        opened.push(unixName(choice));
      }
      for (const one of plan.fresh) {
        this.#open(one);
        opened.push(formatPlace(one.on));
      }
      await this.#listeners.ready();
    } catch (error) {
      this.#settings = before;
      for (const key of opened) await this.#giveUp(key);
      for (const one of inTheWay) this.#open(one);
      throw error;
    }
    for (const one of plan.gone) if (!inTheWay.includes(one)) await this.#giveUp(formatPlace(one.on));
    const kept = new Set(choices.map(unixName));
    for (const choice of this.#choices) if (!kept.has(unixName(choice))) await this.#giveUp(unixName(choice));
    this.#choices = choices;
    this.#readAnew(plan.kept);
    await this.#listeners.ready();
    return this.#listeners.takeNotes();
  }

  async close(): Promise<void> {
    this.#stopTimers();
    this.#guard[Symbol.dispose]();
    this.#tellMissed();
    for (const { source } of this.#datagrams.values()) end(source);
    this.#tellRefusals(Number.POSITIVE_INFINITY);
    this.#kernel?.[Symbol.dispose]();
    await this.#listeners.close();
    this.#tellCut();
  }

  async drain(): Promise<void> {
    this.#stopTimers();
    this.#guard[Symbol.dispose]();
    await this.#listeners.drain();
  }

  pause(): void {
    this.#listeners.pause();
    for (const { source } of this.#datagrams.values()) {
      source.turnEnded();
      source.pause();
    }
    this.#kernel?.pause();
    this.#tellRefusals(Number.POSITIVE_INFINITY);
    this.#tellCut();
    this.#tellMissed();
  }

  handOver(): Pick<Handover, "places" | "connections"> {
    const datagrams = [...this.#datagrams].map(([key, { source }]) => ({
      key,
      fd: source.fd,
      dropped: source.dropped,
    }));
    const kernel = this.#kernel === undefined ? [] : [{ key: KERNEL_LOG, fd: this.#kernel.fd }];
    const { places, connections } = this.#listeners.handOver();
    for (const { fd } of [...datagrams, ...kernel]) keepOpen(fd);
    // Those that systemd passed keep their numbers, and are found by these.
    const passed = new Set(this.#passed.map(({ fd }) => fd));
    for (const fd of passed) keepOpen(fd);
    const all = [...datagrams, ...kernel, ...places];
    return { places: all.filter(({ fd }) => !passed.has(fd)), connections };
  }

  /** What has not changed its place and yet its way. */
  #readAnew(changed: readonly Listener[]): void {
    const { sources } = this.#settings;
    this.#guard.restores = sources.restoreSockets;
    this.#listeners.reading = sources;
    for (const one of changed) this.#listeners.change(one);
    for (const one of listenersOf(this.#settings)) {
      if (one.on.by === "udp") this.#readUdpAnew(formatPlace(one.on), one);
      if (one.on.by === "unix") this.#datagrams.get(one.on.path)?.source.change(this.#rules("unix", undefined));
    }
    for (const choice of this.#choices)
      this.#datagrams.get(unixName(choice))?.source.change(this.#rules("unix", undefined));
    for (const socket of this.#passed)
      if (socket.type === "inet-datagram")
        this.#readUdpAnew(passedName(socket), { allow: sources.allow, zone: undefined });
    if (this.#wantsKernel && this.#kernel === undefined) this.#openKernel();
    if (!this.#wantsKernel) {
      this.#kernel?.[Symbol.dispose]();
      this.#kernel = undefined;
    }
    this.#stopTimers();
    this.#startTimers();
  }

  #readUdpAnew(name: string, { allow, zone }: Pick<Listener, "allow" | "zone">): void {
    const found = this.#datagrams.get(name);
    found?.source.change(this.#rules("udp", zone), this.#door(name, allow, found.refusals));
  }

  /** Sockets that systemd passed, but for those that `chooseSockets` has chosen from. */
  #adopt(socket: PassedSocket): void {
    const { allow } = this.#settings.sources;
    if (socket.type === "inet-datagram")
      this.#addUdp(passedName(socket), allow, undefined, adoptUdp(socket.fd, UDP_BUFFER_BYTES));
    else if (socket.type !== "unix-datagram" && socket.type !== "other") this.#listeners.adopt(socket, { allow });
  }

  #open(one: Listener): void {
    const { on } = one;
    if (on.by === "udp") this.#openUdp(one, on);
    else if (on.by === "unix") this.#openUnix({ path: on.path, replacesLink: false });
    else this.#listeners.open(one);
  }

  /** What was sent there before is taken. */
  async #giveUp(key: string): Promise<void> {
    const name = this.#datagrams.has(key) ? key : key.replace(/^unix:/, "");
    const found = this.#datagrams.get(name);
    if (found === undefined) return this.#listeners.giveUp(key);
    this.#guard.forget(name);
    found.source.refuseMore();
    end(found.source);
    this.#datagrams.delete(name);
  }

  #openUdp({ allow, zone, isIpv6Only }: Listener, at: ListenAddress): void {
    const key = formatPlace({ by: "udp", ...at });
    const handed = this.#context.inheritance.takePlace(key);
    const socket =
      handed === undefined
        ? listenUdp(at.address, at.port, UDP_BUFFER_BYTES, isIpv6Only)
        : adoptUdp(handed, UDP_BUFFER_BYTES);
    this.#addUdp(key, allow, zone, socket);
  }

  #addUdp(name: string, allow: readonly IpNetwork[], zone: ZoneOffset | undefined, socket: DatagramSocket): void {
    const refusals = new Refusals();
    this.#add("udp", name, socket, zone, refusals, this.#door(name, allow, refusals));
  }

  #door(name: string, allow: readonly IpNetwork[], refusals: Refusals): Door {
    const { clock, say } = this.#context;
    return {
      admits(peer) {
        const address = tryPeerAddress(peer);
        if (address === undefined) return false;
        return allow.length === 0 || allow.some((network) => networkContains(network, address));
      },
      refused(peer) {
        const refused = `${name}: refused ${peer}: it is in none of the networks that are allowed`;
        const line = refusals.add(refused, clock.monotonicMs());
        if (line !== undefined) say("warning", line);
      },
    };
  }

  #openUnix(choice: SocketChoice): void {
    const name = unixName(choice);
    const handed = "take" in choice ? undefined : this.#context.inheritance.takePlace(name);
    const socket = handed === undefined ? openUnix(choice) : adoptUnixDatagram(handed, name);
    this.#add("unix", name, socket, undefined, new Refusals());
    if ("take" in choice) return; // who passed it looks after it
    this.#guard.watch({ path: choice.path, restore: () => this.#restore(choice.path) });
  }

  /** Another socket at the path, instead of one that was taken away: what was sent to that one is taken first. */
  #restore(path: string): void {
    const socket = listenUnixDatagram(path);
    const before = this.#datagrams.get(path);
    before?.source.refuseMore();
    if (before !== undefined) end(before.source);
    this.#add("unix", path, socket, undefined, new Refusals());
  }

  #add(
    via: "unix" | "udp",
    name: string,
    socket: DatagramSocket,
    zone: ZoneOffset | undefined,
    refusals: Refusals,
    door?: Door,
  ): void {
    const { clock, intake, host, say, inheritance } = this.#context;
    const droppedBefore = inheritance.takeDropped(name);
    const source = new DatagramSource(via, socket, this.#rules(via, zone), clock, intake, host, door, droppedBefore);
    this.#datagrams.set(name, { source, refusals });
    for (const shortcoming of socket.shortcomings) say("warning", `${name}: ${shortcoming}`);
  }

  #rules(via: "unix" | "udp", zone: ZoneOffset | undefined): ParseRules {
    return rulesFor(via === "unix" ? LOCAL_RULES : DEFAULT_RULES, zone, this.#settings.sources, this.#context);
  }

  get #wantsKernel(): boolean {
    const { kernel } = this.#settings;
    return kernel === "yes" || (kernel === "auto" && ownsDevLog(this.#choices));
  }

  #openKernel(): void {
    const { host, zone, clock, intake, say, inheritance } = this.#context;
    const rules = { ...LOCAL_RULES, zone };
    const statePath = this.#settings.sources.kernelStatePath;
    try {
      const handed = inheritance.takePlace(KERNEL_LOG);
      this.#kernel = new KernelSource({ host, rules, clock, intake, say, statePath }, handed);
    } catch (error) {
      say("warning", `${KERNEL_LOG}: the kernel's messages are left out: ${reasonOf(error)}`);
    }
  }

  #choicesOf(settings: Settings): readonly SocketChoice[] {
    const ours = this.#context.inheritance.hasPlace(DEV_LOG) || this.#datagrams.has(DEV_LOG);
    return chooseSockets(socketFacts(settings, this.#passed, ours));
  }

  #tellRefusals(nowMs: number): void {
    for (const { refusals } of this.#datagrams.values()) {
      const line = refusals.pending(nowMs);
      if (line !== undefined) this.#context.say("warning", line);
    }
  }

  /** A line of a file does not show that it was cut: only structured data does. */
  #tellCut(): void {
    const bytesMax = formatSize(this.#settings.sources.messageBytesMax);
    for (const { name, cut, unfinished } of this.totals()) {
      this.#tellFresh(
        "cut",
        name,
        cut,
        (messages, were) => `${messages} ${were} longer than ${bytesMax}, and ${were} cut`,
      );
      this.#tellFresh(
        "unfinished",
        name,
        unfinished,
        (messages) => `${messages} ended in the midst, with the connection`,
      );
    }
  }

  #tellMissed(): void {
    for (const [name, { source }] of this.#datagrams)
      this.#tellFresh(
        "missed",
        name,
        source.missed,
        (messages, were) => `${messages} ${were} lost before being read: the kernel's buffer was full`,
      );
  }

  /** What there is more of a count than was told. */
  #tellFresh(what: string, name: string, count: number, describe: (messages: string, were: string) => string): void {
    const key = `${what} ${name}`;
    const fresh = count - Math.min(count, this.#told.get(key) ?? 0); // one that was opened anew counts from 0
    this.#told.set(key, count);
    if (fresh === 0) return;
    const text = fresh === 1 ? describe("1 message", "was") : describe(`${fresh} messages`, "were");
    this.#context.say("warning", `${name}: ${text}`);
  }

  #startTimers(): void {
    const { markEveryMs } = this.#settings.sources;
    const { clock, say } = this.#context;
    this.#every(TOLD_EVERY_MS, () => {
      this.#tellRefusals(clock.monotonicMs());
      this.#tellCut();
      this.#tellMissed();
    });
    if (markEveryMs > 0) this.#every(markEveryMs, () => say("info", "-- MARK --"));
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms).unref());
  }
}

/** Where they are the same files, a bad one is told when it is read, and no reason to refuse the rest. */
function checkCertificates({ on, tls }: Listener, before: Settings): void {
  const old = listenersOf(before).find((one) => formatPlace(one.on) === formatPlace(on));
  if (tls !== undefined && JSON.stringify(tls) !== JSON.stringify(old?.tls)) readCertificateFiles(tls);
}

function passedName(socket: PassedSocket): string {
  return `udp of descriptor ${socket.fd}`;
}

/** At the end: what senders got rid of before we close is taken, but no flood keeps us from closing. */
function end(source: DatagramSource): void {
  for (let batch = 0; batch < 64 && source.readOnce() === source.readMax; batch++);
  source.turnEnded();
  source[Symbol.dispose]();
}
