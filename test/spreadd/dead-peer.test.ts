// A client's host vanishes without a word: its cable is pulled. Two network namespaces and a cable between them; the daemon is in one, the client in the
// other, and a witness in the same group sits on the daemon's unix socket, which knows no network.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join as joinPath } from "node:path";
import { projectRoot } from "../support/binary.ts";
import { Child, start } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { message } from "./frames.ts";
import { RawClient } from "./running-daemon.ts";

const PORT = 24_270;
/** How often it is looked whether this process is served. */
const LOOK_MS = 10;
const isPossible =
  process.getuid?.() === 0 &&
  (await start(["/bin/sh", "-c", "unshare -n true && command -v ip"]).result()).status === 0;
if (!isPossible) process.stderr.write("SKIP: dead peers need root, ip and network namespaces\n");

const [here, there] = [`sbd${process.pid}a`, `sbd${process.pid}b`];

async function ip(...args: readonly string[]): Promise<void> {
  const { status, stderr } = await start(["/usr/bin/env", "ip", ...args]).result();
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

describe.if(isPossible)("a dead TCP peer", () => {
  const scratch = temporaryDirectory();
  const socket = joinPath(scratch.path, "spread.sock");
  let daemon: Child;

  beforeAll(async () => {
    for (const name of [here, there]) await ip("netns", "add", name);
    await ip("-n", here, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", there);
    for (const [name, address] of [
      [here, "10.213.0.1/30"],
      [there, "10.213.0.2/30"],
    ] as const) {
      await ip("-n", name, "addr", "add", address, "dev", "cable");
      await ip("-n", name, "link", "set", "cable", "up");
    }
    const table = {
      name: "dmn1",
      port: PORT,
      socket,
      tmp_socket: false,
      listen: ["10.213.0.1"],
      session_timeout: "3s",
    };
    daemon = inNamespace(here, "spreadd-child.ts", JSON.stringify(table));
    await daemon.stdout.until("listening on");
  });

  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    for (const name of [here, there]) await ip("netns", "del", name).catch(() => {});
    scratch[Symbol.dispose]();
  });

  const inNamespace = (name: string, script: string, ...args: readonly string[]) =>
    new Child(
      ["/usr/bin/env", "ip", "netns", "exec", name, process.execPath, joinPath(import.meta.dir, script), ...args],
      { cwd: projectRoot },
    );

  /**
   * Pulls the cable on a client in `group`, and measures until the witness sees it go: all the time, and that in which this process was served. Who waits
   * for a processor sends no beats, and sees no view.
   * @param beatMs how often the witness sends to the group
   */
  async function noticedAfter(group: string, beatMs: number | undefined): Promise<{ ms: number; servedMs: number }> {
    await ip("-n", there, "link", "set", "cable", "up");
    const witness = await RawClient.connect({ by: "unix", path: socket }, "witness");
    await witness.join(group);
    await using remote = inNamespace(there, "remote-client.ts", "10.213.0.1", `${PORT}`, "remote", group);
    await remote.stdout.until("joined");
    await witness.next();
    const beat =
      beatMs === undefined
        ? undefined
        : setInterval(() => void witness.send(message(witness.name, [group], "beat", 0x50)), beatMs);
    await ip("-n", there, "link", "set", "cable", "down");
    const pulled = performance.now();
    let servedMs = 0;
    let lookedMs = pulled;
    const look = () => {
      const nowMs = performance.now();
      servedMs += Math.min(nowMs - lookedMs, 2 * LOOK_MS);
      lookedMs = nowMs;
    };
    const looking = setInterval(look, LOOK_MS);
    const view = await witness.next();
    look();
    clearInterval(looking);
    clearInterval(beat);
    expect(view).toMatchObject({ kind: "view", name: group, groups: ["#witness#dmn1"] });
    witness.close();
    return { ms: performance.now() - pulled, servedMs };
  }

  test("is noticed within session_timeout while messages are on their way to it", async () => {
    const { ms, servedMs } = await noticedAfter("busy", 200);
    expect(ms).toBeGreaterThan(2_000);
    expect(servedMs).toBeLessThan(3_000 + 1_000);
  }, 20_000);

  test("is noticed within session_timeout and a second when nothing is said", async () => {
    expect((await noticedAfter("idle", undefined)).servedMs).toBeLessThan(3_000 + 1_500);
  }, 20_000);

  test("is noticed within a second in mole's group, where beats go to it all the time", async () => {
    expect((await noticedAfter("mole", 100)).servedMs).toBeLessThan(1_000 + 500);
  }, 20_000);
});
