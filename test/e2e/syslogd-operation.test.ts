// The compiled syslogd while it runs: asked, told to reload a good configuration and a bad one, watched by a collector.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatagramReader } from "../../lib/linux/datagram-reader.ts";
import { listenUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { addressSpaceLimit } from "../../lib/linux/jit-limits.ts";
import { binary } from "../support/binary.ts";
import { runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually } from "../syslogd/running.ts";
import { rule, running } from "./running-syslogd.ts";

const METRICS_PORT = 25_110;

test("a reload changes where records go, says what changed, and loses none", async () => {
  await using syslogd = await running((directory) => rule("user.*", `file:${directory}/one`));
  const { at, log, line, ask, configure } = syslogd;
  log("before");
  await line("one", "before");
  configure(rule("user.*", `file:${at("two")}`));
  const { status, stdout } = await ask("reload");
  expect([status, stdout]).toEqual([
    0,
    `reloaded: 1 rule, 1 new, 1 gone, opens file:${at("two")}, empties and closes file:${at("one")}\n`,
  ]);
  log("after");
  await line("two", "after");
  expect(readFileSync(at("one"), "utf8")).not.toContain("after");
  expect((await ask("reload")).stdout).toBe("reloaded: 1 rule, nothing changed\n");
  configure(`${rule("user.*", `file:${at("two")}`)}`.replace("", 'udp = []\nqueue = "1MiB"\n'));
  expect((await ask("reload")).stdout).toBe(`reloaded: 1 rule, changes file:${at("two")}\n`);
}, 30_000);

test("a bad configuration is refused with its lines, and the old one stays; SIGHUP opens the files anew all the same", async () => {
  await using syslogd = await running((directory) => rule("user,syslog.*", `file:${directory}/one`));
  const { at, log, line, ask, configure, daemon } = syslogd;
  configure(rule("mial.*", `file:${at("two")}`) + rule("mail.*", "flie:/x"));
  const { status, stdout, stderr } = await ask("reload", "--control", at("ctl"));
  expect([status, stdout]).toEqual([78, ""]);
  expect(stderr).toContain('c.toml:9:10: syslogd.rule[0].select: cannot read selector: "mial"');
  expect(stderr).toContain('c.toml:13:6: syslogd.rule[1].to: unknown sink "flie:/x"');
  log("goes on");
  await line("one", "goes on");
  await line("one", "refused to reload, goes on as before");
  renameSync(at("one"), at("one.1"));
  daemon.signal("SIGHUP");
  await eventually(
    () => existsSync(at("one")),
    () => "not opened anew",
  );
  log("in the new file");
  await line("one", "in the new file");
}, 30_000);

test("status, stats, the metrics endpoint and SIGUSR1 tell the same counts", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/one`),
    () => `metrics = "127.0.0.1:${METRICS_PORT}"`,
  );
  const { at, log, line, ask, daemon } = syslogd;
  for (const text of ["a1", "a2", "a3"]) log(text);
  await line("one", "a3");
  const sink = `file:${at("one")}`;
  const status = JSON.parse((await ask("status", "--json")).stdout);
  expect(status).toMatchObject({ pid: daemon.pid, listensOn: [at("log")], rules: [`${sink}: user: all`] });
  expect((await ask("status")).stdout).toContain(`${sink}: accepted 3, delivered 3, waiting 0, lost 0\n`);
  const stats = await ask("stats");
  expect(stats.stdout).toContain(`sink_delivered ${sink} 3\n`);
  const first = JSON.parse((await ask("stats", "--json")).stdout.split("\n")[0]!);
  expect(first).toMatchObject({ name: "records_received", kind: "counter" });
  const answer = await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`);
  expect(answer.headers.get("content-type")).toContain("application/openmetrics-text");
  const text = await answer.text();
  expect(text).toContain(`spreadbox_syslogd_sink_delivered_total{sink="${sink}"} 3\n`);
  expect(text).toEndWith("# EOF\n");
  expect((await fetch(`http://127.0.0.1:${METRICS_PORT}/other`)).status).toBe(404);
  daemon.signal("SIGUSR1");
  await daemon.stderr.until(`${sink}: accepted 3, delivered 3, waiting 0, lost 0`);
}, 30_000);

test("it leaves root when all is open, says what it cannot open anew, and its pid file goes with it", async () => {
  await using syslogd = await running(
    (directory) => rule("user,syslog.*", `file:${directory}/one`),
    (directory) => `user = "nobody"\numask = "077"\npid_file = "${directory}/run/pid"\n`,
  );
  const { at, log, line, daemon } = syslogd;
  await daemon.stderr.until("runs as nobody");
  await daemon.stderr.until(`file:${at("one")}: cannot be opened anew by nobody`);
  expect(readFileSync(at("run/pid"), "utf8")).toBe(`${daemon.pid}\n`);
  expect(statSync(at("one")).mode & 0o777).toBe(0o600);
  log("still written");
  await line("one", "still written");
  const status = readFileSync(`/proc/${daemon.pid}/status`, "latin1");
  expect(/^Uid:\s+(\d+)\s+\1\s+\1/m.exec(status)![1]).not.toBe("0");
  expect(/^CapPrm:\s+(\S+)$/m.exec(status)![1]).toBe("0000000400000400"); // to bind ports below 1024, and to read the kernel's log
  daemon.signal("SIGTERM");
  expect((await daemon.result()).status).toBe(0);
}, 30_000);

test("a limit on the address space, which makes everything slow, is told by the name of its setting", async () => {
  using scratch = temporaryDirectory();
  const command = `ulimit -v 4000000; exec "$0" syslogd --stdin --rule '*.* -> file:${scratch.path}/x' </dev/null`;
  await using daemon = start(["sh", "-c", command, binary()]);
  const { stderr } = await daemon.result();
  expect(stderr).toContain("leave LimitAS= (ulimit -v) out");
  expect(addressSpaceLimit("Max address space         unlimited            unlimited            bytes")).toBe(
    Number.POSITIVE_INFINITY,
  );
}, 30_000);

test("a watchdog hears of it as often as it wants to", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "notify");
  using socket = listenUnixDatagram(path);
  const reader = new DatagramReader(socket.fd, 1_024);
  await using daemon = startSpreadbox(
    ["syslogd", "--socket", join(scratch.path, "log"), "--rule", `*.* -> file:${scratch.path}/x`],
    {
      env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "40000" },
    },
  );
  const heard: string[] = [];
  await eventually(
    () => {
      const count = reader.receive();
      for (let at = 0; at < count; at++)
        heard.push(new TextDecoder().decode(reader.bytes.subarray(reader.start(at), reader.end(at))));
      return heard.filter((state) => state === "WATCHDOG=1").length >= 3;
    },
    () => `heard ${heard}, said ${daemon.stderr.text}`,
  );
  expect(heard).toContain("READY=1");
}, 30_000);

test("where no syslogd runs, that is told", async () => {
  const { status, stderr } = await runSpreadbox(["syslogd", "status", "--control", "/nonexistent/ctl"]);
  expect([status, stderr]).toEqual([
    69,
    "syslogd status: cannot reach syslogd at /nonexistent/ctl: no such socket; is syslogd running?\n",
  ]);
}, 30_000);
