// The compiled syslogd on sources other than datagrams: by its configuration, by sockets that are passed to it, by stdin, and after a restart.
import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { listenUdp, openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { listenUnixStream } from "../../lib/linux/stream-socket.ts";
import { binary } from "../support/binary.ts";
import { runSpreadbox, startSpreadbox, WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { textOf } from "../support/text-of.ts";
import { connect, connectByTls, connectInVain } from "../syslogd/sender.ts";
import { rule, running } from "./running-syslogd.ts";

const PORT = 25_080;

/** Lines of a file as soon as there are as many. */
async function lines(path: string, count: number): Promise<string[]> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const found = textOf(path).split("\n").slice(0, -1);
    if (found.length >= count || performance.now() > deadline) return found;
    await new Promise((done) => setTimeout(done, 5));
  }
}

test("a thousand clients in both framings, one over TLS, and one that is not allowed, by a configuration", async () => {
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  const made = Bun.spawnSync([
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    at("key"),
    "-out",
    at("cert"),
    "-subj",
    "/CN=me",
  ]);
  expect(made.exitCode).toBe(0);
  writeFileSync(
    at("config.toml"),
    `[syslogd]
socket = ["${at("log")}"]
spool_directory = "${at("spool")}"
host = "web1"
tcp = ["127.0.0.1:${PORT}"]
allow = ["127.0.0.0/8"]

[[syslogd.listen]]
on = "tls:127.0.0.1:${PORT + 1}"
certificate = "${at("cert")}"
key = "${at("key")}"
authorities = "${at("cert")}"
peers = ["me"]

[[syslogd.listen]]
on = "tcp:127.0.0.1:${PORT + 2}"
allow = ["192.0.2.0/24"]

[[syslogd.rule]]
select = "user.*"
to = "file:${at("all")}"
`,
  );
  await using daemon = startSpreadbox(["syslogd", "--config", at("config.toml")]);
  await daemon.stderr.until("started: listens on");
  const senders = [];
  for (let index = 0; index < 999; index++) senders.push(await connect(PORT));
  const own = { cert: readFileSync(at("cert")), key: readFileSync(at("key")) };
  senders.push(await connectByTls(PORT + 1, own));
  for (const [index, sender] of senders.entries()) {
    const text = `<13>app: number ${index}`;
    await sender.send(index % 2 === 0 ? `${text}\n` : `${text.length} ${text}`);
  }
  await connectInVain(PORT + 2);
  await daemon.stderr.until(
    `tcp:127.0.0.1:${PORT + 2}: refused 127.0.0.1: it is in none of the networks that are allowed`,
  );
  const found = await lines(at("all"), 1_000);
  for (const sender of senders) sender.close();
  expect(new Set(found.map((line) => line.replace(/^.*number /, ""))).size).toBe(1_000);
  daemon.signal("SIGTERM");
  expect(await daemon.exited).toBe(0);
}, 30_000);

test("stdin is read to its end, which is that of the daemon, and not a record is lost", async () => {
  using scratch = temporaryDirectory();
  const out = join(scratch.path, "out");
  const stdin = Array.from({ length: 50_000 }, (_, at) => `<13>app: ${at}\n`).join("");
  const { status } = await runSpreadbox(["syslogd", "--stdin", "--rule", `user.* -> file:${out}`], { stdin });
  expect(status).toBe(0);
  const found = readFileSync(out, "utf8").split("\n").slice(0, -1);
  expect(found.map((line) => line.replace(/^.* app: /, ""))).toEqual(
    Array.from({ length: 50_000 }, (_, at) => `${at}`),
  );
});

test("a UDP socket that is passed is served", async () => {
  using scratch = temporaryDirectory();
  const out = join(scratch.path, "out");
  const port = PORT + 10;
  using socket = listenUdp(parseAddress("127.0.0.1"), port, 65_536);
  const command = `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" syslogd --socket ${join(scratch.path, "log")} --rule 'user.* -> file:${out}'`;
  const daemon = Bun.spawn(["/bin/sh", "-c", command, binary()], { stdio: ["ignore", "ignore", "ignore", socket.fd] });
  const sender = createSocket("udp4");
  await new Promise((done) => sender.send("<13>app: passed", port, "127.0.0.1", done)); // it waits in the socket until somebody reads it
  sender.close();
  expect((await lines(out, 1))[0]).toEndWith("127.0.0.1 app: passed");
  daemon.kill("SIGTERM");
  await daemon.exited;
});

test("a listening stream socket that is passed is served, and left standing at the end", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "stream");
  using socket = listenUnixStream(path);
  const out = join(scratch.path, "out");
  const command = `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" syslogd --socket ${join(scratch.path, "log")} --rule 'user.* -> file:${out}'`;
  const daemon = Bun.spawn(["/bin/sh", "-c", command, binary()], { stdio: ["ignore", "ignore", "ignore", socket.fd] });
  using sender = await connect(path);
  await sender.send("<13>app: passed\n");
  expect((await lines(out, 1))[0]).toEndWith("app: passed");
  daemon.kill("SIGTERM");
  await daemon.exited;
  expect(existsSync(path)).toBe(true);
});

const canWriteKernel =
  Bun.spawnSync(["sh", "-c", "echo '<14>spreadbox-test: probe' >/dev/kmsg && head -c0 /dev/kmsg"]).exitCode === 0;
if (!canWriteKernel) process.stderr.write("SKIP: /dev/kmsg cannot be written here\n");

test.skipIf(!canWriteKernel).each(["", 'user = "nobody"\n'])(
  "a restart repeats none of the kernel's messages, and misses none that were said meanwhile; %j",
  async (more) => {
    using scratch = temporaryDirectory();
    const at = (name: string) => join(scratch.path, name);
    writeFileSync(
      at("config.toml"),
      `[syslogd]\nsocket = ["${at("log")}"]\nspool_directory = "${at("spool")}"\nkernel = "yes"\nkernel_state = "${at("state/kernel")}"\n${more}`,
    );
    chmodSync(scratch.path, 0o755);
    const args = ["syslogd", "--config", at("config.toml"), "--rule", `kern,user.* -> file:${at("out")}`];
    const word = `${process.pid}-${Date.now()}`;
    const tell = (text: string) => writeFileSync("/dev/kmsg", `<14>spreadbox-test: ${word} ${text}\n`);
    const told = async (count: number) => {
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const found = (await lines(at("out"), 1))
          .filter((line) => line.includes(word))
          .map((line) => line.replace(/^.* /, ""));
        if (found.length >= count || performance.now() > deadline) return found;
        await new Promise((done) => setTimeout(done, 5));
      }
    };
    tell("before");
    for (const during of ["first", "second"]) {
      await using daemon = startSpreadbox(args);
      await daemon.stderr.until("started: listens on");
      tell(during);
      await told(during === "first" ? 2 : 4);
      daemon.signal("SIGTERM");
      await daemon.exited;
      if (during === "first") tell("between");
    }
    expect(await told(4)).toEqual(["before", "first", "between", "second"]);
  },
  30_000,
);

test("messages that were cut are told, by their source and in one line", async () => {
  await using syslogd = await running((directory) => rule("*.*", `file:${directory}/all`));
  const sender = openUnixDatagram();
  for (let number = 0; number < 3; number++)
    sendUnixDatagram(sender.fd, syslogd.at("log"), new TextEncoder().encode(`<13>app: ${"x".repeat(70_000)}`));
  await syslogd.log("behind them");
  await syslogd.line("all", "behind them");
  sender[Symbol.dispose]();
  syslogd.daemon.signal("SIGTERM");
  await syslogd.daemon.exited;
  const told = syslogd.daemon.stderr.text.split("\n").filter((line) => line.includes("cut"));
  expect(told).toEqual([`syslogd: ${syslogd.at("log")}: 3 messages were longer than 64 KiB, and were cut`]);
  await syslogd.line("all", "3 messages were longer");
});

test("a metrics address that is in use ends the start before anything is said to have started", async () => {
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  writeFileSync(
    at("c.toml"),
    `[syslogd]\nsocket = ["${at("log")}"]\ncontrol = "${at("ctl")}"\nspool_directory = "${at("spool")}"\nmetrics = "127.0.0.1:${taken.port}"\n${rule("*.*", `file:${at("all")}`)}`,
  );
  const { status, stderr } = await runSpreadbox(["syslogd", "--config", at("c.toml")]);
  expect([status, stderr.split("\n").length]).toEqual([73, 2]);
  expect(existsSync(at("all"))).toBe(false);
});

test("an address that is not of this host is refused with that reason", async () => {
  const { status, stderr } = await runSpreadbox([
    "syslogd",
    "--tcp",
    "192.0.2.1:601",
    "--rule",
    "*.* -> file:/dev/null",
  ]);
  expect([status, stderr]).toEqual([71, expect.stringContaining("192.0.2.1 port 601: this host has no such address")]);
});
