// The host side's own pieces on the real system: the state file, programs, hooks, checks.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../lib/base/log.ts";
import type { HealthTable } from "../../lib/mole/health-table.ts";
import { keepCrashDumps } from "../../lib/mole/io/crash-dump.ts";
import { HealthChecks } from "../../lib/mole/io/health-checks.ts";
import { Hooks } from "../../lib/mole/io/hooks.ts";
import { runProgram } from "../../lib/mole/io/program.ts";
import { readKey } from "../../lib/mole/io/setup.ts";
import { Store } from "../../lib/mole/io/store.ts";
import { NOTHING_KEPT } from "../../lib/mole/stored.ts";
import { bootMs, systemClock } from "../../lib/run/clock.ts";
import { temporaryDirectory } from "../support/temporary.ts";

const env = { PATH: process.env["PATH"] };

/** What the kernel says that a process does; `undefined` where there is none, or none any more as it is read. */
function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s*(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  return { lines, error: say, warn: say, notice: say, debug: say };
}

const kept = (incarnation: number) => ({
  incarnation,
  stored: {
    hostList: { version: 3, hosts: ["a", "b"], tiebreak: "a", former: ["c"] },
    maintenance: { counter: 7, on: true },
    lifted: true,
    unreturned: true,
    longest: { silenceMs: 1_000, leaseMs: 2_000 },
  },
});

describe("what is kept on disk", () => {
  const failed = (error: Error | undefined) => {
    if (error !== undefined) throw error;
  };
  test("is the newest that was saved, however fast, and a fresh host has nothing", async () => {
    using scratch = temporaryDirectory();
    const directory = join(scratch.path, "deep/state");
    const store = new Store(directory, failed);
    using other = new Store(directory, failed);
    expect(store.load()).toEqual(NOTHING_KEPT);
    for (let nth = 1; nth <= 50; nth++) store.save(kept(nth));
    await store.flushed();
    store[Symbol.dispose]();
    expect(other.load()).toEqual(kept(50));
    expect(readdirSync(directory).sort()).toEqual(["lock", "state.json"]);
  });

  for (const { name, text } of [
    { name: "cut short", text: '{"version":1' },
    { name: "of another shape", text: '{"version":1,"incarnation":-1}' },
  ])
    test(`${name}, it is refused with what to do, not taken for nothing`, () => {
      using scratch = temporaryDirectory();
      writeFileSync(join(scratch.path, "state.json"), text);
      expect(() => new Store(scratch.path, failed).load()).toThrow("remove it if the cluster is not under maintenance");
    });

  test("belongs to one mole at a time", () => {
    using scratch = temporaryDirectory();
    using one = new Store(scratch.path, failed);
    using other = new Store(scratch.path, failed);
    one.load();
    expect(() => other.load()).toThrow("another mole runs with it");
    one[Symbol.dispose]();
    expect(other.load()).toEqual(NOTHING_KEPT);
  });

  test("on a disk that takes nothing is told once, tried again, and told when it is there", async () => {
    using scratch = temporaryDirectory();
    const told: (string | undefined)[] = [];
    const { promise: isBack, resolve } = Promise.withResolvers<void>();
    const tell = (error: Error | undefined) => {
      told.push(error?.message);
      if (error === undefined) resolve();
    };
    using store = new Store(scratch.path, tell, 20);
    store.load();
    const written: number[] = [];
    const inTheWay = join(scratch.path, "state.json.new");
    mkdirSync(inTheWay);
    for (const nth of [1, 2]) {
      store.save(kept(nth), () => written.push(nth));
      await store.flushed();
    }
    expect(written).toEqual([]);
    expect(told).toEqual([expect.stringContaining("EISDIR")]);
    expect(store.trouble).toBe("it is a directory");
    rmdirSync(inTheWay);
    await isBack;
    expect([told.length, store.trouble]).toEqual([2, undefined]);
    expect(written).toEqual([2]);
    store[Symbol.dispose]();
    using next = new Store(scratch.path, failed);
    expect(next.load()).toEqual(kept(2));
  });
});

describe("a key", () => {
  for (const { name, bytes, mode, told } of [
    { name: "that is short is refused", bytes: 15, mode: 0o600, told: "expected at least 16" },
    { name: "that others can read is refused", bytes: 32, mode: 0o640, told: "chmod 600" },
  ])
    test(name, () => {
      using scratch = temporaryDirectory();
      const path = join(scratch.path, "key");
      writeFileSync(path, new Uint8Array(bytes), { mode });
      expect(() => readKey(path)).toThrow(told);
    });
});

describe("a program", () => {
  const lines: string[] = [];
  for (const { name, command, end } of [
    { name: "that ends well", command: ["sh", "-c", "echo a; echo b >&2"], end: { how: "exited", status: 0 } },
    { name: "that fails", command: ["sh", "-c", "exit 3"], end: { how: "exited", status: 3 } },
    { name: "that is not there", command: ["/none/such"], end: { how: "failed", why: expect.any(String) } },
    {
      name: "that hangs, with a child that hangs",
      command: ["sh", "-c", "sleep 60 & sleep 60"],
      end: { how: "timeout" },
    },
    {
      name: "that ends but leaves a child with its output",
      command: ["sh", "-c", "sleep 5 & exit 0"],
      end: { how: "exited", status: 0 },
    },
  ] as const)
    test(`${name}: its end is told`, async () => {
      const timeoutMs = end.how === "timeout" ? 200 : 10_000;
      expect(await runProgram({ command, env, timeoutMs, onLine: (line) => lines.push(line) })).toEqual(end);
    });
  test("is killed with all its children", async () => {
    using scratch = temporaryDirectory();
    const command = ["sh", "-c", `sh -c 'sleep 0.6; touch ${scratch.path}/late' & sleep 60`];
    await runProgram({ command, env, timeoutMs: 100 });
    await runProgram({ command: ["sleep", "1"], env, timeoutMs: 10_000 });
    expect(existsSync(join(scratch.path, "late"))).toBe(false);
  });

  test("that talks much ends by itself; beyond its first kilobytes nothing is looked at", async () => {
    const told: string[] = [];
    const command = ["sh", "-c", "yes $(printf %0999d 1) | head -c 30000000; exit 3"];
    expect(await runProgram({ command, env, timeoutMs: 30_000, onLine: (line) => told.push(line) })).toEqual({
      how: "exited",
      status: 3,
    });
    expect(told.map(({ length }) => length)).toEqual([...Array.from({ length: 16 }, () => 999), 384]);
  });

  for (const { leavesNothing, isLeft } of [
    { leavesNothing: true, isLeft: false },
    { leavesNothing: false, isLeft: true },
  ])
    test(`that ends ${leavesNothing ? "and may leave nothing: what it has started is killed" : "may leave something running"}`, async () => {
      using scratch = temporaryDirectory();
      const path = join(scratch.path, "left");
      const command = ["sh", "-c", `sleep 60 >/dev/null 2>&1 & echo $! >${path}`];
      await runProgram({ command, env, timeoutMs: 10_000, leavesNothing });
      const pid = Number(readFileSync(path, "utf8"));
      if (isLeft) {
        expect(stateOf(pid)).toMatch(/[RSD]/);
        process.kill(pid, "SIGKILL");
      } else
        while (![undefined, "Z"].includes(stateOf(pid)))
          // to whoever reaps orphans
          await runProgram({ command: ["true"], env, timeoutMs: 1_000 });
    });
});

test("a hook that hangs holds up its own calls alone, in order, and is told", async () => {
  using scratch = temporaryDirectory();
  const log = recordingLog();
  const out = join(scratch.path, "out");
  const hooks = new Hooks(
    [
      { on: ["acquire"], vips: ["slow"], command: ["sleep", "60"], timeout: 300 },
      {
        on: ["acquire", "release"],
        vips: undefined,
        command: ["sh", "-c", `echo $MOLE_EVENT $MOLE_VIP $MOLE_X >> ${out}`],
        timeout: 5_000,
      },
    ],
    env,
    log,
  );
  hooks.call("acquire", "slow", { X: "1" });
  for (let nth = 2; nth < 6; nth++) hooks.call(nth % 2 === 0 ? "acquire" : "release", "web", { X: `${nth}` });
  hooks.call("view", "", {});
  await hooks.idle();
  expect(readFileSync(out, "utf8")).toBe(
    "acquire slow 1\nacquire web 2\nrelease web 3\nacquire web 4\nrelease web 5\n",
  );
  expect(log.lines).toEqual(["hook sleep (acquire slow): killed after 300 ms"]);
});

test("a hook that can't be run, or has failed lately, is told of until it is well again", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "hook");
  const log = recordingLog();
  const hooks = new Hooks(
    [
      { on: ["acquire"], vips: undefined, command: [path], timeout: 5_000 },
      { on: ["release"], vips: undefined, command: [scratch.path], timeout: 5_000 },
      { on: ["release"], vips: undefined, command: ["no-such-hook"], timeout: 5_000 },
    ],
    env,
    log,
  );
  const unfit = (program: string) => `hook ${program} can't be run: no such program, or it is not executable`;
  const others = [scratch.path, "no-such-hook"].map(unfit);
  const acquire = async () => {
    hooks.call("acquire", "web", {});
    await hooks.idle();
  };
  expect(hooks.unfit()).toEqual([unfit(path), ...others]);
  writeFileSync(path, "#!/bin/sh\nexit $(cat $0.status)\n", { mode: 0o644 });
  expect(hooks.troubles(0)).toEqual([unfit(path), ...others]);
  chmodSync(path, 0o755);
  expect(hooks.troubles(0)).toEqual(others);
  writeFileSync(`${path}.status`, "3");
  await acquire();
  const failed = `hook ${path} (acquire web) failed 2s ago: status 3`;
  expect(hooks.troubles(bootMs() + 2_000)).toEqual([...others, failed]);
  expect(hooks.troubles(bootMs() + 3_700_000)).toEqual(others);
  writeFileSync(`${path}.status`, "0");
  await acquire();
  expect(hooks.troubles(bootMs() + 2_500)).toEqual(others);
});

describe("health is checked", () => {
  /** Resolves with the first turn of the only vip. */
  async function firstTurn(check: Partial<HealthTable>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const log = recordingLog();
    using checks = new HealthChecks({ clock: systemClock, env, log, onTurn: (_, ok) => resolve(ok) });
    const whole = { name: "x", vips: undefined, interval: 50, timeout: 1_000, rise: 2, fall: 2, ...check };
    checks.configure([whole], ["v"]);
    return await promise;
  }

  /** Whether `check` has been well for some rounds. */
  async function staysWell(check: Partial<HealthTable>): Promise<boolean> {
    const log = recordingLog();
    let ill = false;
    using checks = new HealthChecks({ clock: systemClock, env, log, onTurn: () => (ill = true) });
    const whole = { name: "x", vips: undefined, interval: 20, timeout: 2_000, rise: 1, fall: 1, ...check };
    checks.configure([whole], ["v"]);
    while (!ill && checks.all[0]!.lastText === "not checked yet")
      await runProgram({ command: ["true"], env, timeoutMs: 1_000 });
    return checks.all[0]!.isWell;
  }

  test("by a program's status", async () => {
    expect(await firstTurn({ command: ["false"] })).toBe(false);
    expect(await staysWell({ command: ["true"] })).toBe(true);
  });

  test("by a connection", async () => {
    const port = 24_960; // of this file alone: one that the kernel gives may be another's when it is closed
    using server = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    expect(await staysWell({ tcp: { host: "127.0.0.1", port } })).toBe(true);
    server.stop(true);
    expect(await firstTurn({ tcp: { host: "127.0.0.1", port } })).toBe(false);
  });

  test("by an HTTP status, and by its time", async () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async ({ url }) =>
        url.endsWith("slow")
          ? await new Promise<Response>(() => {})
          : new Response("", { status: url.endsWith("ok") ? 200 : 503 }),
    });
    const at = (path: string) => `http://127.0.0.1:${server.port}/${path}`;
    expect(await staysWell({ http: at("ok") })).toBe(true);
    expect(await firstTurn({ http: at("bad") })).toBe(false);
    expect(await staysWell({ http: at("bad"), expect: [503] })).toBe(true);
    expect(await firstTurn({ http: at("slow"), timeout: 100 })).toBe(false);
    await server.stop(true);
  });

  test("by a process that runs", async () => {
    expect(await staysWell({ process: readFileSync("/proc/self/comm", "utf8").trim() })).toBe(true);
    expect(await firstTurn({ process: "none-of-this-name" })).toBe(false);
  });
});

test("a crash leaves the flight recorder behind, and not for ever more of them", () => {
  using scratch = temporaryDirectory();
  for (let nth = 0; nth < 7; nth++) writeFileSync(join(scratch.path, `crash-2000-0${nth}.json`), "{}");
  const before = process.listeners("uncaughtException");
  const dumps = keepCrashDumps(scratch.path, () => ({ recorded: ["x"] }));
  const added = process.listeners("uncaughtException").find((one) => !before.includes(one));
  added?.(new Error("by mistake"), "uncaughtException");
  dumps[Symbol.dispose]();
  expect(process.listeners("uncaughtException")).toEqual(before);
  const files = readdirSync(scratch.path).sort();
  expect(files).toHaveLength(5);
  expect(JSON.parse(readFileSync(join(scratch.path, files.at(-1)!), "utf8"))).toMatchObject({
    error: expect.stringContaining("by mistake"),
    recorded: ["x"],
  });
});
