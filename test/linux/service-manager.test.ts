import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatagramReader } from "../../lib/linux/datagram-reader.ts";
import { listenUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { notifyServiceManager, passedSockets } from "../../lib/linux/service-manager.ts";

const directory = mkdtempSync(join(tmpdir(), "spreadbox-manager-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("the service manager", () => {
  for (const path of [join(directory, "notify"), `@spreadbox-notify-${process.pid}`])
    test(`is told a state at ${path.startsWith("@") ? "an abstract name" : "a path"}`, () => {
      using socket = listenUnixDatagram(path);
      notifyServiceManager("READY=1\nSTATUS=all is well", { NOTIFY_SOCKET: path });
      const reader = new DatagramReader(socket.fd, 256);
      expect(reader.receive()).toBe(1);
      expect(new TextDecoder().decode(reader.bytes.subarray(reader.start(0), reader.end(0)))).toBe(
        "READY=1\nSTATUS=all is well",
      );
    });

  test("is not missed: neither where there is none, nor where it has gone", () => {
    expect(() => notifyServiceManager("READY=1", {})).not.toThrow();
    expect(() => notifyServiceManager("READY=1", { NOTIFY_SOCKET: join(directory, "nobody") })).not.toThrow();
  });

  test("passes sockets, and what is passed is recognised", async () => {
    using first = listenUnixDatagram(join(directory, "passed"));
    const program = `
      const { passedSockets } = await import(${JSON.stringify(join(import.meta.dir, "../../lib/linux/service-manager.ts"))});
      console.log(JSON.stringify(passedSockets(process.env)));
    `;
    // A service manager sets LISTEN_PID between fork and exec; here a shell does.
    const child = Bun.spawn({
      cmd: ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" -e "$1"', process.execPath, program],
      env: { PATH: process.env["PATH"]!, LISTEN_FDS: "2", LISTEN_FDNAMES: "devlog:other" },
      stdio: ["ignore", "pipe", "inherit", first.fd, Bun.file("/dev/null")],
    });
    expect(JSON.parse(await new Response(child.stdout as ReadableStream).text())).toEqual([
      { fd: 3, name: "devlog", type: "unix-datagram", path: join(directory, "passed") },
      { fd: 4, name: "other", type: "other", path: "" },
    ]);
  });

  for (const { name, env } of [
    { name: "no pid", env: { LISTEN_FDS: "1" } },
    { name: "another's pid", env: { LISTEN_FDS: "1", LISTEN_PID: "1" } },
    { name: "no number", env: { LISTEN_FDS: "many", LISTEN_PID: String(process.pid) } },
    { name: "a wild number", env: { LISTEN_FDS: "99999999", LISTEN_PID: String(process.pid) } },
  ])
    test(`passes nothing with ${name}`, () => expect(passedSockets(env)).toEqual([]));
});
