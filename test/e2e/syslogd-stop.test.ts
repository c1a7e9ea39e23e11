// How syslogd ends: what it was given goes out first, or is told.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
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
    (directory) => rule("*.*", `program:id -un > ${directory}/who.$$ && exec cat > ${directory}/got`),
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

for (const { name, command, told, arrives, endsEarly } of [
  {
    name: "ends before the end of its input",
    command: "head -n 3 > got",
    told: "100 records taken by the program just before, and may be lost",
    arrives: 3,
    endsEarly: true,
  },
  { name: "fails", command: "cat > got; exit 5", told: "the program ended with status 5", arrives: 100 },
  { name: "does not exist", command: "/nonexistent/x", told: "100 records were lost in all", arrives: 0 },
  { name: "reads nothing", command: "false", told: "100 records were lost in all", arrives: 0 },
  { name: "does what it should", command: "cat > got", told: "", arrives: 100 },
])
  test(`with --stdin, into a program that ${name}, the status says whether all has arrived`, async () => {
    using scratch = temporaryDirectory();
    const lines = Array.from({ length: 100 }, (_, number) => `m${number}\n`).join("");
    const to = `program:cd ${scratch.path} && ${command}`;
    await using daemon = startSpreadbox(["syslogd", "--stdin", "--rule", `user.* -> ${to}`], { stdin: "open" });
    daemon.stdin.write(lines);
    await daemon.stdin.flush();
    // One that ends by itself is not waited for long at the end of the input: it has ended before.
    if (endsEarly === true) await daemon.stderr.until(told);
    await daemon.stdin.end();
    const { status, stderr } = await daemon.result();
    expect([status, stderr]).toEqual([told === "" ? 0 : 74, expect.stringContaining(told)]);
    const path = join(scratch.path, "got");
    expect(existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0).toBe(arrives);
  }, 30_000);

test("with --stdin, the writer waits for a program that is slower, and not a record is lost", async () => {
  using scratch = temporaryDirectory();
  const got = join(scratch.path, "got");
  const config = join(scratch.path, "c.toml");
  writeFileSync(config, '[syslogd]\nqueue = "64KiB"\n');
  const lines = Array.from({ length: 20_000 }, (_, number) => `m${number}\n`).join("");
  const to = `program:while read -r line; do echo "$line"; done > ${got}`;
  const { status, stderr } = await runSpreadbox(
    ["syslogd", "--stdin", "--config", config, "--rule", `user.* -> ${to}`],
    { stdin: lines },
  );
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("lost")]);
  expect(readFileSync(got, "utf8").split("\n").length - 1).toBe(20_000);
}, 60_000);

test("a program that does not end is told to, at the end and by the process that follows a restart", async () => {
  await using syslogd = await running((directory) =>
    rule("user.*", `program:echo $$ >> ${directory}/pids; exec sleep 600`),
  );
  const { at, daemon, ask, log } = syslogd;
  const pids = () => (existsSync(at("pids")) ? readFileSync(at("pids"), "utf8").trim().split("\n").map(Number) : []);
  const started = (count: number) =>
    eventually(
      () => pids().length === count,
      () => `${pids()}: ${daemon.stderr.text}`,
    );
  const gone = (pid: number) =>
    eventually(
      () => !existsSync(`/proc/${pid}`),
      () => `${pid} is still there`,
    );
  log("m0");
  await started(1);
  expect((await ask("restart")).stdout).toContain("and 1 record that waited");
  await started(2);
  await gone(pids()[0]!);
  expect((await ask("status")).stdout).toContain("accepted 1, delivered 0, waiting 1, lost 0");
  daemon.signal("SIGTERM");
  expect(await daemon.exited).toBe(74);
  await gone(pids()[1]!);
}, 30_000);
