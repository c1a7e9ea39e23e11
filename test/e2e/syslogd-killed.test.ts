// kill -9 in a flood, with `sync = "each"`: what was written is whole, what is lost is what one read gave at most, and the next start says so.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Socket } from "bun";
import { listenUnixDatagram, openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { binary } from "../support/binary.ts";
import { startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually } from "../syslogd/running.ts";
import { rule } from "./running-syslogd.ts";

const TCP = 25_270;
const KILLS = 3;
/** What one read of a datagram socket gives, and of a connection. */
const DATAGRAMS_A_READ = 64;
const BYTES_A_READ = 524_288;

function numbersIn(path: string): number[] {
  if (!existsSync(path)) return [];
  return [...readFileSync(path, "latin1").matchAll(/ m(\d+)$/gm)].map(([, number]) => Number(number));
}

/** All of it but what the kill cut off at the very end is lines of the flood, each once, in order. */
function expectWhole(path: string): void {
  const lines = readFileSync(path, "latin1").split("\n").slice(0, -1);
  expect(lines.filter((line) => !/ app: +x* *m\d+$/.test(line))).toEqual([]); // none is cut, none is glued to another
  const got = numbersIn(path);
  expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
}

function killsTold(path: string): number {
  return existsSync(path) ? (readFileSync(path, "utf8").match(/did not end in order/g)?.length ?? 0) : 0;
}

test("of datagrams one received batch is lost at most, where somebody else holds the socket", async () => {
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  writeFileSync(
    at("c.toml"),
    `[syslogd]\ncontrol = "${at("ctl")}"\nspool_directory = "${at("spool")}"\n${rule("user.*", `file:${at("all")}`)}${rule("syslog.*", `file:${at("own")}`)}[[syslogd.sink]]\nof = "file:${at("all")}"\nsync = "each"\n`,
  );
  // The socket is held by somebody else, as systemd does: what waits in it outlives the kill.
  using held = listenUnixDatagram(at("log"));
  const begin = () => startHolding(held.fd, ["syslogd", "--config", at("c.toml")]);
  let sent = 0;
  let isOver = false;
  const sending = (async () => {
    using socket = openUnixDatagram();
    while (!isOver) {
      if (sendUnixDatagram(socket.fd, at("log"), new TextEncoder().encode(`<13>app: m${sent}`))) sent += 1;
      else await new Promise((done) => setImmediate(done));
      if (sent % 32 === 0) await new Promise((done) => setImmediate(done));
    }
  })();
  let kills = 0;
  for (; kills < KILLS; kills++) {
    const child = begin();
    const enough = numbersIn(at("all")).length + 1_000;
    await eventually(
      () => numbersIn(at("all")).length > enough,
      () => `${numbersIn(at("all")).length}`,
    );
    child.kill("SIGKILL");
    await child.exited;
  }
  isOver = true;
  await sending;
  const last = begin();
  await eventually(
    () => numbersIn(at("all")).at(-1) === sent - 1,
    () => `${numbersIn(at("all")).at(-1)} of ${sent}`,
  );
  last.kill("SIGTERM");
  await last.exited;
  expectWhole(at("all"));
  const got = numbersIn(at("all"));
  const lost = sent - got.length;
  process.stderr.write(`killed ${kills} times in a flood of ${sent} with sync each: ${lost} lost\n`);
  expect(lost).toBeLessThanOrEqual(kills * DATAGRAMS_A_READ);
  expect(killsTold(at("own"))).toBe(kills);
}, 60_000);

/** Starts it with a socket as systemd passes one: descriptor 3. */
function startHolding(fd: number, args: readonly string[]): Bun.Subprocess {
  const command = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"';
  return Bun.spawn({
    cmd: ["/bin/sh", "-c", command, binary(), ...args],
    env: { PATH: process.env["PATH"], HOME: "/proc/nonexistent" },
    cwd: "/",
    stdio: ["ignore", "ignore", "ignore", fd],
  });
}

/** A sender that knows how much of what it sent its kernel has taken. */
class Flood {
  /** Bytes that the kernel took, and the number of the record behind the last that it took some of. */
  bytes = 0;
  next: number;
  #socket: Socket | undefined;
  #chunk: Uint8Array = new Uint8Array(0);
  #isOver = false;

  constructor(readonly from: number) {
    this.next = from;
  }

  async begin(to: { port: number } | { path: string }): Promise<void> {
    const socket = { data() {}, drain: () => this.#send(), error() {}, close: () => this.end() };
    this.#socket =
      "port" in to
        ? await Bun.connect({ hostname: "127.0.0.1", port: to.port, socket })
        : await Bun.connect({ unix: to.path, socket });
    this.#send();
  }

  end(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  /** Until the kernel takes no more for now. */
  #send(): void {
    while (!this.#isOver) {
      if (this.#chunk.length === 0) {
        let text = "";
        for (const end = this.next + 100; this.next < end; this.next++) text += lineOf(this.next);
        this.#chunk = new TextEncoder().encode(text);
      }
      const taken = this.#socket!.write(this.#chunk);
      if (taken <= 0) return;
      this.bytes += taken;
      this.#chunk = this.#chunk.subarray(taken);
    }
  }
}

const lineOf = (number: number) => `<13>app: ${"x".repeat(number % 97)} m${number}\n`;

/** Bytes of a connection that the kernel holds, on both sides, while nobody reads: as soon as they don't change any more */
async function unreadOf(args: readonly string[], queues: (row: readonly string[]) => number): Promise<number> {
  let before = -1;
  let sinceMs = performance.now();
  await eventually(
    () => {
      const rows = Bun.spawnSync(["ss", ...args])
        .stdout.toString()
        .trim()
        .split("\n");
      const bytes = rows.reduce((sum, row) => sum + queues(row.trim().split(/\s+/)), 0);
      if (bytes !== before) sinceMs = performance.now();
      before = bytes;
      return performance.now() - sinceMs > 300;
    },
    () => `the queues change still: ${before}`,
  );
  return before;
}

describe("of a connection's messages what one read gave is lost at most, besides what nobody had read", () => {
  for (const { name, listen, to, unread } of [
    {
      name: "TCP",
      listen: () => `tcp = ["127.0.0.1:${TCP}"]`,
      to: () => ({ port: TCP }),
      unread: () =>
        unreadOf(
          ["-tnH", "state", "established", `( sport = :${TCP} or dport = :${TCP} )`],
          ([received = 0, unsent = 0, local = ""]) => Number(local.endsWith(`:${TCP}`) ? received : unsent),
        ),
    },
    {
      name: "a unix stream socket",
      listen: (directory: string) => `stream = ["${directory}/stream"]`,
      to: (directory: string) => ({ path: `${directory}/stream` }),
      unread: (directory: string) =>
        unreadOf(["-xnH", "state", "established"], ([, received, , path]) =>
          path === `${directory}/stream` ? Number(received) : 0,
        ),
    },
  ])
    test(`over ${name}`, async () => {
      if (Bun.which("ss") === null) {
        process.stderr.write("SKIP: no ss, what the kernel holds is not known\n");
        return;
      }
      using scratch = temporaryDirectory();
      const at = (file: string) => join(scratch.path, file);
      writeFileSync(
        at("c.toml"),
        `[syslogd]\nsocket = ["${at("log")}"]\ncontrol = "${at("ctl")}"\nspool_directory = "${at("spool")}"\n${listen(scratch.path)}\n${rule("user.*", `file:${at("all")}`)}${rule("syslog.*", `file:${at("own")}`)}[[syslogd.sink]]\nof = "file:${at("all")}"\nsync = "each"\n`,
      );
      let next = 0;
      for (let kills = 0; kills < KILLS; kills++) {
        await using daemon = startSpreadbox(["syslogd", "--config", at("c.toml")]);
        await daemon.stderr.until("listens on");
        const flood = new Flood(next);
        await flood.begin(to(scratch.path));
        await eventually(
          () => (numbersIn(at("all")).at(-1) ?? 0) > next + 5_000 && killsTold(at("own")) === kills,
          () => `${killsTold(at("own"))} of ${kills} kills told: ${daemon.stderr.text}`,
        );
        daemon.signal("SIGSTOP"); // so that it can be told what it has read, and what not
        const unreadBytes = await unread(scratch.path); // until then the sender fills the kernel's buffers
        const taken = flood.bytes - unreadBytes;
        daemon.signal("SIGKILL");
        await daemon.exited;
        flood.end();
        const written = numbersIn(at("all")).filter((number) => number >= next);
        const writtenBytes = written.reduce((sum, number) => sum + lineOf(number).length, 0);
        expect(written.findIndex((number, index) => number !== next + index)).toBe(-1); // from the first on, with no hole
        process.stderr.write(
          `killed in a flood over ${name}: of ${flood.bytes} bytes sent ${unreadBytes} were not read, ${taken - writtenBytes} read and not written\n`,
        );
        expect(taken - writtenBytes).toBeGreaterThanOrEqual(0);
        expect(taken - writtenBytes).toBeLessThanOrEqual(BYTES_A_READ + lineOf(96).length);
        next = flood.next;
      }
      await using last = startSpreadbox(["syslogd", "--config", at("c.toml")]);
      await last.stderr.until(/the syslogd before \(process \d+\) did not end in order/);
      last.signal("SIGTERM");
      await last.exited;
      expectWhole(at("all"));
      expect(killsTold(at("own"))).toBe(KILLS);
    }, 60_000);
});
