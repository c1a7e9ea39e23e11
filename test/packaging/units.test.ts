// The units, by systemd's own judgement, and run by a systemd: with the compiled binary, ready, reloaded, killed, hung and stopped.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { UNITS } from "../../lib/packaging/unit.ts";
import { binary } from "../support/binary.ts";
import { start } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { hasSystemd, Systemd } from "./systemd.ts";

const fileNameOf = (name: string) => (name.includes(".") ? name : `${name}.service`);
const units = Object.fromEntries(UNITS.map(({ name, text }) => [fileNameOf(name), text(binary())]));

test("no unit switches the JIT compiler off, or hides the socket in /tmp", () => {
  for (const text of Object.values(units)) expect(text).not.toMatch(/^(MemoryDenyWriteExecute|LimitAS|PrivateTmp)=/m);
});

const canVerify = Bun.which("systemd-analyze") !== null;
if (!canVerify) process.stderr.write("SKIP: no systemd-analyze\n");

describe.if(canVerify)("systemd-analyze finds nothing wrong with", () => {
  for (const name of Object.keys(units))
    test(name, async () => {
      using scratch = temporaryDirectory();
      for (const [file, text] of Object.entries(units)) writeFileSync(join(scratch.path, file), text);
      await using child = start(["systemd-analyze", "verify", "--man=no", join(scratch.path, name)]);
      expect(await child.result()).toEqual({ status: 0, stdout: "", stderr: "" });
    });
});

// The watchdog is made impatient, so that the test is not.
units["mole.service"] = units["mole.service"]!.replace("WatchdogSec=30s", "WatchdogSec=2s");

const CONFIG = `
[spreadd]
port = 4803
[spread]
servers = ["unix:/run/spreadbox/spread.sock"]
[syslogd]
kernel = "no"
[[syslogd.rule]]
select = "user.*"
to = "file:/var/log/all.log"
[[syslogd.rule]]
select = "user.*"
to = "group:log.user"
[logcat]
groups = ["log.user"]
[[logcat.write]]
to = "file:/var/log/recorded.log"
[mole]
silence = "1s"
[[mole.vip]]
name = "web"
addresses = ["192.0.2.10/32"]
device = "near0"
`;

describe.if(hasSystemd)("run by systemd", () => {
  let systemd: Systemd;
  const pidOf = async (name: string) => (await systemd.run(`systemctl show -P MainPID ${name}`)).stdout.trim();

  beforeAll(async () => {
    const defaults = Object.fromEntries(
      ["syslogd", "spreadd", "mole", "logcat-record"].map((name) => [
        `spreadbox-${name}`,
        "SPREADBOX_CONFIG=/etc/default/config.toml\nDAEMON_ARGS=--verbose\n",
      ]),
    );
    systemd = await Systemd.start(units, { ...defaults, "config.toml": CONFIG });
    // Where a journald would have put its link; and a wire for the mole.
    await systemd.run(`ln -s /run/systemd/journal/dev-log /dev/log
      ip link set lo up; ip link add near0 type veth peer name far0; ip link set far0 up; ip link set near0 up`);
  }, 60_000);
  afterAll(async () => await systemd[Symbol.asyncDispose]());

  test("/dev/log is taken from journald, and what is logged before syslogd runs is not lost", async () => {
    expect(await systemd.run("systemctl start syslogd.socket")).toMatchObject({ status: 0, stderr: "" });
    expect((await systemd.run("test -S /dev/log && ! test -L /dev/log && logger -t app early")).status).toBe(0);
    await systemd.until("systemctl is-active syslogd", "active\n");
    await systemd.until("cat /var/log/all.log", /app: early/);
    expect((await systemd.run(`${binary()} syslogd status`)).stdout).toContain("/dev/log (passed as descriptor 3)");
    expect((await systemd.run("systemctl show -P NRestarts syslogd")).stdout).toBe("0\n");
  });

  for (const name of ["syslogd", "spreadd", "mole", "logcat-record"]) {
    test(`${name} starts, reloads and is not restarted by itself`, async () => {
      expect(await systemd.run(`systemctl start ${name}`)).toMatchObject({ status: 0, stderr: "" });
      expect(await systemd.run(`systemctl reload ${name}`)).toMatchObject({ status: 0, stderr: "" });
      expect((await systemd.run(`systemctl is-active ${name}; systemctl show -P NRestarts ${name}`)).stdout).toBe(
        "active\n0\n",
      );
    });

    test(`${name} may make code as it runs, and has no power that its unit does not name`, async () => {
      const { stdout } = await systemd.run(`cat /proc/${await pidOf(name)}/status`);
      const bounds = BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(stdout)![1]}`);
      expect(bounds & (1n << 21n)).toBe(0n); // CAP_SYS_ADMIN
      expect(/^NoNewPrivs:\s*(\d)/m.exec(stdout)![1]).toBe(name === "spreadd" ? "1" : "0");
    });
  }

  const held = "ip -o address show dev near0 | grep -c 192.0.2.10";

  for (const { what, signal, withinMs } of [
    { what: "is killed", signal: "KILL", withinMs: 1_000 },
    { what: "the watchdog ends", signal: "ABRT", withinMs: 1_000 },
    { what: "stands still", signal: "STOP", withinMs: 10_000 }, // until the watchdog notices
  ])
    test(`a mole that ${what} has its addresses taken off by the guard, and is started again`, async () => {
      await systemd.until(held, "1\n");
      const before = await pidOf("mole");
      // A guard that is slow: by the time that it wakes systemd has dealt with what is left of the service.
      const slow = signal === "STOP" ? "" : "kill -STOP $(pgrep -f 'mole[-]guard');";
      await systemd.run(`${slow} kill -${signal} ${before}`);
      if (slow !== "") await systemd.until("systemctl is-active mole", "activating\n");
      await systemd.run("kill -CONT $(pgrep -f 'mole[-]guard')");
      // Well before the lease ends, which is 2 s.
      await systemd.until(`test -d /proc/${before} || ${held}`, "0\n", withinMs);
      await systemd.until("systemctl is-active mole", "active\n");
      expect(await pidOf("mole")).not.toBe(before);
      await systemd.until(held, "1\n");
    }, 60_000);

  test("a stopped mole has given up its addresses", async () => {
    expect(await systemd.run(`systemctl stop mole; ${held}`)).toMatchObject({
      stdout: "0\n",
    });
    expect((await systemd.run("systemctl show -P Result mole; pgrep -f mole[-]guard | wc -l")).stdout).toBe(
      "success\n0\n",
    );
  });

  test("what is logged reaches file and recorder; a restart loses nothing, and a killed one is back", async () => {
    await systemd.run("logger -t app first");
    await systemd.until("cat /var/log/recorded.log", /app: first/);
    expect((await systemd.run(`${binary()} syslogd restart --control /run/spreadbox/syslogd.ctl`)).status).toBe(0);
    await systemd.run("logger -t app second");
    expect((await systemd.run("systemctl restart syslogd")).status).toBe(0);
    await systemd.run("kill -KILL $(systemctl show -P MainPID syslogd); logger -t app third");
    for (const word of ["second", "third"]) await systemd.until("cat /var/log/all.log", new RegExp(`app: ${word}`));
    await systemd.until("cat /var/log/recorded.log", /app: third/);
  }, 60_000);

  test("one whose configuration is wrong is not started again and again", async () => {
    await systemd.run(
      "systemctl stop logcat-record; echo 'DAEMON_ARGS=--sate x' >/etc/default/spreadbox-logcat-record",
    );
    expect((await systemd.run("systemctl start logcat-record")).status).toBe(1);
    expect(
      (await systemd.run("systemctl is-failed logcat-record; systemctl show -P NRestarts logcat-record")).stdout,
    ).toBe("failed\n0\n");
  });

  test("all of them stop in order, and journald has /dev/log back", async () => {
    await systemd.run(
      `mkdir -p /run/systemd/journal; perl -MSocket -e 'socket(S, PF_UNIX, SOCK_DGRAM, 0); bind(S, sockaddr_un("/run/systemd/journal/dev-log"))'`,
    );
    expect((await systemd.run("systemctl stop syslogd.socket syslogd spreadd")).status).toBe(0);
    for (const name of ["syslogd", "spreadd"])
      expect((await systemd.run(`systemctl show -P Result ${name}`)).stdout).toBe("success\n");
    expect((await systemd.run("readlink /dev/log")).stdout).toBe("/run/systemd/journal/dev-log\n");
  });
});

const AS_NOBODY = `
[spread]
servers = ["unix:/run/spreadbox/spread.sock"]
[syslogd]
user = "nobody"
kernel = "no"
udp = ["127.0.0.1:514"]
[[syslogd.rule]]
select = "user.*"
to = "group:log.user"
[[logcat.write]]
groups = ["log.user"]
to = "file:/var/log/recorded/all.log"
[[logcat.write]]
groups = ["log.user"]
to = "archive:/var/lib/spreadbox/archive"
[logcat.recorder]
user = "nobody"
`;

test.if(hasSystemd)(
  "services that leave root keep what they need, through restarts of both kinds",
  async () => {
    const told = (name: string) =>
      units[`${name}.service`]!.replace("[Service]", "[Service]\nStandardError=append:/var/log/told");
    const names = ["spreadd", "syslogd", "logcat-record"];
    await using systemd = await Systemd.start(
      {
        ...Object.fromEntries(names.map((name) => [`${name}.service`, told(name)])),
        "syslogd.socket": units["syslogd.socket"]!,
      },
      {
        "config.toml": AS_NOBODY,
        ...Object.fromEntries(
          names.map((name) => [`spreadbox-${name}`, "SPREADBOX_CONFIG=/etc/default/config.toml\n"]),
        ),
      },
    );
    const recorded = (text: string) => systemd.until("cat /var/log/recorded/all.log", new RegExp(`app: ${text}\n`));
    await systemd.run("ip link set lo up");
    expect(
      (await systemd.run("systemctl start spreadd syslogd.socket syslogd logcat-record; logger -t app one")).status,
    ).toBe(0);
    await recorded("one");
    expect((await systemd.run(`${binary()} syslogd restart; logger -t app two`)).stdout).toStartWith("restarted: ");
    await recorded("two");
    await systemd.run("systemctl restart syslogd logcat-record; logger -t app three");
    await recorded("three");
    expect((await systemd.run("ps -o user= -C spreadbox | sort | uniq -c")).stdout.match(/\w+ +\w+/g)).toEqual([
      "2 nobody",
      "1 root",
    ]);
    const { stdout } = await systemd.run("cat /var/log/told"); // the last resort, the console, was opened by root: nothing of that either
    for (const trouble of [/EACCES/, /did not end in order/, /has a buffer of/, /can't be/, /cannot (?!reach)/])
      expect(stdout).not.toMatch(trouble);
  },
  60_000,
);

const COROSYNC = `totem {
  version: 2
  cluster_name: test
  transport: knet
}
nodelist {
  node {
    ring0_addr: 127.0.0.1
    nodeid: 1
    name: one
  }
}
system {
  sched_rr: no
  state_dir: /run
}
`;

test.if(hasSystemd && Bun.which("corosync") !== null)(
  "spreadd over corosync holds up nothing while there is no ring, and shares memory with corosync from its sandbox",
  async () => {
    await using systemd = await Systemd.start(
      {
        "spreadd.service": units["spreadd.service"]!,
        "corosync.service": "[Service]\nExecStart=/usr/sbin/corosync -f -c /etc/default/corosync.conf\n",
      },
      {
        "corosync.conf": COROSYNC,
        "config.toml": '[spreadd]\nengine = "corosync"\n',
        "spreadbox-spreadd": "SPREADBOX_CONFIG=/etc/default/config.toml\n",
      },
    );
    await systemd.run("ip link set lo up");
    expect(await systemd.run("systemctl start spreadd; systemctl show -P StatusText spreadd")).toMatchObject({
      stdout: "waits for the ring\n",
    });
    await systemd.run("systemctl start corosync");
    await systemd.until("systemctl show -P StatusText spreadd", "serves\n");
    expect((await systemd.run(`${binary()} spread-probe connect unix:/run/spreadbox/spread.sock`)).status).toBe(0);
    expect((await systemd.run("systemctl show -P NRestarts spreadd")).stdout).toBe("0\n");
  },
  60_000,
);
