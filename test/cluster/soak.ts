// Rounds of random faults under traffic; after each all is made well, everybody must see everybody again, and what all clients saw is checked.
import { writeFileSync } from "node:fs";
import { type Random, seededRandom } from "../../lib/base/random.ts";
import { Client } from "./client.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import type { Transport } from "./corosync.ts";
import { Director } from "./director.ts";
import { brokenPromises } from "./invariants.ts";
import type { Life } from "./record.ts";

export interface SoakOptions {
  readonly hosts: number;
  readonly minutes: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
  /** Of corosync; udpu if not said. */
  readonly transport?: Transport;
  /** Where the records of a broken round go. */
  readonly keep?: string | undefined;
}

export interface SoakResult {
  readonly rounds: number;
  readonly faults: number;
  readonly lives: number;
  readonly deliveries: number;
  readonly views: number;
  /** Promises broken, or what did not come right again. The soak ends with the first round that has any. */
  readonly broken: readonly string[];
}

const GROUPS = ["g1", "g2", "g3"];
const CLIENTS_PER_HOST = 2;
const ROUND_MS = 12_000;
/** How long all may take to be well again: corosync's slowest, ten times. */
const SETTLE_MS = 60_000;

const CONFIG = '[spreadd]\nengine = "corosync"\nsilence = "2s"\n';

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { seed, minutes, tell } = options;
  const random = seededRandom(seed);
  await using cluster = await startCluster({
    hosts: options.hosts,
    corosync: { tokenMs: 150, retransmits: 2, transport: options.transport ?? "udpu" },
    spreadd: CONFIG,
  });
  const total = { rounds: 0, faults: 0, lives: 0, deliveries: 0, views: 0, broken: [] as readonly string[] };
  const end = performance.now() + minutes * 60_000;
  while (total.broken.length === 0 && performance.now() < end) {
    total.rounds += 1;
    const round = new Round(cluster, random, total.rounds, tell);
    total.broken = await round.play(Math.min(ROUND_MS, Math.max(2_000, end - performance.now())));
    const lives = round.lives;
    total.faults += round.faults;
    total.lives += lives.length;
    for (const { entries } of lives) {
      total.deliveries += entries.filter(({ was }) => was === "message").length;
      total.views += entries.filter(({ was }) => was === "view").length;
    }
    tell(`round ${total.rounds}: ${round.faults} faults, ${lives.length} lives, ${total.broken.length} broken`);
    if (total.broken.length > 0 && options.keep !== undefined) keepRecords(options.keep, cluster, lives, round.story);
  }
  return total;
}

class Round {
  readonly #clients: Client[] = [];
  readonly story: string[] = [];
  faults = 0;
  #wake: () => void = () => {};
  readonly #begun = performance.now();

  constructor(
    private readonly cluster: Cluster,
    private readonly random: Random,
    round: number,
    private readonly tell: (line: string) => void,
  ) {
    for (const host of cluster.hosts)
      for (let at = 0; at < CLIENTS_PER_HOST; at++)
        this.#clients.push(
          new Client({
            host,
            name: `${round % 100}${String.fromCharCode(97 + at)}`,
            groups: GROUPS,
            random: seededRandom(Math.floor(random() * 2 ** 32)),
            onEntry: () => this.#wake(),
          }),
        );
  }

  get lives(): readonly Life[] {
    return this.#clients.flatMap(({ lives }) => lives);
  }

  /** @returns what is broken */
  async play(ms: number): Promise<readonly string[]> {
    const { cluster, random } = this;
    try {
      await this.#settled("at first");
      for (const client of this.#clients) client.isActive = true;
      const director = new Director(
        cluster.hosts.map(({ name }) => name),
        random,
      );
      const end = performance.now() + ms;
      while (performance.now() < end) {
        await Bun.sleep(50 + random() ** 2 * 2_500); // the pace of the story: bursts, so that changes meet changes
        await this.#do(director.next());
        this.faults += 1;
      }
      for (const line of director.calm()) await this.#do(line);
      for (const client of this.#clients) client.isActive = false;
      do await this.#settled("at the end");
      while (!(await this.#everybodyHears()));
    } catch (error) {
      return [
        `does not come right again: ${error instanceof Error ? error.message : error}`,
        ...brokenPromises(this.lives),
      ];
    } finally {
      await Promise.all(this.#clients.map((client) => client.close()));
    }
    return brokenPromises(this.lives);
  }

  async #do(line: string): Promise<void> {
    const told = `${((performance.now() - this.#begun) / 1_000).toFixed(3)} ${line}`;
    this.story.push(told);
    this.tell(told);
    await this.cluster.act(line, { isAwaited: false });
  }

  /** All clients are there, and the last view of each group in each has just those who are in it. */
  async #settled(when: string): Promise<void> {
    await this.#until(`all see all ${when}`, () => {
      for (const group of GROUPS) {
        const members = this.#clients.filter(({ wanted }) => wanted.has(group)).map(({ life }) => life);
        const wanted = members.map((life) => life?.name ?? "nobody").sort();
        for (const life of members) {
          const view = life?.entries.findLast((entry) => entry.was === "view" && entry.group === group);
          const found = view?.was === "view" ? [...view.members].sort() : [];
          if (found.join() !== wanted.join())
            return `${group}: ${life?.name ?? "one that has no daemon"} sees ${found.join() || "nothing"}, wanted ${wanted.join()}`;
        }
      }
      return undefined;
    });
  }

  /**
   * What each says to each of its groups is heard by all who are in it.
   * @returns `false` where one was lost meanwhile, or parted and came back: the last fault may not have been noticed yet when all seemed well, and what was
   * said in the view without somebody is not for him
   */
  async #everybodyHears(): Promise<boolean> {
    const viewsOf = (life: Life | undefined) => life?.entries.filter(({ was }) => was === "view").length;
    const before = this.#clients.map(({ life }) => ({ life, views: viewsOf(life) }));
    const isSame = () =>
      this.#clients.every(({ life }, at) => life === before[at]!.life && viewsOf(life) === before[at]!.views);
    const last: { readonly group: string; readonly message: string }[] = [];
    for (const client of this.#clients)
      for (const group of client.wanted) {
        const message = await client.send([group], "safe");
        if (message !== undefined) last.push({ group, message });
      }
    await this.#until("all hear all", () => {
      if (!isSame()) return undefined;
      for (const { group, message } of last)
        for (const { life, wanted } of this.#clients)
          if (wanted.has(group) && !life?.entries.some((entry) => entry.was === "message" && entry.message === message))
            return `${life?.name ?? "one that has no daemon"} has not heard ${message} to ${group}`;
      return undefined;
    });
    return isSame();
  }

  /** @param missing what is missing yet */
  async #until(what: string, missing: () => string | undefined): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (let found = missing(); found !== undefined; found = missing()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`waited ${SETTLE_MS} ms until ${what}; ${found}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
  }
}

/** For whoever looks into it: what each client saw, the story, and what the services said. */
function keepRecords(directory: string, cluster: Cluster, lives: readonly Life[], story: readonly string[]): void {
  writeFileSync(`${directory}/story`, `${story.join("\n")}\n`);
  for (const { name, entries } of lives)
    writeFileSync(
      `${directory}/${name.replaceAll("#", "_")}.jsonl`,
      `${entries.map((entry) => JSON.stringify(entry)).join("\n")}\n`,
    );
  for (const host of cluster.hosts)
    for (const service of ["corosync", "spreadd"])
      writeFileSync(`${directory}/${host.name}.${service}.log`, host.said(service));
}
