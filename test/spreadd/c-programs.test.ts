// Real programs of the Spread toolkit, and a client of ours on its C library, against spreadd: through /tmp/PORT and by TCP.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join as joinPath } from "node:path";
import { start, WAIT_MS } from "../support/child.ts";
import { hasRealSpread, spreadPrefix } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { message } from "./frames.ts";
import { RawClient, type RunningDaemon, startDaemon } from "./running-daemon.ts";

const PORT = 24_260;
const COUNT = 10_000;
const BODY_BYTES = 200;
const compiler = Bun.which("cc");
if (hasRealSpread && compiler === null) process.stderr.write("SKIP: no C compiler, so no client on the C library\n");

const tool = (name: string) => joinPath(spreadPrefix, "bin", name);

describe.if(hasRealSpread)("programs of the Spread toolkit", () => {
  let daemon: RunningDaemon;
  beforeAll(async () => {
    daemon = await startDaemon({ port: PORT });
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  for (const [by, address] of [
    ["the unix socket", `${PORT}`],
    ["TCP", `${PORT}@127.0.0.1`],
  ] as const)
    test(`spuser connects by ${by}, joins, sends, gets, sees who comes and goes`, async () => {
      await using user = start([tool("spuser"), "-s", address, "-u", "joe"], { stdin: "open" });
      await user.stdout.until("connected to");
      expect(user.stdout.text).toContain("with private group #joe#dmn1");
      const other = await RawClient.connect(daemon.unix, "other");
      await other.join("talk");
      user.stdin.write("j talk\n");
      await user.stdin.flush();
      expect(await other.told()).toEqual(["join talk 2: #joe#dmn1 #other#dmn1 (#joe#dmn1)"]);
      await user.stdout.until(/Received REGULAR membership for group talk with 2 members/);
      await other.send(message(other.name, ["talk"], "hello joe"));
      await user.stdout.until("hello joe");
      await other.told();
      user.stdin.write("s talk\nhello other\n");
      await user.stdin.flush();
      expect(await other.told()).toEqual(["message from #joe#dmn1 to talk: hello other\n"]);
      other.close();
      await user.stdout.until(/Due to the DISCONNECT of #other#dmn1/);
      user.stdin.write("q\n");
      await user.stdin.flush();
      expect(await user.exited).toBe(0);
      await daemon.until(({ sessions, groups }) => sessions === 0 && groups === 0);
    });

  test(`spflooder sends itself ${COUNT} messages, window by window`, async () => {
    const flood = await start([
      tool("spflooder"),
      "-s",
      `${PORT}`,
      "-u",
      "me",
      "-m",
      `${COUNT}`,
      "-b",
      `${BODY_BYTES}`,
    ]).result();
    expect([flood.status, flood.stdout]).toEqual([
      0,
      expect.stringContaining(`completed multicast of ${COUNT} messages`),
    ]);
  });

  test(`spflooder writes and spflooder reads ${COUNT} messages, by unix socket and by TCP`, async () => {
    const flooder = (address: string, name: string, mode: string) =>
      start([tool("spflooder"), "-s", address, "-u", name, mode, "-m", `${COUNT}`, "-b", `${BODY_BYTES}`]);
    const witness = await RawClient.connect(daemon.unix, "witness");
    await witness.join("flooder");
    await using first = flooder(`${PORT}`, "r1", "-ro");
    await using second = flooder(`${PORT}@127.0.0.1`, "r2", "-ro");
    await witness.told(2); // both are in the group: one that came later would wait for what it has missed
    witness.close();
    await using writer = flooder(`${PORT}`, "w", "-wo");
    for (const program of [writer, first, second])
      expect((await program.result()).stdout).toContain(`completed multicast of ${COUNT} messages`);
  });
});

describe.if(hasRealSpread && compiler !== null)(
  `${COUNT} numbered messages of ${BODY_BYTES} bytes, none lost, none reordered:`,
  () => {
    const scratch = temporaryDirectory();
    const program = joinPath(scratch.path, "numbered");
    let daemon: RunningDaemon;
    beforeAll(async () => {
      daemon = await startDaemon({ port: PORT + 1 });
      const source = joinPath(import.meta.dir, "numbered.c");
      const library = joinPath(spreadPrefix, "lib/libspread-core.a");
      const built = await start([
        compiler!,
        "-O1",
        "-I",
        joinPath(spreadPrefix, "include"),
        "-o",
        program,
        source,
        library,
      ]).result();
      expect(built).toMatchObject({ status: 0, stderr: "" });
    });
    afterAll(async () => {
      await daemon[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    });

    /** Children that read, all joined. Each test has a group of its own: the last one's members may still be leaving. */
    const cReaders = async (group: string, count: number) => {
      const readers = Array.from({ length: count }, (_, at) =>
        start([program, "receive", at % 2 === 0 ? `${PORT + 1}` : `${PORT + 1}@127.0.0.1`, group, `${COUNT}`]),
      );
      for (const reader of readers) await reader.stdout.until(`view of ${group}: ${count}\n`);
      return readers;
    };
    const numbered = (number: number) => `${number} `.padEnd(BODY_BYTES, "x");

    for (const readers of [1, 10]) {
      test(
        `the C library to ${readers} of it`,
        async () => {
          const group = `c-to-c-${readers}`;
          const children = await cReaders(group, readers);
          const sent = await start([program, "send", `${PORT + 1}`, group, `${COUNT}`, `${BODY_BYTES}`]).result();
          expect(sent.stdout).toBe(`sent ${COUNT}\n`);
          for (const child of children) expect((await child.result()).stdout).toEndWith(`received ${COUNT} in order\n`);
        },
        WAIT_MS * 2,
      );

      test(
        `the C library to ${readers} by hand`,
        async () => {
          const group = `c-to-hand-${readers}`;
          const clients = await Promise.all(
            Array.from({ length: readers }, (_, at) => RawClient.connect(daemon.unix, `c${at}`)),
          );
          for (const client of clients) await client.join(group);
          for (const [at, client] of clients.entries()) await client.told(readers - at - 1);
          await using _sender = start([program, "send", `${PORT + 1}`, group, `${COUNT}`, `${BODY_BYTES}`]);
          await Promise.all(
            clients.map(async (client) => {
              let next = 0;
              await client.frames(COUNT, (view) => {
                if (new TextDecoder().decode(view.body()) === numbered(next)) next += 1;
              });
              expect(next).toBe(COUNT);
              client.close();
            }),
          );
        },
        WAIT_MS * 2,
      );

      test(
        `by hand to ${readers} of the C library`,
        async () => {
          const group = `hand-to-c-${readers}`;
          const children = await cReaders(group, readers);
          const sender = await RawClient.connect(daemon.unix, "sender");
          await sender.send(
            ...Array.from({ length: COUNT }, (_, number) => message(sender.name, [group], numbered(number))),
          );
          for (const child of children) expect((await child.result()).stdout).toEndWith(`received ${COUNT} in order\n`);
          sender.close();
        },
        WAIT_MS * 2,
      );
    }
  },
);
