// What befalls a service from around it: a stderr that takes nothing, a terminal that is closed.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";

test("a service whose stderr is on a full disk goes on serving", async () => {
  using scratch = temporaryDirectory();
  const socket = join(scratch.path, "spread.sock");
  const command = 'exec "$1" spreadd --port 0 --name full --socket "$2" --no-tmp-socket 2>/dev/full';
  await using spreadd = start(["sh", "-c", command, "sh", binary(), socket]);
  const ping = () => runSpreadbox(["spread-probe", "ping", "--spread", `unix:${socket}`, "-n", "2"]);
  while ((await ping()).status !== 0) expect(await Promise.race([spreadd.exited, Bun.sleep(20)])).toBeUndefined();
  // Garbage makes it say something, which it can't.
  const { promise: refused, resolve } = Promise.withResolvers<void>();
  const garbage = await Bun.connect({ unix: socket, socket: { data() {}, close: () => resolve() } });
  garbage.write("\x05\0\x01\x01\x03a#b");
  await refused;
  expect((await ping()).status).toBe(0);
  spreadd.signal("SIGTERM");
  expect(await spreadd.exited).toBe(0);
});

test("the demo ends, and leaves nothing behind, when its terminal is closed", async () => {
  await using demo = startSpreadbox(["demo"], { env: { TMPDIR: "/tmp" } });
  await demo.stdout.until("hello from logger");
  const directory = /spreadd on (\/tmp\/spreadbox-demo-\w+)\//.exec(demo.stdout.text)![1]!;
  demo.signal("SIGHUP");
  expect(await demo.exited).toBe(0);
  expect(existsSync(directory)).toBe(false);
});

test("what a daemon says of itself cannot drive the terminal of whoever connects to it", async () => {
  const methods = "\x1b]0;pwned\x07\nFAKE LINE ";
  using daemon = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.write(String.fromCharCode(methods.length) + methods) },
  });
  for (const words of [
    ["spread-probe", "ping"],
    ["spread-probe", "connect"],
    ["logcat", "log.user"],
  ]) {
    const { stdout, stderr, status } = await runSpreadbox([...words, "--spread", `${daemon.port}@127.0.0.1`]);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("\\x1b]0;pwned");
    expect((stdout + stderr).replaceAll("\n", "")).not.toMatch(/[\x00-\x1f]/);
    expect(stderr.split("\n").length).toBeLessThanOrEqual(2);
  }
});
