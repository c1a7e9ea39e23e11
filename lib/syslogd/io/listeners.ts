// Opens all that is read as a stream of messages: TCP, TLS, unix stream sockets, FIFOs, stdin, and listening sockets that systemd passes.
import { formatAddress } from "../../base/ip-address.ts";
import type { PassedSocket } from "../../linux/service-manager.ts";
import { listenUnixStream } from "../../linux/stream-socket.ts";
import { DEFAULT_RULES, LOCAL_RULES, type ParseRules } from "../../syslog/parse-rules.ts";
import { origin } from "../../syslog/record.ts";
import { formatPlace, type Listener, listener } from "../listener.ts";
import type { SourceSettings } from "../source-settings.ts";
import { FifoSource } from "./fifo-source.ts";
import { FlowGate } from "./flow-gate.ts";
import { Reception } from "./reception.ts";
import type { SocketGuard } from "./socket-guard.ts";
import type { SourceContext } from "./sources.ts";
import { listenForStreams, type StreamPlace, type StreamSource } from "./stream-listener.ts";
import { listenForTls, type TlsSource } from "./tls-listener.ts";

const TELL_REFUSALS_EVERY_MS = 60_000;
/** At the end, what connections have sent and we have not read is read: as long as more comes, but no longer than this. */
const QUIET_WITHIN_MS = 1_000;

/** Opens sources one by one; holds all that it opened. */
export class Listeners {
  readonly names: string[] = [];
  readonly receptions: Reception[] = [];
  readonly #streams: StreamSource[] = [];
  readonly #tls: TlsSource[] = [];
  readonly #fifos: FifoSource[] = [];
  readonly #opening: Promise<void>[] = [];
  readonly #gate: FlowGate;
  readonly #telling: ReturnType<typeof setInterval>;
  #hasClosed = false;

  constructor(
    private readonly settings: SourceSettings,
    private readonly context: SourceContext,
    private readonly guard: SocketGuard,
  ) {
    this.#gate = new FlowGate(() => context.intake.isBehind);
    this.#telling = setInterval(() => {
      for (const reception of this.receptions) reception.tellRefusals();
    }, TELL_REFUSALS_EVERY_MS);
    this.#telling.unref();
  }

  /**
   * When all listen: TLS takes a moment.
   * @throws {Fault} where one that was asked for cannot be had
   */
  async ready(): Promise<void> {
    await Promise.all(this.#opening);
  }

  /** Opens a listener of streams. @throws {Fault | SystemError} where it cannot be had */
  open(listener: Listener): void {
    const { on, allow, tls } = listener;
    const { host } = this.context;
    switch (on.by) {
      case "tcp": {
        const place: StreamPlace = { by: "tcp", hostname: formatAddress(on.address), port: on.port };
        this.#add(listenForStreams(place, this.#reception(listener, DEFAULT_RULES), host, allow));
        return;
      }
      case "stream": {
        const reception = this.#reception(listener, LOCAL_RULES);
        this.#openStream(on.path, reception);
        // Connections that there are go on; only new ones need the socket.
        this.guard.watch({ path: on.path, restore: () => this.#openStream(on.path, reception) });
        return;
      }
      case "fifo":
        this.#fifos.push(new FifoSource(on.path, this.#reception(listener, LOCAL_RULES), host));
        return;
      case "tls": {
        if (tls === undefined) return; // the table's check has said so
        const place = { hostname: formatAddress(on.address), port: on.port, allow, tls };
        const opening = listenForTls(place, this.#reception(listener, DEFAULT_RULES)).then((source) =>
          this.#addTls(source),
        );
        opening.catch(() => {}); // who waits for `ready` gets it
        this.#opening.push(opening);
        return;
      }
      default: // a datagram is no stream
    }
  }

  /** A listening socket that systemd passed. */
  adopt(passed: PassedSocket, settings: Pick<Listener, "allow">): void {
    const isUnix = passed.type === "unix-stream";
    const place: StreamPlace = { by: "descriptor", fd: passed.fd, isUnix };
    const name = `${isUnix ? "stream" : "tcp"} of descriptor ${passed.fd}${passed.name === "" ? "" : ` (${passed.name})`}`;
    const reception = this.#newReception(
      name,
      listener({ by: "stream", path: name }),
      isUnix ? LOCAL_RULES : DEFAULT_RULES,
    );
    this.#add(listenForStreams(place, reception, this.context.host, settings.allow));
  }

  /** Reads stdin, a line a message; `onEnd` when it has ended. */
  openStdin(onEnd: () => void): void {
    const reception = this.#newReception("stdin", listener({ by: "stream", path: "stdin" }), LOCAL_RULES);
    const conversation = reception.open(origin("stdin", this.context.host));
    void (async () => {
      for await (const chunk of Bun.stdin.stream()) {
        conversation.take(chunk);
        while (this.context.intake.isBehind) await new Promise((done) => setTimeout(done, 1));
      }
      conversation.end();
      onEnd();
    })();
  }

  /** Certificates may have been renewed. What is bad is told, and the old ones stay. */
  reload(): void {
    for (const tls of this.#tls) {
      try {
        tls.reload();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.context.say("warning", `${tls.name}: goes on with its old certificates: ${why}`);
      }
    }
  }

  /** Takes no more connections, reads what was sent before, and ends. */
  async close(): Promise<void> {
    this.#hasClosed = true;
    clearInterval(this.#telling);
    for (const source of this.#streams) source.stop();
    await this.#quiet();
    for (const reception of this.receptions) reception.tellRefusals(Number.POSITIVE_INFINITY);
    for (const source of this.#streams) source.endConnections();
    for (const fifo of this.#fifos) fifo[Symbol.dispose]();
  }

  /** Until a pass of the event loop brings nothing more. */
  async #quiet(): Promise<void> {
    if (!this.receptions.some((reception) => reception.connections > 0)) return;
    const deadline = performance.now() + QUIET_WITHIN_MS;
    for (let before = -1; performance.now() < deadline; ) {
      const now = this.receptions.reduce((sum, reception) => sum + reception.received, 0);
      if (now === before && !this.#gate.isClosed) return;
      before = now;
      await new Promise((done) => setTimeout(done, 5));
    }
  }

  /** A unix stream socket at a path, which is removed when it is stopped. */
  #openStream(path: string, reception: Reception): void {
    const socket = listenUnixStream(path);
    const place: StreamPlace = { by: "descriptor", fd: socket.fd, isUnix: true };
    const source = listenForStreams(place, reception, this.context.host, []);
    this.#add({
      ...source,
      stop() {
        source.stop();
        socket[Symbol.dispose]();
      },
    });
  }

  #add(source: StreamSource): void {
    this.#streams.push(source);
  }

  #addTls(source: TlsSource): void {
    if (this.#hasClosed) source.stop();
    this.#tls.push(source);
    this.#add(source);
  }

  #reception(listener: Listener, base: ParseRules): Reception {
    return this.#newReception(formatPlace(listener.on), listener, base);
  }

  #newReception(name: string, { framing, zone }: Listener, base: ParseRules): Reception {
    const { settings, context } = this;
    const { clock, intake, say } = context;
    const rules = rulesFor(base, zone, settings, context);
    const { connectionsMax } = settings;
    const reception = new Reception({ name, framing, rules, connectionsMax, clock, intake, gate: this.#gate, say });
    this.receptions.push(reception);
    this.names.push(name);
    return reception;
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
