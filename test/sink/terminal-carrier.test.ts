// On terminals of their own, made by script(1).
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TerminalCarrier } from "../../lib/sink/io/terminal-carrier.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { terminal } from "../support/terminal.ts";
import { SinkRig } from "./queue-rig.ts";
import { utmpRecord } from "./utmp-record.ts";

const audience = (utmpPath: string, users: readonly string[] | "all" = "all") =>
  ({ to: "users", users, utmpPath, devDirectory: "/dev" }) as const;

test("who is logged in reads it, control characters made visible; others don't", async () => {
  using scratch = temporaryDirectory();
  const amy = await terminal();
  const bob = await terminal();
  await using _amy = amy.child;
  await using _bob = bob.child;
  const utmp = join(scratch.path, "utmp");
  writeFileSync(utmp, Buffer.concat([utmpRecord(7, "amy", amy.line), utmpRecord(7, "bob", bob.line)]));
  const all = new SinkRig(new TerminalCarrier(audience(utmp)), { frame: "terminal" });
  const toBob = new SinkRig(new TerminalCarrier(audience(utmp, ["bob"])), { frame: "terminal" });
  toBob.log("for bob");
  await toBob.settled();
  all.log("down at \x1b[2J\x07noon");
  expect(await amy.child.stdout.until("noon")).toContain("\rNov 23 15:20:38 web1 app: down at #033[2J#007noon");
  expect(await bob.child.stdout.until("noon")).toContain("for bob");
  expect(amy.child.stdout.text).not.toContain("for bob");
  expect(all.sink.name).toBe("users:*");
  await all.settled();
  expect(all.ledger).toEqual({ accepted: 1, delivered: 1, lost: 0, waiting: 0 });
  await all.sink.close(100);
  await toBob.sink.close(100);
});

test("where nobody is logged in there is nobody to miss it", async () => {
  using scratch = temporaryDirectory();
  const rig = new SinkRig(new TerminalCarrier(audience(join(scratch.path, "none"))), { frame: "terminal" });
  rig.log("anybody?");
  await rig.settled();
  expect(rig.ledger).toEqual({ accepted: 1, delivered: 1, lost: 0, waiting: 0 });
  await rig.sink.close(100);
});

test("a console that is none is a failure, told once; its records wait, and come when it is there", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "console");
  writeFileSync(path, "");
  const rig = new SinkRig(new TerminalCarrier({ to: "console", path }), { frame: "terminal" });
  rig.log("a", "b");
  expect(await rig.heard("failing")).toEqual({ on: "failing", reason: `${path} is no terminal` });
  expect(rig.sink.isFailing).toBe(true);
  expect(rig.ledger).toEqual({ accepted: 2, delivered: 0, lost: 0, waiting: 2 });
  expect(Bun.file(path).size).toBe(0);
  rmSync(path);
  // A character device is all that it asks for; this one is /dev/null.
  if (Bun.spawnSync(["mknod", path, "c", "1", "3"]).exitCode !== 0) {
    process.stderr.write("SKIP: not root, no device is made\n");
    await rig.sink.close(0);
    return;
  }
  expect(await rig.heard("working")).toMatchObject({ lost: 0 });
  await rig.settled();
  expect(rig.ledger).toEqual({ accepted: 2, delivered: 2, lost: 0, waiting: 0 });
  expect(rig.events.map(({ on }) => on)).toEqual(["failing", "working"]);
  await rig.sink.close(100);
});

test("a console that is missing at the end has lost what waits for it", async () => {
  using scratch = temporaryDirectory();
  const path = join(scratch.path, "none");
  const rig = new SinkRig(new TerminalCarrier({ to: "console", path }), { frame: "terminal" });
  rig.log("a");
  expect(await rig.heard("failing")).toMatchObject({ reason: "no such file or directory" });
  await rig.sink.close(50);
  expect(rig.ledger).toEqual({ accepted: 1, delivered: 0, lost: 1, waiting: 0 });
});

test("a terminal that is stopped keeps nobody waiting", async () => {
  const { child, line } = await terminal();
  await using _child = child;
  const rig = new SinkRig(new TerminalCarrier({ to: "console", path: `/dev/${line}` }), { frame: "terminal" });
  child.signal("SIGSTOP"); // nobody empties it any more
  for (let at = 0; at < 200; at++) rig.log("x".repeat(1_000));
  await rig.settled();
  expect(rig.ledger.lost).toBeGreaterThan(0);
  expect(rig.balance).toBe(0);
  child.signal("SIGCONT");
  await rig.sink.close(100);
});
