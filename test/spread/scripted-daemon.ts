// A daemon that does what a test wants: it groups and delivers as a small one of its own, and where the test says so it refuses, falls silent,
// stops reading, or talks nonsense. Its wire is the codec's, so what it shows of the client is what any daemon would see.
import type { Socket, SocketHandler, SocketListener } from "bun";
import { DaemonHandshake } from "../../lib/spread/daemon-handshake.ts";
import { FrameView, readRequest } from "../../lib/spread/frame.ts";
import { FrameReader } from "../../lib/spread/frame-reader.ts";
import { wantsMembership, writeReject } from "../../lib/spread/handshake.ts";
import { SELF_LEAVE_BYTES, viewSize, writeSelfLeave, writeView } from "../../lib/spread/membership.ts";
import { type DaemonName, type PrivateGroup, type PrivateName, privateGroup } from "../../lib/spread/names.ts";
import type { RejectReason } from "../../lib/spread/result-code.ts";

export class Client {
  readonly handshake = new DaemonHandshake();
  readonly reader = new FrameReader(readRequest);
  readonly groups = new Set<string>();
  membership = false;
  self = "" as PrivateGroup;
  /** Sizes of the chunks that came after the handshake. */
  readonly chunks: number[] = [];
  #unsent: Uint8Array[] = [];

  constructor(readonly socket: Socket<Client>) {}

  send(bytes: Uint8Array): void {
    this.#unsent.push(bytes);
    this.flush();
  }

  flush(): void {
    while (this.#unsent.length > 0) {
      const took = this.socket.write(this.#unsent[0]!);
      if (took < this.#unsent[0]!.length) {
        this.#unsent[0] = this.#unsent[0]!.subarray(Math.max(0, took));
        return;
      }
      this.#unsent.shift();
    }
  }
}

export class ScriptedDaemon {
  readonly clients: Client[] = [];
  /** Every request, as "name kind groups body". */
  readonly log: string[] = [];
  /** Refusals of the next sessions, one each. */
  readonly refuse: RejectReason[] = [];
  /** Answers nothing, from the next byte on. */
  silent = false;
  connections = 0;
  #deaf = false;
  readonly #listener: SocketListener<Client>;
  readonly #view = new FrameView();
  #invented = 0;
  #waiters: (() => void)[] = [];

  /** @param at path of its unix socket, or where it listens on TCP */
  constructor(
    readonly at: string | { readonly hostname: string; readonly port: number },
    readonly name = "dmn",
  ) {
    const handlers = {
      socket: {
        open: (socket) => {
          socket.data = new Client(socket);
          this.connections += 1;
          this.clients.push(socket.data);
        },
        data: ({ data: client }, chunk) => this.#received(client, chunk),
        drain: ({ data: client }) => client.flush(),
        close: ({ data: client }) => this.#gone(client),
      } satisfies SocketHandler<Client>,
    };
    this.#listener =
      typeof at === "string"
        ? Bun.listen<Client>({ unix: at, ...handlers })
        : Bun.listen<Client>({ ...at, ...handlers });
  }

  get server(): string {
    return typeof this.at === "string" ? `unix:${this.at}` : `${this.at.port}@${this.at.hostname}`;
  }

  /** Reads nothing more from sessions it has accepted, until told otherwise. */
  set deaf(deaf: boolean) {
    this.#deaf = deaf;
    if (!deaf) for (const client of this.clients) client.socket.resume();
  }

  /** Resolves when `holds`, looked at after each thing that happens here. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Ends all sessions; goes on listening. */
  hangUp(): void {
    for (const client of [...this.clients]) client.socket.terminate();
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }

  #received(client: Client, chunk: Uint8Array): void {
    if (this.silent) return;
    let at = 0;
    while (client.handshake.state.at !== "accepted") {
      at += client.handshake.take(chunk, at, chunk.length);
      if (!this.#decide(client)) return;
    }
    if (at < chunk.length) {
      client.chunks.push(chunk.length - at);
      client.reader.push(chunk.subarray(at));
    }
    while (client.reader.next(this.#view)) this.#request(client, this.#view);
    this.#happened();
  }

  /** @returns `false` where more bytes are needed, or it is over */
  #decide(client: Client): boolean {
    const { state } = client.handshake;
    if (state.at === "requested") {
      const reason = this.refuse.shift();
      if (reason !== undefined) {
        client.socket.end(writeReject(reason));
        return false;
      }
      const name = state.request.name ?? (`r${++this.#invented}` as PrivateName);
      client.self = privateGroup(name, this.name as DaemonName);
      client.membership = wantsMembership(state.request.flags);
      client.send(client.handshake.offer(["NULL"]));
      return true;
    }
    if (state.at !== "chosen") return false;
    client.send(client.handshake.accept({ major: 5, minor: 0, patch: 1 }, client.self));
    if (this.#deaf) client.socket.pause();
    return true;
  }

  #request(client: Client, view: FrameView): void {
    const body = Buffer.from(view.body()).toString();
    this.log.push(`${view.name} ${view.kind} ${view.groups().join(" ")}${view.kind === "message" ? ` ${body}` : ""}`);
    switch (view.kind) {
      case "join":
        client.groups.add(view.group(0));
        this.#tell(view.group(0), "join", client);
        break;
      case "leave":
        client.groups.delete(view.group(0));
        if (client.membership) client.send(selfLeave(view.group(0)));
        this.#tell(view.group(0), "leave", client);
        break;
      case "kill":
        client.socket.end();
        break;
      default: {
        const frame = view.bytes.slice(view.start, view.bodyEnd);
        const to = view.groups();
        for (const other of this.clients)
          if (to.some((group) => other.groups.has(group) || other.self === group)) other.send(Uint8Array.from(frame));
      }
    }
  }

  #tell(group: string, cause: "join" | "leave" | "disconnect", who: Client): void {
    const members = this.clients.filter((client) => client.groups.has(group));
    const fields = {
      group,
      id: { daemonId: 1, time: 2, index: 3 },
      cause,
      members: members.map((client) => client.self).sort(),
      sets: [[who.self]],
      ownSet: 0,
    };
    const bytes = new Uint8Array(viewSize(fields));
    writeView(bytes, 0, fields);
    for (const member of members) if (member.membership) member.send(bytes.slice());
  }

  #gone(client: Client): void {
    this.clients.splice(this.clients.indexOf(client), 1);
    for (const group of client.groups) this.#tell(group, "disconnect", client);
    this.#happened();
  }

  #happened(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

function selfLeave(group: string): Uint8Array {
  const bytes = new Uint8Array(SELF_LEAVE_BYTES);
  writeSelfLeave(bytes, 0, group);
  return bytes;
}
