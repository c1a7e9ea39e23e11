// Whatever clients send, the daemon's pure half ends sessions with a typed reason, and neither throws, nor grows, nor lets anybody else feel it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../lib/base/fault.ts";
import { AGREED, JOIN, KILL, LEAVE } from "../../lib/spread/service.ts";
import { cases, fuzzFactor } from "../support/fuzz.ts";
import { connectRequest, frame, join, message, methodChoice } from "./frames.ts";
import { Bench, type Client } from "./recording-rim.ts";

const BOB = "#bob#dmn1";
const MALLORY = "#mallory#dmn1";
const TEST_MS = 20_000 * fuzzFactor;

/** A bystander: member of a group that everybody knows. It must get its own messages in order, whatever a stranger does. */
function bystander(bench: Bench): () => void {
  const bob = bench.session("bob");
  bob.send(join(BOB, "g"));
  bob.told();
  let count = 0;
  return () => {
    const text = `still here ${count++}`;
    bob.send(message(BOB, [BOB], text));
    const own = bob.received().filter(({ kind, name }) => kind === "message" && name === BOB);
    expect(own.map(({ body }) => body)).toEqual([text]);
    expect(bob.line.end).toBeUndefined();
  };
}

function checkEnd(client: Client): void {
  const { end } = client.line;
  if (end === undefined) return;
  expect(["left", "refused", "illegal"]).toContain(end.why);
  if (end.why === "illegal") expect(end.fault).toBeInstanceOf(Fault);
}

const bytes = fc.uint8Array({ maxLength: 400, size: "max" });

/** A legal request, and then some of its bytes changed: gets past the first checks, and ends anywhere. */
const nearlyLegal = fc
  .record({
    service: fc.constantFrom(AGREED, JOIN, LEAVE, KILL, AGREED | 0x40, 0x1010, 3),
    groups: fc.array(fc.constantFrom("g", BOB, "#x#y", ""), { maxLength: 4 }),
    body: fc.uint8Array({ maxLength: 60 }),
    changes: fc.array(fc.tuple(fc.nat({ max: 90 }), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
    cut: fc.nat({ max: 300 }),
  })
  .map(({ service, groups, body, changes, cut }) => {
    const made = frame({ service, sender: MALLORY, groups, body });
    for (const [at, value] of changes) if (at < made.length) made[at] = value;
    return made.subarray(0, Math.max(1, made.length - (cut > 250 ? cut - 250 : 0)));
  });

describe("random bytes", () => {
  test(
    "instead of a handshake",
    () => {
      const bench = new Bench();
      const check = bystander(bench);
      fc.assert(
        fc.property(fc.array(bytes, { maxLength: 4 }), (pieces) => {
          const client = bench.connect() as Client;
          client.send(...pieces);
          checkEnd(client);
          bench.daemon.lost(client.slot);
          expect(bench.daemon.sessionCount).toBe(1);
        }),
        cases(20_000),
      );
      check();
    },
    TEST_MS,
  );

  test(
    "that begin as a handshake does",
    () => {
      const bench = new Bench();
      const check = bystander(bench);
      const start = fc.constantFrom(
        connectRequest("mallory"),
        Buffer.concat([connectRequest("mallory"), methodChoice("NULL")]),
      );
      fc.assert(
        fc.property(start, bytes, (prefix, rest) => {
          const client = bench.connect() as Client;
          client.send(Buffer.concat([prefix, rest]));
          checkEnd(client);
          bench.daemon.lost(client.slot);
          expect(bench.daemon.sessionCount).toBe(1);
        }),
        cases(20_000),
      );
      check();
    },
    TEST_MS,
  );

  test(
    "that are nearly requests",
    () => {
      const bench = new Bench();
      const check = bystander(bench);
      let ended = 0;
      fc.assert(
        fc.property(fc.array(nearlyLegal, { minLength: 1, maxLength: 6 }), (requests) => {
          const mallory = bench.session("mallory");
          mallory.send(...requests);
          checkEnd(mallory);
          if (mallory.line.end !== undefined) ended += 1;
          bench.daemon.lost(mallory.slot);
          check();
          expect(bench.daemon.sessionCount).toBe(1);
          expect(bench.daemon.groupCount).toBe(1);
        }),
        cases(20_000),
      );
      expect(ended).toBeGreaterThan(1_000); // the cases do get to the checks
    },
    TEST_MS,
  );
});

test("a client that announces much and sends little costs what it sends", () => {
  const bench = new Bench();
  const clients = Array.from({ length: 90 }, (_, at) => bench.session(`m${at}`));
  const announcements = clients.map((_, at) => Buffer.concat([message(`#m${at}#dmn1`, ["g"]), new Uint8Array(20)]));
  for (const announcement of announcements) announcement.writeInt32LE(143_000, 44);
  Bun.gc(true);
  const before = process.memoryUsage().external;
  for (const [at, client] of clients.entries()) client.send(announcements[at]!);
  Bun.gc(true);
  expect(process.memoryUsage().external - before).toBeLessThan(1_000_000); // 12.9 MB were announced
  for (const client of clients) expect(client.line.end).toBeUndefined();
});
