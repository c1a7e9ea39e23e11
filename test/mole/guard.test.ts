// The guard: what becomes of addresses and session when the process dies that held them.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, start } from "../support/child.ts";
import { hasNamespaces, Wire } from "../support/wire.ts";

const GUARDED = /192\.0\.2\.1[01]\/|2001:db8::10\//;
const LAST_WORDS = "fare\0well\n\xc3\xbf"; // as UTF-8

/** A group daemon's end of the session, and what the host's addresses were when the session ended. */
class Daemon implements AsyncDisposable {
  readonly ended = Promise.withResolvers<{ readonly said: string; readonly addresses: string }>();
  readonly listener: Bun.TCPSocketListener;
  #said = "";

  constructor(wire: Wire) {
    this.listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (_, bytes) => {
          this.#said += Buffer.from(bytes).toString("latin1");
        },
        end: () => this.ended.resolve({ said: this.#said, addresses: wire.addresses() }),
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.stop(true);
  }
}

describe.if(hasNamespaces)("the guard", () => {
  let wire: Wire;
  beforeEach(() => {
    wire = new Wire();
  });
  afterEach(() => wire[Symbol.dispose]());

  async function holder(daemon: Daemon, what: string): Promise<Child> {
    const child = start([
      process.execPath,
      join(import.meta.dir, "guard-holder.ts"),
      String(daemon.listener.port),
      what,
    ]);
    await child.stdout.until("ready\n");
    return child;
  }

  test("a killed process's addresses are gone before its session ends, and the last words come after them", async () => {
    await using daemon = new Daemon(wire);
    await using child = await holder(daemon, "leased");
    expect(wire.addresses()).toMatch(GUARDED);
    wire.near("ip address add 192.0.2.11/32 dev near0"); // released before, and somebody else's now
    child.signal("SIGKILL");
    const { said, addresses } = await daemon.ended.promise;
    expect(said).toBe(LAST_WORDS);
    expect(addresses).not.toMatch(/192\.0\.2\.10\/|2001:db8::10\//);
    expect(addresses).toContain("192.0.2.11/32");
  });

  test("signals that end services do not end the guard", async () => {
    await using daemon = new Daemon(wire);
    await using child = await holder(daemon, "leased");
    const guard = guardOf(child.pid);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGABRT"] as const) process.kill(guard, signal);
    child.signal("SIGKILL");
    const { said, addresses } = await daemon.ended.promise;
    expect(said).toBe(LAST_WORDS);
    expect(addresses).not.toMatch(GUARDED);
  });

  test("a guard that was killed is replaced, and the new one knows what is held", async () => {
    await using daemon = new Daemon(wire);
    await using child = await holder(daemon, "leased");
    const before = guardOf(child.pid);
    process.kill(before, "SIGKILL");
    await child.stdout.until("has taken its place");
    child.signal("SIGKILL");
    const { addresses } = await daemon.ended.promise;
    expect(addresses).not.toMatch(GUARDED);
  });

  test("under maintenance the guard leaves addresses alone", async () => {
    await using daemon = new Daemon(wire);
    await using child = await holder(daemon, "maintained");
    child.signal("SIGKILL");
    const { said, addresses } = await daemon.ended.promise;
    expect(said).toBe("");
    expect(addresses).toContain("192.0.2.10/32");
  });

  for (const { what, says } of [
    { what: "hushed", says: "" },
    { what: "heard", says: LAST_WORDS },
  ])
    test(`a guard that is ${what} ${says === "" ? "says nothing" : "says its last words again"}, and takes the addresses off`, async () => {
      await using daemon = new Daemon(wire);
      await using child = await holder(daemon, what);
      child.signal("SIGKILL");
      const { said, addresses } = await daemon.ended.promise;
      expect(said).toBe(says);
      expect(addresses).not.toMatch(GUARDED);
    });

  test("a session that a live process ends is seen to end, though the guard had a duplicate", async () => {
    await using daemon = new Daemon(wire);
    await using _child = await holder(daemon, "ended");
    expect((await daemon.ended.promise).said).toBe("");
  });
});

/** The guard among a process's children; 0 where there is none. */
function guardOf(parent: number): number {
  for (const pid of readdirSync("/proc").map(Number)) {
    if (!(pid > 0)) continue;
    try {
      const status = readFileSync(`/proc/${pid}/stat`, "latin1");
      const isChild = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      if (isChild && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("mole-guard")) return pid;
    } catch {
      // it ended while we looked
    }
  }
  return 0;
}
