// A group service, as far as acknowledged delivery stands on it: one order for all messages; what a session sent is ordered in its order, and given to each member in the
// order of all; when a session is lost, what it had sent is ordered up to some point and lost behind it, and so is what was on its way to it.
import type { Random } from "../../../lib/base/random.ts";
import type { Clockwork } from "../clockwork.ts";

export interface Message {
  /** Its sender's private group. */
  readonly from: string;
  readonly to: string;
  readonly type: number;
  readonly body: Uint8Array;
}

export interface Client {
  readonly name: string;
  readonly groups: readonly string[];
  connected(self: string): void;
  lost(): void;
  received(message: Message): void;
}

interface Session {
  readonly client: Client;
  readonly self: string;
  isOpen: boolean;
  readonly toDaemon: Message[];
  readonly toClient: Message[];
}

export class Net {
  readonly #sessions = new Map<Client, Session>();
  #isUp = true;
  #names = 0;
  ordered = 0;

  constructor(
    private readonly clock: Clockwork,
    private readonly random: Random,
  ) {}

  /** Connects as soon as there is a daemon, until `gone`. */
  connect(client: Client, isWanted: () => boolean): void {
    this.clock.after(5 + this.random() * 200, () => {
      if (!isWanted() || this.#sessions.has(client)) return;
      if (!this.#isUp) {
        this.connect(client, isWanted);
        return;
      }
      this.#names += 1;
      const session = { client, self: `#${client.name}-${this.#names}#d`, isOpen: true, toDaemon: [], toClient: [] };
      this.#sessions.set(client, session);
      client.connected(session.self);
    });
  }

  send(client: Client, to: string, type: number, body: Uint8Array): boolean {
    const session = this.#sessions.get(client);
    if (session === undefined) return false;
    session.toDaemon.push({ from: session.self, to, type, body: body.slice() });
    this.clock.after(this.#delayMs(), () => this.#order(session));
    return true;
  }

  /** The connection breaks; the client is told where it lives. */
  drop(client: Client): void {
    const session = this.#sessions.get(client);
    if (session === undefined) return;
    session.isOpen = false;
    this.#sessions.delete(client);
    // Some of what the socket took is ordered, though nobody will know.
    for (let left = Math.floor(this.random() * (session.toDaemon.length + 1)); left > 0; left--)
      this.#deliver(session.toDaemon.shift()!);
    client.lost();
  }

  killDaemon(): void {
    this.#isUp = false;
    for (const client of [...this.#sessions.keys()]) {
      const session = this.#sessions.get(client)!;
      session.toDaemon.length = 0;
      this.drop(client);
    }
  }

  startDaemon(): void {
    this.#isUp = true;
  }

  #delayMs(): number {
    return this.random() < 0.1 ? this.random() * 60 : this.random() * 3;
  }

  #order(session: Session): void {
    const message = session.isOpen ? session.toDaemon.shift() : undefined;
    if (message !== undefined) this.#deliver(message);
  }

  #deliver(message: Message): void {
    this.ordered += 1;
    for (const session of this.#sessions.values()) {
      if (session.self !== message.to && !session.client.groups.includes(message.to)) continue;
      session.toClient.push(message);
      this.clock.after(this.#delayMs(), () => {
        const next = session.isOpen ? session.toClient.shift() : undefined;
        if (next !== undefined) session.client.received(next);
      });
    }
  }
}
