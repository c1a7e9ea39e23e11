// TCP and TLS: what arrives, what is sent again, what is counted when nobody can know.
import { expect, test } from "bun:test";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import type { TCPSocketListener } from "bun";
import { StreamCarrier, type TlsOptions } from "../../lib/sink/io/stream-carrier.ts";
import { Rfc5424Format } from "../../lib/syslog/format-5424.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { MB, numbered, SinkRig, spoolAt, textsOf } from "./queue-rig.ts";

/** A receiver that keeps all it gets; it may be told not to read. */
class Receiver {
  text = "";
  readonly sockets = new Set<{ terminate(): void }>();
  readonly #listener: TCPSocketListener;
  #heard: () => void = () => {};

  constructor(
    port: number,
    readonly reads = true,
  ) {
    this.#listener = Bun.listen({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => {
          this.sockets.add(socket);
          if (!this.reads) socket.pause();
          this.#heard();
        },
        data: (_, bytes) => {
          this.text += bytes.toString();
          this.#heard();
        },
        close: (socket) => {
          this.sockets.delete(socket);
        },
        error: () => {},
      },
    });
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds())
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
  }

  stop(): void {
    for (const socket of this.sockets) socket.terminate();
    this.#listener.stop(true);
  }
}

test("records arrive over TCP with line feeds, and each is counted when it has", async () => {
  const receiver = new Receiver(24_910);
  const rig = new SinkRig(new StreamCarrier({ host: "127.0.0.1", port: 24_910 }));
  rig.log(...numbered(5_000));
  await rig.settled();
  await receiver.until(() => textsOf(receiver.text).length === 5_000);
  expect(textsOf(receiver.text)).toEqual(numbered(5_000));
  expect(rig.ledger).toEqual({ accepted: 5_000, delivered: 5_000, lost: 0, waiting: 0 });
  await rig.sink.close(WAIT_MS);
  receiver.stop();
});

test("with octet counting a record is preceded by its length, and may have line feeds", async () => {
  const receiver = new Receiver(24_911);
  const carrier = new StreamCarrier({ host: "127.0.0.1", port: 24_911 });
  const rig = new SinkRig(carrier, { frame: "octets", format: new Rfc5424Format() });
  rig.log("one", "two");
  await receiver.until(() => receiver.text.includes("two"));
  const head = "<13>1 2026-11-23T15:20:38Z web1 app - - - one".length;
  expect(receiver.text).toMatch(/^(\d+) <13>1 .* web1 app - - - one\d+ <13>1 .* - two$/);
  expect(Number.parseInt(receiver.text, 10)).toBeGreaterThanOrEqual(head);
  const first = Number.parseInt(receiver.text, 10);
  expect(receiver.text.slice(`${first} `.length).slice(0, first)).toEndWith(" one");
  await rig.sink.close(WAIT_MS);
  receiver.stop();
});

test("while the receiver is away all waits on disk, and comes in order when it is back, once", async () => {
  using scratch = temporaryDirectory();
  const before = new Receiver(24_912);
  const carrier = new StreamCarrier({ host: "127.0.0.1", port: 24_912 });
  const spool = spoolAt(join(scratch.path, "spool"));
  const rig = new SinkRig(carrier, { spool, queueBytesMax: 8 * MB });
  rig.log(...numbered(10));
  await before.until(() => textsOf(before.text).length === 10);
  before.stop();
  for (let at = 10; at < 30_000; at += 10) {
    rig.log(...numbered(10, at));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await rig.heard("failing");
  rig.log(...numbered(1_000, 30_000));
  expect(rig.ledger).toMatchObject({ lost: 0, waiting: 31_000 - rig.ledger.delivered });
  const after = new Receiver(24_912);
  await rig.heard("working");
  await rig.settled();
  await after.until(() => textsOf(after.text).length >= 30_990);
  expect(textsOf(after.text)).toEqual(numbered(30_990, 10));
  expect(rig.ledger).toEqual({ accepted: 31_000, delivered: 31_000, lost: 0, waiting: 0 });
  expect(rig.events.map(({ on }) => on).filter((on) => on !== "uncertain")).toEqual(["failing", "working"]);
  await rig.sink.close(WAIT_MS);
  after.stop();
}, 20_000);

test("what waits through the end of the process is sent by the next, marked late", async () => {
  using scratch = temporaryDirectory();
  const spool = spoolAt(join(scratch.path, "spool"));
  const away = new SinkRig(new StreamCarrier({ host: "127.0.0.1", port: 24_913 }), { spool });
  away.log(...numbered(500));
  await away.heard("failing");
  away.log(...numbered(500, 500));
  await away.sink.close(WAIT_MS);
  expect(away.ledger).toMatchObject({ accepted: 1_000, delivered: 0, lost: 0 });
  const receiver = new Receiver(24_913);
  const format = new Rfc5424Format({ ownElement: true });
  const next = new SinkRig(new StreamCarrier({ host: "127.0.0.1", port: 24_913 }), {
    spool,
    format,
    incarnation: "2b",
  });
  next.log("new");
  expect(await next.heard("recovered")).toMatchObject({ records: 1_000, tornBytes: 0 });
  await next.settled();
  await receiver.until(() => receiver.text.endsWith("new\n"));
  const lines = receiver.text.trimEnd().split("\n");
  expect(lines.map((line) => line.split(" ").at(-1)!)).toEqual([...numbered(1_000), "new"]);
  expect(lines.slice(0, 1_000).every((line) => line.includes('marks="late"'))).toBe(true);
  expect(next.ledger).toEqual({ accepted: 1_001, delivered: 1_001, lost: 0, waiting: 0 });
  await next.sink.close(WAIT_MS);
  receiver.stop();
});

test("a receiver that accepts and never reads holds up nobody, and is given up after a while", async () => {
  using scratch = temporaryDirectory();
  const deaf = new Receiver(24_914, false);
  const carrier = new StreamCarrier({ host: "127.0.0.1", port: 24_914, stallMs: 1_000 });
  const rig = new SinkRig(carrier, { spool: spoolAt(join(scratch.path, "spool")), queueBytesMax: 8 * MB });
  const long = "x".repeat(1_000);
  for (let at = 0; at < 8_000; at += 100) {
    do await new Promise((resolve) => setImmediate(resolve));
    while (rig.sink.isPressed);
    // 110 kB a turn; a call that waited for the receiver would never return
    rig.log(...Array.from({ length: 100 }, (_, index) => `${at + index} ${long}`));
  }
  expect(rig.ledger.lost).toBe(0);
  await rig.heard("failing");
  deaf.stop();
  const after = new Receiver(24_914);
  await rig.settled();
  await after.until(() => after.text.includes(` app: 7999 `));
  const numbers = textsOf(after.text).map((text) => Number.parseInt(text, 10));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => 8_000 - numbers.length + at));
  expect(rig.balance).toBe(0);
  expect(rig.sink.counters.again).toBeGreaterThan(0);
  await rig.sink.close(WAIT_MS);
  after.stop();
}, 30_000);

test("without a spool, what memory can't hold is refused, counted, and reported when the receiver is back", async () => {
  const rig = new SinkRig(new StreamCarrier({ host: "127.0.0.1", port: 24_915 }), { queueBytesMax: 131_072 });
  rig.log(...numbered(5_000));
  await rig.heard("failing");
  const { lost } = rig.ledger;
  expect(lost).toBeGreaterThan(1_000);
  const receiver = new Receiver(24_915);
  expect(await rig.heard("working")).toMatchObject({ lost });
  await rig.settled();
  await receiver.until(() => textsOf(receiver.text).length === 5_000 - lost);
  expect(textsOf(receiver.text)).toEqual(numbered(5_000 - lost));
  await rig.sink.close(WAIT_MS);
  receiver.stop();
});

/** Certificates made once, for a server called localhost and a client called web1. */
function certificates(directory: string) {
  const run = (...args: string[]) => {
    const made = Bun.spawnSync(["openssl", ...args], { cwd: directory, stderr: "pipe" });
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  };
  for (const [name, more] of [
    ["server", ["-addext", "subjectAltName=DNS:localhost"]],
    ["client", []],
    ["rogue", ["-addext", "subjectAltName=DNS:localhost"]],
  ] as const)
    run(
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      ...more,
      ...["-keyout", `${name}.key`, "-out", `${name}.crt`, "-subj", `/CN=${name}`],
    );
  const read = (name: string) => readFileSync(join(directory, name), "utf8");
  return { read };
}

for (const kind of ["TCP", "TLS"] as const)
  test(`a receiver over ${kind} that ends its direction and reads on gets what is on its way, and nothing twice`, async () => {
    using scratch = temporaryDirectory();
    const { read } = certificates(scratch.path);
    const texts: string[] = [];
    let heard = () => {};
    const taking = (socket: Socket) => {
      const at = texts.push("") - 1;
      socket.once("data", () => {
        if (at < 3) socket.end();
      });
      socket.on("data", (bytes: Buffer) => {
        texts[at] += bytes.toString();
        heard();
      });
      socket.on("end", () => socket.destroy());
      socket.on("error", () => {});
    };
    const options = { allowHalfOpen: true, key: read("server.key"), cert: read("server.crt") };
    const port = kind === "TCP" ? 24_917 : 24_918;
    const server = kind === "TCP" ? createTcpServer(options, taking) : createServer(options, taking);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const tls = kind === "TLS" ? { tls: () => ({ authorities: read("server.crt") }) } : {};
    const rig = new SinkRig(new StreamCarrier({ host: "localhost", port, ...tls }), { queueBytesMax: 64 * MB });
    for (let at = 0; at < 20_000 || texts.length < 4; at += 1_000) {
      rig.log(...numbered(1_000, at));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await rig.settled();
    const { accepted } = rig.ledger;
    const isWhole = () => textsOf(texts.join("")).length >= accepted;
    while (!isWhole())
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    const got = textsOf(texts.join(""));
    expect([got.length, got.findIndex((text, at) => text !== `m${at}`)]).toEqual([accepted, -1]);
    expect([rig.sink.counters.again, rig.ledger]).toEqual([0, { accepted, delivered: accepted, lost: 0, waiting: 0 }]);
    await rig.sink.close(WAIT_MS);
    server.close();
  }, 20_000);

test("over TLS it sends to the server that it should, and to no other", async () => {
  using scratch = temporaryDirectory();
  const { read } = certificates(scratch.path);
  let text = "";
  const came = async (end: string) => {
    while (!text.endsWith(end)) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const seen: string[] = [];
  const server = createServer(
    {
      key: read("server.key"),
      cert: read("server.crt"),
      ca: read("client.crt"),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket: TLSSocket) => {
      seen.push(socket.getPeerCertificate().subject.CN as string);
      socket.on("data", (bytes) => {
        text += bytes.toString();
      });
      socket.on("error", () => {});
    },
  ).listen(24_916, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const client = { certificate: read("client.crt"), key: read("client.key") };
  const sink = (tls: TlsOptions, host = "localhost") =>
    new SinkRig(new StreamCarrier({ host, port: 24_916, tls: () => tls }));

  const good = sink({ ...client, authorities: read("server.crt") });
  good.log(...numbered(2_000));
  await good.settled();
  await good.sink.close(WAIT_MS);
  await came("m1999\n"); // the server's system had it, and not yet the server
  expect(textsOf(text)).toEqual(numbered(2_000));
  expect(seen).toEqual(["client"]);
  expect(good.events).toEqual([]);

  for (const { name, tls, host, says } of [
    { name: "signed by nobody we know", tls: { ...client, authorities: read("rogue.crt") }, says: /signed by itself/ },
    {
      name: "another's",
      tls: { ...client, authorities: read("server.crt") },
      host: "127.0.0.1",
      says: /its certificate is for localhost, not for 127\.0\.0\.1/,
    },
    {
      name: "refused",
      tls: { ...client, whyRefused: () => "its fingerprint is another" },
      says: /fingerprint is another/,
    },
  ]) {
    const bad = sink(tls, host);
    bad.log("secret");
    expect([name, await bad.heard("failing")]).toEqual([name, { on: "failing", reason: expect.stringMatching(says) }]);
    await bad.sink.close(0);
    expect(bad.ledger).toMatchObject({ delivered: 0, lost: 1 });
  }

  const pinned = sink({ ...client, whyRefused: ({ sha256 }) => (/^[0-9A-F]{64}$/.test(sha256) ? undefined : sha256) });
  pinned.log("pinned");
  await pinned.settled();
  await pinned.sink.close(WAIT_MS);

  const anonymous = sink({ authorities: read("server.crt") });
  anonymous.log("no certificate");
  await anonymous.heard("failing");
  await anonymous.sink.close(0);
  await came("pinned\n");
  expect(text).not.toContain("secret");
  server.close();
}, 20_000);
