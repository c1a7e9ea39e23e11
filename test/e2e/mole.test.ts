// What an operator does with a mole that runs: three hosts in namespaces on one spreadd, real addresses. How fast it takes over is another file's matter.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { ETHERTYPE_ARP, PacketReceiver } from "../../lib/linux/packet-socket.ts";
import { arpFrom } from "../../lib/linux/socket-filter.ts";
import { formatMac } from "../../lib/mole/mac.ts";
import type { Status } from "../../lib/mole/status.ts";
import { openSession } from "../../lib/spread/index.ts";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import { canMakeHosts } from "../cluster/requirements.ts";
import { binary } from "../support/binary.ts";
import { WAIT_MS } from "../support/child.ts";
import { enterNetwork } from "../support/wire.ts";

const KEY = "/etc/spreadbox/mole.key";
const STATE = "/run/state";

const config = (host: string, more = "") => `
[spread]
servers = ["4803@10.7.0.1"]
[mole]
host = "${host}"
hosts = ["a", "b", "c"]
key_file = "${KEY}"
silence = "3s"
metrics = "127.0.0.1:9515"
hold_down = "0"
state_dir = "${STATE}"
${more}
[[mole.vip]]
name = "web"
addresses = ["10.7.0.100", "fd07::100"]
[[mole.vip]]
name = "mail"
addresses = ["10.7.0.101"]
[[mole.vip]]
name = "db"
addresses = ["10.7.0.102"]
[[mole.health]]
name = "well"
vips = ["db"]
command = ["test", "!", "-e", "/run/ill"]
interval = "100ms"
[[mole.hook]]
on = ["acquire", "release"]
command = ["sh", "-c", "echo $MOLE_EVENT $MOLE_VIP $MOLE_ADDRESSES on $MOLE_HOST, which holds $MOLE_HELD. >> /run/hooks"]
[[mole.hook]]
on = ["view", "refused", "doubled"]
command = ["sh", "-c", "echo $MOLE_EVENT $MOLE_VIP $MOLE_ADDRESSES $MOLE_MAC with $MOLE_HOSTS >> /run/news"]
`;

/** Besides what it was started with. */
function hasSocket(pid: number): boolean {
  const path = `/proc/${pid}/fd`;
  return readdirSync(path).some((fd) => Number(fd) > 2 && targetOf(`${path}/${fd}`).startsWith("socket:"));
}

/** "" where it is closed by now. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

describe.if(canMakeHosts)("an operator of three moles", () => {
  let cluster: Cluster;
  let a: Host;
  let b: Host;
  let c: Host;

  const mole = (host: Host, ...words: readonly string[]) => host.spreadbox(["mole", ...words]);

  /** What the command prints; it must end well. */
  async function does(host: Host, ...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await mole(host, ...words);
    expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
    return stdout;
  }

  const statusOf = async (host: Host) => JSON.parse(await does(host, "status", "--json")) as Status;

  /** Asks until it is so. */
  async function until(host: Host, isSo: (status: Status) => boolean): Promise<Status> {
    const endMs = performance.now() + WAIT_MS;
    for (;;) {
      const status = await statusOf(host);
      if (isSo(status)) return status;
      if (performance.now() > endMs) throw new Error(`it never came to this: ${JSON.stringify(status, undefined, 1)}`);
    }
  }

  const isEven = (status: Status) => isHeld(status) && status.hosts.every(({ load }) => load === 1);
  const isHeld = ({ vips }: Status) => vips.length === 3 && vips.every(({ is }) => is === "held");
  const ownerOf = ({ vips }: Status, vip: string) => vips.find((one) => one.vip === vip)?.owner;
  const has = async (host: Host, address: string) =>
    (await host.output(["ip", "-o", "addr", "show"])).includes(` ${address}/`);
  /** Which of the hosts have the address in their kernel. */
  async function holders(address: string): Promise<string[]> {
    const found = await Promise.all([a, b, c].map(async (host) => ((await has(host, address)) ? host.name : "")));
    return found.filter((name) => name !== "");
  }

  /** Until a hook has written it. */
  async function untilNoted(host: Host, path: string, line: string | RegExp): Promise<void> {
    const endMs = performance.now() + WAIT_MS;
    for (let found = ""; !found.split("\n").some((one) => one.match(line)); found = await host.read(path))
      if (performance.now() > endMs) throw new Error(`${path} of ${host.name} never had ${line}: ${found}`);
  }

  beforeAll(async () => {
    cluster = await startCluster({ hosts: 3 });
    [a, b, c] = [cluster.at("a"), cluster.at("b"), cluster.at("c")];
    await a.service("spreadd", '[spreadd]\nlisten = ["10.7.0.1"]\ntmp_socket = false\n');
    // A disk of c's that is soon full.
    await c.output(["mkdir", "-p", STATE]);
    await c.output(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", STATE]);
    for (const host of [a, b, c]) {
      host.write(KEY, "0123456789abcdef0123456789abcdef", 0o600);
      const text = `${host === a ? '[spreadd]\nlisten = ["10.7.0.1"]\n' : ""}${config(host.name)}`;
      await host.service("mole", text, { ready: "the group is" });
    }
    await until(c, isHeld);
    // On a busy machine they may not all have been heard when the cold start ended.
    await until(c, isEven);
  }, 60_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  test("sees all vips of all hosts from any host, each held by one, and in its kernel", async () => {
    const [one, other] = [await statusOf(a), await statusOf(c)];
    expect(one.hosts.map(({ host, is }) => [host, is])).toEqual([
      ["a", "here"],
      ["b", "here"],
      ["c", "here"],
    ]);
    expect(other.vips.map(({ vip, owner }) => [vip, owner])).toEqual(one.vips.map(({ vip, owner }) => [vip, owner]));
    expect(new Set(one.vips.map(({ owner }) => owner)).size).toBe(3);
    expect(one.warnings).toEqual([]);
    for (const { owner, addresses } of one.vips)
      for (const address of addresses) expect(await holders(address)).toEqual([owner!]);
    expect(await does(b, "status")).toMatch(/^web +10\.7\.0\.100 \+1 +[abc] +held/m);
    expect(await does(b, "check")).toMatch(/^OK: 3 hosts, 3 of 3 vips held, 1 here \| hosts=3 held=3;;;0;3 here=1/);
  });

  test("moves a vip: done when it is there, and there alone", async () => {
    const dry = await does(b, "move", "web", "a", "--dry-run");
    expect(dry).toMatch(/of 3 vips would move/);
    for (const to of ["b", "c"]) {
      expect(await does(a, "move", "web", to)).toBe(`${to} holds web\n`);
      expect(await holders("10.7.0.100")).toEqual([to]);
      expect(await holders("fd07::100")).toEqual([to]);
    }
    expect(await does(b, "why", "10.7.0.100")).toContain("moved by an operator");
    expect(await does(a, "move", "web", "c")).toBe("c holds web already\n");
    // What was let go is told with the reason of that, not of its having been taken once.
    expect(b.child("mole").stderr.text).toMatch(/released web \(10\.7\.0\.100 fd07::100\): moved by an operator/);
  });

  test("is told what can't be done, and why", async () => {
    for (const [words, status, told] of [
      [["move", "wbe", "a"], 64, 'no vip is called "wbe"; did you mean web?; there are db, mail, web'],
      [["move", "web", "x"], 64, 'no host is called "x"'],
      [["drain", "bb"], 64, 'no host is called "bb"; did you mean b?; there are a, b, c'],
      [["forget", "never", "--force"], 64, 'no host is called "never"; there are a, b, c'],
      [["forget", "b"], 64, "--force says so"],
      [["forget", "b", "--force"], 69, "b is here: only a host that is gone can be forgotten"],
      [["why", "wbe"], 64, "there are db, mail, web"],
      [["simulate", "a", "b", "c"], 64, "then nobody would be left"],
      [["status", "--control", "/run/none"], 69, "is mole running?"],
      [["status", "--watch", "--interval", "0s"], 64, "0s is too short: expected at least 100ms"],
    ] as const) {
      const result = await mole(b, ...words);
      expect([result.status, result.stderr]).toEqual([status, expect.stringContaining(told)]);
    }
  });

  test("drains a host: done when it holds nothing and all is held elsewhere; not the last one", async () => {
    await does(a, "move", "web", "b");
    const dry = await does(a, "drain", "b", "--dry-run");
    expect(dry).toMatch(/^web +b +[ac]$/m);
    expect(ownerOf(await statusOf(a), "web")).toBe("b");
    expect(await does(a, "drain", "b")).toBe("b holds nothing any more\n");
    expect(await has(b, "10.7.0.100")).toBe(false);
    expect(isHeld(await statusOf(a))).toBe(true);
    await does(a, "drain", "c");
    const last = await mole(b, "drain", "a");
    expect([last.status, last.stderr]).toEqual([69, expect.stringContaining("is the last that can hold some vip")]);
    await does(a, "resume", "b");
    await does(a, "resume", "c");
    await does(a, "balance");
    await until(c, isEven);
  });

  test("has vips leave a host whose health fails", async () => {
    const owner = ownerOf(await statusOf(a), "db")!;
    const host = cluster.at(owner);
    host.write("/run/ill", "");
    const moved = await until(a, (status) => isHeld(status) && ownerOf(status, "db") !== owner);
    expect(moved.hosts.find((one) => one.host === owner)?.unfit).toEqual({ db: "health" });
    expect(await does(a, "why", "db")).toMatch(new RegExp(`- +${owner} +a health check fails`));
    expect((await mole(host, "check")).status).toBe(1);
    await host.output(["rm", "/run/ill"]);
    await until(a, ({ hosts }) => hosts.every(({ unfit }) => Object.keys(unfit).length === 0));
  });

  test("has hooks called for what is acquired and released", async () => {
    await does(a, "move", "mail", "b");
    await does(a, "move", "mail", "c");
    for (const line of [
      /^acquire mail 10\.7\.0\.101 on b, which holds .*\bmail\b/,
      /^release mail 10\.7\.0\.101 on b, which holds (?!.*mail)/,
    ])
      await untilNoted(b, "/run/hooks", line);
  });

  test("rolls out a changed vip host by host, and nothing else moves", async () => {
    await does(a, "balance"); // what others' moves have left uneven would move by itself meanwhile
    const before = await statusOf(a);
    for (const host of [a, b, c]) {
      const path = "/etc/spreadbox/spreadbox.toml";
      host.write(path, (await host.read(path)).replace('addresses = ["10.7.0.102"]', 'addresses = ["10.7.0.103"]'));
      expect(await does(host, "reload")).toContain("changed: db");
    }
    const after = await until(a, (status) => isHeld(status) && status.vips[0]?.addresses[0] === "10.7.0.103");
    expect(await holders("10.7.0.102")).toEqual([]);
    expect(await holders("10.7.0.103")).toHaveLength(1);
    for (const vip of ["web", "mail"]) {
      const [was, is] = [before, after].map(({ vips }) => vips.find((one) => one.vip === vip)!);
      expect([is!.owner, is!.number]).toEqual([was!.owner, was!.number]);
    }
    b.write("/etc/spreadbox/conf.d/wrong.toml", "[mole]\nsilense = 1\n");
    const refused = await mole(b, "reload");
    expect([refused.status, refused.stderr]).toEqual([78, expect.stringContaining('did you mean "silence"?')]);
    await b.output(["rm", "/etc/spreadbox/conf.d/wrong.toml"]);
    expect((await statusOf(b)).is).toBe("settled");
  });

  test("another key is told of by the reload, and counts only after a restart", async () => {
    const key = await b.read(KEY);
    b.write(KEY, "another one another one another", 0o600);
    expect(await does(b, "reload")).toContain("no vip changes; the key in key_file will count after a restart");
    // Its messages are read as before: what it says is done.
    await does(b, "move", "web", "a");
    await does(b, "move", "web", "b");
    expect((await statusOf(a)).hosts.map(({ is }) => is)).toEqual(["here", "here", "here"]);
    expect((await statusOf(a)).warnings).toEqual([]);
    b.write(KEY, key, 0o600);
    expect(await does(b, "reload")).not.toContain("key");
  });

  test("a session that only sends to mole's group is none of it: told once in the log, and no warning", async () => {
    await using session = openSession(a.session);
    for (const text of ["no message of a mole's", "nor this"]) await session.multicast("mole", text);
    const told = /#\S+ is not in the group, and sends to it what is ignored: cannot read message of mole/;
    await b.child("mole").stderr.until(told);
    const status = await statusOf(b);
    expect([status.hosts.length, status.warnings]).toEqual([3, []]);
    expect((await mole(b, "check")).status).toBe(0);
    expect(b.child("mole").stderr.text.split("is not in the group, and sends").length - 1).toBe(1);
  });

  test("a hook that can't be run is a warning: of preflight, the reload, status and check, until it can", async () => {
    const path = "/etc/spreadbox/conf.d/hook.toml";
    b.write(path, '[[mole.hook]]\non = ["acquire"]\nvips = ["mail"]\ncommand = ["/run/told"]\n');
    b.write("/run/told", "#!/bin/sh\nexit 7\n", 0o644);
    const told = "hook /run/told can't be run: no such program, or it is not executable";
    expect(await does(b, "reload")).toContain(`; ${told}`);
    expect((await statusOf(b)).warnings).toEqual([told]);
    expect(await mole(b, "check")).toMatchObject({ status: 1, stdout: expect.stringContaining(told) });
    const preflight = await mole(b, "preflight");
    expect([preflight.status, preflight.stdout]).toEqual([
      0,
      expect.stringContaining("WARN  hook 3: /run/told can't be run"),
    ]);
    await b.output(["chmod", "755", "/run/told"]);
    await does(a, "move", "mail", "a");
    await does(a, "move", "mail", "b");
    const failed = await until(b, ({ warnings }) => warnings.length > 0);
    expect(failed.warnings.join()).toMatch(/^hook \/run\/told \(acquire mail\) failed \d+s ago: status 7$/);
    await b.output(["rm", path]);
    await does(b, "reload");
    expect((await statusOf(b)).warnings).toEqual([]);
  });

  test("a command that is not done in time goes on, and its status says that it may be asked again", async () => {
    await does(a, "move", "mail", "c"); // else there may be nothing to be done
    const late = await mole(a, "drain", "c", "--timeout", "0");
    expect([late.status, late.stderr]).toEqual([
      75,
      expect.stringMatching(/^mole drain: drain c: not done in time, but it goes on: /),
    ]);
    const drained = await until(a, ({ hosts }) => hosts.some((host) => host.host === "c" && host.drained));
    expect(drained.warnings.join()).toMatch(/drained: c for \d+s; mole resume/);
    await does(a, "resume", "c");
  });

  test("an address that somebody takes away is put back, told, and given up there the third time: another host has it", async () => {
    await does(a, "move", "mail", "b");
    const remove = () => b.output(["ip", "addr", "del", "10.7.0.101/32", "dev", "eth0"]);
    for (const _ of [1, 2]) {
      await remove();
      while (!(await has(b, "10.7.0.101"))) await Bun.sleep(5);
    }
    expect(await does(b, "why", "mail")).toContain("taken away 2 times by somebody on this host");
    await remove();
    await until(a, (status) => isHeld(status) && ownerOf(status, "mail") !== "b");
    expect(await holders("10.7.0.101")).not.toContain("b");
    await untilNoted(b, "/run/news", "refused mail with a b c");
    const said = b.said("mole");
    expect(said).toContain("10.7.0.101 of mail was taken away by somebody on this host: put back");
    expect(said).toContain("10.7.0.101 of mail was taken away again and again on this host: gives it up");
    expect(said).toContain("cannot take mail; tries again in 5s");
    expect((await mole(b, "move", "mail", "b")).status).not.toBe(0);
  });

  test("under maintenance a killed mole's vips stay where they are, and its next life takes them up", async () => {
    await does(a, "move", "web", "b");
    expect(await does(a, "maintenance", "on")).toContain("maintenance is on");
    for (const words of [["drain", "c"], ["move", "web", "c"], ["balance"]]) {
      const { status, stderr } = await mole(a, ...words);
      expect([words, status, stderr]).toEqual([words, 75, expect.stringContaining("maintenance is on")]);
    }
    expect((await mole(c, "check")).stdout).toContain(" held=3;;;0;3 ");
    await b.child("mole").stderr.until("MAINTENANCE is on (said on a): nothing is taken over");
    await b.kill("mole");
    const without = await until(a, ({ hosts }) => hosts.some(({ host, is }) => host === "b" && is === "away"));
    expect(without.warnings.join("\n")).toContain("b went away under maintenance and keeps its vips");
    expect(ownerOf(without, "web")).toBe("b");
    expect(await holders("10.7.0.100")).toEqual(["b"]);
    expect(await b.output(["ip", "-o", "addr", "show", "to", "10.7.0.100"])).toContain("valid_lft forever");
    await b.again("mole");
    await until(c, ({ hosts }) => hosts.every(({ is }) => is === "here"));
    expect((await mole(c, "check")).stdout).toContain("MAINTENANCE");
    await b.child("mole").stderr.until("MAINTENANCE is on (by what is kept on disk, or other hosts told)");
    expect(await does(c, "maintenance", "off")).toContain("maintenance is off");
    await b.child("mole").stderr.until("maintenance is off (said on c)");
    await until(a, (status) => isHeld(status) && ownerOf(status, "web") === "b");
    expect(await b.output(["ip", "-o", "addr", "show", "to", "10.7.0.100"])).toMatch(/valid_lft \d+sec/);
  });

  test("under maintenance without the group service each host tells of it, and what it has itself", async () => {
    await does(a, "move", "mail", "c");
    await does(a, "maintenance", "on");
    await until(c, ({ maintenance }) => maintenance);
    const own = (await statusOf(c)).vips.find(({ owner }) => owner === "c")!;
    await a.kill("spreadd");
    const alone = await until(c, ({ is }) => is === "away");
    expect(alone.vips.find(({ vip }) => vip === own.vip)).toMatchObject({ is: "held", owner: "c" });
    expect(await does(c, "why", own.vip)).toMatch(/held by c.*MAINTENANCE.*put on by this mole, without a lease/s);
    const check = await mole(c, "check");
    expect([check.status, check.stdout]).toEqual([
      1,
      expect.stringMatching(/^WARNING: MAINTENANCE.*not in the group.*held=1;/),
    ]);
    await a.again("spreadd");
    await until(c, (status) => isHeld(status) && status.hosts.every(({ is }) => is === "here"));
    await does(c, "maintenance", "off");
    await until(c, (status) => isHeld(status) && !status.maintenance);
  });

  test("a configuration that the next start would refuse is a warning of check; where no mole runs it is why", async () => {
    const good = await c.read("/etc/spreadbox/spreadbox.toml");
    const check = async (...words: readonly string[]) => await mole(c, "check", ...words);
    try {
      c.write("/etc/spreadbox/spreadbox.toml", good.replace("silence =", "silense ="));
      const running = await check();
      // A vip may be on its way besides: the maintenance before is over, and hosts are being made even.
      expect([running.status, running.stdout]).toEqual([
        1,
        expect.stringMatching(/^WARNING: .*the mole goes by an older configuration, .*unknown key.*silense/),
      ]);
      await c.kill("mole");
      const none = await check();
      expect([none.status, none.stdout]).toEqual([
        2,
        expect.stringMatching(/^CRITICAL: no mole answers, and none can start: .*silense.* \| hosts=0/),
      ]);
    } finally {
      c.write("/etc/spreadbox/spreadbox.toml", good);
    }
    await c.again("mole");
    await until(c, isEven);
    expect((await check()).status).toBe(0);
  });

  test("what a host can't keep on disk it says: the command by its status, status, check and preflight by a warning", async () => {
    await c.exec(["sh", "-c", `cat /dev/zero > ${STATE}/filler`]);
    const told = `cannot keep state in ${STATE}: its file system is full`;
    const on = await mole(c, "maintenance", "on");
    expect([on.status, on.stdout, on.stderr]).toEqual([
      74,
      "",
      expect.stringMatching(
        /maintenance is on: .*\. NOT KEPT ON DISK by this host: cannot keep state in \/run\/state: its file system is full/,
      ),
    ]);
    const shown = await statusOf(c);
    expect([shown.maintenance, shown.warnings.join("\n")]).toEqual([true, expect.stringContaining(told)]);
    const check = await mole(c, "check");
    expect([check.status, check.stdout]).toEqual([1, expect.stringContaining(told)]);
    expect((await mole(c, "preflight")).stdout).toContain(
      `FAIL  state: cannot write in ${STATE}: its filesystem is full`,
    );
    // Where it is known it is no mistake of the others.
    expect(await does(a, "maintenance", "off")).toContain("maintenance is off");
    await c.output(["rm", `${STATE}/filler`]);
    await until(c, ({ warnings }) => !warnings.join().includes(told));
    expect(c.said("mole")).toContain(`state is kept in ${STATE} again`);
    expect(await c.read(`${STATE}/state.json`)).toMatch(/"on": false/);
    expect((await mole(c, "preflight")).stdout).toContain(`ok    state: ${STATE}`);
  });

  test("killed, its addresses are gone and taken over; stopped, it ends well and leaves none", async () => {
    await does(a, "move", "web", "b");
    await b.kill("mole");
    await until(a, (status) => isHeld(status) && ownerOf(status, "web") !== "b");
    await untilNoted(a, "/run/news", "view with a c");
    expect(await holders("10.7.0.100")).not.toContain("b");
    await b.again("mole");
    await until(a, ({ hosts }) => hosts.every(({ is }) => is === "here"));
    await does(a, "move", "web", "c");
    const { exited } = c.child("mole");
    await using watching = c.start([binary(), "mole", "status", "--watch", "--interval", "100ms"]);
    await watching.stdout.until("in the group");
    await c.stop("mole");
    const gone = await watching.stdout.until("is mole running?");
    expect(await exited).toBe(0);
    expect(await has(c, "10.7.0.100")).toBe(false);
    await until(a, isHeld);
    await c.again("mole");
    await until(a, ({ hosts }) => hosts.every(({ is }) => is === "here"));
    const back = /is mole running\?\s+c: .*in the group/s;
    expect(gone).not.toMatch(back);
    await watching.stdout.until(back);
  });

  test("a mole that is stopped is told as such by every command, and a signal ends the wait at once", async () => {
    const { pid } = c.child("mole");
    process.kill(pid, "SIGSTOP");
    try {
      const told = "mole does not answer at /run/spreadbox/mole.ctl: stopped, or overloaded";
      const asked = ["status", "stats", "why web"].map((words) => mole(c, ...words.split(" ")));
      const check = await mole(c, "check");
      expect([check.status, check.stdout]).toEqual([2, expect.stringContaining(`CRITICAL: ${told}`)]);
      for (const { status, stderr } of await Promise.all(asked))
        expect([status, stderr]).toEqual([69, expect.stringContaining(told)]);
      for (const [signal, status] of [
        ["SIGTERM", 143],
        ["SIGINT", 130],
      ] as const) {
        // By a command whose own patience is longer than the test's.
        await using waiting = c.start([binary(), "mole", "resume", "--timeout", "1h"]);
        while (!hasSocket(waiting.pid)) await Bun.sleep(5);
        process.kill(waiting.pid, signal);
        expect((await waiting.result()).status).toBe(status);
      }
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until(a, (status) => isHeld(status) && status.hosts.every(({ is }) => is === "here"));
  });

  test("a vip's address that a host has by hand is told of by every host, as long as it is there", async () => {
    const path = "/etc/spreadbox/spreadbox.toml";
    await b.output(["ip", "addr", "add", "10.7.0.104/24", "dev", "eth0"]);
    const texts = await Promise.all([a, b, c].map(async (host) => await host.read(path)));
    for (const [at, host] of [a, b, c].entries()) {
      host.write(path, `${texts[at]}[[mole.vip]]\nname = "own"\naddresses = ["10.7.0.104"]\n`);
      await does(host, "reload");
    }
    const told =
      "b has 10.7.0.104/24 by itself: it is on its eth0, not put there by mole; remove it there, or from the config";
    const vipOf = ({ vips }: Status) => vips.find(({ vip }) => vip === "own")!;
    for (const host of [a, c])
      await until(host, (status) => vipOf(status).why === told && status.warnings.includes(`vip own: ${told}`));
    expect(await does(c, "why", "own")).toContain(`! ${told}`);
    expect(b.said("mole")).toContain("10.7.0.104/24 is on eth0 already, and not ours");
    expect((await statusOf(b)).warnings.join()).toContain(
      "vip own can't be held here: 10.7.0.104/24 is on eth0 already",
    );
    await b.output(["ip", "addr", "del", "10.7.0.104/24", "dev", "eth0"]);
    const status = await until(a, (one) => vipOf(one).is === "held" && !one.warnings.join().includes("10.7.0.104"));
    expect(await holders("10.7.0.104")).toEqual([vipOf(status).owner!]);
    const [owner, other] = vipOf(status).owner === "a" ? [a, c] : [c, a];
    // What the holder has twice does not go with the vip.
    await owner.output(["ip", "addr", "add", "10.7.0.104/24", "dev", "eth0"]);
    const twice = `${owner.name} has 10.7.0.104/24 by itself`;
    const here = "vip own: 10.7.0.104/24 is on eth0 as well, and not ours";
    await until(owner, ({ warnings, alarms }) => warnings.join().includes(here) && alarms.length === 0);
    expect(await mole(owner, "check")).toMatchObject({ status: 1, stdout: expect.stringContaining(here) });
    await until(other, ({ warnings }) => warnings.join().includes(`vip own: ${twice}`));
    expect(await mole(b, "move", "own", other.name)).toMatchObject({
      status: 69,
      stderr: expect.stringContaining(`cannot move own to ${other.name}: it would be doubled: ${twice}`),
    });
    expect(await holders("10.7.0.104")).toEqual([owner.name]);
    expect(await does(b, "drain", owner.name)).toContain(`but it answers for own all the same: ${twice}`);
    await owner.output(["ip", "addr", "del", "10.7.0.104/24", "dev", "eth0"]);
    await does(b, "resume", owner.name);
    await does(b, "move", "own", owner.name);
    // What is held already is told of too, though the group was there before.
    await other.output(["ip", "addr", "add", "10.7.0.104/24", "dev", "eth0"]);
    const doubled = `vip own is covered by two: ${owner.name} holds it, and ${other.name} has 10.7.0.104/24 by itself`;
    for (const host of [a, b, c]) {
      await until(host, ({ alarms }) => alarms.join().includes(doubled));
      expect(await mole(host, "check")).toMatchObject({ status: 2, stdout: expect.stringContaining(doubled) });
    }
    // It could not hold it, so it is not moved there: its holder would let go for nothing.
    const refused = await mole(b, "move", "own", other.name);
    expect([refused.status, refused.stderr]).toEqual([
      69,
      expect.stringContaining(`cannot move own to ${other.name}: ${other.name} has 10.7.0.104/24 by itself`),
    ]);
    expect(vipOf(await statusOf(owner))).toMatchObject({ is: "held", owner: owner.name });
    expect(await has(owner, "10.7.0.104")).toBe(true);
    expect(await does(b, "why", "own")).toMatch(new RegExp(`- +${other.name} +has 10\\.7\\.0\\.104/24 by itself`));
    await other.output(["ip", "addr", "del", "10.7.0.104/24", "dev", "eth0"]);
    await until(owner, ({ warnings }) => !warnings.join().includes(doubled));
    for (const [at, host] of [a, b, c].entries()) {
      host.write(path, texts[at]!);
      await does(host, "reload");
    }
    await until(a, isHeld);
  });

  test("a vip whose subnet no device has is told as that, by the reload that brings it too", async () => {
    const path = "/etc/spreadbox/spreadbox.toml";
    const text = await c.read(path);
    const before = await statusOf(c);
    const told = "vip far can't be held here: no device has the subnet of 10.9.0.1: name the device in the config";
    c.write(path, `${text}[[mole.vip]]\nname = "far"\naddresses = ["10.9.0.1"]\n`);
    expect(await does(c, "reload")).toContain(`new: far; ${told}`);
    expect((await statusOf(c)).warnings).toContain(told);
    expect((await mole(c, "check")).stdout).toContain(told);
    expect(await does(c, "status")).toMatch(/can.t hold far now: no carrier, no device/);
    await c.output(["ip", "link", "add", "far0", "up", "type", "veth", "peer", "name", "far1"]);
    await c.output(["ip", "link", "set", "far1", "up"]);
    await c.output(["ip", "address", "add", "10.9.0.9/24", "dev", "far0"]);
    await untilNoted(c, "/run/hooks", "acquire far 10.9.0.1 on c");
    await c.output(["ip", "link", "set", "far0", "down"]);
    await c.child("mole").stderr.until("released far (10.9.0.1): far0 is down");
    await c.output(["ip", "link", "del", "far0"]);
    c.write(path, text);
    await does(c, "reload");
    await until(a, (status) => status.vips.length === before.vips.length && isHeld(status));
    expect((await statusOf(c)).warnings).toEqual(before.warnings);
  });

  test("a host with another key is not counted, and named", async () => {
    await c.stop("mole");
    c.write(KEY, "another one another one another", 0o600);
    await c.again("mole");
    const status = await until(a, ({ warnings }) => warnings.some((warning) => warning.includes("HMAC does not fit")));
    // Whose session it is nobody can tell; why, they can.
    expect(status.hosts.find(({ is }) => is === "coming")?.why).toBe(
      "cannot read message of mole: its HMAC does not fit: another key_file there, or a stranger",
    );
    expect(status.hosts.find(({ host }) => host === "c")?.is).toBe("away");
    expect(isHeld(status)).toBe(true);
    await c.kill("mole");
  });

  test("a stranger with a vip's address is critical for its holder, and only as long as that holds it", async () => {
    const [owner, other] = ownerOf(await statusOf(a), "mail") === "a" ? [a, b] : [b, a];
    const timeless = ({ warnings }: Status) => warnings.map((one) => one.replace(/ for [\dhms]+$/, ""));
    const before = timeless(await statusOf(owner));
    const device = /dev (\S+)/.exec(await c.output(["ip", "route", "get", "10.7.0.1"]))![1]!;
    await c.output(["ip", "addr", "add", "10.7.0.101/32", "dev", device]);
    // It asks for somebody who is not there, and says by that who it is.
    await c.output(["ip", "route", "add", "10.7.0.77/32", "dev", device, "src", "10.7.0.101"]);
    const claim = () => c.exec(["bash", "-c", "echo > /dev/udp/10.7.0.77/9"]);
    const told = "says that it has 10.7.0.101 of mail";
    const check = async (host: Host) => {
      const { status, stdout } = await mole(host, "check");
      return `${status} ${stdout}`;
    };
    const untilTold = async (host: Host, meanwhile: () => Promise<unknown>) => {
      const endMs = performance.now() + WAIT_MS;
      for (let found = ""; ; found = await check(host)) {
        if (found.match(new RegExp(`^2 CRITICAL: .*${told}`))) return;
        if (performance.now() > endMs) throw new Error(`it never said ${told}: ${found}`);
        await meanwhile();
      }
    };
    await untilTold(owner, claim);
    await untilNoted(owner, "/run/news", /^doubled mail 10\.7\.0\.101 [0-9a-f]{2}(:[0-9a-f]{2}){5} with a b$/);
    // Its holder would let go, and the next one share it: the wire is asked first, by whoever is told to move it.
    for (const [host, text] of [
      [owner, /cannot move mail to [ab]: \S+ (on \S+ says that it has|answers for) 10\.7\.0\.101.*move --force/],
      [
        other,
        /cannot move mail to [ab]: \S+ and \S+ answer for 10\.7\.0\.101, which only [ab] may hold: somebody outside/,
      ],
    ] as const) {
      const refused = await mole(host, "move", "mail", other.name);
      expect([refused.status, refused.stderr]).toEqual([69, expect.stringMatching(text)]);
      expect(await does(host, "move", "mail", other.name, "--dry-run")).toContain("it is refused: ");
    }
    expect(await holders("10.7.0.101")).toEqual([owner.name, c.name]);
    // It was the holder's trouble, and is it no more: the next one has it.
    await does(other, "move", "mail", other.name, "--force");
    expect(timeless(await statusOf(owner))).toEqual(before);
    expect(await check(owner)).not.toContain(told);
    // And that one asks by itself: nobody says anything unasked now.
    await untilTold(other, async () => await Bun.sleep(100));
    await c.output(["ip", "addr", "del", "10.7.0.101/32", "dev", device]);
  });

  test("preflight tells of each thing that would keep a mole from its work, before it is started", async () => {
    const well = await mole(c, "preflight");
    expect([well.status, well.stdout]).toEqual([0, expect.stringMatching(/^ok {4}vip web: 10\.7\.0\.100 on/m)]);
    const wrong = config("c")
      .replace('host = "c"\nhosts = ["a", "b", "c"]', 'hosts = ["a", "b"]')
      .replace("4803@", "4804@")
      .replace(/^key_file.*$/m, "")
      .replace('["sh",', '["/none/sh",')
      .replace("[[mole.hook]]", '[[mole.vip]]\nname = "far"\naddresses = ["10.99.0.1"]\n[[mole.hook]]');
    c.write("/run/wrong.toml", wrong);
    const { status, stdout } = await mole(c, "preflight", "--config", "/run/wrong.toml");
    expect(status).toBe(78);
    for (const told of [
      'FAIL  configuration: this host calls itself "c"',
      "WARN  key: NO KEY",
      "WARN  hook 1: /none/sh",
      "FAIL  vip far",
      "FAIL  daemon: cannot reach",
    ])
      expect(stdout).toContain(told);
    const poor = ["setpriv", "--bounding-set=-net_admin,-net_raw", binary(), "mole"];
    const found = await c.exec([...poor, "preflight"]);
    expect(found.status).toBe(78);
    for (const told of [
      "FAIL  rights: CAP_NET_ADMIN is missing, to put addresses on: run it as root",
      "FAIL  rights: CAP_NET_RAW is missing, to announce and probe them: run it as root",
      "ok    vip web: 10.7.0.100 on", // what needs no rights is looked at all the same
    ])
      expect(found.stdout).toContain(told);
    const refused = await c.exec(poor);
    expect([refused.status, refused.stderr]).toEqual([
      77,
      expect.stringContaining("mole: cannot cover anything: CAP_NET_ADMIN is missing, to put addresses on"),
    ]);
  });

  test("a mole whose guard can't run does not start", async () => {
    for (const tool of ["ip", "sh"]) {
      const without = `mount --bind /dev/null "$(readlink -f "$(command -v ${tool})")" && exec "$@"`;
      const { status, stderr } = await c.exec(["unshare", "-m", "bash", "-c", without, "bash", binary(), "mole"]);
      expect([tool, status, stderr]).toEqual([
        tool,
        71,
        expect.stringContaining(
          "mole: cannot guard what is held: it takes sh and ip (package iproute2), and they don't run",
        ),
      ]);
    }
  });

  test("a mole that is not in the group answers every command with that, at once", async () => {
    c.write("/run/alone.toml", config("c").replace("4803@", "4811@")); // where there is no daemon
    await using alone = c.start([binary(), "mole", "--config", "/run/alone.toml"]);
    await alone.stderr.until("tries on");
    for (const words of ["move web c", "drain --force", "resume", "balance", "maintenance on"]) {
      const { status, stderr } = await mole(c, ...words.split(" "), "--timeout", "1h");
      expect([words, status, stderr]).toEqual([words, 75, expect.stringContaining(": not in the group: ")]);
    }
  });

  test("a mole that the daemon lets in and not into the group is told so once, by itself, preflight and the daemon", async () => {
    const rules = '[[spreadd.allow]]\nfrom = ["10.7.0.0/16"]\nsend = ["*"]\njoin = ["log.*"]\n';
    const strict = `[spreadd]\nlisten = ["10.7.0.1"]\nport = 4810\ntmp_socket = false\nsocket = "/run/strict.sock"\n${rules}`;
    a.write("/run/strict.toml", strict);
    const spreadd = a.start([binary(), "spreadd", "--config", "/run/strict.toml"]);
    await spreadd.stderr.until("listens on");
    c.write("/run/refused.toml", config("c").replace("4803@", "4810@"));
    const refused = c.start([binary(), "mole", "--config", "/run/refused.toml"]);
    try {
      const told = "the daemon does not let us join group mole: its [[spreadd.allow]] has to name it";
      await refused.stderr.until(told);
      const lost = async () => Number(/sessions_lost (\d+)/.exec(await does(c, "stats"))?.[1]);
      const endMs = performance.now() + WAIT_MS;
      while ((await lost()) < 3 && performance.now() < endMs);
      expect(await lost()).toBeLessThan(20); // without any wait it is hundreds
      expect(refused.stderr.text.split(told).length - 1).toBe(1);
      expect(refused.stderr.text.match(/session /g)?.length).toBe(1);
      const preflight = await mole(c, "preflight", "--config", "/run/refused.toml");
      expect([preflight.status, preflight.stdout]).toEqual([78, expect.stringContaining(`FAIL  group: ${told}`)]);
      const probe = await c.spreadbox(["spread-probe", "connect", "4810@10.7.0.1"]);
      expect([probe.status, probe.stdout]).toEqual([
        77,
        expect.stringMatching(/view .* refused: no \[\[spreadd\.allow]]/),
      ]);
      const inLog = spreadd.stderr.text.match(/refused 10\.7\.0\.3: may not join mole, no \[\[spreadd\.allow]]/g);
      expect(inLog).toHaveLength(1);
    } finally {
      await refused[Symbol.asyncDispose]();
      await spreadd[Symbol.asyncDispose]();
    }
  });

  test("a second mole of the same host is refused, and the first one's addresses stay", async () => {
    await does(a, "balance"); // nothing is on its way to another host
    const before = await a.output(["ip", "-o", "addr", "show"]);
    const second = await mole(a);
    expect([second.status, second.stderr]).toEqual([75, expect.stringContaining("another mole runs with it")]);
    expect((await a.output(["ip", "-o", "addr", "show"])).match(/10\.7\.0\.10\d/g)).toEqual(
      before.match(/10\.7\.0\.10\d/g),
    );
  });

  test("whom only one host has spoken with is told in person by another that takes the vip", async () => {
    const frames: string[] = [];
    const home = openSync("/proc/thread-self/ns/net", "r");
    const there = openSync(`/proc/${c.namespace.pid}/ns/net`, "r");
    const macOf = async (host: Host) =>
      /link\/ether (\S+)/.exec(await host.output(["ip", "-o", "link", "show", "eth0"]))![1]!;
    const [from, to] = [await macOf(b), await macOf(c)];
    await a.output(["ping", "-q", "-c", "1", "-W", "5", "10.7.0.3"]);
    enterNetwork(there);
    using _receiver = new PacketReceiver(ETHERTYPE_ARP, arpFrom([Uint8Array.of(10, 7, 0, 100)]), (_, bytes, start) =>
      frames.push(`${formatMac(bytes.slice(start + 6, start + 12))} to ${formatMac(bytes.slice(start, start + 6))}`),
    );
    enterNetwork(home);
    for (const fd of [home, there]) closeSync(fd);
    await b.output(["ip", "neigh", "flush", "to", "10.7.0.3"]);
    // Hosts tell each other every half minute whom they know.
    const endMs = performance.now() + 60_000;
    while (!frames.includes(`${from} to ${to}`)) {
      if (performance.now() > endMs) throw new Error(`it was never told: ${frames}`);
      for (const host of ["a", "b"]) await does(a, "move", "web", host, "--force");
      await Bun.sleep(1_000); // the round in person follows what all are told
    }
    expect(await b.output(["ip", "neigh", "show", "to", "10.7.0.3"])).not.toContain("lladdr");
  }, 90_000);

  test("gives its counts to a collector, also to one that names no host", async () => {
    const ask = 'exec 3<>/dev/tcp/127.0.0.1/9515; printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3';
    const answer = await a.output(["bash", "-c", ask]);
    expect(answer).toContain("application/openmetrics-text");
    expect(answer).toMatch(/^spreadbox_mole_vip_held\{vip="web"\} 1$/m);
    expect(answer).toMatch(/^spreadbox_mole_sessions_total [1-9]/m);
  });

  test("a dump has the views and decisions, and the table", async () => {
    const dump = JSON.parse(await does(a, "dump"));
    expect(dump).toMatchObject({ host: "a", standing: "inside" });
    expect(dump.table.entries).toHaveLength(3);
    expect(dump.recorded.map(({ what }: { what: string }) => what).join("\n")).toMatch(/view .* by join/);
  });
});
