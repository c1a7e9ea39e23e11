// A client of a soak: joins, leaves and sends by chance, writes down what it gets, and when its daemon is lost comes back as another.
import type { Random } from "../../lib/base/random.ts";
import { pause } from "../../lib/run/pause.ts";
import { connect, type Message, type ServiceType, type Session, type SessionEvent } from "../../lib/spread/index.ts";
import type { Host } from "./host.ts";
import { type Life, writeId } from "./record.ts";

export interface ClientOptions {
  readonly host: Host;
  /** At most 5 characters: a life's number comes behind it. */
  readonly name: string;
  readonly groups: readonly string[];
  readonly random: Random;
  /** Something was written down. */
  readonly onEntry: () => void;
}

const SERVICES: readonly ServiceType[] = ["agreed", "agreed", "agreed", "fifo", "causal", "safe", "reliable"];

export class Client {
  readonly lives: Life[] = [];
  /** What it is in now, as far as it is up to it. */
  readonly wanted = new Set<string>();
  /** It joins, leaves and sends. */
  isActive = true;
  #session: Session | undefined;
  #sent = 0;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(readonly options: ClientOptions) {
    for (const group of options.groups) if (options.random() < 0.7) this.wanted.add(group);
    this.wanted.add(options.groups[0]!);
    this.#running = this.#run();
  }

  /** Its life now; `undefined` while it has none. */
  get life(): Life | undefined {
    return this.#session === undefined ? undefined : this.lives.at(-1);
  }

  /** Sends a message to a group, and gives its name. */
  async send(groups: readonly string[], service: ServiceType): Promise<string | undefined> {
    const { life, options } = this;
    const session = this.#session;
    if (life === undefined || session === undefined) return undefined;
    const message = `${life.name}:${++this.#sent}`;
    const size = options.random() < 0.03 ? 60_000 : Math.floor(options.random() * 1_500);
    life.entries.push({ was: "sent", message, groups });
    await session.multicast([...groups], bodyOf(message, size), { service }).catch(() => {}); // lost meanwhile
    return message;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const session = await this.#connect();
      if (session === undefined) continue;
      await Promise.all([this.#listen(session), this.#act(session)]);
      await session.close();
    }
  }

  async #connect(): Promise<Session | undefined> {
    const { host, name, onEntry, random } = this.options;
    try {
      const session = await connect({
        ...host.session,
        name: `${name}_${this.lives.length}`,
        reconnect: false,
        silenceMs: 0, // a frozen daemon is no lost one: it comes back
        connectTimeoutMs: 2_000,
        closeMs: 100,
        signal: this.#stop.signal,
      });
      this.lives.push({ name: session.privateGroup!, entries: [], isWhole: true });
      this.#session = session;
      for (const group of this.wanted) await session.join(group).catch(() => {});
      onEntry();
      return session;
    } catch {
      await pause(50 + 100 * random(), this.#stop.signal);
      return undefined;
    }
  }

  async #listen(session: Session): Promise<void> {
    const life = this.lives.at(-1)!;
    for await (const event of session) {
      if (event.kind === "lost") {
        life.isWhole = this.#stop.signal.aborted;
        this.#session = undefined;
      }
      this.#write(life, event);
      this.options.onEntry();
    }
    this.#session = undefined;
    this.options.onEntry();
  }

  #write({ entries }: Life, event: SessionEvent): void {
    switch (event.kind) {
      case "message":
        entries.push(entryOf(event));
        return;
      case "view": {
        const { group, cause, members, sets, ownSet } = event;
        const own = cause === "network" ? sets[ownSet]! : [];
        entries.push({ was: "view", group, id: writeId(event.id), cause, members, sets, ownSet: own });
        return;
      }
      case "transition":
        entries.push({ was: "transition", group: event.group, id: writeId(event.id) });
        return;
      case "selfLeave":
        entries.push({ was: "left", group: event.group });
        return;
      default:
        return;
    }
  }

  async #act(session: Session): Promise<void> {
    const { random, groups } = this.options;
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    while (this.#session === session && !this.#stop.signal.aborted) {
      await pause(10 + 60 * random(), this.#stop.signal);
      if (!this.isActive || this.#session !== session) continue;
      if (random() < 0.02) await this.#change(session, pick(groups));
      else await this.send(random() < 0.15 ? groups.slice(0, 2) : [pick(groups)], pick(SERVICES));
    }
  }

  /** Joins a group that it is not in, leaves one that it is in. */
  async #change(session: Session, group: string): Promise<void> {
    if (this.wanted.delete(group)) {
      this.life?.entries.push({ was: "leaving", group });
      await session.leave(group).catch(() => {});
    } else {
      this.wanted.add(group);
      await session.join(group).catch(() => {});
    }
  }
}

/** The message's name, a line end, and as many bytes as the second line says: what is cut or mixed up does not read as a message. */
function bodyOf(message: string, size: number): Uint8Array {
  return new TextEncoder().encode(`${message}\n${size}\n${message.slice(-1).repeat(size)}`);
}

function entryOf({ body, sender, groups, service }: Message): Life["entries"][number] {
  const [message = "", size, filling = ""] = new TextDecoder().decode(body).split("\n");
  const isWhole = Number(size) === filling.length && filling === message.slice(-1).repeat(filling.length);
  return { was: "message", message: isWhole ? message : `a broken body of ${sender}`, sender, groups, service };
}
