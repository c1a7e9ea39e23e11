// Every recorded conversation with a lone daemon, played against ours, byte for byte; and against the real one, where there is one, to prove the player right.
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseServer } from "../../lib/spread/server.ts";
import type { Vector } from "../spread/vector.ts";
import { hasRealSpread, startRealSpread } from "../support/real-spread.ts";
import { recordingsOfOneDaemon } from "../support/replay.ts";
import { NEEDS_QUOTA, NEEDS_SIGTERM, ReplayError, replay } from "../support/replayer.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { BETTER_ANSWERS } from "./better-answers.ts";
import { startDaemon, type TcpServer, type UnixServer } from "./running-daemon.ts";

const PORT = 24_240;
const REAL_PORT = 24_244;
const WAIT_MS = 8_000;
const QUICK_TEST_MS = 30_000;

const recordings = recordingsOfOneDaemon();
const named = (name: string) => recordings.find((vector) => vector.name === name)!;

/** Recordings of clients that say nothing more in their handshake: who does not is to have all the time that a busy machine takes. */
const NEEDS_SILENCE = /^hs-(short|silent|split)|^auth-pword-short$/;

/** What each kind of recording needs, as keys of our table: by the options of the real daemon, and for a user of PWORD by the recording's own. */
function tableFor({ name, daemon: { options = "" } }: Vector, passwordFile: string): Record<string, unknown> {
  const words = (key: string) => options.match(new RegExp(`${key} = "([^"]*)"`))?.[1]?.split(" ");
  const methods = [...(words("AllowedAuthMethods") ?? []), ...(words("RequiredAuthMethods") ?? [])];
  const isDenied = name.endsWith("-denied") || name === "auth-two-allowed-null-chosen";
  return {
    ...(NEEDS_SILENCE.test(name) ? { handshake_timeout: "1s" } : {}),
    ...(name === NEEDS_QUOTA ? { sessions_max: 997, handshake_timeout: "30s" } : {}), // a thousand handshakes may take a while
    ...(options === "" ? {} : { auth: words("AllowedAuthMethods"), auth_required: words("RequiredAuthMethods") ?? [] }),
    ...(methods.includes("IP") ? { access_ip: isDenied ? ["192.0.2.1"] : ["local"] } : {}),
    ...(methods.includes("PWORD") ? { password_file: passwordFile } : {}),
  };
}

describe("spreadd answers as the real daemon did:", () => {
  test(
    "all conversations with a lone daemon, but those that it answers better",
    async () => {
      using scratch = temporaryDirectory();
      const passwordFile = join(scratch.path, "passwords");
      writeFileSync(passwordFile, "alice:abhv/ZnAzL36k # secret12\n");
      const groups = Map.groupBy(recordings, (vector) =>
        vector.name === NEEDS_SIGTERM ? NEEDS_SIGTERM : JSON.stringify(tableFor(vector, passwordFile)),
      );
      const differing: string[] = [];
      for (const vectors of groups.values()) {
        await using daemon = await startDaemon({ port: PORT, ...tableFor(vectors[0]!, passwordFile) });
        const unix: UnixServer = { by: "unix", path: `/tmp/${PORT}` };
        for (const vector of vectors) {
          const terminate = () => daemon.child.signal("SIGTERM");
          const difference = await replay(vector, { tcp: daemon.tcp, unix, waitMs: WAIT_MS, terminate }).then(
            () => undefined,
            (error) => error,
          );
          if (difference !== undefined && !(difference instanceof ReplayError)) throw difference;
          if ((difference === undefined) === BETTER_ANSWERS.has(vector.name))
            differing.push(difference?.message ?? `${vector.name} is answered as by the real daemon`);
        }
      }
      expect(differing).toEqual([]);
      expect(recordings.length).toBeGreaterThanOrEqual(128);
    },
    QUICK_TEST_MS * 2,
  );

  test("every recording that is answered better is there", () => {
    for (const name of BETTER_ANSWERS.keys()) expect(named(name)).toBeDefined();
  });
});

describe("the player", () => {
  test.if(hasRealSpread)(
    "finds no difference in the real daemon's answers",
    async () => {
      await using daemon = await startRealSpread({ port: REAL_PORT });
      const tcp = parseServer(daemon.tcp) as TcpServer;
      const unix = parseServer(daemon.unix) as UnixServer;
      for (const vector of recordings.filter(
        (vector) => vector.daemon.options === undefined && ![NEEDS_QUOTA, NEEDS_SIGTERM].includes(vector.name),
      ))
        await replay(vector, { tcp, unix, waitMs: WAIT_MS });
    },
    QUICK_TEST_MS * 2,
  );

  const VIEW_BYTES = 136;
  for (const { name, change, says } of [
    { name: "a byte that differs", change: (bytes: Buffer) => bytes.fill(0x5a, 60, 61), says: "at offset 60" },
    {
      name: "a byte that does not come",
      change: (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(0, 1)]),
      says: "137 bytes",
    },
    {
      name: "a byte too many",
      change: (bytes: Buffer) => bytes.subarray(0, VIEW_BYTES - 1),
      says: "1 bytes more came",
    },
  ])
    test(`finds ${name}`, async () => {
      await using daemon = await startDaemon({ port: PORT + 1 });
      const vector = named("grp-join-first");
      const steps = vector.steps.map((step) => {
        const isView = step.dir === "s2c" && step.bytes.length === VIEW_BYTES;
        return isView ? { ...step, bytes: new Uint8Array(change(Buffer.from(step.bytes))) } : step;
      });
      const unix: UnixServer = { by: "unix", path: `/tmp/${PORT + 1}` };
      await expect(replay({ ...vector, steps }, { tcp: daemon.tcp, unix, waitMs: 2_000 })).rejects.toThrow(says);
    });
});
