// A port in front of a daemon: what clients and daemon say to each other passes through unchanged, and is decoded on its way.
import type { Socket, TCPSocketListener, UnixSocketListener } from "bun";
import { Fault } from "../../base/fault.ts";
import { formatServer, type Server } from "../../spread/server.ts";
import type { Direction, DumpEntry } from "../dump-entry.ts";
import { Conversation, type DumpOptions, DumpStream } from "../dump-stream.ts";

/** What is seen: units, and connections that come and go. */
export interface DumpListener {
  /** Units of one direction, at least one. Resolves when they are shown: while too many are not, nothing more is read. */
  entries(connection: number, entries: readonly DumpEntry[]): Promise<void>;
  opened(connection: number): void;
  closed(connection: number, reason: string): void;
}

export class DumpProxy implements Disposable {
  readonly #listeners: (TCPSocketListener<Half> | UnixSocketListener<Half>)[] = [];
  readonly #pairs = new Set<Pair>();
  #connections = 0;

  /**
   * @param listen where clients are to connect
   * @throws {Fault} kind "unavailable": it can't listen there
   */
  constructor(
    listen: readonly Server[],
    private readonly target: Server,
    private readonly options: DumpOptions,
    private readonly listener: DumpListener,
  ) {
    for (const server of listen) this.#listeners.push(this.#listen(server));
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener.stop(true);
    for (const pair of this.#pairs) pair.end("the dump ends");
  }

  #listen(server: Server): TCPSocketListener<Half> | UnixSocketListener<Half> {
    const socket = {
      open: (client: Socket<Half>) => this.#accepted(client),
      data: (client: Socket<Half>, chunk: Uint8Array) => client.data.received(chunk),
      drain: (client: Socket<Half>) => client.data.drained(),
      close: (client: Socket<Half>) => client.data.closed(),
      error: () => {}, // "close" follows
    };
    try {
      return server.by === "unix"
        ? Bun.listen<Half>({ unix: server.path, socket })
        : Bun.listen<Half>({ hostname: server.host, port: server.port, socket });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "failed";
      const text =
        code === "EADDRINUSE"
          ? "it is in use; choose another port"
          : error instanceof Error
            ? error.message
            : String(error);
      this[Symbol.dispose]();
      throw new Fault("unavailable", code, `cannot listen at ${formatServer(server)}: ${text}`, { cause: error });
    }
  }

  #accepted(client: Socket<Half>): void {
    this.#connections += 1;
    const pair = new Pair(this.#connections, client, this.options, this.listener, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    client.data = pair.client;
    void pair.connect(this.target);
  }
}

/** One client, and its connection to the daemon. */
class Pair {
  readonly client: Half;
  readonly daemon: Half;
  #over = false;

  constructor(
    readonly number: number,
    socket: Socket<Half>,
    options: DumpOptions,
    private readonly listener: DumpListener,
    private readonly onOver: () => void,
  ) {
    const conversation = new Conversation();
    const half = (direction: Direction) =>
      new Half(
        this,
        new DumpStream(direction, conversation, options),
        direction === "c2s" ? "the client" : "the daemon",
      );
    this.client = half("c2s");
    this.daemon = half("s2c");
    this.client.socket = socket;
    this.client.peer = this.daemon;
    this.daemon.peer = this.client;
    listener.opened(number);
  }

  async connect(target: Server): Promise<void> {
    const socket = {
      open: (daemon: Socket<Half>) => {
        this.daemon.socket = daemon;
        if (this.#over) daemon.terminate();
        else this.daemon.drained(); // what the client said meanwhile
      },
      data: (daemon: Socket<Half>, chunk: Uint8Array) => daemon.data.received(chunk),
      drain: (daemon: Socket<Half>) => daemon.data.drained(),
      close: (daemon: Socket<Half>) => daemon.data.closed(),
      error: () => {},
    };
    try {
      if (target.by === "unix") await Bun.connect<Half>({ unix: target.path, data: this.daemon, socket });
      else await Bun.connect<Half>({ hostname: target.host, port: target.port, data: this.daemon, socket });
    } catch (error) {
      this.end(`cannot reach ${formatServer(target)}: ${error instanceof Error ? error.message : error}`);
    }
  }

  async show(entries: readonly DumpEntry[]): Promise<void> {
    if (entries.length > 0) await this.listener.entries(this.number, entries);
  }

  /** Told once. What is left of either stream is shown first. */
  end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    void this.show(this.client.stream.end());
    void this.show(this.daemon.stream.end());
    this.client.socket?.end();
    this.daemon.socket?.end();
    this.listener.closed(this.number, reason);
    this.onOver();
  }
}

/** Chunks that may wait to be shown before a side reads no more: a slow terminal slows the conversation, and memory stays small. */
const UNSHOWN_CHUNKS_MAX = 8;

/** One side: reads from its socket, decodes, and writes to the other's; stops reading while that takes nothing, or nobody reads the dump. */
class Half {
  socket: Socket<Half> | undefined;
  peer: Half | undefined;
  /** For this side, and not taken yet. */
  readonly #waiting: Uint8Array[] = [];
  #unshown = 0;

  constructor(
    private readonly pair: Pair,
    readonly stream: DumpStream,
    private readonly who: string,
  ) {}

  received(chunk: Uint8Array): void {
    this.#unshown += 1;
    void this.pair.show(this.stream.push(chunk)).then(() => {
      this.#unshown -= 1;
      this.readOn();
    });
    this.peer?.take(chunk);
    if (!this.#mayRead) this.socket?.pause();
  }

  /** Sends what came from the other side, or keeps it until the socket has room. */
  take(chunk: Uint8Array): void {
    const written = this.#waiting.length > 0 ? 0 : this.#write(chunk);
    if (written < chunk.length) this.#waiting.push(chunk.subarray(written));
  }

  drained(): void {
    for (let chunk = this.#waiting[0]; chunk !== undefined; chunk = this.#waiting[0]) {
      const written = this.#write(chunk);
      if (written < chunk.length) {
        this.#waiting[0] = chunk.subarray(written);
        return;
      }
      this.#waiting.shift();
    }
    this.peer?.readOn();
  }

  closed(): void {
    this.pair.end(`${this.who} closed it`);
  }

  /** Its socket takes no more for now. */
  get isFull(): boolean {
    return this.#waiting.length > 0;
  }

  get #mayRead(): boolean {
    return this.#unshown <= UNSHOWN_CHUNKS_MAX && this.peer?.isFull !== true;
  }

  /** Reads again, if nothing keeps it from that. */
  readOn(): void {
    if (this.#mayRead) this.socket?.resume();
  }

  /** @returns bytes taken; a socket that is not there, or has ended, takes none */
  #write(chunk: Uint8Array): number {
    return Math.max(0, this.socket?.write(chunk) ?? 0);
  }
}
