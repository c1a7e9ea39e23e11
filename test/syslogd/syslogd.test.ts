import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parseAddress } from "../../lib/base/ip-address.ts";
import { openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { fuzzFactor } from "../support/fuzz.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually, logger, Running, sinksWith } from "./running.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Sends, and waits while the socket's queue is full. */
async function send(sender: { fd: number }, to: string, what: Uint8Array): Promise<void> {
  while (!sendUnixDatagram(sender.fd, to, what)) await new Promise((done) => setImmediate(done));
}

describe("what logger says", () => {
  test("arrives with its host, tag, pid and text, where the rule for its priority sends it", async () => {
    await using running = new Running(["*.*;user.none -> file:%d/others", "user.err -> file:%d/errors"]);
    logger(running.socket, "-p", "user.err", "-t", "me", "--id=77", "hello");
    logger(running.socket, "-p", "user.info", "-t", "me", "not so urgent");
    logger(running.socket, "-p", "mail.debug", "-t", "postfix/smtpd", 'it\'s; "quoted" \u00e4\u00f6\u00fc \u2713');
    expect(await running.line("errors", /hello/)).toBe("web1 me[77]: hello");
    expect(await running.line("others", /quoted/)).toBe(
      'web1 postfix/smtpd: it\'s; "quoted" \u00e4\u00f6\u00fc \u2713',
    );
    expect(running.lines("errors")).toHaveLength(1);
    expect(running.lines("others").filter((line) => !line.includes(" syslogd["))).toHaveLength(1);
  });

  test("arrives as RFC 5424 too, and as several lines that stay one", async () => {
    await using running = new Running(["*.* -> file:%d/all"]);
    logger(running.socket, "--rfc5424", "-t", "me", "-p", "local3.notice", "structured");
    const sender = openUnixDatagram();
    await send(sender, running.socket, bytes("<13>multi: one\ntwo\u001b[31m three\n"));
    sender[Symbol.dispose]();
    await running.line("all", /me.*: structured/);
    await running.line("all", "web1 multi: one#012two#033[31m three");
  });
});

test("a flood of datagrams loses nothing in a queue that is small, while the disk keeps up: neither for a file, nor for a host that is away", async () => {
  using scratch = temporaryDirectory();
  await using running = new Running(["*.* -> file:%d/all", "*.* -> tcp:127.0.0.1:9"], {
    sinks: { entries: [], spoolDirectory: join(scratch.path, "spool"), queueBytesMax: 65_536 },
  });
  await eventually(
    () => running.said.some((line) => line.includes("connection refused")),
    () => running.said.join("\n"),
  );
  const count = 40_000;
  const flooder = Bun.spawn([
    process.execPath,
    join(import.meta.dir, "../linux/flooder.ts"),
    running.socket,
    `${count}`,
  ]);
  expect(await flooder.exited).toBe(0);
  await eventually(
    () => running.daemon.totals.received >= count + 2,
    () => `received ${running.daemon.totals.received}`,
  );
  expect(running.daemon.totals.sinks.map(({ lost }) => lost)).toEqual([0, 0]);
});

test("messages from the network bear the address of who sent them, where they name no host", async () => {
  const port = 24_410;
  await using running = new Running(["*.* -> file:%d/all"], { udp: [{ address: parseAddress("127.0.0.1"), port }] });
  const sender = createSocket("udp4");
  for (const text of [
    "<13>app: no host",
    "<13>Nov 23 15:20:38 router7 app: a host",
    "<13>1 - other5 app - - - new style",
  ])
    await new Promise((done) => sender.send(text, port, "127.0.0.1", done));
  sender.close();
  await running.line("all", "127.0.0.1 app: no host");
  await running.line("all", "router7 app: a host");
  await running.line("all", "other5 app: new style");
});

test("what the daemon has to say goes the same way as others' messages", async () => {
  await using running = new Running(["syslog.* -> file:%d/own"]);
  await running.line("own", `web1 syslogd[${process.pid}]: started: listens on ${running.socket}`);
  await running.end();
  expect(running.lines("own").at(-1)).toMatch(/: ends after \d+ records?$/);
});

test("a file that was moved away is begun anew after SIGHUP, and nothing is lost between", async () => {
  await using running = new Running(["user.* -> file:%d/all"]);
  logger(running.socket, "-t", "me", "before");
  await running.line("all", "web1 me: before");
  renameSync(running.path("all"), running.path("all.1"));
  logger(running.socket, "-t", "me", "between");
  running.daemon.reopen();
  await eventually(
    () => existsSync(running.path("all")),
    () => "no new file",
  );
  logger(running.socket, "-t", "me", "after");
  await running.line("all", "web1 me: after");
  const texts = [...running.lines("all.1"), ...running.lines("all")].filter((line) => line.includes(" me: "));
  expect(texts).toEqual(["web1 me: before", "web1 me: between", "web1 me: after"]);
});

test("a sink that stalls stalls neither the programs that log nor other sinks, and its loss is reported when it works again", async () => {
  const rules = ["*.* -> file:%d/all", "user.* -> file:%d/fifo"];
  await using running = new Running(
    rules,
    { sinks: sinksWith(1 << 20) },
    (directory) => Bun.spawnSync(["mkfifo", `${directory}/fifo`]), // without a reader
  );
  const { daemon } = running;
  await running.line("all", /file:.*fifo: nobody reads this FIFO/);
  const sender = openUnixDatagram();
  const count = 40_000;
  for (let at = 0; at < count; at++) await send(sender, running.socket, bytes(`<14>me: number ${at}`));
  await running.line("all", `web1 me: number ${count - 1}`);
  const stalled = daemon.totals.sinks[1]!;
  expect(stalled.lost).toBeGreaterThan(0);
  expect(stalled.delivered + stalled.lost + stalled.waiting).toBe(stalled.accepted);
  const reader = Bun.spawn(["cat", running.path("fifo")], { stdout: "pipe" });
  const report = await running.line("all", /fifo: works again/);
  expect(report).toEndWith(`, ${stalled.lost} records lost`);
  await running.end();
  const read = (await new Response(reader.stdout).text()).split("\n").filter((line) => line.includes("number"));
  expect(read.length).toBe(count - stalled.lost);
  expect(running.lines("all").filter((line) => line.includes("number")).length).toBe(count);
  sender[Symbol.dispose]();
});

test("datagrams that the kernel had no room for are counted, and told", async () => {
  const port = 24_412;
  await using running = new Running(["*.* -> file:%d/all"], { udp: [{ address: parseAddress("127.0.0.1"), port }] });
  const missed = () => running.daemon.totals.sources.find(({ name }) => name.startsWith("udp"))!.missed;
  const sent = 2_000;
  // Nothing is read before this turn of the event loop ends: the buffer fills.
  const flood = Bun.spawnSync([
    "python3",
    "-c",
    `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor i in range(${sent}): s.sendto(b"x" * 60000, ("127.0.0.1", ${port}))`,
  ]);
  expect(flood.exitCode).toBe(0);
  const received = () => running.daemon.totals.sources.find(({ name }) => name.startsWith("udp"))!.received;
  await eventually(
    () => received() + missed() === sent,
    () => `${received()} and ${missed()} of ${sent}`,
  );
  const lost = missed();
  expect(lost).toBeGreaterThan(0);
  await running.end();
  expect(running.said).toContain(
    `warning udp:127.0.0.1:${port}: ${lost} messages were lost before being read: the kernel's buffer was full`,
  );
});

test("a message longer than the limit is cut, and the next one is whole", async () => {
  await using running = new Running(["user.* -> file:%d/all"]);
  const sender = openUnixDatagram();
  await send(sender, running.socket, bytes(`<14>long: ${"x".repeat(100_000)}`));
  await send(sender, running.socket, bytes("<14>short: whole"));
  await running.line("all", "web1 short: whole");
  const [long] = running.lines("all");
  expect(long).toBe(`web1 long: ${"x".repeat(65_536 - "<14>long: ".length)}`);
  sender[Symbol.dispose]();
});

/** The oldest that the kernel still has: "PRI,SEQ,MICROSECONDS,FLAGS;TEXT". */
const oldestOfKernel = () => Bun.spawnSync(["dd", "if=/dev/kmsg", "iflag=nonblock", "bs=8192", "count=1"]);
const canReadKernel = oldestOfKernel().exitCode === 0;
if (!canReadKernel) process.stderr.write("SKIP: /dev/kmsg cannot be read here\n");

test.skipIf(!canReadKernel)("the kernel's messages are read, with the time at which they were said", async () => {
  const [, , saidUs] = oldestOfKernel().stdout.toString().split(",");
  await using running = new Running(["kern.* -> file:%d/kernel"], { kernel: "yes" });
  const first = await eventually(
    () => running.lines("kernel")[0],
    () => "nothing of the kernel's",
  );
  expect(first).toMatch(/^web1 kernel: \S/);
  // The time is when it was said, not when it was read.
  const line = readFileSync(running.path("kernel"), "utf8").split("\n")[0]!;
  const said = Date.parse(`${line.slice(0, 15)} ${new Date().getFullYear()}`);
  const started = Date.now() - Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1_000;
  expect(Math.abs(said - started - Number(saidUs) / 1_000)).toBeLessThan(60_000);
});

test("bytes of any kind into the socket end nothing, and what is right among them arrives", async () => {
  await using running = new Running(["*.* -> file:%d/all"], { sinks: sinksWith(64 << 20) });
  const sender = openUnixDatagram();
  const count = 6_000 * fuzzFactor;
  const shapes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(
        fc.constantFrom(
          "<13>",
          "<191>1 ",
          "<34>Oct 11 22:14:15 ",
          '<165>1 2003-10-11T22:14:15.003Z h a - - [x y="',
          "<",
          "<999>",
        ),
        fc.uint8Array({ maxLength: 200 }),
      )
      .map(([head, tail]) => new Uint8Array([...bytes(head), ...tail])),
    fc.constant(new Uint8Array(0)),
  );
  const hostile = fc.sample(shapes, { numRuns: count });
  let rssBefore = 0;
  for (const [at, one] of hostile.entries()) {
    await send(sender, running.socket, one);
    if (at % 100 === 0) await send(sender, running.socket, bytes(`<14>valid: number ${at}`));
    if (at === count / 2) rssBefore = process.memoryUsage.rss();
  }
  await send(sender, running.socket, bytes("<14>valid: the end"));
  await running.line("all", "web1 valid: the end");
  sender[Symbol.dispose]();
  await running.end();
  const valid = running.lines("all").filter((line) => line.startsWith("web1 valid: number"));
  expect(valid.length).toBe(Math.ceil(count / 100));
  const { received, sinks } = running.daemon.totals;
  expect(received).toBe(count + valid.length + 1 + running.said.length);
  expect(sinks[0]).toMatchObject({ accepted: received, delivered: received, lost: 0 });
  expect(readFileSync(running.path("all")).filter((byte) => byte === 10).length).toBe(received);
  expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(64 << 20);
  expect(statSync(running.path("all")).mode & 0o007).toBe(0);
}, 60_000);
