// One try of one daemon, each step timed. A session (lib/spread/io) would do the same and tell only that it worked: this is for finding out why it does not, so
// it has a socket of its own over the same codec.
import type { Socket } from "bun";
import { Fault } from "../../base/fault.ts";
import { NULL_METHOD } from "../../spread/auth-method.ts";
import { Connection } from "../../spread/connection.ts";
import { FrameView, writeHeader } from "../../spread/frame.ts";
import { isElsewhere } from "../../spread/io/link.ts";
import { checkSocketOwner } from "../../spread/io/socket-trust.ts";
import { type TlsIdentity, tlsOptions, whyDistrusted } from "../../spread/io/tls.ts";
import { readView } from "../../spread/membership.ts";
import { nameField } from "../../spread/name-field.ts";
import type { PrivateName } from "../../spread/names.ts";
import { formatServer, type Server } from "../../spread/server.ts";
import { JOIN, KILL } from "../../spread/service.ts";
import { NS_PER_MS } from "../elapsed.ts";

/** The steps in their order, and what each waits for. */
export const CONNECT_STEPS = {
  socket: "the system connects us (and finds the host)",
  tls: "it shows its certificate, and takes ours (by TLS only)",
  methods: "the daemon offers methods of authentication",
  accept: "it accepts us and tells our private group",
  view: "it orders our join and tells who is in the group",
} as const;
export type ConnectStep = keyof typeof CONNECT_STEPS;

export interface StepTime {
  readonly step: ConnectStep;
  readonly elapsedNs: number;
}

export interface ConnectReport {
  readonly server: string;
  readonly steps: readonly StepTime[];
  /** As far as it came. */
  readonly version: string | undefined;
  readonly privateGroup: string | undefined;
  /** Absent where all steps went well. */
  readonly failed: { readonly step: ConnectStep; readonly error: Fault } | undefined;
}

export interface ConnectTry {
  readonly name: PrivateName | undefined;
  /** Joined, and left with the connection. */
  readonly group: string;
  readonly timeoutMs: number;
  /** For daemons by TLS. */
  readonly tls?: TlsIdentity | undefined;
}

/** Tries a daemon; never throws for what the daemon or the network does. */
export async function connectSteps(server: Server, attempt: ConnectTry): Promise<ConnectReport> {
  const steps = new Steps(attempt);
  const error = await steps.run(server);
  return steps.report(formatServer(server), error);
}

class Steps {
  readonly #connection: Connection;
  readonly #times: StepTime[] = [];
  #step: ConnectStep | undefined = "socket";
  #since = Bun.nanoseconds();
  #isByTls = false;
  #isByUnix = false;
  readonly #over = Promise.withResolvers<Fault | undefined>();

  constructor(private readonly attempt: ConnectTry) {
    this.#connection = new Connection({ name: attempt.name, membership: true, priority: 0, methods: [NULL_METHOD] });
  }

  async run(server: Server): Promise<Fault | undefined> {
    const { timeoutMs } = this.attempt;
    const timer = setTimeout(
      () => this.#end(new Fault("unavailable", "timeout", `no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    let socket: Socket<undefined> | undefined;
    try {
      if (server.by === "unix") await checkSocketOwner(server.path);
      const tls = server.by === "tls" ? { tls: tlsOptions(server, this.attempt.tls) } : {};
      this.#isByTls = server.by === "tls";
      this.#isByUnix = server.by === "unix";
      this.#since = Bun.nanoseconds();
      const opening =
        server.by === "unix"
          ? Bun.connect({ unix: server.path, socket: this.#handlers })
          : Bun.connect({ hostname: server.host, port: server.port, ...tls, socket: this.#handlers });
      opening.then(
        (opened) => {
          socket = opened;
        },
        (error) => this.#end(refusal(error, server)),
      );
      return await this.#over.promise;
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#takeLeave(socket);
    }
  }

  report(server: string, error: Fault | undefined): ConnectReport {
    const acceptance = this.#connection.acceptance;
    const { major, minor, patch } = acceptance?.version ?? {};
    return {
      server,
      steps: this.#times,
      version: major === undefined ? undefined : `${major}.${minor}.${patch}`,
      privateGroup: acceptance?.privateGroup,
      failed: error === undefined ? undefined : { step: this.#step ?? "view", error },
    };
  }

  readonly #handlers = {
    open: (socket: Socket<undefined>) => {
      if (this.#step !== "socket") return socket.terminate();
      if (socket.remotePort !== undefined) socket.setNoDelay(true);
      if (this.#isByTls) this.#done("tls");
      else this.#begin(socket);
      return undefined;
    },
    handshake: (socket: Socket<undefined>, _success: boolean, error: Error | null) => {
      if (socket.authorized && !error) this.#begin(socket);
      else this.#end(new Fault("no-permission", "untrusted", whyDistrusted(error), { cause: error ?? undefined }));
    },
    data: (socket: Socket<undefined>, chunk: Uint8Array) => this.#received(socket, chunk),
    close: () => this.#end(new Fault("unavailable", "ended", `the daemon closed the connection${this.#closedWhy}`)),
    error: (_socket: Socket<undefined>, error: Error) =>
      this.#end(new Fault("unavailable", "failed", error.message, { cause: error })),
  };

  /** Nothing was said yet: a client hears that its certificate is refused by this alone, since by then TLS stands on its side. */
  get #closedWhy(): string {
    if (this.#step !== "methods") return "";
    if (this.#isByTls) return "; does it trust our certificate, and is that in its time? Its log says why";
    return this.#isByUnix ? "" : "; is this a port for TLS (tls:HOST:PORT)?";
  }

  #begin(socket: Socket<undefined>): void {
    this.#done("methods");
    socket.write(this.#connection.request);
  }

  #received(socket: Socket<undefined>, chunk: Uint8Array): void {
    const before = this.#connection.acceptance;
    try {
      this.#connection.receive(chunk, (bytes) => {
        this.#done("accept"); // what the client says next it says to the list of methods
        socket.write(bytes);
      });
      const { acceptance } = this.#connection;
      if (acceptance === undefined) return;
      if (before === undefined) {
        this.#done("view");
        socket.write(controlFrame(JOIN, acceptance.privateGroup, this.attempt.group));
      }
      this.#awaitView(acceptance.privateGroup);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#end(error);
    }
  }

  #awaitView(self: string): void {
    const view = new FrameView();
    while (this.#connection.reader.next(view)) {
      if (view.kind === "reject") {
        const text = `refused: no [[spreadd.allow]] of the daemon lets us join ${this.attempt.group}; it is well otherwise`;
        this.#end(new Fault("no-permission", "refused", text));
        return;
      }
      if (view.kind !== "view" || !readView(view).members.some((member) => member === self)) continue;
      this.#done(undefined);
      this.#end(undefined);
    }
  }

  /** The step at hand is done; the next one begins. */
  #done(next: ConnectStep | undefined): void {
    const now = Bun.nanoseconds();
    if (this.#step !== undefined) this.#times.push({ step: this.#step, elapsedNs: now - this.#since });
    this.#step = next;
    this.#since = now;
  }

  #end(error: Fault | undefined): void {
    this.#over.resolve(error);
  }

  #takeLeave(socket: Socket<undefined> | undefined): void {
    const self = this.#connection.acceptance?.privateGroup;
    if (self !== undefined) socket?.write(controlFrame(KILL, self, self));
    socket?.end();
  }
}

/** A join or a kill: a header and one group. */
function controlFrame(service: number, self: string, group: string): Uint8Array {
  const frame = new Uint8Array(80);
  frame.set(nameField(group), writeHeader(frame, 0, service, nameField(self), 1, 0, 0));
  return frame;
}

function refusal(error: unknown, server: Server): Fault {
  const code = error instanceof Error && "code" in error ? String(error.code) : "failed";
  const [kind, text] =
    (isElsewhere(server) && code === "ECONNREFUSED" ? REFUSED_ELSEWHERE : REFUSALS[code]) ??
    (["unavailable", error instanceof Error ? error.message : String(error)] as const);
  return new Fault(kind, code, text, { cause: error });
}

/** Bun says "refused" of every connection that the system does not make: of a host that is not there, too. */
const REFUSED_ELSEWHERE = [
  "unavailable",
  "connection refused, or the host can't be reached: no daemon listens there, its address is another, or a firewall says no",
] as const;

const REFUSALS: Readonly<Record<string, readonly ["unavailable" | "no-host" | "no-permission", string]>> = {
  ECONNREFUSED: ["unavailable", "connection refused: no daemon listens there; start spreadd or spread"],
  ENOENT: ["unavailable", "no such socket: no daemon has made it; start spreadd or spread"],
  ENOTFOUND: ["no-host", "unknown host"],
  EAI_AGAIN: ["no-host", "unknown host: no name server answers"],
  EACCES: ["no-permission", "permission denied: the socket's mode keeps us out"],
  ETIMEDOUT: ["unavailable", "the host does not answer"],
  EHOSTUNREACH: ["unavailable", "no route to the host"],
  ENETUNREACH: ["unavailable", "the network is unreachable"],
};

/** All steps of a report, in milliseconds; 0 where none was done. */
export function totalMs(report: ConnectReport): number {
  return report.steps.reduce((sum, { elapsedNs }) => sum + elapsedNs, 0) / NS_PER_MS;
}
