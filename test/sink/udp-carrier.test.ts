import { expect, test } from "bun:test";
import { join } from "node:path";
import { UdpCarrier } from "../../lib/sink/io/udp-carrier.ts";
import { Rfc3164Format } from "../../lib/syslog/format-3164.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { numbered, SinkRig, spoolAt } from "./queue-rig.ts";

async function receive(port: number) {
  const datagrams: string[] = [];
  let heard: () => void = () => {};
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, bytes) => {
        datagrams.push(bytes.toString());
        heard();
      },
    },
  });
  const until = async (count: number) => {
    while (datagrams.length < count)
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
  };
  return { datagrams, until, close: () => socket.close() };
}

const options = (port: number) => ({ host: "127.0.0.1", port, datagramBytesMax: 2_048 });
const more = { frame: "none", format: new Rfc3164Format() } as const;

test("each record is a datagram, a long one is cut at a character", async () => {
  const receiver = await receive(24_920);
  const rig = new SinkRig(new UdpCarrier({ ...options(24_920), datagramBytesMax: 101 }), more);
  rig.log("short", "é".repeat(100));
  await receiver.until(2);
  expect(receiver.datagrams[0]).toBe("<13>Nov 23 15:20:38 web1 app: short");
  expect(receiver.datagrams[1]).toMatch(/^<13>Nov 23 15:20:38 web1 app: é+$/);
  expect(Buffer.byteLength(receiver.datagrams[1]!)).toBeGreaterThan(98);
  await rig.settled();
  expect(rig.ledger).toEqual({ accepted: 2, delivered: 2, lost: 0, waiting: 0 });
  await rig.sink.close(WAIT_MS);
  receiver.close();
});

test("while nobody listens it waits, and sends all of it when somebody does", async () => {
  using scratch = temporaryDirectory();
  const spool = spoolAt(join(scratch.path, "spool"));
  const rig = new SinkRig(new UdpCarrier(options(24_921)), { ...more, spool });
  rig.log(...numbered(100));
  expect(await rig.heard("failing")).toMatchObject({ reason: expect.stringContaining("connection refused") });
  rig.log(...numbered(100, 100));
  expect(rig.ledger).toEqual({ accepted: 200, delivered: 0, lost: 0, waiting: 200 });
  const receiver = await receive(24_921);
  await rig.heard("working");
  await receiver.until(200);
  expect(receiver.datagrams.map((line) => line.split(" ").at(-1)!)).toEqual(numbered(200));
  await rig.settled();
  await rig.sink.close(WAIT_MS);
  receiver.close();
});

test("what was sent just before a refusal is counted as uncertain", async () => {
  const receiver = await receive(24_922);
  const rig = new SinkRig(new UdpCarrier(options(24_922)), more);
  rig.log("one");
  await receiver.until(1);
  await rig.settled();
  receiver.close();
  rig.log("gone");
  await rig.heard("failing");
  expect(rig.sink.counters.uncertain).toBe(2);
  expect(rig.events).toContainEqual({ on: "uncertain", again: 0, uncertain: 2 });
  await rig.sink.close(0);
});
