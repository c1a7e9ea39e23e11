// Plays recorded conversations (test/vectors/README.md) against a running daemon, byte by byte: what the clients sent is sent, what the daemon answered is
// awaited, compared, and nothing else may come. Black box: it needs a port, no more.
//
// Steps are played one after the other. What differs from run to run is masked; a name that the daemon invents is learnt, and said instead of the recorded
// one from there on. Whether a close is a reset depends on what lay unread, so either counts. Pauses are kept where a client made them on purpose: between two
// pieces that the same client sent.
import type { Server } from "../../lib/spread/server.ts";
import type { Step, Vector } from "../spread/vector.ts";
import { RawConnection } from "./raw-connection.ts";

/** What went differently. */
export class ReplayError extends Error {
  constructor(vector: Vector, index: number, text: string) {
    const step = vector.steps[index];
    super(`${vector.name}: step ${index}${step === undefined ? "" : ` (${step.conn} ${step.dir})`}: ${text}`);
  }
}

export interface ReplayOptions {
  /** Where the daemon listens; the vector's `transport` says which of the two is used. */
  readonly tcp: Extract<Server, { by: "tcp" }>;
  readonly unix: Extract<Server, { by: "unix" }>;
  /** Bound of each wait. */
  readonly waitMs: number;
  /** Sends SIGTERM to the daemon, for the recording of that. Without it that one can't be played. */
  readonly terminate?: () => void;
}

/** Recordings that need something done to the daemon, besides its options. */
export const NEEDS_QUOTA = "hs-quota";
export const NEEDS_SIGTERM = "daemon-sigterm";

/** How many sessions the daemon of `hs-quota` had. */
const QUOTA_SESSIONS = 997;
/** A pause that was meant. */
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 2_000;

/** Plays one recording. @throws {ReplayError} at the first difference */
export async function replay(vector: Vector, options: ReplayOptions): Promise<void> {
  const player = new Player(vector, options);
  try {
    if (vector.name === NEEDS_QUOTA) await player.fillUp(QUOTA_SESSIONS);
    for (const index of vector.steps.keys()) await player.play(index);
    await player.finish();
  } finally {
    player.close();
  }
}

class Player {
  readonly #clients = new Map<string, RawConnection>();
  readonly #others: RawConnection[] = [];
  /** Recorded private groups that the daemon has invented anew. */
  readonly #renamed = new Map<string, string>();

  constructor(
    private readonly vector: Vector,
    private readonly options: ReplayOptions,
  ) {}

  async play(index: number): Promise<void> {
    const step = this.vector.steps[index]!;
    try {
      if (step.dir === "c2s") await this.#send(step, index);
      else await this.#receive(step, index);
    } catch (error) {
      if (error instanceof ReplayError) throw error;
      throw new ReplayError(this.vector, index, error instanceof Error ? error.message : String(error));
    }
  }

  /** Nothing more may have come: each client that is still there leaves, and the daemon closes. */
  async finish(): Promise<void> {
    for (const client of this.#clients.values()) {
      client.shutDown();
      await client.ended();
      if (client.unread > 0)
        throw new ReplayError(this.vector, this.vector.steps.length, `${client.unread} bytes more came`);
    }
  }

  /** Opens sessions until the daemon has no room for another. */
  async fillUp(sessions: number): Promise<void> {
    const request = Uint8Array.of(5, 0, 1, 0, 0); // any name
    for (let count = 0; count < sessions; count++) {
      const client = await this.#connect();
      this.#others.push(client);
      await client.write(request);
      await client.read(1);
    }
  }

  close(): void {
    for (const client of [...this.#clients.values(), ...this.#others]) client.destroy();
  }

  async #send(step: Step, index: number): Promise<void> {
    if (step.event === "open") {
      this.#clients.set(step.conn, await this.#connect());
      return;
    }
    const client = this.#client(step);
    if (step.event === "close") client.shutDown();
    else if (step.event === "reset") client.destroy();
    else if (step.event === undefined) {
      const before = this.vector.steps[index - 1];
      const pausedMs = step.atMs - (before?.atMs ?? 0);
      const isMeant = before?.conn === step.conn && before.dir === "c2s" && before.event === undefined;
      if (isMeant && pausedMs >= PAUSE_MS) await Bun.sleep(Math.min(pausedMs, PAUSE_MS_MAX));
      await client.write(this.#withNewNames(step.bytes));
    }
  }

  async #receive(step: Step, index: number): Promise<void> {
    const client = this.#client(step);
    if (client.isDestroyed) return; // we have left: nobody hears what the daemon said
    if (step.event !== undefined) {
      if (this.vector.name === NEEDS_SIGTERM && step.event === "close") this.options.terminate?.();
      if (step.event !== "forward-failed") await client.ended();
      return;
    }
    const isInvented = step.parsed?.kind === "accept" && step.volatile.length > 0;
    const got = isInvented ? await this.#readInvented(client, step) : await client.read(step.bytes.length);
    const wanted = isInvented ? got : this.#withNewNames(step.bytes);
    const offset = differs(wanted, got, step);
    if (offset < 0) return;
    throw new ReplayError(
      this.vector,
      index,
      `at offset ${offset}: ${around(got, offset)}, recorded ${around(wanted, offset)}`,
    );
  }

  /** An acceptance with a name of the daemon's own: the name is learnt. */
  async #readInvented(client: RawConnection, step: Step): Promise<Uint8Array> {
    const head = await client.read(5);
    const name = await client.read(head[4]!);
    const recorded = new TextDecoder("latin1").decode(step.bytes.subarray(5));
    this.#renamed.set(recorded, new TextDecoder("latin1").decode(name));
    return Buffer.concat([head, name]);
  }

  /** The bytes with the fields of recorded names replaced by those of the names of this run. */
  #withNewNames(bytes: Uint8Array): Uint8Array {
    let text = Buffer.from(bytes).toString("latin1");
    for (const [recorded, now] of this.#renamed) {
      const width = Math.max(recorded.length, now.length);
      text = text.replaceAll(recorded.padEnd(width, "\0"), now.padEnd(width, "\0"));
    }
    return Buffer.from(text, "latin1");
  }

  #client(step: Step): RawConnection {
    const client = this.#clients.get(step.conn);
    if (client === undefined) throw new Error(`connection ${step.conn} was never opened`);
    return client;
  }

  #connect(): Promise<RawConnection> {
    const { tcp, unix, waitMs } = this.options;
    return RawConnection.connect(this.vector.transport === "unix" ? unix : tcp, waitMs);
  }
}

/** Where the bytes differ outside of what is volatile; -1 where they don't. */
function differs(wanted: Uint8Array, got: Uint8Array, step: Step): number {
  const isVolatile = (at: number) => step.volatile.some(({ offset, len }) => at >= offset && at < offset + len);
  for (let at = 0; at < wanted.length; at++) if (wanted[at] !== got[at] && !isVolatile(at)) return at;
  return -1;
}

function around(bytes: Uint8Array, at: number): string {
  const start = Math.max(0, at - 4);
  return Buffer.from(bytes.subarray(start, at + 12)).toString("hex");
}
