import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { StatusClient } from "../../lib/probe/io/status-client.ts";
import { connect } from "../../lib/spread/index.ts";
import { daemonsOf, parseSpreadConf, type SpreadConf } from "../../lib/spread/spread-conf.ts";
import { configurationHash } from "../../lib/spread/spread-conf-hash.ts";
import {
  ANY_HASH_4,
  readStatusReport,
  readStatusRequest,
  type StatusDialect,
  StatusError,
  writeStatusReport,
} from "../../lib/spread/status.ts";
import { hasRealSpread, startRealSpread } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import single from "../vectors/probe/status-5.0.1-single.json";
import { probeJson, runProbe } from "./probe-child.ts";

const REPORT = readStatusReport(new Uint8Array(Buffer.from(single.steps[1]!.hex, "hex")));
/** Asked again after a sixth of it. */
const ASK = { as: undefined, only: [], timeoutMs: 20_000, dialect: undefined };
/** Where it has to be asked again, or is silent. */
const AGAIN_MS = 1_500;

/** Answers as a daemon does: only the right form, the right hash, and to the address of the daemon that is named. */
async function fakeDaemon(
  conf: SpreadConf,
  name: string,
  dialect: StatusDialect,
  { deaf = 0, noise = [] as Uint8Array[] } = {},
) {
  const daemon = daemonsOf(conf).find((one) => one.name === name)!;
  const socket = createSocket("udp4");
  const heard: string[] = [];
  socket.on("message", (bytes) => {
    heard.push(`${bytes.length}`);
    if (heard.length <= deaf) return;
    try {
      const request = readStatusRequest(bytes);
      const id = (one: typeof daemon) =>
        dialect === 5 ? one.id : Buffer.from(one.address!.text.split(".").map(Number)).readUInt32BE();
      const replyTo = daemonsOf(conf).find((one) => id(one) === request.replyId);
      const hash = dialect === 5 ? configurationHash(conf) : ANY_HASH_4;
      if (request.dialect !== dialect || request.configurationHash !== hash || replyTo === undefined) return;
      for (const datagram of noise) socket.send(datagram, request.replyPort, replyTo.address!.text);
      const report = writeStatusReport({
        ...REPORT,
        dialect,
        version: dialect === 5 ? "5.0.1" : "4.0.0",
        myId: id(daemon),
        byteOrder: "big",
      });
      socket.send(report, request.replyPort, replyTo.address!.text);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  });
  await new Promise<void>((resolve) => socket.bind(daemon.port, daemon.address!.text, resolve));
  return { heard, [Symbol.dispose]: () => void socket.close() };
}

const conf = (port: number) =>
  parseSpreadConf(`Spread_Segment 127.0.0.255:${port} { a 127.0.0.1 b 127.0.0.2 }`, "spread.conf");

describe("daemons are asked, each in the form that it answers", () => {
  test("Spread 5, from the address of another daemon, in the daemon's byte order", async () => {
    const both = conf(24_640);
    using _a = await fakeDaemon(both, "a", 5);
    using b = await fakeDaemon(both, "b", 5);
    using client = await StatusClient.open(both, ASK);
    const answers = await client.ask();
    expect(answers.map(({ name, at }) => `${name} ${at}`)).toEqual(["a answered", "b answered"]);
    expect(answers[1]).toMatchObject({ report: { version: "5.0.1", byteOrder: "big", myId: daemonsOf(both)[1]!.id } });
    expect(b.heard).toEqual(["40"]);
  });
  test("Spread 4, after the other form went unanswered", async () => {
    const both = conf(24_642);
    using a = await fakeDaemon(both, "a", 4);
    using client = await StatusClient.open(both, { ...ASK, only: ["a"], timeoutMs: AGAIN_MS });
    expect(await client.ask()).toMatchObject([
      {
        name: "a",
        at: "answered",
        report: { dialect: 4, version: "4.0.0", sessions: REPORT.sessions, acceleratedRing: undefined },
      },
    ]);
    expect(a.heard.slice(0, 4)).toEqual(["40", "40", "40", "36"]); // and on a busy machine the second form again
  });
  test("one that misses the first request is asked again", async () => {
    const both = conf(24_644);
    using _a = await fakeDaemon(both, "a", 5, { deaf: 2 });
    using client = await StatusClient.open(both, { ...ASK, only: ["a"], dialect: 5, timeoutMs: AGAIN_MS });
    expect(await client.ask()).toMatchObject([{ at: "answered" }]);
  });
  test("noise, and reports of daemons that were not asked, are no answer", async () => {
    const both = conf(24_646);
    const noise = [
      new Uint8Array(0),
      new Uint8Array(136),
      new Uint8Array(70_00).fill(0x80),
      writeStatusReport({ ...REPORT, myId: 99 }),
    ];
    using _a = await fakeDaemon(both, "a", 5, { noise });
    using client = await StatusClient.open(both, { ...ASK, dialect: 5, timeoutMs: AGAIN_MS });
    expect((await client.ask()).map(({ at }) => at)).toEqual(["answered", "silent"]);
  });
  test("rounds follow each other", async () => {
    const both = conf(24_648);
    using _a = await fakeDaemon(both, "a", 5);
    using client = await StatusClient.open(both, { ...ASK, only: ["a"] });
    for (let round = 0; round < 3; round++) expect(await client.ask()).toMatchObject([{ at: "answered" }]);
  });
});

describe("who can't ask", () => {
  const far = parseSpreadConf("Spread_Segment 192.0.2.255 { a 192.0.2.1 }", "spread.conf");
  for (const [name, options, message] of [
    ["a host that is no daemon", {}, "cannot ask for status: no daemon of the file has an address of this host"],
    ["as a daemon of another host", { as: "a" }, "cannot ask from 192.0.2.1"],
    ["about a daemon that is not in the file", { only: ["b"], as: undefined }, "no daemon of the file has an address"],
    ["as a daemon that is not in the file", { as: "b" }, 'cannot find daemon "b": the file has a'],
  ] as const)
    test(name, async () => {
      await expect(StatusClient.open(far, { ...ASK, ...options })).rejects.toThrow(message);
    });
});

describe.if(hasRealSpread)("the real daemon", () => {
  test("tells of its sessions and groups; to who has another configuration it is silent", async () => {
    await using daemon = await startRealSpread({ port: 24_650 });
    await using session = await connect({ servers: daemon.tcp });
    await session.join("one");
    await session.join("two");
    let views = 0;
    for await (const event of session) if (event.kind === "view" && ++views === 2) break;
    using directory = temporaryDirectory();
    const file = join(directory.path, "spread.conf");
    writeFileSync(file, "Spread_Segment 127.0.0.1:24650 { dmn1 127.0.0.1 }\n");
    const { status, objects } = await probeJson(["status", "--conf", file]);
    expect(status).toBe(0);
    expect(objects).toMatchObject([
      {
        daemons: [
          { name: "dmn1", at: "answered", report: { version: "5.0.1", state: 1, sessions: 1, groups: 2, daemons: 1 } },
        ],
        concerns: [],
      },
    ]);
    const checked = await runProbe([
      "check",
      "-s",
      daemon.tcp,
      "--conf",
      file,
      "--daemons-warning",
      "1",
      "-w",
      "9s",
      "-c",
      "9s",
    ]);
    expect([checked.status, checked.stdout.includes("1 of 1 daemons in the ring")]).toEqual([0, true]);
    const metrics = await runProbe(["status", "--conf", file, "--openmetrics"]);
    expect(metrics.stdout).toContain('spread_groups{daemon="dmn1"} 2\n');
    writeFileSync(file, "Spread_Segment 127.0.0.255:24650 { dmn1 127.0.0.1 }\n"); // another segment address: another hash
    const silent = await runProbe(["status", "--conf", file, "--timeout", "300ms"]);
    expect(silent.status).toBe(69);
    expect(silent.stdout).toContain("critical: dmn1: no answer from 127.0.0.1 UDP 24650 within 300 ms");
  }, 60_000);
});
