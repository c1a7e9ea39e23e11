// `cluster check` on hosts that are set up by `cluster init`, and then spoilt one by one: each mistake is named on the host that can see it.
import { describe, expect, test } from "bun:test";
import { type Cluster, startCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { ip } from "./network.ts";
import { canMakeHosts, hasCorosync } from "./requirements.ts";

const NODES = "a=10.7.0.1,b=10.7.0.2";

/** Two hosts as `cluster init` leaves them. */
async function setUp(): Promise<Cluster> {
  const cluster = await startCluster({ hosts: 2 });
  for (const host of cluster.hosts) {
    host.write("/tmp/secret", "s".repeat(32));
    const { status, stderr } = await host.spreadbox(["cluster", "init", "--nodes", NODES, "--key", "/tmp/secret"]);
    if (status !== 0) throw new Error(stderr);
  }
  return cluster;
}

/** What the checks of both say, run at the same time. */
async function checked(cluster: Cluster, wait = "8s") {
  const results = await Promise.all(cluster.hosts.map((host) => host.spreadbox(["cluster", "check", "--for", wait])));
  return results.map(({ status, stdout, stderr }) => ({ status, text: stdout || stderr }));
}

const alone = (host: Host) => host.spreadbox(["cluster", "check", "--alone"]);

describe.if(canMakeHosts && hasCorosync)("before corosync runs", () => {
  test("hosts that were set up alike find nothing wrong with each other", async () => {
    await using cluster = await setUp();
    const [a, b] = await checked(cluster);
    expect(a!.text).toContain("ok    this host is node 1, a, of 2");
    expect(a!.text).toContain("ok    a dead host is noticed within 665ms");
    expect(a!.text).toMatch(/ok {4}b: UDP port 5405 both ways, 1500 bytes, [\d.]+ ms there and back/);
    expect(b!.text).toMatch(/ok {4}a: UDP port 5405 both ways, 1500 bytes/);
    expect([a!.text, a!.status, b!.status]).toEqual([expect.not.stringContaining("BAD"), 0, 0]);
  });

  for (const { claim, spoil, says } of [
    {
      claim: "another corosync key",
      spoil: ({ b }) => b!.write("/etc/corosync/authkey", "x".repeat(256), 0o400),
      says: /BAD +[ab] has another \/etc\/corosync\/authkey\n +copy it/,
    },
    {
      claim: "another corosync.conf",
      spoil: async ({ b }) => {
        const conf = await b!.read("/etc/corosync/corosync.conf");
        b!.write("/etc/corosync/corosync.conf", conf.replace("token: 300", "token: 400"));
      },
      says: /BAD +[ab] has another \/etc\/corosync\/corosync\.conf/,
    },
    {
      claim: "a cable that is out",
      spoil: ({ b: _ }, cluster) => cluster.act("b cable pulled"),
      says: /BAD +nothing comes from [ab]\n +run cluster check there at the same time; if it does run, UDP port 5405/,
    },
    {
      claim: "a way that full packets do not pass",
      spoil: ({ b }) => ip(b!.namespace, ["link set eth0 mtu 1400"]),
      says: /BAD +full packets do not come through (?:to|from) [ab]: something on the way takes less than 1500 bytes/,
    },
  ] as readonly {
    claim: string;
    spoil: (hosts: Cluster["host"], cluster: Cluster) => unknown;
    says: RegExp;
  }[])
    test(`${claim} is told where it is seen`, async () => {
      await using cluster = await setUp();
      await spoil(cluster.host, cluster);
      for (const { status, text } of await checked(cluster, "1500ms"))
        expect([status, text]).toEqual([78, expect.stringMatching(says)]);
    });
});

describe.if(canMakeHosts && hasCorosync)("of this host alone", () => {
  for (const { claim, spoil, says } of [
    {
      claim: "a key that others may read",
      spoil: (host) => host.output(["chmod", "644", "/etc/corosync/authkey"]),
      says: "BAD   /etc/corosync/authkey may be read by others than its owner (mode 0644)\n      chmod 400 /etc/corosync/authkey",
    },
    {
      claim: "a missing key",
      spoil: (host) => host.output(["rm", "/etc/corosync/authkey"]),
      says: "BAD   there is no /etc/corosync/authkey",
    },
    {
      claim: "no configuration",
      spoil: (host) => host.output(["rm", "/etc/corosync/corosync.conf"]),
      says: "BAD   there is no /etc/corosync/corosync.conf\n      spreadbox cluster init",
    },
    {
      claim: "the package's own example",
      spoil: (host) =>
        host.write(
          "/etc/corosync/corosync.conf",
          "nodelist {\n node {\n  name: node1\n  ring0_addr: 127.0.0.1\n }\n}\n",
        ),
      says: "BAD   /etc/corosync/corosync.conf is a ring of this host alone, as the package brings it\n      spreadbox cluster init",
    },
    {
      claim: "another host name",
      spoil: (host) => host.output(["hostname", "elsewhere"]),
      says: "BAD   this host is called elsewhere, and a in /etc/corosync/corosync.conf",
    },
    {
      claim: "an address that it does not have",
      spoil: async (host) => {
        const conf = await host.read("/etc/corosync/corosync.conf");
        host.write("/etc/corosync/corosync.conf", conf.replace("10.7.0.1", "10.7.0.77"));
      },
      says: "BAD   10.7.0.77 is in /etc/corosync/corosync.conf for this host, and none of its addresses",
    },
    {
      claim: "links of knet that are given up too soon",
      spoil: async (host) => {
        const conf = await host.read("/etc/corosync/corosync.conf");
        host.write("/etc/corosync/corosync.conf", conf.replace("\t\tknet_ping_timeout: 3000\n", ""));
      },
      says: "BAD   link 0 is given up after 150ms without an answer, and knet asks every 200ms at most: the ring parts every few seconds",
    },
    {
      claim: "a token that corosync refuses",
      spoil: async (host) => {
        const conf = await host.read("/etc/corosync/corosync.conf");
        host.write("/etc/corosync/corosync.conf", conf.replace("token: 300", "token: 100"));
      },
      says: "BAD   corosync refuses its configuration",
    },
    {
      claim: "times that do not go with the ring's",
      spoil: async (host) => {
        const conf = await host.read("/etc/corosync/corosync.conf");
        host.write(
          "/etc/corosync/corosync.conf",
          conf.replace("token: 300", "token: 1500").replace("consensus: 360", "consensus: 1800"),
        );
      },
      says: "BAD   [mole] silence is 1s300ms, too short for a ring that takes 3s305ms to change",
    },
    {
      claim: "an engine of one host",
      spoil: (host) => host.write("/etc/spreadbox/conf.d/cluster.toml", ""),
      says: 'BAD   [spreadd] engine is "local": spreadd serves this host alone',
    },
    {
      claim: "a configuration of ours with a mistake",
      spoil: (host) => host.write("/etc/spreadbox/conf.d/more.toml", "[spreadd]\nprot = 1\n"),
      says: 'unknown key "prot"',
    },
  ] as readonly { claim: string; spoil: (host: Host) => unknown; says: string }[])
    test(`${claim} is told`, async () => {
      await using cluster = await setUp();
      const [a] = cluster.hosts;
      await spoil(a!);
      const { status, stdout } = await alone(a!);
      expect([status, stdout]).toEqual([78, expect.stringContaining(says)]);
    });
});

describe.if(canMakeHosts && hasCorosync)("a host without", () => {
  /** What check says on a, and its status. */
  const said = async (cluster: Cluster) => {
    const { status, stdout } = await cluster.at("a").spreadbox(["cluster", "check", "--for", "1500ms"]);
    return [status, stdout];
  };

  test("a carrier is told which device it is", async () => {
    await using cluster = await setUp();
    await cluster.act("a cable pulled");
    const told = "BAD   eth0, which has 10.7.0.1, has no carrier\n      is the cable in?";
    expect(await said(cluster)).toEqual([78, expect.stringContaining(told)]);
  });

  test("its corosync is told so by what comes from the others' ones", async () => {
    await using cluster = await setUp();
    await cluster.at("b").corosync();
    expect(await said(cluster)).toEqual([78, expect.stringContaining("BAD   corosync runs on b, and not here")]);
  });

  test("the port is told, and not to start spreadd", async () => {
    await using cluster = await setUp();
    await cluster.at("a").run("taker", ["python3", "-c", TAKER], { ready: "taken" });
    const told =
      "BAD   the other hosts were not compared: something has UDP port 5405, and is no corosync that answers";
    expect(await said(cluster)).toEqual([78, expect.stringContaining(told)]);
  });
});

const TAKER = `import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.7.0.1", 5405))
print("taken", file=sys.stderr, flush=True)
time.sleep(60)`;

describe.if(hasCorosync)("while the ring stands", () => {
  test("links are told, and hosts are compared through a group", async () => {
    await using cluster = await setUp();
    for (const host of cluster.hosts) {
      const conf = await host.read("/etc/corosync/corosync.conf");
      host.write("/etc/corosync/corosync.conf", conf.replace("to_stderr: no", "to_stderr: yes"));
      await host.corosync();
    }
    await cluster.ring();
    const unserved = await cluster.at("a").spreadbox(["cluster", "check", "--for", "1s"]);
    const told = "BAD   the other hosts were not compared: corosync runs here, and cannot reach daemon";
    expect([unserved.status, unserved.stdout]).toEqual([78, expect.stringContaining(told)]);
    await Promise.all(cluster.hosts.map((host) => host.service("spreadd")));
    const authkey = await cluster.at("b").output(["base64", "-w0", "/etc/corosync/authkey"]);
    cluster.at("b").write("/etc/corosync/authkey", "x".repeat(256), 0o400);
    for (const [index, { text }] of (await checked(cluster, "3s")).entries())
      expect(text).toContain(`BAD   ${"ba"[index]} has another /etc/corosync/authkey`);
    await cluster.at("b").output(["sh", "-c", `echo ${authkey.trim()} | base64 -d > /etc/corosync/authkey`]);
    cluster.at("b").write("/etc/spreadbox/mole.key", "y".repeat(32), 0o400);
    const [a, b] = await checked(cluster);
    expect(a!.text).toMatch(/ok {4}link 0 to b \(10\.7\.0\.2\) is up/);
    expect(a!.text).toContain("BAD   b has another key for mole");
    expect(b!.text).toContain("BAD   a has another key for mole");
    await cluster.act("b cable pulled");
    await cluster.ring(["a"]);
    let said = "";
    while (!said.includes("BAD   link 0 to b (10.7.0.2) is down")) said = (await alone(cluster.at("a"))).stdout; // knet needs a moment
  });
});
