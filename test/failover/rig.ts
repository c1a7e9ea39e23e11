// Hosts that keep addresses covered, a client that asks them, and what became of each address under a fault. Which system does the covering, and which group service is
// under it, is an argument: the same faults strike all.
import { setPriority } from "node:os";
import { systemClock } from "../../lib/run/clock.ts";
import { type Cluster, type ClusterOptions, startCluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import { Ownership } from "./ownership.ts";
import { ProberClient } from "./prober-client.ts";
import { type Fate, fateOf, type Reach, type Story } from "./timeline.ts";

/** What covers the addresses. */
export interface System {
  readonly name: string;
  /** Hosts beside the covering ones: where the one group daemon is. */
  readonly clients: readonly string[];
  /** What its hosts have from the start: a ring of daemons. */
  readonly ring?: Pick<ClusterOptions, "corosync" | "spreadd">;
  /** The service that covers, and the group daemon of each host, if there is one. */
  readonly unit: string;
  readonly daemon: string | undefined;
  /** Where signals to one process are not enough: what a fault of the unit is. */
  readonly signal?: (host: Host, signal: NodeJS.Signals) => Promise<void>;
  /** When the first view with hosts of several parts came to any of these since then; where that can be told. Both by CLOCK_MONOTONIC. */
  readonly firstMergedViewMs?: (hosts: readonly Host[], sinceMs: number) => Promise<number | undefined>;
  /** Puts everything on the hosts and starts it. */
  start(cluster: Cluster, vips: readonly RigVip[]): Promise<void>;
}

export interface RigVip {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface RigOptions {
  readonly hosts: number;
  readonly vips: number;
  /** IPv6 addresses as well, in every vip. */
  readonly hasIpv6: boolean;
}

/** What a fault did. */
export interface Outcome {
  /** Of the addresses that the struck host held. */
  readonly struck: readonly Fate[];
  readonly others: readonly Fate[];
  /** Addresses of others that moved. */
  readonly moved: readonly string[];
  /** By how much the client itself was held up at worst: gaps of others up to that are noise. */
  readonly lateMs: number;
  /** When it struck, CLOCK_MONOTONIC. */
  readonly fromMs: number;
  /** What became of all addresses, watched from a later moment only. */
  readonly later: (fromMs: number) => readonly Fate[];
}

/**
 * What hosts hold is stamped when it is read: on a busy machine this thread must come before what it watches, as the prober does, or its own lateness is told as theirs. Only while
 * nothing is started, which would inherit it.
 */
async function watching(watch: () => Promise<void>): Promise<void> {
  setPriority(-10);
  try {
    await watch();
  } finally {
    setPriority(0);
  }
}

export class Rig implements AsyncDisposable {
  readonly #reach: Reach[];
  readonly #cut = new Set<string>();
  #parts: readonly (readonly string[])[] = [];

  private constructor(
    readonly system: System,
    readonly cluster: Cluster,
    readonly vips: readonly RigVip[],
    readonly ownership: Ownership,
    readonly prober: ProberClient,
  ) {
    this.#reach = [{ atMs: 0, parts: [this.#everybody()] }];
  }

  static async start(system: System, options: RigOptions): Promise<Rig> {
    const cluster = await startCluster({
      hosts: options.hosts,
      clients: [...system.clients, "client"],
      ...system.ring,
    });
    try {
      const vips = Array.from({ length: options.vips }, (_, at) => {
        const addresses = [`10.7.0.${101 + at}`, ...(options.hasIpv6 ? [`fd07::${101 + at}`] : [])];
        return { name: `v${at + 1}`, addresses };
      });
      const addresses = vips.flatMap((vip) => vip.addresses);
      const watched = cluster.hosts.map(({ name, namespace: { pid } }) => ({ name, pid }));
      const ownership = new Ownership(watched, new Set(addresses));
      const prober = await ProberClient.start(cluster.at("client"), addresses);
      const rig = new Rig(system, cluster, vips, ownership, prober);
      await system.start(cluster, vips);
      return rig;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get addresses(): readonly string[] {
    return this.vips.flatMap(({ addresses }) => addresses);
  }

  host(name: string): Host {
    return this.cluster.at(name);
  }

  heldBy(host: string): readonly string[] {
    return this.addresses.filter((address) => this.ownership.holders(address).includes(host));
  }

  /** Resolves when every address is held by one host alone, and by one of these. */
  async covered(by: readonly string[] = this.cluster.hosts.map(({ name }) => name), waitMs?: number): Promise<void> {
    const isCovered = (address: string) => {
      const holders = this.ownership.holders(address);
      return holders.length === 1 && by.includes(holders[0]!);
    };
    await this.ownership.until(`cover by ${by}`, () => this.addresses.every(isCovered), waitMs);
  }

  /** Resolves when every host holds its share as well. */
  async balanced(waitMs?: number): Promise<void> {
    const names = this.cluster.hosts.map(({ name }) => name);
    const least = Math.floor(this.addresses.length / names.length);
    await this.ownership.until(
      "balance",
      () =>
        this.addresses.every((address) => this.ownership.holders(address).length === 1) &&
        names.every((name) => this.heldBy(name).length >= least),
      waitMs,
    );
  }

  /** Does what a line of the harness says (act.ts), and keeps in mind who reaches whom. */
  async act(line: string): Promise<void> {
    await this.cluster.act(line);
    const [first = "", ...rest] = line.split(" ");
    const how = rest.join(" ");
    if (first === "heal") this.#parts = [];
    else if (first === "partition") this.#parts = how.split("|").map((part) => part.trim().split(" "));
    else if (how === "cable pulled" || how === "gone") this.#cut.add(first);
    else if (how === "cable plugged" || how === "back") this.#cut.delete(first);
    else return;
    this.#reach.push({ atMs: systemClock.monotonicMs(), parts: this.#partsNow() });
  }

  /** What a host that was switched off has lost; the harness leaves its kernel running. */
  async loseAddresses(host: string): Promise<void> {
    const held = this.heldBy(host).map((address) => `address del ${address} dev eth0\n`);
    await this.host(host).exec(["ip", "-force", "-batch", "-"], { stdin: held.join("") }); // a lease may end meanwhile
  }

  /** Lets `fault` happen, waits for `until` and `restMs` more, and tells what became of every address. */
  async strike(
    victim: string,
    fault: () => Promise<void>,
    until: () => Promise<void>,
    restMs: number,
  ): Promise<Outcome> {
    const struck = this.heldBy(victim);
    const before = new Map(this.addresses.map((address) => [address, this.ownership.holders(address).join()]));
    await this.prober.mark();
    const fromMs = systemClock.monotonicMs();
    await fault();
    await watching(async () => {
      await until();
      await Bun.sleep(restMs);
    });
    const { markMs, outages, lateMs } = await this.prober.mark();
    const story: Story = { holds: this.ownership.changes, outages, reach: this.#reach, client: "client" };
    const later = (fromMs: number) => this.addresses.map((address) => fateOf(address, story, { fromMs, toMs: markMs }));
    const fates = later(fromMs);
    return {
      struck: fates.filter(({ address }) => struck.includes(address)),
      others: fates.filter(({ address }) => !struck.includes(address)),
      moved: this.addresses.filter(
        (address) => !struck.includes(address) && this.ownership.holders(address).join() !== before.get(address),
      ),
      lateMs,
      fromMs,
      later,
    };
  }

  /**
   * What became of all addresses from when the parts of a network that had come together first knew of each other. Asks the moles of all hosts, who have to be well.
   * @returns `undefined`: nothing has come together, or nobody can tell
   */
  async fatesFromMerge({ fromMs, later }: Outcome): Promise<readonly Fate[] | undefined> {
    const mergedMs = await this.system.firstMergedViewMs?.(this.cluster.hosts, fromMs);
    return mergedMs === undefined ? undefined : later(mergedMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ownership[Symbol.dispose]();
    await this.cluster[Symbol.asyncDispose]();
  }

  #everybody(): readonly string[] {
    return [...this.cluster.hosts, ...this.cluster.clients].map(({ name }) => name);
  }

  /** Who is named in no part is in the first. */
  #partsNow(): readonly (readonly string[])[] {
    const present = this.#everybody().filter((name) => !this.#cut.has(name));
    const parts: string[][] = this.#parts.length === 0 ? [[]] : this.#parts.map(() => []);
    for (const name of present)
      parts[
        Math.max(
          0,
          this.#parts.findIndex((part) => part.includes(name)),
        )
      ]!.push(name);
    return parts;
  }
}
