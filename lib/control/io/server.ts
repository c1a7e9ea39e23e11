// The service's end of a control socket. Who may open the socket's file may command the service: its mode is the access control.
import { lstatSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { adoptUnixStream, type ListeningSocket, listenUnixStream } from "../../linux/stream-socket.ts";
import { type Answer, LineCutter, type Request, readRequest, refusal, writeAnswer } from "../message.ts";

/** Answers one kind of request: gives the final value, or parts by `part` before it. `gone` is aborted when the asker has left. */
export type Handler = (
  request: Request,
  conversation: {
    readonly part: (value: unknown) => void;
    readonly gone: AbortSignal;
    /** The asker's socket, for a process that this one becomes to answer on. */
    readonly fd: number;
  },
) => Promise<unknown>;

export interface ControlServerOptions {
  readonly path: string;
  /** Default 0600: root, or the service's own user. */
  readonly mode?: number;
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly log: Log;
  /** A socket that listens at `path` already. */
  readonly fd?: number;
  /** How often it is looked at whether the socket's file is there. @default 1 s */
  readonly lookEveryMs?: number;
}

const LOOK_EVERY_MS = 1_000;

/** Operators talking to one service at one time; one more is told to come back. */
const CONVERSATIONS_MAX = 64;

interface Conversation {
  readonly cutter: LineCutter;
  readonly gone: AbortController;
  /** What the socket has not taken yet. */
  unsent: Uint8Array[];
}

/**
 * A listening control socket; `stop` removes its file. Of what stands at its path nothing is replaced but a socket to which nobody listens. Where its file is taken away, as by a
 * clean-up of /run, it is made again; what somebody else has put there is left alone.
 */
export class ControlServer implements Disposable {
  #listener: Bun.TCPSocketListener<Conversation>;
  #made: ListeningSocket;
  readonly #watch: ReturnType<typeof setInterval>;
  /** Why it could not be made again, as it was told. */
  #told = "";
  #open = 0;

  /** @throws {Fault} kind "cannot-create" where the socket can't be made, something else stands there, or another process answers on it */
  static async listen(options: ControlServerOptions): Promise<ControlServer> {
    if (options.fd === undefined && (await someoneAnswers(options.path))) {
      throw new Fault(
        "cannot-create",
        "in-use",
        `cannot listen on ${options.path}: another process answers there; is the service running already?`,
      );
    }
    return new ControlServer(options);
  }

  private constructor(private readonly options: ControlServerOptions) {
    const { path, fd } = options;
    try {
      this.#made = fd === undefined ? this.#make() : adoptUnixStream(path, fd);
      this.#listener = this.#serve(this.#made);
    } catch (cause) {
      if (cause instanceof Fault && (cause.kind === "cannot-create" || cause.kind === "usage")) throw cause;
      throw new Fault("cannot-create", "listen", `cannot listen on ${path}: ${reasonOf(cause)}`, { cause });
    }
    this.#watch = setInterval(() => this.#look(), options.lookEveryMs ?? LOOK_EVERY_MS);
    this.#watch.unref();
  }

  #make(): ListeningSocket {
    const { path, mode = 0o600 } = this.options;
    mkdirSync(dirname(path), { recursive: true });
    return listenUnixStream(path, mode);
  }

  #serve({ fd }: ListeningSocket): Bun.TCPSocketListener<Conversation> {
    const socket = {
      open: (socket: Bun.Socket<Conversation>) => this.#onOpen(socket),
      data: (socket: Bun.Socket<Conversation>, chunk: Uint8Array) => this.#onData(socket, chunk),
      drain: flush,
      close: (socket: Bun.Socket<Conversation>) => this.#onClose(socket),
    };
    return Bun.listen<Conversation>({ fd, socket } as never); // Bun takes it, and does not say so in its types
  }

  #look(): void {
    const { path, log } = this.options;
    try {
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
      const made = this.#make();
      const before = this.#listener;
      this.#listener = this.#serve(made);
      this.#made = made;
      before.stop(false); // who talks on it talks on
      this.#told = "";
      log.warn(`${path}: the control socket was removed; made again`);
    } catch (error) {
      // A directory that this process may not write to, by now: it is told once.
      const text = `${path}: the control socket was removed, and can't be made again: ${reasonOf(error)}`;
      if (text !== this.#told) log.error(text);
      this.#told = text;
    }
  }

  get fd(): number {
    return (this.#listener as { readonly fd?: number }).fd ?? -1;
  }

  stop(): void {
    clearInterval(this.#watch);
    this.#listener.stop(true);
    this.#made[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #onOpen(socket: Bun.Socket<Conversation>): void {
    socket.data = { cutter: new LineCutter(), gone: new AbortController(), unsent: [] };
    this.#open += 1;
    if (this.#open <= CONVERSATIONS_MAX) return;
    send(
      socket,
      refusal(new Fault("temporary", "busy", `${CONVERSATIONS_MAX} others talk to this service: try again`)),
    );
    socket.end();
  }

  #onData(socket: Bun.Socket<Conversation>, chunk: Uint8Array): void {
    try {
      for (const line of socket.data.cutter.take(chunk)) void this.#answer(socket, readRequest(line));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      send(socket, refusal(error));
      socket.end();
    }
  }

  async #answer(socket: Bun.Socket<Conversation>, request: Request): Promise<void> {
    const handler = Object.hasOwn(this.options.handlers, request.ask) ? this.options.handlers[request.ask] : undefined;
    try {
      if (handler === undefined)
        throw new Fault("usage", "unknown-request", `this service does not know ${JSON.stringify(request.ask)}`);
      const part = (value: unknown) => send(socket, { is: "part", value });
      const value = await handler(request, { part, gone: socket.data.gone.signal, fd: descriptorOf(socket) });
      send(socket, { is: "end", value: value ?? null });
    } catch (error) {
      // A handler's own mistake must not end the service, and must not be silent either.
      if (!(error instanceof Fault)) this.options.log.error(`control request ${request.ask} failed: ${error}`);
      send(
        socket,
        error instanceof Fault ? refusal(error) : { is: "error", kind: "os", code: "failed", message: String(error) },
      );
    }
  }

  #onClose(socket: Bun.Socket<Conversation>): void {
    this.#open -= 1;
    socket.data.gone.abort();
  }
}

/** Bun has it on its sockets, and not in its types. */
function descriptorOf(socket: Bun.Socket<Conversation>): number {
  return (socket as { readonly fd?: number }).fd ?? -1;
}

/** An asker that reads nothing for this many answers is let go: nobody may make a service keep more. */
const UNSENT_MAX = 256;

function send(socket: Bun.Socket<Conversation>, answer: Answer): void {
  if (socket.data.gone.signal.aborted) return;
  socket.data.unsent.push(new TextEncoder().encode(writeAnswer(answer)));
  if (socket.data.unsent.length > UNSENT_MAX) socket.terminate();
  else flush(socket);
}

function flush(socket: Bun.Socket<Conversation>): void {
  const { unsent } = socket.data;
  while (unsent.length > 0) {
    const line = unsent[0]!;
    const taken = socket.write(line);
    if (taken < line.length) {
      unsent[0] = line.subarray(Math.max(0, taken));
      return;
    }
    unsent.shift();
  }
}

async function someoneAnswers(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
