// The proxy between a client and a daemon that both say anything at all: what goes in comes out, however slowly the dump is read.
import { expect, test } from "bun:test";
import { seededRandom } from "../../lib/base/random.ts";
import { DumpProxy } from "../../lib/probe/io/dump-proxy.ts";
import { writeHeader } from "../../lib/spread/frame.ts";
import {
  writeAcceptance,
  writeConnectRequest,
  writeMethodChoice,
  writeMethodList,
} from "../../lib/spread/handshake.ts";
import { nameField } from "../../lib/spread/name-field.ts";
import { parsePrivateGroup } from "../../lib/spread/names.ts";
import { parseServer } from "../../lib/spread/server.ts";
import { AGREED } from "../../lib/spread/service.ts";

const FAR = 24_690;
const NEAR = 24_691;

/** What a client, or a daemon, says in a legal conversation with very many messages; the end is noise. */
function conversation(head: readonly Uint8Array[], seed: number): Uint8Array {
  const random = seededRandom(seed);
  const frame = new Uint8Array(80 + 1_000);
  writeHeader(frame, 0, AGREED, nameField("#me#dmn1"), 1, 0, 1_000);
  frame.set(nameField("group"), 48);
  const noise = Uint8Array.from({ length: 100_000 }, () => random() * 256);
  return new Uint8Array(Buffer.concat([...head, ...Array.from({ length: 6_000 }, () => frame), noise]));
}

const CLIENT = conversation(
  [
    writeConnectRequest({ version: { major: 5, minor: 0, patch: 1 }, flags: 1, name: undefined }),
    writeMethodChoice(["NULL"]),
  ],
  1,
);
const DAEMON = conversation(
  [
    writeMethodList(["NULL"]),
    writeAcceptance({ version: { major: 5, minor: 0, patch: 1 }, privateGroup: parsePrivateGroup("#me#dmn1") }),
  ],
  2,
);

const digest = (chunks: readonly Uint8Array[]) => {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const chunk of chunks) hasher.update(chunk);
  return hasher.digest("hex");
};

/** Writes all of it, as fast as the socket takes it. */
class Writer {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  write(socket: { write(bytes: Uint8Array): number }): void {
    while (this.#at < this.bytes.length) {
      const took = socket.write(this.bytes.subarray(this.#at));
      if (took <= 0) return;
      this.#at += took;
    }
  }
}

/** A daemon that answers whatever it is told with noise of its own. */
function startFar(answer: Uint8Array, bytesWanted: number) {
  const got: Uint8Array[] = [];
  const whole = Promise.withResolvers<void>();
  const writer = new Writer(answer);
  let bytes = 0;
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: FAR,
    socket: {
      open: (socket) => writer.write(socket),
      drain: (socket) => writer.write(socket),
      data(_socket, chunk) {
        got.push(chunk.slice());
        bytes += chunk.length;
        if (bytes === bytesWanted) whole.resolve();
      },
    },
  });
  return { got, whole: whole.promise, [Symbol.dispose]: () => listener.stop(true) };
}

test("6 MB each way pass unchanged through a dump that nobody reads at first; until somebody does, little is taken", async () => {
  using far = startFar(DAEMON, CLIENT.length);
  const reading = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const kinds = new Map<string, number>();
  let waiting = 0;
  const over = Promise.withResolvers<string>();
  using _proxy = new DumpProxy(
    [parseServer(`tcp:127.0.0.1:${NEAR}`)],
    parseServer(`tcp:127.0.0.1:${FAR}`),
    { bodyBytes: 16 },
    {
      async entries(_connection, entries) {
        for (const { direction, kind } of entries)
          kinds.set(`${direction} ${kind}`, (kinds.get(`${direction} ${kind}`) ?? 0) + 1);
        waiting += 1;
        if (waiting >= 18) held.resolve(); // nine chunks of each direction: it stops reading there
        expect(waiting).toBeLessThanOrEqual(18);
        await reading.promise;
        waiting -= 1;
      },
      opened: () => {},
      closed: (_connection, reason) => over.resolve(reason),
    },
  );
  const got: Uint8Array[] = [];
  const whole = Promise.withResolvers<void>();
  const writer = new Writer(CLIENT);
  let bytes = 0;
  const client = await Bun.connect({
    hostname: "127.0.0.1",
    port: NEAR,
    socket: {
      open: (socket) => writer.write(socket),
      drain: (socket) => writer.write(socket),
      data(_socket, chunk) {
        got.push(chunk.slice());
        bytes += chunk.length;
        if (bytes === DAEMON.length) whole.resolve();
      },
    },
  });
  await held.promise;
  reading.resolve();
  await Promise.all([far.whole, whole.promise]);
  client.end();
  expect(await over.promise).toBe("the client closed it");
  expect([digest(far.got), digest(got)]).toEqual([digest([CLIENT]), digest([DAEMON])]);
  expect(kinds.get("c2s message")).toBe(6_000);
  expect(kinds.get("s2c message")).toBe(6_000);
}, 30_000);

test("no daemon behind it: the client is told by a close, and the dump by a reason", async () => {
  const reason = Promise.withResolvers<string>();
  using _proxy = new DumpProxy(
    [parseServer(`tcp:127.0.0.1:${NEAR + 1}`)],
    parseServer("tcp:127.0.0.1:24699"),
    { bodyBytes: 16 },
    {
      entries: async () => {},
      opened: () => {},
      closed: (_connection, why) => reason.resolve(why),
    },
  );
  const ended = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port: NEAR + 1,
    socket: { data: () => {}, close: () => ended.resolve() },
  });
  expect(await reason.promise).toStartWith("cannot reach tcp:127.0.0.1:24699");
  await ended.promise;
});

test("a port that is taken is told before anything begins", () => {
  const listener = { entries: async () => {}, opened: () => {}, closed: () => {} };
  const server = parseServer(`tcp:127.0.0.1:${NEAR + 2}`);
  using _first = new DumpProxy([server], server, { bodyBytes: 16 }, listener);
  expect(() => new DumpProxy([server], server, { bodyBytes: 16 }, listener)).toThrow(
    `cannot listen at tcp:127.0.0.1:${NEAR + 2}: `,
  );
});
