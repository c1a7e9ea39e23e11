// `syslogd restart` with clients over TLS: their connections can't be handed over, so they are asked to end, and what they had sent is read first.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { Certificates } from "../support/certificates.ts";
import { eventually } from "../syslogd/running.ts";
import { connect as connectByTcp } from "../syslogd/sender.ts";
import { rule, running } from "./running-syslogd.ts";

const PORT = 25_280;
const RESTARTS = 3;
const A_WRITE = 200;

const made = new Certificates();
beforeAll(() => {
  made.authority("ca");
  made.certificate("server", "ca", { name: "log.example.com" });
});
afterAll(() => made[Symbol.dispose]());

const listening = () =>
  running(
    (directory) =>
      `${rule("user.*", `file:${directory}/all`)}${rule("syslog.*", `file:${directory}/own`)}[[syslogd.listen]]\non = "tls:127.0.0.1:${PORT}"\ncertificate = "${made.file("server.crt")}"\nkey = "${made.file("server.key")}"\n`,
  );

function numbersIn(path: string): number[] {
  if (!existsSync(path)) return [];
  return [...readFileSync(path, "latin1").matchAll(/ m(\d+)$/gm)].map(([, number]) => Number(number));
}

/** Sends numbered records, as many as are taken, over one connection after the other. */
class Client {
  sent = 0;
  connections = 0;
  /** Connections that were broken off, and not ended. */
  broken = 0;
  #isOver = false;

  /** @param heeds whether it ends its connection when the other side has ended */
  constructor(private readonly heeds: boolean) {}

  async run(): Promise<void> {
    while (!this.#isOver) {
      const socket = connect({
        port: PORT,
        host: "127.0.0.1",
        rejectUnauthorized: false,
        allowHalfOpen: true,
      } as never);
      this.connections += 1;
      await this.#send(socket);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Until the connection has ended, in one way or another. */
  async #send(socket: TLSSocket): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    let isGoing = true;
    socket.on("error", () => {
      this.broken += 1;
    });
    socket.on("close", () => {
      isGoing = false;
      resolve();
    });
    socket.on("end", () => {
      if (this.heeds) isGoing = false;
    });
    socket.resume();
    while (isGoing && !this.#isOver) {
      let text = "";
      for (const end = this.sent + A_WRITE; this.sent < end; this.sent++) text += framed(this.sent);
      await Promise.race([new Promise<void>((done) => void socket.write(text, () => done())), closed]);
      await new Promise((done) => setTimeout(done, 1)); // a stream, and not all that the machine can do
    }
    socket.end(); // sends what waits first
    await closed;
  }
}

function framed(number: number): string {
  const text = `<13>app: ${"x".repeat(number % 97)} m${number}`;
  return `${text.length} ${text}`;
}

test("a client that ends when asked and connects again loses nothing, and nothing comes twice", async () => {
  await using syslogd = await listening();
  const { at, ask } = syslogd;
  const client = new Client(true);
  const running = client.run();
  for (let times = 1; times <= RESTARTS; times++) {
    await eventually(
      () => client.connections === times && numbersIn(at("all")).length > times * 2_000,
      () => `connection ${client.connections}: ${syslogd.daemon.stderr.text}`,
    );
    const { status, stdout } = await ask("restart");
    expect([status, stdout]).toEqual([0, expect.stringContaining("restarted")]);
    process.stderr.write(stdout);
  }
  await eventually(
    () => client.connections === RESTARTS + 1,
    () => `${client.connections} connections: ${syslogd.daemon.stderr.text}`,
  );
  client.stop();
  await running;
  await eventually(
    () => numbersIn(at("all")).length >= client.sent,
    () => `${numbersIn(at("all")).length} of ${client.sent}: ${syslogd.daemon.stderr.text}`,
  );
  const got = numbersIn(at("all"));
  expect(got.findIndex((number, index) => number !== index)).toBe(-1);
  expect([got.length, client.broken]).toEqual([client.sent, 0]); // while it restarted nobody was refused
  process.stderr.write(`${client.sent} records over TLS through ${RESTARTS} restarts: none is lost\n`);
}, 60_000);

test("a client that goes on sending is broken off in the end, which is told; what came before is whole", async () => {
  await using syslogd = await listening();
  const { at, ask, line } = syslogd;
  const client = new Client(false);
  const running = client.run();
  await eventually(
    () => numbersIn(at("all")).length > 2_000,
    () => syslogd.daemon.stderr.text,
  );
  expect((await ask("restart")).status).toBe(0);
  await line("own", "1 connection was asked to end, went on sending, and had to be broken off: what came last is lost");
  await eventually(
    () => client.connections > 1,
    () => "it does not connect again",
  );
  client.stop();
  await running;
  await eventually(
    () => numbersIn(at("all")).at(-1) === client.sent - 1,
    () => `${numbersIn(at("all")).at(-1)} of ${client.sent}`,
  );
  const got = numbersIn(at("all"));
  const holes = got.filter((number, index) => index > 0 && number !== got[index - 1]! + 1);
  expect(holes.length).toBeLessThanOrEqual(1);
  expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
  process.stderr.write(`a client that does not heed: ${client.sent - got.length} of ${client.sent} lost\n`);
}, 60_000);

test("our own syslogd, sending through its restarts, loses nothing and sends nothing twice", async () => {
  await using receiver = await listening();
  await using sender = await running(
    () =>
      `[[syslogd.listen]]\non = "tcp:127.0.0.1:${PORT + 1}"\n${rule("user.*", `tls:127.0.0.1:${PORT}`)}[[syslogd.sink]]\nof = "tls:*"\nauthorities = "${made.file("ca.crt")}"\npeers = ["log.example.com"]\n`,
  );
  let sent = 0;
  let isOver = false;
  using program = await connectByTcp(PORT + 1);
  const sending = (async () => {
    while (!isOver) {
      let text = "";
      for (const end = sent + 20; sent < end; sent++) text += framed(sent);
      await program.send(text);
      await new Promise((done) => setTimeout(done, 1)); // a stream, and not all that the machine can do
    }
  })();
  const got = () => numbersIn(receiver.at("all"));
  for (let times = 1; times <= RESTARTS; times++) {
    const before = got().length;
    await eventually(
      () => got().length > before + 2_000,
      () => receiver.daemon.stderr.text,
    );
    expect((await receiver.ask("restart")).status).toBe(0);
  }
  isOver = true;
  await sending;
  await eventually(
    () => got().length >= sent,
    () => `${got().length} of ${sent}: ${sender.daemon.stderr.text}`,
  );
  const numbers = got();
  expect([numbers.length, numbers.findIndex((number, index) => number !== index)]).toEqual([sent, -1]);
}, 60_000);

test("one that is silent holds up a restart for half a second, and the process ends in order likewise", async () => {
  await using syslogd = await listening();
  const { at, ask, daemon } = syslogd;
  const silent = connect({ port: PORT, host: "127.0.0.1", rejectUnauthorized: false, allowHalfOpen: true } as never);
  const asked = new Promise<void>((done) => silent.on("end", () => done()));
  silent.on("error", () => {});
  silent.resume();
  silent.write(framed(0));
  await syslogd.line("all", " m0");
  const restarted = ask("restart");
  await asked; // close_notify
  expect((await restarted).status).toBe(0);
  silent.destroy();
  const client = new Client(true);
  const running = client.run();
  await eventually(
    () => numbersIn(at("all")).length > 2_000,
    () => daemon.stderr.text,
  );
  client.stop();
  daemon.signal("SIGTERM");
  await running;
  expect(await daemon.exited).toBe(0);
  const got = numbersIn(at("all"));
  expect([got[0], got.length - 1]).toEqual([0, client.sent]);
}, 60_000);

test("a key that is garbage by now is refused, and it goes on with the one that it has", async () => {
  await using syslogd = await listening();
  const { ask, daemon } = syslogd;
  const key = readFileSync(made.file("server.key"));
  try {
    writeFileSync(made.file("server.key"), "garbage");
    const { status, stderr } = await ask("restart");
    expect([status, stderr]).toEqual([78, expect.stringContaining("server.key")]);
    expect(JSON.parse((await ask("status", "--json")).stdout).pid).toBe(daemon.pid);
    const client = new Client(true);
    const running = client.run();
    await eventually(
      () => client.sent > 0 && numbersIn(syslogd.at("all")).length > 0,
      () => daemon.stderr.text,
    );
    client.stop();
    await running;
  } finally {
    writeFileSync(made.file("server.key"), key);
  }
}, 30_000);
