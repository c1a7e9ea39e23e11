// The logs of three hosts, over corosync: a syslogd, a recorder and a screen on each.
import { describe, expect, test } from "bun:test";
import { openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { binary } from "../support/binary.ts";
import { type Child, WAIT_MS } from "../support/child.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { hasCorosync } from "./requirements.ts";

const CONFIG = `[spreadd]
engine = "corosync"
[syslogd]
kernel = "no"
socket = ["/run/log"]
spool_directory = "/run/spool"
[[syslogd.rule]]
select = "user.*"
to = "group:log.user"
acks = 3
[[logcat.write]]
groups = ["log.user"]
to = "file:/run/log.d/cluster.log"
format = "%host% %msg%"
`;

/** A cluster on which every host logs, records, and shows. */
async function loggingCluster() {
  const cluster = await startCluster({ hosts: 3, corosync: { tokenMs: 150, retransmits: 2 }, spreadd: CONFIG });
  const screens: Child[] = [];
  for (const host of cluster.hosts) {
    await host.run("recorder", [binary(), "logcat", "record", "--verbose"], { ready: "joined log.user" });
    const screen = host.start([binary(), "logcat", "--verbose", "--format", "%host% %msg%", "log.user"]);
    await screen.stderr.until("joined log.user");
    screens.push(screen);
  }
  for (const host of cluster.hosts)
    await host.run("syslogd", [binary(), "syslogd"], {
      ready: "listens on",
    });
  return { cluster, screens, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
}

/** Logs numbered records on a host: "n=1" and so on. */
class Talker implements Disposable {
  readonly #socket = openUnixDatagram();
  said = 0;

  constructor(readonly host: Host) {}

  async say(records: number): Promise<void> {
    for (let left = records; left > 0; left--) {
      const text = new TextEncoder().encode(`<14>app: n=${this.said + 1}`);
      while (!sendUnixDatagram(this.#socket.fd, this.host.path("/run/log"), text)) await Bun.sleep(1);
      this.said += 1;
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Everything that all talkers have said, each host's in its order. */
const allSaid = (talkers: readonly Talker[]) =>
  talkers.flatMap(({ host, said }) => Array.from({ length: said }, (_, at) => `${host.name} n=${at + 1}`));

async function until(isSo: () => Promise<boolean>, what: () => string): Promise<void> {
  for (const deadline = performance.now() + 3 * WAIT_MS; !(await isSo()); await Bun.sleep(50))
    if (performance.now() > deadline) throw new Error(what());
}

const recorded = async (host: Host) =>
  (await host.read("/run/log.d/cluster.log").catch(() => "")).split("\n").filter((line) => / n=\d+$/.test(line));

/** Resolves when every recorder has as many records as were said. */
async function recordedEverywhere({ hosts }: Cluster, talkers: readonly Talker[]): Promise<void> {
  const wanted = allSaid(talkers).length;
  let found: number[] = [];
  await until(
    async () => {
      found = await Promise.all(hosts.map(async (host) => new Set(await recorded(host)).size));
      return found.every((count) => count === wanted);
    },
    () => `said ${wanted}, recorded ${found.join(", ")}: ${hosts.map((host) => host.said("recorder")).join("\n")}`,
  );
}

describe.if(hasCorosync)("syslogd, recorder and screen on three hosts", () => {
  test("the same records in the same order everywhere", async () => {
    await using logging = await loggingCluster();
    const { cluster, screens } = logging;
    const talkers = cluster.hosts.map((host) => new Talker(host));
    await Promise.all(talkers.map((talker) => talker.say(300)));
    for (const screen of screens) {
      const shown = (text: string) => text.split("\n").filter((line) => / n=\d+$/.test(line)).length;
      await until(
        async () => shown(screen.stdout.text) === 900,
        () => `shown ${shown(screen.stdout.text)} of 900: ${screen.stderr.text}`,
      );
    }
    const [first, second, third] = screens.map(({ stdout }) => stdout.text);
    expect(second).toBe(first!);
    expect(third).toBe(first!);
    await recordedEverywhere(cluster, talkers);
    const files = await Promise.all(cluster.hosts.map(recorded));
    expect(files[1]).toEqual(files[0]!);
    expect(files[2]).toEqual(files[0]!);
    expect([...files[0]!].sort()).toEqual(allSaid(talkers).sort());
    for (const talker of talkers) talker[Symbol.dispose]();
  }, 120_000);

  test("both parts of a partition go on, and after it every recorder has every record, once", async () => {
    await using logging = await loggingCluster();
    const { cluster } = logging;
    const talkers = cluster.hosts.map((host) => new Talker(host));
    const all = () => Promise.all(talkers.map((talker) => talker.say(100)));
    await all();
    await recordedEverywhere(cluster, talkers);
    await cluster.act("partition a b | c");
    await Promise.all([cluster.ring(["a", "b"]), cluster.ring(["c"])]);
    await all();
    const inBothParts = async (host: Host, from: string) =>
      (await recorded(host)).filter((line) => line.startsWith(`${from} `)).length === 200;
    const { a, b, c } = cluster.host;
    await until(
      async () => (await inBothParts(a!, "b")) && (await inBothParts(b!, "a")) && (await inBothParts(c!, "c")),
      () => "a part does not go on by itself",
    );
    await cluster.act("heal");
    await cluster.ring();
    await all();
    await recordedEverywhere(cluster, talkers);
    // A file is in the order of arrival: what a part missed comes late, behind what was said since.
    for (const host of cluster.hosts) expect((await recorded(host)).sort()).toEqual(allSaid(talkers).sort());
    for (const talker of talkers) talker[Symbol.dispose]();
  }, 180_000);
});
