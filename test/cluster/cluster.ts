// A cluster of hosts in namespaces on one switch, for tests: `await using cluster = await startCluster({ hosts: 3, corosync: { tokenMs: 150 } })`.
// What runs on each, how it fails (`cluster.act("c cable pulled")`) and what is awaited stands in the test; all of it goes with the scope, and when
// the test's process dies.
import { type HostFault, parseAct } from "./act.ts";
import { corosyncConf, type RingTimes } from "./corosync.ts";
import { Host } from "./host.ts";
import { Namespace } from "./namespace.ts";
import { Network } from "./network.ts";

export interface ClusterOptions {
  /** How many, called a, b, c…, or their names. */
  readonly hosts: number | readonly string[];
  /** Hosts without a place in the ring, beside them on the switch. */
  readonly clients?: readonly string[];
  /** The first three parts of the hosts' addresses: "10.7.0" unless said. */
  readonly network?: string;
  /** A corosync on each host, and its ring awaited. Left out: none. */
  readonly corosync?: RingTimes;
  /** Our spreadd on each host with this config (the whole file, or made for each). */
  readonly spreadd?: string | ((host: Host) => string);
}

export class Cluster {
  /** Hosts by name: `const { a, b, c } = cluster.host`. Clients too. */
  readonly host: Readonly<Record<string, Host>>;

  constructor(
    readonly network: Network,
    /** Hosts of the ring. */
    readonly hosts: readonly Host[],
    readonly clients: readonly Host[],
  ) {
    this.host = Object.fromEntries([...hosts, ...clients].map((host) => [host.name, host]));
  }

  /** A host by its name. */
  at(name: string): Host {
    const host = this.host[name];
    if (host === undefined) throw new Error(`no host is called ${name}`);
    return host;
  }

  /**
   * Does what the line says, see act.ts.
   * @param isAwaited services that are started are waited for until they serve
   */
  async act(line: string, { isAwaited = true } = {}): Promise<void> {
    const act = parseAct(line);
    switch (act.does) {
      case "heal":
        return await this.network.heal();
      case "partition":
        return await this.network.partition(act.parts);
      case "service": {
        const host = this.at(act.host);
        if (act.how === "frozen") return await host.freeze(act.service);
        if (act.how === "thawed") return host.thaw(act.service);
        if (act.how === "started") return await host.again(act.service, isAwaited);
        return act.how === "killed" ? await host.kill(act.service) : await host.stop(act.service);
      }
      case "host":
        return await this.#actOnHost(this.at(act.host), act.how, isAwaited);
    }
  }

  /** The lines one after the other. */
  async story(...lines: readonly string[]): Promise<void> {
    for (const line of lines) await this.act(line);
  }

  /** Resolves when each of these hosts (all of the ring unless said) sees just them in its ring. */
  async ring(names: readonly string[] = this.hosts.map(({ name }) => name)): Promise<void> {
    const hosts = names.map((name) => this.at(name));
    await Promise.all(hosts.map((host) => host.ring(hosts)));
  }

  async #actOnHost(host: Host, how: HostFault, isAwaited: boolean): Promise<void> {
    switch (how) {
      case "frozen":
        return await host.freezeAll();
      case "thawed":
        return host.thawAll();
      case "gone":
        await this.network.pull(host.name);
        return await host.killAll();
      case "back":
        await this.network.plug(host.name);
        return await host.againAll(isAwaited);
      case "cable pulled":
        return await this.network.pull(host.name);
      default:
        return await this.network.plug(host.name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.hosts, ...this.clients].map((host) => host.namespace);
    await Promise.all([...all, this.network].map((part) => part[Symbol.asyncDispose]()));
  }
}

/** Makes the hosts, their cables, and what the options want to run on them. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { clients = [], corosync, spreadd, network: prefix = "10.7.0" } = options;
  const names =
    typeof options.hosts === "number"
      ? Array.from({ length: options.hosts }, (_, at) => String.fromCharCode(97 + at))
      : options.hosts;
  const all = [...names, ...clients].map((name, at) => ({
    name,
    id: at + 1,
    address: `${prefix}.${at + 1}`,
    address6: `fd07::${at + 1}`,
  }));
  const hosts = all.map(({ name, address }) => `${address} ${name}`).join("\n");
  const network = await Network.open();
  const opened: Host[] = [];
  const cluster = () => new Cluster(network, opened.slice(0, names.length), opened.slice(names.length));
  try {
    const made = await Promise.allSettled(all.map(({ name }) => Namespace.open({ name, hosts })));
    for (const [at, result] of made.entries())
      if (result.status === "fulfilled")
        opened.push(new Host(result.value, all[at]!.id, all[at]!.address, all[at]!.address6));
    for (const result of made) if (result.status === "rejected") throw result.reason;
    for (const { namespace, address, address6 } of opened)
      await network.connect(namespace, [`${address}/24`, `${address6}/64`]);
    const whole = cluster();
    if (corosync !== undefined) {
      for (const host of whole.hosts) {
        host.write("/etc/corosync/corosync.conf", corosyncConf(whole.hosts, corosync));
        await host.corosync();
      }
      await whole.ring();
    }
    if (spreadd !== undefined)
      await Promise.all(
        whole.hosts.map((host) => host.service("spreadd", typeof spreadd === "string" ? spreadd : spreadd(host))),
      );
    return whole;
  } catch (error) {
    await cluster()[Symbol.asyncDispose]();
    throw error;
  }
}
