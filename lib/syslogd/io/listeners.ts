// Opens all that is read as a stream of messages: TCP, TLS, unix stream sockets, FIFOs, stdin, and listening sockets that systemd passes; and changes or closes
// each of them while the others go on.
//
// A listener that is given up takes no more connections; those that it has go on until their clients end them.
import { formatAddress } from "../../base/ip-address.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { keepOpen } from "../../linux/exec.ts";
import type { PassedSocket } from "../../linux/service-manager.ts";
import { adoptUnixStream, listenUnixStream } from "../../linux/stream-socket.ts";
import { readCertificateFiles } from "../../run/certificate-files.ts";
import { DEFAULT_RULES, LOCAL_RULES, type ParseRules } from "../../syslog/parse-rules.ts";
import { origin } from "../../syslog/record.ts";
import type { HandedConnection, HandedPlace } from "../handover.ts";
import { formatPlace, type Listener, listener } from "../listener.ts";
import type { SourceSettings } from "../source-settings.ts";
import { FifoSource } from "./fifo-source.ts";
import { FlowGate } from "./flow-gate.ts";
import type { Inheritance } from "./inheritance.ts";
import { Reception } from "./reception.ts";
import type { SocketGuard } from "./socket-guard.ts";
import type { SourceContext } from "./sources.ts";
import { listenForStreams, type StreamPlace, type StreamSource } from "./stream-listener.ts";
import { listenForTls, type TlsSource } from "./tls-listener.ts";

const TELL_REFUSALS_EVERY_MS = 60_000;
/** At the end, what connections have sent and we have not read is read: as long as more comes, but no longer than this. */
const QUIET_WITHIN_MS = 1_000;
/** Before a restart clients over TLS have so long to end their connections: nobody else waits for them. */
const END_WITHIN_MS = 3_000;

/** One place. */
interface Opened {
  readonly key: string;
  readonly reception: Reception;
  readonly base: ParseRules;
  /** What listens: one, but for a unix socket that was made again. */
  readonly streams: (StreamSource | TlsSource)[];
  listener: Listener;
  tls: TlsSource | undefined;
  fifo: FifoSource | undefined;
  /** It takes no more connections. */
  isGivenUp: boolean;
}

/** What is taken of a pipe before it is looked whether there is room: in the smallest of queues there is for so much. */
const PIPE_PART_BYTES = 1_024;
/** Who writes to a pipe waits for so long for a sink that fails; for one that works, as long as it takes. */
const PATIENCE_MS = 10_000;

/** Opens sources one by one; holds all that it opened. */
export class Listeners {
  readonly #opened: Opened[] = [];
  readonly #opening: Promise<void>[] = [];
  readonly #gate: FlowGate;
  readonly #telling: ReturnType<typeof setInterval>;
  #hasClosed = false;
  readonly #renewed: string[] = [];
  /** Who writes to our stdin has waited for a sink that fails as long as it has to, and there was no room since. */
  #isOutOfPatience = false;
  /** Takes what was read of stdin, and no more. */
  #endStdin: (() => void) | undefined;

  constructor(
    private settings: SourceSettings,
    private readonly context: SourceContext,
    private readonly guard: SocketGuard,
    private readonly inheritance: Inheritance,
  ) {
    this.#gate = new FlowGate(
      () => context.intake.isBehind,
      () => context.intake.isUnsettled,
    );
    this.#telling = setInterval(() => {
      for (const reception of this.receptions) reception.tellRefusals();
    }, TELL_REFUSALS_EVERY_MS);
    this.#telling.unref();
  }

  get names(): readonly string[] {
    return this.#opened.filter(({ isGivenUp }) => !isGivenUp).map(({ key }) => key);
  }

  /** Those of listeners that were given up too, while they have connections. */
  get receptions(): readonly Reception[] {
    return this.#opened.map(({ reception }) => reception);
  }

  /**
   * When all listen: TLS takes a moment.
   * @throws {Fault} where one that was asked for cannot be had
   */
  async ready(): Promise<void> {
    await Promise.all(this.#opening.splice(0));
  }

  /** Opens a listener of streams. @throws {Fault | SystemError} where it cannot be had */
  open(listener: Listener): void {
    const { on } = listener;
    const key = formatPlace(on);
    switch (on.by) {
      case "tcp": {
        const opened = this.#new(key, listener, DEFAULT_RULES);
        const fd = this.inheritance.takePlace(key);
        const place: StreamPlace =
          fd === undefined
            ? { by: "tcp", hostname: formatAddress(on.address), port: on.port, isIpv6Only: listener.isIpv6Only }
            : { by: "descriptor", fd, isUnix: false };
        this.#listen(opened, place);
        return;
      }
      case "stream": {
        const opened = this.#new(key, listener, LOCAL_RULES);
        this.#openStream(opened, on.path, this.inheritance.takePlace(key));
        // Connections that there are go on; only new ones need the socket.
        this.guard.watch({ path: on.path, restore: () => this.#openStream(opened, on.path, undefined) });
        return;
      }
      case "fifo": {
        const opened = this.#new(key, listener, LOCAL_RULES);
        const [handed] = this.inheritance.takeConnections(key);
        opened.fifo = new FifoSource(on.path, opened.reception, this.context.host, handed);
        this.#opened.push(opened);
        return;
      }
      case "tls":
        this.#openTls(this.#new(key, listener, DEFAULT_RULES), listener);
        return;
      default: // a datagram is no stream
    }
  }

  /** Goes on with another way of reading, and of letting clients in: from now on, for what has not begun. @throws {Fault} where certificates are bad; then nothing has changed */
  change(listener: Listener): void {
    const opened = this.#opened.find(({ key, isGivenUp }) => key === formatPlace(listener.on) && !isGivenUp);
    if (opened === undefined) return;
    const { tls } = opened;
    if (tls !== undefined && listener.tls !== undefined) {
      if (JSON.stringify(listener.tls) === JSON.stringify(opened.listener.tls)) {
        if (tls.reload()) this.#renewed.push(`${tls.name} has a new certificate`);
      } else {
        readCertificateFiles(listener.tls);
        tls.stop();
        this.#openTls(opened, listener); // its connections go on
      }
    }
    opened.listener = listener;
    opened.reception.change(this.#readingOf(listener, opened.base));
  }

  /** Of certificates, after `change`: those that are new, and what is wrong with their time. */
  takeNotes(): readonly string[] {
    const worries = this.#opened.flatMap(({ tls, isGivenUp }) => (isGivenUp ? [] : (tls?.worry ?? [])));
    return [...this.#renewed.splice(0), ...worries];
  }

  /** Takes no more connections there. */
  giveUp(key: string): void {
    const opened = this.#opened.find((one) => one.key === key && !one.isGivenUp);
    if (opened === undefined) return;
    opened.isGivenUp = true;
    this.guard.forget("path" in opened.listener.on ? opened.listener.on.path : "");
    for (const stream of opened.streams) stream.stop();
    opened.fifo?.[Symbol.dispose]();
    this.#forgetEnded();
  }

  /** How all of them read. */
  set reading(settings: SourceSettings) {
    this.settings = settings;
    this.#forgetEnded();
    for (const { reception, listener, base } of this.#opened) reception.change(this.#readingOf(listener, base));
  }

  /** A listening socket that systemd passed. */
  adopt(passed: PassedSocket, settings: Pick<Listener, "allow">): void {
    const isUnix = passed.type === "unix-stream";
    const place: StreamPlace = { by: "descriptor", fd: passed.fd, isUnix };
    const key = `${isUnix ? "stream" : "tcp"} of descriptor ${passed.fd}${passed.name === "" ? "" : ` (${passed.name})`}`;
    const one = listener({ by: "stream", path: key }, settings);
    this.#listen(this.#new(key, one, isUnix ? LOCAL_RULES : DEFAULT_RULES), place);
  }

  /** Reads stdin, a line a message; `onEnd` when it has ended. */
  openStdin(onEnd: () => void): void {
    const opened = this.#new("stdin", listener({ by: "stream", path: "stdin" }), LOCAL_RULES);
    this.#opened.push(opened);
    const conversation = opened.reception.open(origin("stdin", this.context.host));
    let rest: Uint8Array = new Uint8Array(0);
    this.#endStdin = () => {
      this.#endStdin = undefined;
      conversation.take(rest);
      conversation.end();
    };
    void (async () => {
      for await (const chunk of Bun.stdin.stream()) {
        if (this.#endStdin === undefined) return; // what was read behind the end is what nobody has read
        for (rest = chunk; rest.length > 0; ) {
          conversation.take(rest.subarray(0, PIPE_PART_BYTES));
          rest = rest.subarray(PIPE_PART_BYTES);
          await this.#room();
          if (this.#endStdin === undefined) return;
        }
      }
      this.#endStdin?.();
      onEnd();
    })();
  }

  /** The pipe keeps what we don't read: its writer waits for every sink that works, and for one that fails `PATIENCE_MS`, then not before it has had room again. */
  async #room(): Promise<void> {
    const { intake } = this.context;
    let failsSinceMs: number | undefined;
    for (;;) {
      const crowded = intake.isCrowded;
      if (crowded === "no") this.#isOutOfPatience = false;
      if (crowded === "fails") failsSinceMs ??= performance.now();
      if (crowded === "fails" && performance.now() - failsSinceMs! > PATIENCE_MS) this.#isOutOfPatience = true;
      const isWorth = crowded === "yes" || (crowded === "fails" && !this.#isOutOfPatience);
      if ((!intake.isBehind && !isWorth) || this.#endStdin === undefined) return;
      await new Promise((done) => setTimeout(done, 1));
    }
  }

  /** Certificates may have been renewed. What is bad is told, and the old ones stay. */
  reload(): void {
    for (const { tls } of this.#opened) {
      try {
        tls?.reload();
      } catch (error) {
        const why = reasonOf(error);
        this.context.say("warning", `${tls!.name}: goes on with its old certificates: ${why}`);
      }
    }
  }

  /** Takes no more connections, reads what was sent before, and ends. */
  async close(): Promise<void> {
    this.#hasClosed = true;
    this.#endStdin?.();
    clearInterval(this.#telling);
    // Who has connected may have sent all and gone, and be accepted by nobody yet.
    await passOfTheLoop();
    for (const { streams } of this.#opened) for (const source of streams) if (!("drain" in source)) source.stop();
    await Promise.all([this.#drainTls(false, QUIET_WITHIN_MS), this.#quiet()]);
    for (const reception of this.receptions) reception.tellRefusals(Number.POSITIVE_INFINITY);
    for (const { streams } of this.#opened) for (const source of streams) source.endConnections();
    for (const { fifo } of this.#opened) fifo?.[Symbol.dispose]();
  }

  /** Before `pause`: connections over TLS, with which no other process can go on, end. All else is read meanwhile. */
  async drain(): Promise<void> {
    await this.#drainTls(true, END_WITHIN_MS);
  }

  /** Reads no more, and leaves everything open for another process. */
  pause(): void {
    this.#hasClosed = true;
    clearInterval(this.#telling);
    this.#pauseAll();
    for (const { fifo } of this.#opened) fifo?.pause();
    for (const reception of this.receptions) reception.tellRefusals(Number.POSITIVE_INFINITY);
  }

  /** After `pause`: all that stays open, marked so. Who has come since is among them, and not read. */
  handOver(): { readonly places: readonly HandedPlace[]; readonly connections: readonly HandedConnection[] } {
    this.#pauseAll();
    const places: HandedPlace[] = [];
    const connections: HandedConnection[] = [];
    for (const { key, streams, fifo, isGivenUp } of this.#opened) {
      if (fifo !== undefined && !isGivenUp)
        connections.push({ key, fd: fifo.fd, peer: "", pid: -1, uid: -1, reader: fifo.reader });
      for (const source of streams) connections.push(...source.connections().map((one) => ({ key, ...one })));
      const source = streams.at(-1);
      if (source !== undefined && source.fd >= 0 && !isGivenUp) places.push({ key, fd: source.fd });
    }
    for (const { fd } of [...places, ...connections]) keepOpen(fd);
    return { places, connections };
  }

  async #drainTls(goesOn: boolean, withinMs: number): Promise<void> {
    const draining = this.#opened.flatMap(({ streams }) =>
      streams.map((source) => ("drain" in source ? source.drain(goesOn, withinMs) : undefined)),
    );
    await Promise.all(draining);
  }

  #pauseAll(): void {
    this.#gate.hold();
    for (const { streams } of this.#opened) for (const source of streams) source.pause();
  }

  /** Until a pass of the event loop brings nothing more. */
  async #quiet(): Promise<void> {
    if (!this.receptions.some((reception) => reception.connections > 0)) return;
    const deadline = performance.now() + QUIET_WITHIN_MS;
    for (let before = -1; performance.now() < deadline; ) {
      const now = this.receptions.reduce((sum, reception) => sum + reception.received, 0);
      if (now === before && !this.#gate.isClosed) return;
      before = now;
      await passOfTheLoop();
    }
  }

  /** A unix stream socket at a path, which is removed when it is stopped. */
  #openStream(opened: Opened, path: string, handed: number | undefined): void {
    const socket = handed === undefined ? listenUnixStream(path) : adoptUnixStream(path, handed);
    const place: StreamPlace = { by: "descriptor", fd: socket.fd, isUnix: true };
    this.#listen(opened, place, () => socket[Symbol.dispose]());
  }

  #listen(opened: Opened, place: StreamPlace, onStop: () => void = () => {}): void {
    const handed = this.inheritance.takeConnections(opened.key);
    const source = listenForStreams(place, opened.reception, this.context.host, handed);
    opened.streams.push({
      ...source,
      stop() {
        source.stop();
        onStop();
      },
    });
    if (!this.#opened.includes(opened)) this.#opened.push(opened);
  }

  #openTls(opened: Opened, { on, tls, isIpv6Only }: Listener): void {
    if (tls === undefined || on.by !== "tls") return; // the table's check has said so
    const fd = this.inheritance.takePlace(opened.key);
    const place = { hostname: formatAddress(on.address), port: on.port, isIpv6Only, tls, fd };
    if (!this.#opened.includes(opened)) this.#opened.push(opened);
    const opening = listenForTls(place, opened.reception).then((source) => {
      if (this.#hasClosed || opened.isGivenUp) source.stop();
      opened.tls = source;
      opened.streams.push(source);
    });
    opening.catch(() => {
      if (opened.tls === undefined) this.#opened.splice(this.#opened.indexOf(opened), 1);
    }); // who waits for `ready` gets it
    this.#opening.push(opening);
  }

  #new(key: string, listener: Listener, base: ParseRules): Opened {
    const { clock, intake, say } = this.context;
    const reading = this.#readingOf(listener, base);
    const reception = new Reception({ name: key, ...reading, clock, intake, gate: this.#gate, say });
    return { key, reception, base, streams: [], listener, tls: undefined, fifo: undefined, isGivenUp: false };
  }

  #readingOf(listener: Listener, base: ParseRules) {
    const { connectionsMax } = this.settings;
    const { framing, allow, zone } = listener;
    return { framing, allow, connectionsMax, rules: rulesFor(base, zone, this.settings, this.context) };
  }

  #forgetEnded(): void {
    for (const one of this.#opened.filter(({ isGivenUp, reception }) => isGivenUp && reception.connections === 0))
      this.#opened.splice(this.#opened.indexOf(one), 1);
  }
}

/** How messages of a source are read: a sender of this host is in its zone; of others we know what we were told. */
export function rulesFor(
  base: ParseRules,
  zone: Listener["zone"],
  { messageBytesMax, timeOffMaxUs, zone: zoneElse }: SourceSettings,
  context: Pick<SourceContext, "zone">,
): ParseRules {
  const isLocal = base === LOCAL_RULES;
  return { ...base, messageBytesMax, timeOffMaxUs, zone: zone ?? (isLocal ? undefined : zoneElse) ?? context.zone };
}

/** All that waits at any socket is taken meanwhile. */
function passOfTheLoop(): Promise<void> {
  return new Promise((done) => setTimeout(done, 5));
}
