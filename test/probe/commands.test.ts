// Every command of the probe against a daemon of ours, and against the real one where there is one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../lib/spread/index.ts";
import { start } from "../support/child.ts";
import { hasRealSpread } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import {
  type DaemonUnderTest,
  probeJson,
  runProbe,
  SPREADBOX,
  startOurs,
  startProbe,
  startReal,
} from "./probe-child.ts";

const SLOW_MS = 60_000;

const DAEMONS = [
  { name: "spreadd", port: 24_620, isThere: true, start: startOurs },
  { name: "the real Spread daemon", port: 24_630, isThere: hasRealSpread, start: startReal },
];

for (const { name, port, isThere, start: startDaemon } of DAEMONS) {
  describe.if(isThere)(name, () => {
    let daemon: DaemonUnderTest;
    beforeAll(async () => {
      daemon = await startDaemon(port);
    }, SLOW_MS);
    afterAll(async () => await daemon?.[Symbol.asyncDispose]());

    test("connect: all four steps, by TCP and by unix socket", async () => {
      const { status, objects } = await probeJson(["connect", daemon.tcp, daemon.unix]);
      expect(status).toBe(0);
      for (const report of objects) {
        expect(report).toMatchObject({ ok: true, version: "5.0.1", privateGroup: expect.stringMatching(/^#.+#dmn1$/) });
        expect(report.steps.map(({ step }: { step: string }) => step)).toEqual(["socket", "methods", "accept", "view"]);
      }
    });

    test("connect under a name", async () => {
      const { stdout } = await runProbe(["connect", "--name", "prober", daemon.unix]);
      expect(stdout).toContain("we are #prober#dmn1");
    });

    test("ping: every message comes back, and is in the histogram", async () => {
      const { status, objects } = await probeJson(["ping", "-s", daemon.unix, "-n", "50", "-i", "0"]);
      expect(status).toBe(0);
      const [result] = objects;
      expect(result).toMatchObject({ sent: 50, lost: 0, late: 0, service: "agreed", bytes: 100 });
      expect(result.roundTripNs.count).toBe(50);
      expect(result.buckets.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(50);
    });

    test("ping for people: figures, then a chart", async () => {
      const { status, stdout } = await runProbe([
        "ping",
        "-s",
        daemon.unix,
        "-n",
        "20",
        "-i",
        "0",
        "--service",
        "safe",
      ]);
      expect(status).toBe(0);
      expect(stdout).toMatch(
        /^unix:\S+ \(Spread 5\.0\.1\): 20 safe messages of 100 bytes, none lost\nmin .*median .*p99 .*max .*\n\n +≤ .*%/,
      );
    });

    for (const processes of [false, true]) {
      test(
        `bench: several senders and receivers${processes ? ", each a process" : ""}: nothing lost, one order`,
        async () => {
          const flags = ["--senders", "2", "--receivers", "2", "--count", "3000", "--size", "100", "--size", "20000"];
          const { status, objects } = await probeJson([
            "bench",
            "-s",
            daemon.unix,
            ...flags,
            ...(processes ? ["--processes"] : []),
          ]);
          expect(
            objects.map(({ bytes, messages, lost, late, twice, sameOrder, failed }) => ({
              bytes,
              messages,
              lost,
              late,
              twice,
              sameOrder,
              failed,
            })),
          ).toEqual(
            [100, 20_000].map((bytes) => ({
              bytes,
              messages: 6_000,
              lost: 0,
              late: 0,
              twice: 0,
              sameOrder: true,
              failed: [],
            })),
          );
          expect(status).toBe(0);
          for (const { messagesPerSecond, deliveriesPerSecond, latencyNs } of objects) {
            expect(deliveriesPerSecond).toBeCloseTo(2 * messagesPerSecond, 5);
            expect(latencyNs.count).toBe(12_000);
          }
        },
        SLOW_MS,
      );
    }

    test("bench: a time ends it, and sending alone is measured with no receiver", async () => {
      const { status, objects } = await probeJson(["bench", "-s", daemon.unix, "--time", "1s", "--receivers", "0"]);
      expect([status, objects[0].lost, objects[0].messages > 0]).toEqual([0, 0, true]);
    });

    test("watch: who comes and goes, and why", async () => {
      await using watch = startProbe(["watch", "-s", daemon.unix, "--name", "watcher", "stage"]);
      await watch.stdout.until("1 in it: #watcher#dmn1 (this watch)");
      const guest = await connect({ servers: daemon.tcp, name: "guest" });
      await guest.join("stage");
      await watch.stdout.until("stage  +#guest#dmn1 joined  2 in it: #guest#dmn1, #watcher#dmn1 (this watch)");
      await guest.leave("stage");
      await watch.stdout.until("stage  -#guest#dmn1 left  1 in it: #watcher#dmn1 (this watch)");
      await guest.join("stage");
      await watch.stdout.until(/joined[\s\S]*joined/);
      await guest.close();
      await watch.stdout.until("stage  -#guest#dmn1 disconnected  1 in it");
      watch.signal("SIGTERM");
      expect(await watch.exited).toBe(0);
    });

    test("watch --once: who is there, as JSON, and an end", async () => {
      await using member = await connect({ servers: daemon.tcp, name: "member" });
      await member.join("crowd");
      const { status, objects } = await probeJson(["watch", "--once", "-s", daemon.unix, "--name", "w", "crowd"]);
      expect(status).toBe(0);
      expect(objects[0]).toMatchObject({ kind: "view", group: "crowd", members: ["#member#dmn1", "#w#dmn1"] });
    });

    test("check: OK, with performance data", async () => {
      const { status, stdout } = await runProbe(["check", "-s", daemon.unix, "-w", "5s", "-c", "9s"]);
      expect(stdout).toMatch(
        /^SPREAD OK: round trip [\d.]+ ms through unix:\S+ \(Spread 5\.0\.1\) \| connect=[\d.]+s;;;0 round_trip=[\d.]+s;5;9;0 lost=0;;1;0;5\n$/,
      );
      expect(status).toBe(0);
    });

    test("check: a limit that no daemon meets is passed", async () => {
      expect((await runProbe(["check", "-s", daemon.unix, "-w", "0.0001ms", "-c", "9s"])).status).toBe(1);
      expect((await runProbe(["check", "-s", daemon.unix, "-w", "0.0001ms", "-c", "0.0002ms"])).status).toBe(2);
    });

    test("dump: what passes the proxy, line by line, unchanged", async () => {
      await using dump = startProbe(["dump", "--listen", `tcp:127.0.0.1:${port + 5}`, "--to", daemon.tcp]);
      await dump.stderr.until("listening at");
      const client = await connect({ servers: `${port + 5}@127.0.0.1`, name: "talker" });
      await client.join("chat");
      await client.multicast("chat", "hello", { messageType: 7 });
      for await (const event of client) if (event.kind === "message") break;
      await client.close();
      const text = await dump.stdout.until("closed: ");
      for (const line of [
        /#1 c2s +0 {2}connect +version 5\.0\.1, talker, with memberships/,
        /#1 s2c +0 {2}methods +NULL/,
        /#1 s2c +6 {2}accept +version 5\.0\.1, as #talker#dmn1/,
        /#1 c2s +\d+ {2}join +#talker#dmn1 chat/,
        /#1 s2c +\d+ {2}view +chat join: #talker#dmn1 {2}members: #talker#dmn1 {2}id /,
        /#1 c2s +\d+ {2}agreed +#talker#dmn1 -> chat {2}type 7 {2}5 bytes {2}"hello"/,
        /#1 s2c +\d+ {2}agreed +#talker#dmn1 -> chat {2}type 7 {2}5 bytes {2}"hello"/,
        /#1 c2s +\d+ {2}kill +#talker#dmn1/,
      ])
        expect(text).toMatch(line);
    });

    test(
      "a bench whose daemon is killed says so and ends",
      async () => {
        const victim = await startDaemon(port + 8);
        await using bench = startProbe(["bench", "-s", victim.unix, "--time", "30s", "--json"]);
        await using witness = await connect({ servers: victim.tcp });
        await using watch = startProbe(["watch", "-s", victim.unix, "stage"]);
        await watch.stdout.until("in it");
        await witness.join("other");
        await victim.kill();
        await victim[Symbol.asyncDispose]();
        const { status, stdout, stderr } = await bench.result();
        expect(status).toBe(69);
        // it was killed before the bench was connected, or after
        expect(stdout + stderr).toMatch(/the daemon ended a session of the probe: connection lost|cannot reach daemon/);
        await watch.stdout.until("connection lost: ");
      },
      SLOW_MS,
    );
  });
}

describe("without any daemon", () => {
  const nobody = "24689@127.0.0.1";
  for (const [args, status] of [
    [["connect", nobody], 69],
    [["ping", "-s", nobody], 69],
    [["bench", "-s", nobody], 69],
    [["bench", "-s", nobody, "--processes"], 69],
    [["watch", "-s", nobody, "g"], 69],
    [["check", "-s", nobody], 2],
    [["check", "--conf", "/nonexistent"], 3],
    [["status", "--conf", "/nonexistent"], 66],
    [["lint", "/nonexistent"], 66],
    [["dump"], 64],
    [["dump", "--listen", "tcp:203.0.113.1:1"], 69],
    [["ping", "--size", "5"], 64],
    [["bench", "--count", "1", "--time", "1s"], 64],
  ] as const)
    test(`${args.join(" ")} ends with ${status}, and one line says why`, async () => {
      const { status: found, stdout, stderr } = await runProbe(args);
      expect(found).toBe(status);
      const said = (stdout + stderr).trimEnd().split("\n");
      expect(said.at(-1)).toMatch(/refused|cannot|no such file/);
      expect(stderr.split("\n").length).toBeLessThanOrEqual(2);
    });
});

test("dump of a recording: a line a unit, 65 where something is broken", async () => {
  using directory = temporaryDirectory();
  const whole = join(directory.path, "c2s");
  const join1 = new Uint8Array(80);
  join1.set([0x80, 0, 1, 0x80], 0);
  join1.set(new TextEncoder().encode("#a#d"), 4);
  join1.set([1, 0, 0, 0, 0x80, 0, 0, 0x80], 36);
  join1.set(new TextEncoder().encode("g1"), 48);
  writeFileSync(whole, join1);
  expect(await runProbe(["dump", "-d", "c2s", "--frames", whole])).toEqual({
    status: 0,
    stdout: "c2s        0  join        #a#d g1\n",
    stderr: "",
  });
  writeFileSync(whole, join1.subarray(0, 70));
  expect((await runProbe(["dump", "-d", "c2s", "--frames", whole])).status).toBe(65);
});

test("lint: 0 for what Spread takes, 78 for what it does not, --strict for warnings", async () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "spread.conf");
  writeFileSync(file, "Spread_Segment 192.0.2.255 { a 192.0.2.1 }\n");
  expect((await runProbe(["lint", file])).status).toBe(0);
  expect((await runProbe(["lint", "--strict", file])).status).toBe(78);
  const { status, objects } = await probeJson(["lint", "--no-lookup", file]);
  expect([status, objects[0].accepted, objects[0].configurationHash]).toEqual([0, true, expect.any(Number)]);
  writeFileSync(file, "Spread_Segment 192.0.2.255 { no-such-host.invalid }\n");
  expect((await runProbe(["lint", file])).status).toBe(78);
  expect((await runProbe(["lint", "--no-lookup", file])).status).toBe(0);
  writeFileSync(file, "Window=5\n");
  const refused = await runProbe(["lint", file]);
  expect(refused.status).toBe(78);
  expect(refused.stdout).toContain(`${file}:1:1: error: "Window=5" is one word here`);
});

test("config import: both tables to stdout, what the operator must know to stderr, and a wrong file refused", async () => {
  using directory = temporaryDirectory();
  const file = join(directory.path, "spread.conf");
  writeFileSync(file, "Spread_Segment 192.0.2.255:5803 { node1 192.0.2.1 }\n");
  await using imported = start([...SPREADBOX, "config", "import", file]);
  const { status, stdout, stderr } = await imported.result();
  expect([status, stdout]).toEqual([
    0,
    '[spreadd]\nname = "node1"\nport = 5803\nlisten = ["127.0.0.1","192.0.2.1"]\n\n[spread]\nservers = ["unix:/run/spreadbox/spread.sock", "unix:/tmp/5803", "tcp:localhost:5803"]\n',
  ]);
  expect(stderr).toContain("the real daemon listened for TCP on all addresses");
  writeFileSync(file, "Window=5\n");
  await using refused = start([...SPREADBOX, "config", "import", file]);
  expect((await refused.result()).status).toBe(78);
});

test("nothing is left behind in /tmp", () => expect(existsSync("/tmp/24625")).toBe(false));
