// How syslogd ends: what it was given goes out first, or is told.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { start } from "../support/child.ts";
import { eventually } from "../syslogd/running.ts";
import { rule, running } from "./running-syslogd.ts";

test("a second SIGTERM, as timeout(1) sends it, takes nothing from what waits", async () => {
  await using syslogd = await running((directory) => rule("user.*", `fifo:${directory}/fifo`));
  const { at, daemon, log } = syslogd;
  Bun.spawnSync(["mkfifo", at("fifo")]);
  for (let number = 0; number < 5; number++) log(`m${number}`);
  await daemon.stderr.until("nobody reads it");
  daemon.signal("SIGTERM");
  await daemon.stderr.until("ends after");
  for (let times = 0; times < 3; times++) daemon.signal("SIGTERM");
  await using reader = start(["sh", "-c", `cat ${at("fifo")} > ${at("got")}`]);
  expect(await daemon.exited).toBe(0);
  await reader.exited;
  expect(readFileSync(at("got"), "utf8").match(/m\d$/gm)).toEqual(["m0", "m1", "m2", "m3", "m4"]);
}, 30_000);

test("a second SIGINT ends it at once", async () => {
  await using syslogd = await running((directory) => rule("user.*", `fifo:${directory}/fifo`));
  const { at, daemon, log } = syslogd;
  Bun.spawnSync(["mkfifo", at("fifo")]);
  log("m0");
  await daemon.stderr.until("nobody reads it");
  daemon.signal("SIGTERM");
  await daemon.stderr.until("ends after");
  daemon.signal("SIGINT");
  expect(await daemon.exited).toBe(130);
}, 30_000);

test("no program is started as root by one that runs as another user", async () => {
  if (process.getuid!() !== 0) {
    process.stderr.write("SKIP: not root, leaving root is not tried\n");
    return;
  }
  await using syslogd = await running(
    (directory) => rule("*.*", `program:id -un > ${directory}/who.$$; exec cat > ${directory}/got`),
    () => `user = "nobody"`,
  );
  const { at, daemon } = syslogd;
  await daemon.stderr.until("runs as nobody");
  Bun.spawnSync(["chmod", "777", at("")]);
  const who = () => Bun.spawnSync(["sh", "-c", `cat ${at("who.*")}`]).stdout.toString();
  await eventually(
    () => who() !== "",
    () => daemon.stderr.text,
  );
  expect(who()).toBe("nobody\n");
}, 30_000);
