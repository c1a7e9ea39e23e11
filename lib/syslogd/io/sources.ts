// Opens the sources that the settings ask for, and says what they are.
import { lstatSync, readlinkSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import { type IpNetwork, networkContains, tryPeerAddress } from "../../base/ip-address.ts";
import type { ListenAddress } from "../../base/listen-address.ts";
import {
  adoptUdp,
  adoptUnixDatagram,
  type DatagramSocket,
  listenUdp,
  listenUnixDatagram,
} from "../../linux/datagram-socket.ts";
import { type PassedSocket, passedSockets } from "../../linux/service-manager.ts";
import type { Clock } from "../../run/clock.ts";
import { DEFAULT_RULES, LOCAL_RULES } from "../../syslog/parse-rules.ts";
import type { SeverityName } from "../../syslog/severity.ts";
import type { ZoneOffset } from "../../syslog/zone.ts";
import { formatPlace, type Listener, listener } from "../listener.ts";
import { Refusals } from "../refusals.ts";
import type { Settings } from "../settings.ts";
import { chooseSockets, DEV_LOG, hearsJournal, ownsDevLog, type SocketChoice } from "../socket-choice.ts";
import { DatagramSource, type Door, type Intake } from "./datagram-source.ts";
import { KernelSource } from "./kernel-source.ts";
import { Listeners, rulesFor } from "./listeners.ts";
import { SocketGuard } from "./socket-guard.ts";

/** Room for a pause: the system's 208 KiB hold a millisecond of 100,000 messages a second, 4 MiB lost 0.9 % of 400,000 a second on a busy machine. */
const UDP_BUFFER_BYTES = 32 * 1024 * 1024;
const REFUSALS_TOLD_EVERY_MS = 60_000;
const KERNEL_LOG = "/dev/kmsg";
const NOTHING = { received: 0, cut: 0, refused: 0, missed: 0, connections: 0 };

export interface SourceContext {
  readonly host: string;
  readonly zone: ZoneOffset;
  readonly clock: Clock;
  readonly intake: Intake;
  readonly env: Record<string, string | undefined>;
  readonly say: (severity: SeverityName, text: string) => void;
  /** stdin has ended. */
  readonly onInputEnd: () => void;
}

/** What a source has taken so far. */
export interface SourceTotals {
  readonly name: string;
  readonly received: number;
  /** Of these, how many were longer than the limit. */
  readonly cut: number;
  /** Messages or connections that were turned away. */
  readonly refused: number;
  /** Messages of the kernel's that it overwrote before they were read. */
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
  reload(): void;
  /** Takes what still waits in them, then closes them. */
  close(): Promise<void>;
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

class OpenSources implements Sources {
  readonly #settings: Settings;
  readonly #context: SourceContext;
  readonly #names: string[] = [];
  readonly #datagrams = new Map<string, { readonly source: DatagramSource; readonly refusals: Refusals }>();
  readonly #listeners: Listeners;
  readonly #guard: SocketGuard;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #kernel: KernelSource | undefined;
  #choices: readonly SocketChoice[] = [];

  constructor(settings: Settings, context: SourceContext) {
    this.#settings = settings;
    this.#context = context;
    this.#guard = new SocketGuard(settings.sources.restoreSockets, context.say);
    this.#listeners = new Listeners(settings.sources, context, this.#guard);
  }

  open(): void {
    const { udp, kernel, sources } = this.#settings;
    const { say, env, onInputEnd } = this.#context;
    if (sources.stdin !== "no") this.#listeners.openStdin(onInputEnd);
    if (sources.stdin === "only") return;
    const passed = passedSockets(env);
    this.#choices = chooseSockets(socketFacts(this.#settings, passed));
    for (const choice of this.#choices) this.#openUnix(choice);
    for (const socket of passed) this.#adopt(socket);
    for (const at of udp) this.#open(listener({ by: "udp", ...at }, { allow: sources.allow }));
    for (const one of sources.listeners) this.#open(one);
    const wantsKernel = kernel === "yes" || (kernel === "auto" && ownsDevLog(this.#choices));
    if (wantsKernel) this.#openKernel();
    this.#every(REFUSALS_TOLD_EVERY_MS, () => this.#tellRefusals(this.#context.clock.monotonicMs()));
    if (sources.markEveryMs > 0) this.#every(sources.markEveryMs, () => say("info", "-- MARK --"));
  }

  get names(): readonly string[] {
    return [...this.#names, ...this.#listeners.names];
  }

  get echoesStderr(): boolean {
    return this.#context.env["JOURNAL_STREAM"] !== undefined && hearsJournal(this.#choices);
  }

  ready(): Promise<void> {
    return this.#listeners.ready();
  }

  totals(): readonly SourceTotals[] {
    const datagrams = [...this.#datagrams].map(([name, { source, refusals }]) => {
      const { received, cut } = source;
      return { name, received, cut, refused: refusals.count, missed: 0, connections: 0 };
    });
    const streams = this.#listeners.receptions.map(({ options, received, cut, refusals, connections }) => {
      return { name: options.name, received, cut, refused: refusals.count, missed: 0, connections };
    });
    const { received = 0, missed = 0 } = this.#kernel ?? {};
    const kernel = this.#kernel === undefined ? [] : [{ ...NOTHING, name: KERNEL_LOG, received, missed }];
    return [...datagrams, ...streams, ...kernel];
  }

  reload(): void {
    this.#listeners.reload();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#guard[Symbol.dispose]();
    for (const { source } of this.#datagrams.values()) end(source);
    this.#tellRefusals(Number.POSITIVE_INFINITY);
    this.#kernel?.[Symbol.dispose]();
    await this.#listeners.close();
  }

  /** Sockets that systemd passed, but for those that `chooseSockets` has chosen from. */
  #adopt(socket: PassedSocket): void {
    const { allow } = this.#settings.sources;
    if (socket.type === "inet-datagram") {
      const name = `udp of descriptor ${socket.fd}`;
      this.#addUdp(name, allow, undefined, adoptUdp(socket.fd, UDP_BUFFER_BYTES));
    } else if (socket.type !== "unix-datagram" && socket.type !== "other") this.#listeners.adopt(socket, { allow });
  }

  #open(one: Listener): void {
    const { on } = one;
    if (on.by === "udp") this.#openUdp(one, on);
    else if (on.by === "unix") this.#openUnix({ path: on.path, replacesLink: false });
    else this.#listeners.open(one);
  }

  #openUdp({ allow, zone }: Listener, at: ListenAddress): void {
    this.#addUdp(formatPlace({ by: "udp", ...at }), allow, zone, listenUdp(at.address, at.port, UDP_BUFFER_BYTES));
  }

  #addUdp(name: string, allow: readonly IpNetwork[], zone: ZoneOffset | undefined, socket: DatagramSocket): void {
    const refusals = new Refusals();
    const { clock, say } = this.#context;
    const door: Door = {
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
    this.#add("udp", name, socket, zone, refusals, door);
  }

  #openUnix(choice: SocketChoice): void {
    const name = "take" in choice ? `descriptor ${choice.take}` : choice.path;
    this.#add("unix", name, openUnix(choice), undefined, new Refusals());
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
    const { clock, intake, host, say } = this.#context;
    const rules = rulesFor(via === "unix" ? LOCAL_RULES : DEFAULT_RULES, zone, this.#settings.sources, this.#context);
    const source = new DatagramSource(via, socket, rules, clock, intake, host, door);
    if (!this.#datagrams.has(name)) this.#names.push(name);
    this.#datagrams.set(name, { source, refusals });
    for (const shortcoming of socket.shortcomings) say("warning", `${name}: ${shortcoming}`);
  }

  #openKernel(): void {
    const { host, zone, clock, intake, say } = this.#context;
    const rules = { ...LOCAL_RULES, zone };
    try {
      this.#kernel = new KernelSource({
        host,
        rules,
        clock,
        intake,
        say,
        statePath: this.#settings.sources.kernelStatePath,
      });
      this.#names.push(KERNEL_LOG);
    } catch (error) {
      say("warning", `${KERNEL_LOG}: the kernel's messages are left out: ${reasonOf(error)}`);
    }
  }

  #tellRefusals(nowMs: number): void {
    for (const { refusals } of this.#datagrams.values()) {
      const line = refusals.pending(nowMs);
      if (line !== undefined) this.#context.say("warning", line);
    }
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms).unref());
  }
}

/** At the end: what senders got rid of before we close is taken, but no flood keeps us from closing. */
function end(source: DatagramSource): void {
  for (let batch = 0; batch < 64 && source.readOnce() === source.readMax; batch++);
  source.turnEnded();
  source[Symbol.dispose]();
}

function socketFacts(settings: Settings, passed: readonly PassedSocket[]) {
  return {
    asked: settings.sockets,
    passed: passed.filter((socket) => socket.type === "unix-datagram").map((socket) => socket.fd),
    devLogLink: linkAt(DEV_LOG),
    takeDevLog: settings.takeDevLog,
  };
}

function linkAt(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isSymbolicLink() ? resolve("/dev", readlinkSync(path)) : undefined;
}

function openUnix(choice: SocketChoice): DatagramSocket {
  if ("take" in choice) return adoptUnixDatagram(choice.take);
  if (!choice.replacesLink) return listenUnixDatagram(choice.path);
  // Made beside it and put over the link in one step: there is no moment in which a program that logs finds nothing.
  const beside = `${choice.path}.spreadbox`;
  const socket = listenUnixDatagram(beside, choice.path);
  renameSync(beside, choice.path);
  return socket;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
