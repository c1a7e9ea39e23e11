// spreadd over corosync on three hosts in namespaces: what happens to sessions when daemons and corosync die, stop and come back.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Session } from "../../lib/spread/index.ts";
import { daemonNameOf } from "../../lib/spreadd/daemon-name.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import { hasCorosync } from "../cluster/requirements.ts";
import { binary } from "../support/binary.ts";
import { WAIT_MS } from "../support/child.ts";

const config = (more = "") => `[spreadd]\nengine = "corosync"\nsilence = "1500ms"\n${more}`;

/** Whether `text` holds these, in this order. */
function hasInOrder(text: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    at = text.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return true;
}

/** A session; a name that the test before has just given up may be taken for a moment. */
async function connected(host: Host, name: string): Promise<Session> {
  for (const deadline = performance.now() + WAIT_MS; ; await Bun.sleep(20)) {
    try {
      return await connect({ ...host.session, name, silenceMs: 0 });
    } catch (error) {
      if (performance.now() > deadline || !String(error).includes("name is in use")) throw error;
    }
  }
}

/** A session, and what it heard, a line each. */
class Listener implements AsyncDisposable {
  readonly heard: string[] = [];
  #wake = (): void => {};

  private constructor(readonly session: Session) {
    void this.#listen();
  }

  static async at(host: Host, name: string, ...groups: readonly string[]): Promise<Listener> {
    const session = await connected(host, name);
    const listener = new Listener(session);
    for (const group of groups) {
      await session.join(group);
      await listener.until(`join ${group}`);
    }
    return listener;
  }

  async #listen(): Promise<void> {
    for await (const event of this.session) {
      if (event.kind === "view") this.heard.push(`${event.cause} ${event.group}: ${event.members.join(" ")};`);
      else if (event.kind === "message")
        this.heard.push(`${event.sender} says ${new TextDecoder().decode(event.body.subarray(0, 30))};`);
      else if (event.kind === "transition") this.heard.push(`transition ${event.group};`);
      else this.heard.push(`${event.kind};`);
      this.#wake();
    }
  }

  /** Waits until it has heard these, in this order, behind what was asked for before. */
  async until(...parts: readonly string[]): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!hasInOrder(this.heard.join("\n"), parts)) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`waited for ${parts.join(", ")}; heard:\n${this.heard.join("\n")}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
    this.heard.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
  }
}

describe.if(hasCorosync)("spreadd over corosync", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({
      hosts: 3,
      corosync: { tokenMs: 200, retransmits: 2 },
      spreadd: ({ name }) => config(name === "c" ? 'outside = "hold"\n' : ""),
    });
    for (const host of cluster.hosts) await host.child("spreadd").stderr.until("ring of 3: a, b, c");
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  /** A listener on each host, in a group. */
  async function listeners(group: string) {
    const [a, b, c] = [
      await Listener.at(cluster.host["a"]!, "l", group),
      await Listener.at(cluster.host["b"]!, "l", group),
      await Listener.at(cluster.host["c"]!, "l", group),
    ];
    const all = [a, b, c];
    for (const each of [a, b]) await each.until(`${group}: #l#a #l#b #l#c;`);
    return {
      a,
      b,
      c,
      async [Symbol.asyncDispose]() {
        for (const listener of all) await listener[Symbol.asyncDispose]();
      },
    };
  }

  test("messages of every service type reach all hosts, safe ones when all have them", async () => {
    await using on = await listeners("g");
    for (const service of ["unreliable", "reliable", "fifo", "causal", "agreed", "safe"] as const)
      await on.a.session.multicast("g", service, { service });
    await on.b.session.multicast("#l#c", "to you alone", { service: "safe" });
    for (const listener of [on.a, on.b, on.c]) await listener.until("#l#a says agreed;", "#l#a says safe;");
    await on.c.session.multicast("g", "from c");
    await on.a.until("#l#c says from c;");
    expect(on.a.heard.join()).not.toContain("to you alone");
  });

  test("a daemon that is killed takes its sessions out of all views, behind a signal", async () => {
    await using on = await listeners("g");
    await cluster.act("b spreadd killed");
    await on.a.until("transition g;", "network g: #l#a #l#c;");
    await on.c.until("transition g;", "network g: #l#a #l#c;");
    await on.b.until("lost;");
    await cluster.act("b spreadd started");
    await on.b.until("back;", "join g: #l#a #l#b #l#c;");
    await on.a.until("join g: #l#a #l#b #l#c;");
  });

  test("sessions are disconnected when their host's corosync dies, and let in again when it is back", async () => {
    await using on = await listeners("g");
    await cluster.act("a corosync killed");
    await on.a.until("lost;");
    await on.b.until("transition g;", "network g: #l#b #l#c;");
    const refused = await cluster.host["a"]!.spreadbox(["spread-probe", "ping", "--count", "1"]);
    expect(refused.status).not.toBe(0);
    await cluster.act("a corosync started");
    await on.a.until("back;", "#l#a #l#b #l#c;");
    await on.b.until("#l#a #l#b #l#c;");
  });

  test("where the config says hold they stay, and see their host alone; those of mole do not", async () => {
    await using on = await listeners("g");
    await using mole = await Listener.at(cluster.host["c"]!, "mole", "mole");
    await cluster.act("c corosync killed");
    await mole.until("lost;");
    await on.c.until("transition g;", "network g: #l#c;");
    await on.c.session.multicast("g", "alone");
    await on.c.until("#l#c says alone;");
    await on.a.until("network g: #l#a #l#b;");
    await cluster.act("c corosync started");
    await on.c.until("network g: #l#a #l#b #l#c;");
    await on.a.until("network g: #l#a #l#b #l#c;");
    await mole.until("back;", "join mole: #mole#c;");
    expect(on.c.heard.join()).not.toContain("lost;");
  });

  test("a corosync that is stopped counts as dead, and as alive again when it goes on", async () => {
    await using on = await listeners("g");
    await cluster.act("b corosync frozen");
    await on.b.until("lost;");
    await on.a.until("transition g;", "network g: #l#a #l#c;");
    expect(cluster.host["b"]!.said("spreadd")).toContain("has not sent our messages back for 1500 ms");
    await cluster.act("b corosync thawed");
    await on.b.until("back;", "#l#a #l#b #l#c;");
    await on.a.until("#l#a #l#b #l#c;");
  });

  test("a daemon that is stopped holds up neither safe messages nor changes of the ring for good", async () => {
    await using on = await listeners("g");
    await cluster.act("b spreadd frozen");
    await on.a.session.multicast("g", "safe without b", { service: "safe" });
    await on.c.until("transition g;", "#l#a says safe without b;", "network g: #l#a #l#c;");
    await cluster.act("b spreadd thawed");
    await on.b.until("lost;", "back;", "#l#a #l#b #l#c;");
    await on.a.until("#l#a #l#b #l#c;");
  });

  test("a partition and its healing are seen in both parts", async () => {
    await using on = await listeners("g");
    await cluster.act("partition a | b c");
    await on.a.until("transition g;", "network g: #l#a;");
    await on.b.until("transition g;", "network g: #l#b #l#c;");
    await on.a.session.multicast("g", "in a");
    await on.b.session.multicast("g", "in b");
    await on.c.until("#l#b says in b;");
    await cluster.act("heal");
    for (const listener of [on.a, on.b, on.c]) await listener.until("network g: #l#a #l#b #l#c;");
  });

  test("of two daemons with one name the later says why it does not serve, and ends", async () => {
    const b = cluster.host["b"]!;
    b.write("/etc/twin.toml", config('name = "a"\nsocket = "/run/twin.sock"\ntmp_socket = false\nport = 4999\n'));
    const { status, stderr } = await b.spreadbox(["spreadd", "--config", "/etc/twin.toml"]);
    expect(stderr).toContain("cannot serve: node 1 has a daemon with the name a already");
    expect(status).toBe(78);
    await using on = await listeners("g");
    await on.a.session.multicast("g", "as before");
    await on.c.until("says as before;");
  });

  test("floods from all hosts at once arrive everywhere, in one order, while one reader stands still", async () => {
    await using on = await listeners("flood");
    await using still = await Listener.at(cluster.host["a"]!, "still", "flood");
    still.session.pause();
    const each = 3_000;
    const body = "x".repeat(1_000);
    await Promise.all(
      [on.a, on.b, on.c].map(async ({ session }) => {
        for (let count = 0; count < each; count++) await session.multicast("flood", `${count} ${body}`);
      }),
    );
    const counted = (listener: Listener) => listener.heard.filter((line) => line.includes(" says ")).length;
    for (const listener of [on.a, on.b, on.c]) {
      for (const deadline = performance.now() + WAIT_MS; counted(listener) < 3 * each; await Bun.sleep(20))
        if (performance.now() > deadline) throw new Error(`heard ${counted(listener)} of ${3 * each}`);
    }
    const orders = [on.a, on.b, on.c].map(({ heard }) => heard.filter((line) => line.includes(" says ")).join());
    expect(orders[1]).toBe(orders[0]!);
    expect(orders[2]).toBe(orders[0]!);
  });

  test("a host without libcpg is told which package it is in, and serves by itself as ever", async () => {
    const a = cluster.host["a"]!;
    const hidden = `for f in /usr/lib/*/libcpg.so.4* /lib/*/libcpg.so.4*; do [ -e "$f" ] && mount --bind /dev/null "$f"; done; exec "$0" "$@"`;
    const hide = (...args: readonly string[]) => a.exec(["unshare", "-m", "bash", "-c", hidden, binary(), ...args]);
    const { status, stderr } = await hide("spreadd", "--engine", "corosync", "--socket", "/run/other.sock");
    expect(stderr).toContain("libcpg.so.4 is not there; install the Debian packages corosync and libcpg4");
    expect(status).toBe(72);
    expect((await hide("--version")).status).toBe(0);
  });
});

test("a long host name gets a tail, and two that begin alike stay two", () => {
  expect(String(daemonNameOf("web-frontend-eu.example.org"))).toBe("web-frontend-eu");
  expect(String(daemonNameOf("a host"))).toBe("a-host");
  const [one, two] = [daemonNameOf("web-frontend-eu-west-1a"), daemonNameOf("web-frontend-eu-west-1b")];
  expect(one).toMatch(/^web-frontend-~[0-9a-z]{5}$|^web-frontend-[^~]*~[0-9a-z]{5}$/);
  expect(one).toHaveLength(19);
  expect(one).not.toBe(two);
});
