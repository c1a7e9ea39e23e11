// What memberships cost on a ring: how soon a killed spreadd's sessions are out of everybody's views, what a join costs, and how long two parts with many
// groups and sessions need to become one. Sessions live in this process, so its own work is in all figures. Times from the monotonic clock, in milliseconds.
import { connect, type FrameView, type Session } from "../../lib/spread/index.ts";
import { readView } from "../../lib/spread/membership.ts";
import { type Cluster, startCluster } from "../../test/cluster/cluster.ts";
import type { Host } from "../../test/cluster/host.ts";

const CONFIG = '[spreadd]\nengine = "corosync"\nqueue_bytes_max = "64MiB"\n';
const CROWD = "crowd";
/** A wait's bound, not a goal. */
const LIMIT_MS = 60_000;
const KILL_GOAL_MS = 10;
const MERGE_GOAL_MS = 1_000;
const PART = { sessions: 500, groups: 1_000 } as const;

/** Rows of `scripts/bench cluster --only memberships`. */
export async function memberships(repetitions: number): Promise<void> {
  {
    await using cluster = await startCluster({ hosts: 3, corosync: { tokenMs: 300 }, spreadd: CONFIG });
    await kills(cluster, repetitions * 4);
    await joins(cluster);
  }
  await using cluster = await startCluster({ hosts: 2, corosync: { tokenMs: 150 }, spreadd: CONFIG });
  await merges(cluster, repetitions);
}

/** From the signal to the view without the dead, on each of the other hosts. */
async function kills(cluster: Cluster, repetitions: number): Promise<void> {
  const took: number[] = [];
  for (let nth = 0; nth < repetitions; nth++) {
    const victim = cluster.hosts[nth % cluster.hosts.length]!;
    await using watchers = await Watchers.on(cluster.hosts);
    await watchers.until((size) => size === cluster.hosts.length);
    await Bun.sleep(500 + 1_000 * Math.random());
    const begun = performance.now();
    cluster.at(victim.name).child("spreadd").signal("SIGKILL");
    const seen = await watchers.until((size) => size === cluster.hosts.length - 1, victim);
    took.push(...seen.map((atMs) => atMs - begun));
    await cluster.act(`${victim.name} spreadd killed`);
    await cluster.act(`${victim.name} spreadd started`);
  }
  row("spreadd killed: out of the others' views", took, KILL_GOAL_MS, median(took) <= KILL_GOAL_MS);
}

/** One session on each host, in one group; when each saw how many members. */
class Watchers implements AsyncDisposable {
  readonly #sizes = new Map<Host, { size: number; atMs: number }>();
  #changed = Promise.withResolvers<void>();
  readonly #sessions: Session[] = [];

  static async on(hosts: readonly Host[]): Promise<Watchers> {
    const watchers = new Watchers();
    for (const host of hosts) await watchers.#add(host);
    return watchers;
  }

  async #add(host: Host): Promise<void> {
    const session = await connect({
      ...host.session,
      name: "watch",
      reconnect: false,
      onFrame: (frame) => {
        if (frame.kind !== "view") return;
        this.#sizes.set(host, { size: readView(frame).members.length, atMs: performance.now() });
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      },
    });
    this.#sessions.push(session);
    await session.join(CROWD);
  }

  /** @returns when each host but `except` saw the view that fits, once all have */
  async until(fits: (size: number) => boolean, except?: Host): Promise<readonly number[]> {
    for (;;) {
      const hosts = [...this.#sizes.keys()].filter((host) => host !== except);
      const fitting = hosts.flatMap((host) => {
        const { size, atMs } = this.#sizes.get(host)!;
        return fits(size) ? [atMs] : [];
      });
      if (fitting.length === this.#sessions.length - (except === undefined ? 0 : 1)) return fitting;
      await within(this.#changed.promise, "a view");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
  }
}

/** One join at a time on a quiet ring, then a thousand at once. */
async function joins(cluster: Cluster): Promise<void> {
  let views = 0;
  let wake = Promise.withResolvers<void>();
  await using session = await connect({
    ...cluster.hosts[0]!.session,
    name: "joins",
    onFrame(frame) {
      if (frame.kind !== "view") return;
      views += 1;
      wake.resolve();
      wake = Promise.withResolvers();
    },
  });
  const until = async (count: number) => {
    while (views < count) await within(wake.promise, "a join");
  };
  const took: number[] = [];
  for (let nth = 0; nth < 200; nth++) {
    const begun = performance.now();
    await session.join(`one${nth}`);
    await until(nth + 1);
    took.push(performance.now() - begun);
  }
  row("one join on a quiet ring, until its view", took);
  const begun = performance.now();
  for (let nth = 0; nth < 1_000; nth++) void session.join(`all${nth}`);
  await until(1_200);
  row("1,000 joins at once, until the last view", [performance.now() - begun]);
}

/** Two parts with the same groups, and sessions of their own, until each session has the view of all in each of its groups. */
async function merges(cluster: Cluster, repetitions: number): Promise<void> {
  const [a, b] = cluster.hosts as [Host, Host];
  const { sessions: count, groups } = PART;
  const crowd = new Crowd(count, groups);
  await using _ = crowd;
  const begun = performance.now();
  await crowd.fill([a, b]);
  row(`${2 * count} sessions, ${groups} groups: all connected and joined`, [performance.now() - begun]);
  const fromFirst: number[] = [];
  const fromCable: number[] = [];
  for (let nth = 0; nth < repetitions; nth++) {
    await cluster.act("partition a | b");
    await crowd.networkViews("parted");
    await Bun.sleep(1_000 + 1_000 * Math.random());
    const healed = performance.now();
    const merged = crowd.networkViews("merged");
    await cluster.act("heal");
    const { firstMs, lastMs } = await merged;
    fromFirst.push(lastMs - firstMs);
    fromCable.push(lastMs - healed);
  }
  row(
    "merge of the two parts, from the first view to the last",
    fromFirst,
    MERGE_GOAL_MS,
    median(fromFirst) <= MERGE_GOAL_MS,
  );
  row("the same from the cable", fromCable, MERGE_GOAL_MS, median(fromCable) <= MERGE_GOAL_MS);
}

/** Sessions, each in `2 * groups / count` groups, so that each group has a member or two on each host. */
class Crowd implements AsyncDisposable {
  readonly #sessions: Session[] = [];
  readonly #each: number;
  #joined = 0;
  #networkViews: number[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(
    readonly count: number,
    readonly groups: number,
  ) {
    this.#each = Math.max(1, Math.round((2 * groups) / count));
  }

  async fill(hosts: readonly Host[]): Promise<void> {
    for (const host of hosts)
      for (let nth = 0; nth < this.count; nth++) {
        const session: Session = await connect({
          ...host.session,
          name: `m${nth}`,
          reconnect: false,
          onFrame: (frame) => this.#see(session, frame),
        });
        this.#sessions.push(session);
        for (let at = 0; at < this.#each; at++) void session.join(`g${(nth * this.#each + at) % this.groups}`);
      }
    while (this.#joined < this.#sessions.length * this.#each) await within(this.#changed.promise, "all joins");
  }

  /** Of all sessions in all their groups, the next network view: when the first came, and the last. */
  async networkViews(what: string): Promise<{ firstMs: number; lastMs: number }> {
    this.#networkViews = [];
    const wanted = this.#sessions.length * this.#each;
    while (this.#networkViews.length < wanted)
      await within(this.#changed.promise, `${wanted} views (${what}): ${this.#networkViews.length} came`);
    return { firstMs: this.#networkViews[0]!, lastMs: this.#networkViews.at(-1)! };
  }

  #see(session: Session, frame: FrameView): void {
    if (frame.kind !== "view") return;
    const { cause, sets } = readView(frame);
    if (cause === "join" && sets.flat().includes(session.privateGroup!)) this.#joined += 1;
    if (cause === "network") this.#networkViews.push(performance.now());
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
  }
}

async function within(event: Promise<void>, what: string): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} did not come within ${LIMIT_MS} ms`)), LIMIT_MS);
  try {
    await Promise.race([event, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function row(name: string, figures: readonly number[], goalMs?: number, isReached?: boolean): void {
  const goal = goalMs === undefined ? "" : `goal <= ${goalMs} ms ${isReached ? "reached" : "NOT reached"}`;
  console.log(`${name.padEnd(56)} ${three(figures).padEnd(26)} ${goal}`.trimEnd());
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[values.length >> 1]!;
const three = (values: readonly number[]) =>
  `${[sorted(values)[0]!, median(values), sorted(values).at(-1)!].map((ms) => ms.toFixed(1)).join(" / ")} ms`;
