// The switch that the hosts' cables end in: a namespace with a bridge for each part of the network. A partition moves ports to other bridges, so
// nothing of one part reaches another; a pulled cable is a port that is down, and its host sees that.
import { Namespace } from "./namespace.ts";

interface Port {
  readonly name: string;
  part: number;
}

export class Network {
  readonly #ports = new Map<string, Port>();
  #parts = 0;

  private constructor(private readonly namespace: Namespace) {}

  static async open(): Promise<Network> {
    const network = new Network(await Namespace.open({ name: "switch" }));
    await network.#needParts(1);
    return network;
  }

  /** A cable from `host` (its eth0, with these addresses) to the switch. */
  async connect(host: Namespace, addresses: readonly string[]): Promise<void> {
    const port = { name: `port${this.#ports.size + 1}`, part: 0 };
    this.#ports.set(host.name, port);
    await this.#ip([
      `link add ${port.name} type veth peer name eth0 netns ${host.pid}`,
      `link set ${port.name} master part0`,
      `link set ${port.name} up`,
    ]);
    await ip(host, [
      ...addresses.map((address) => `address add ${address} dev eth0${address.includes(":") ? " nodad" : ""}`),
      "link set eth0 up",
    ]);
  }

  /** The host's cable, out. */
  async pull(host: string): Promise<void> {
    await this.#ip([`link set ${this.#port(host).name} down`]);
  }

  async plug(host: string): Promise<void> {
    await this.#ip([`link set ${this.#port(host).name} up`]);
  }

  /** Hosts of one part reach each other and nobody else. Who is in no part (clients mostly) stays with the first. */
  async partition(parts: readonly (readonly string[])[]): Promise<void> {
    await this.#needParts(parts.length);
    const moves: string[] = [];
    for (const [host, port] of this.#ports) {
      const part = Math.max(
        0,
        parts.findIndex((hosts) => hosts.includes(host)),
      );
      if (part === port.part) continue;
      port.part = part;
      moves.push(`link set ${port.name} master part${part}`);
    }
    await this.#ip(moves);
  }

  /** One network again. Cables that are out stay out. */
  async heal(): Promise<void> {
    await this.partition([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]();
  }

  #port(host: string): Port {
    const port = this.#ports.get(host);
    if (port === undefined) throw new Error(`no host is called ${host}`);
    return port;
  }

  async #needParts(count: number): Promise<void> {
    for (; this.#parts < count; this.#parts++) {
      const bridge = `part${this.#parts}`;
      await this.#ip([
        `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
        `link set ${bridge} up`,
      ]);
    }
  }

  async #ip(commands: readonly string[]): Promise<void> {
    await ip(this.namespace, commands);
  }
}

/** Runs commands of ip(8) in one go. */
export async function ip(host: Namespace, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return;
  const text = `${commands.join("\n")}\n`;
  await using child = host.start(["ip", "-batch", "-"], { stdin: text });
  const { status, stderr } = await child.result();
  if (status !== 0) throw new Error(`${host.name}: ip: ${stderr}${text}`);
}
