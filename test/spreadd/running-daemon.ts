// A spreadd beside the test, in a process and a directory of its own, and clients that speak to it by hand.
import { join as joinPath } from "node:path";
import { FrameView, readFrame } from "../../lib/spread/frame.ts";
import type { Server } from "../../lib/spread/server.ts";
import { projectRoot } from "../support/binary.ts";
import { Child, WAIT_MS } from "../support/child.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { connectRequest, framesIn, join, methodChoice, type Received, toldBy } from "./frames.ts";
import type { ChildState } from "./spreadd-child.ts";

export type UnixServer = Extract<Server, { by: "unix" }>;
export type TcpServer = Extract<Server, { by: "tcp" }>;

/** A daemon called dmn1. `await using daemon = await startDaemon()`. */
export class RunningDaemon {
  #states = 0;

  constructor(
    readonly child: Child,
    readonly unix: UnixServer,
    readonly tcp: TcpServer,
    private readonly scratch: ReturnType<typeof temporaryDirectory>,
  ) {}

  /** How it is, by its own account. */
  async state(): Promise<ChildState> {
    const wanted = ++this.#states;
    this.child.signal("SIGUSR1");
    const said = await this.child.stdout.until(new RegExp(`(?:^state .*\\n[^]*){${wanted}}`, "m"));
    return JSON.parse(
      said
        .match(/^state (.*)$/gm)!
        .at(-1)!
        .slice("state ".length),
    );
  }

  /** Waits until it says of itself what is wanted. */
  async until(holds: (state: ChildState) => boolean): Promise<ChildState> {
    for (const deadline = performance.now() + WAIT_MS; ; await Bun.sleep(10)) {
      const state = await this.state();
      if (holds(state)) return state;
      if (performance.now() > deadline) throw new Error(`waited ${WAIT_MS} ms, it is ${JSON.stringify(state)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
    this.scratch[Symbol.dispose]();
  }
}

/** @param table keys of `[spreadd]`; port 0 unless given: no TCP, no /tmp/PORT */
export async function startDaemon(table: Readonly<Record<string, unknown>> = {}): Promise<RunningDaemon> {
  const scratch = temporaryDirectory();
  const path = joinPath(scratch.path, "spread.sock");
  const all = { name: "dmn1", port: 0, socket: path, ...table };
  const bun = process.execPath;
  const child = new Child([bun, joinPath(import.meta.dir, "spreadd-child.ts"), JSON.stringify(all)], {
    cwd: projectRoot,
  });
  const daemon = new RunningDaemon(
    child,
    { by: "unix", path: all.socket },
    { by: "tcp", host: "127.0.0.1", port: all.port },
    scratch,
  );
  try {
    await child.stdout.until("listening on");
  } catch (error) {
    const said = await child.stderr.end();
    await daemon[Symbol.asyncDispose]();
    throw new Error(`spreadd did not start: ${said}`, { cause: error });
  }
  return daemon;
}

/** A session by hand. */
export class RawClient {
  readonly #view = new FrameView();

  constructor(
    readonly connection: RawConnection,
    /** Its private group. */
    readonly name: string,
  ) {}

  /** Connects and shakes hands. @throws "refused: CODE" */
  static async connect(server: Server, name: string, { membership = true } = {}): Promise<RawClient> {
    const connection = await RawConnection.connect(server, WAIT_MS);
    await connection.write(connectRequest(name, { membership }));
    const [length] = await connection.read(1);
    refusedBy(length!);
    await connection.read(length!);
    await connection.write(methodChoice("NULL"));
    const [answer] = await connection.read(1);
    refusedBy(answer!);
    const head = await connection.read(4);
    const group = await connection.read(head[3]!);
    return new RawClient(connection, new TextDecoder().decode(group));
  }

  send(...frames: readonly Uint8Array[]): Promise<void> {
    return this.connection.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }

  /** Joins, and waits for the view of that. */
  async join(group: string): Promise<void> {
    await this.send(join(this.name, group));
    for (;;) if ((await this.next()).view?.sets[0]?.[0] === this.name) return;
  }

  /** The next frame. */
  async next(): Promise<Received> {
    const header = await this.connection.read(48);
    const bytes = Buffer.concat([header, await this.connection.read(restOf(header))]);
    return framesIn(bytes)[0]!;
  }

  /** The next frames, a line each. */
  async told(count = 1): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) lines.push(toldBy(await this.next()));
    return lines;
  }

  /** The next `count` frames, where they lie. */
  async frames(count: number, onFrame: (view: FrameView) => void): Promise<void> {
    for (let left = count; left > 0; ) {
      const have = this.connection.peek();
      let at = 0;
      for (; left > 0; left--) {
        const took = readFrame(have, at, have.length, this.#view);
        if (took === 0) break;
        onFrame(this.#view);
        at += took;
      }
      await this.connection.read(at);
      if (left > 0) await this.connection.more();
    }
  }

  close(): void {
    this.connection.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Bytes are signed: where a length or a 1 is awaited, a negative one is the reason of a refusal. */
function refusedBy(byte: number): void {
  if (byte >= 0x80) throw new Error(`refused: ${byte - 256}`);
}

function restOf(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset);
  return (
    32 * view.getInt32(36, true) +
    view.getInt32(44, true) +
    ((view.getInt32(0, true) & 0x40_003f) === 0x40_0000 ? 4 : 0)
  );
}
