// The recorder as it is installed: the compiled executable, a daemon, real messages, files. Every wait is for something that happens.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { tryAside } from "../../lib/sink/rotation.ts";
import { recorderStage, untilHolds } from "../logcat/recorder-stage.ts";
import { NO_CONFIG, send } from "../logcat/stage.ts";
import { smallDisk } from "../sink/small-disk.ts";
import { runSpreadbox } from "../support/child.ts";

const ONE_FILE = '[[logcat.write]]\ngroups = ["log.mail"]\nto = "file:%d/mail.log"\n';

test("a file for each path of the template, in the form that the entry says", async () => {
  await using set = await recorderStage();
  await set.record(`[[logcat.write]]
groups = ["log.mail"]
to = "file:%d/out/%host%/%app%.log"
mode = "0600"
[[logcat.write]]
groups = ["log.mail"]
to = "file:%d/out/%group%.raw"
format = "raw"
not = "secret"
[[logcat.write]]
groups = ["log.mail"]
to = "file:%d/out/errors.json"
format = "json"
severity = "crit"
`);
  await send(set.sender, 1, ["one", "a secret", "three"]);
  await set.sender.multicast("log.mail", '10.0.0.1 - - [x] "GET / HTTP/1.1" 200');
  const mail = await untilHolds(set.path("out/web1/postfix_smtpd.log"), "three\n");
  expect(mail).toBe(
    "Nov 23 12:03:04 web1 postfix/smtpd[123]: one\nNov 23 12:03:04 web1 postfix/smtpd[123]: a secret\nNov 23 12:03:04 web1 postfix/smtpd[123]: three\n",
  );
  expect(statSync(set.path("out/web1/postfix_smtpd.log")).mode & 0o777).toBe(0o600);
  const raw = await untilHolds(set.path("out/log.mail.raw"), "200\n");
  expect(raw).toBe('one\nthree\n10.0.0.1 - - [x] "GET / HTTP/1.1" 200\n');
  expect(readFileSync(set.path("out/errors.json"), "utf8")).toBe("");
});

test("with rewrite_time records have the recorder's time, raw text in its place; without, all stays as it was", async () => {
  await using set = await recorderStage();
  const entry = (to: string, more: string) =>
    `[[logcat.write]]\ngroups = ["log.mail"]\nto = "file:%d/${to}"\n${more}\n`;
  await set.record(
    entry("as-it-was", 'format = "raw"') +
      entry("common", 'format = "raw"\nrewrite_time = "common"') +
      entry("strftime", 'format = "raw"\nrewrite_time = "%Y"\nhost = "e2e"') +
      entry("json", 'format = "json"\nrewrite_time = "iso"\nhost = ["web1"]'),
  );
  const line = '10.0.0.1 - - [01/Jan/2001:00:00:00 +0000] "GET / HTTP/1.1" 200';
  await send(set.sender, 1, ["a record"]);
  await set.sender.multicast("log.mail", line);
  expect(await untilHolds(set.path("as-it-was"), "200\n")).toBe(`a record\n${line}\n`);
  expect(await untilHolds(set.path("common"), "200\n")).toMatch(
    /^a record\n10\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/20[2-9]\d:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/ HTTP\/1\.1" 200\n$/,
  );
  expect(await untilHolds(set.path("strftime"), "200\n")).toMatch(/^10\.0\.0\.1 - - \[20[2-9]\d\] "GET/);
  const json = JSON.parse(await untilHolds(set.path("json"), "\n")) as { time: string };
  expect(Math.abs(Date.parse(json.time) - Date.now())).toBeLessThan(3_600_000);
});

test("a file that was moved away is made anew, at SIGHUP and without", async () => {
  await using set = await recorderStage();
  const recorder = await set.record(ONE_FILE);
  const file = set.path("mail.log");
  await send(set.sender, 1, ["one"]);
  await untilHolds(file, "one\n");
  renameSync(file, `${file}.1`);
  recorder.signal("SIGHUP");
  await recorder.stderr.until("opened its files anew");
  await send(set.sender, 2, ["two"]);
  await untilHolds(file, "two\n");
  renameSync(file, `${file}.2`);
  let number = 3;
  while (!existsSync(file)) {
    await send(set.sender, number++, ["more"]); // it looks once a second
    await Bun.sleep(50);
  }
  await untilHolds(file, "more\n");
  expect(readFileSync(`${file}.1`, "utf8")).toEndWith("one\n");
  expect(readFileSync(`${file}.2`, "utf8")).toContain("two\n");
});

test("files are put aside by size, compressed, and no more are kept than asked for; no line is lost or cut between them", async () => {
  await using set = await recorderStage();
  await set.record(`${ONE_FILE}format = "raw"\nrotate_size = "64KiB"\nrotate_keep = 100\n`);
  const texts = Array.from({ length: 100 }, (_, index) => `${"x".repeat(190)} ${index}`);
  let batches = 0;
  for (; batches < 20 || asides(set.scratch).length < 2; batches++) {
    await send(
      set.sender,
      batches * 100 + 1,
      texts.map((text) => `${text} of ${batches}`),
    );
    await Bun.sleep(20); // what comes at once is written at once, and not parted
  }
  await untilHolds(set.path("mail.log"), `99 of ${batches - 1}\n`);
  await untilSome(() => asides(set.scratch).length > 1 && asides(set.scratch).every((name) => name.endsWith(".gz")));
  const all = [
    ...asides(set.scratch).map((name) => gunzipSync(readFileSync(set.path(name))).toString()),
    readFileSync(set.path("mail.log"), "utf8"),
  ].join("");
  expect(all.trimEnd().split("\n")).toEqual(
    Array.from({ length: batches }, (_, batch) => texts.map((text) => `${text} of ${batch}`)).flat(),
  );
});

test("a second recorder on one state directory is refused, before it writes a line; after a kill -9 the next one has it", async () => {
  await using set = await recorderStage();
  const first = await set.record(ONE_FILE);
  const args = ["--state", set.path("state"), "--control", set.path("second.ctl"), "--config", set.config];
  const second = await runSpreadbox(["logcat", "record", ...args], { env: NO_CONFIG });
  expect(second.stderr).toBe(
    `logcat record: cannot use ${set.path("state")}: another logcat record runs with it; stop that, or give this one a directory of its own (--state)\n`,
  );
  expect(second.status).toBe(75);
  await send(set.sender, 1, ["one"]);
  await untilHolds(set.path("mail.log"), "one\n");
  first.signal("SIGKILL");
  await first.exited;
  await set.record(ONE_FILE);
});

test("what a crash or a stop left is told by the next run, as a record in the file; what was written is not written again", async () => {
  await using set = await recorderStage();
  const first = await set.record(ONE_FILE);
  await send(set.sender, 1, ["one", "two"]);
  await untilHolds(set.path("mail.log"), "two\n");
  first.signal("SIGTERM");
  expect(await first.exited).toBe(0);
  await send(set.sender, 3, ["three"]);
  const second = await set.record(ONE_FILE);
  await send(set.sender, 6, ["six"]);
  await send(set.sender, 2, ["two again"]);
  await send(set.sender, 7, ["seven"]);
  await untilHolds(set.path("mail.log"), "seven\n");
  const text = await untilHolds(set.path("mail.log"), "six\n");
  expect(text).not.toContain("again");
  expect(text).toMatch(
    /logcat\[\d+\]: 3 records of web1 missing in log\.mail \(3-5\), sent while logcat was away\n.*: six\n/,
  );
  second.signal("SIGKILL");
  await second.exited;
  const third = await set.record(ONE_FILE);
  await third.stderr.until("the last run did not end in order");
});

test("a full disk is waited out: nothing that came is lost, and the daemon makes the sender wait", async () => {
  using disk = smallDisk(512);
  if (disk === undefined) return;
  await using set = await recorderStage();
  const recorder = await set.record(
    `[[logcat.write]]\ngroups = ["log.mail"]\nto = "file:${disk.path}/mail.log"\nformat = "raw"\nbuffer = "256KiB"\n`,
  );
  const texts = Array.from({ length: 50 }, (_, index) => `${"x".repeat(1_000)} ${index}`);
  for (let batch = 0; batch < 40; batch++)
    await send(
      set.sender,
      batch * 50 + 1,
      texts.map((text) => `${text} of ${batch}`),
    );
  await recorder.stderr.until("its file system is full");
  await untilSome(async () => (await stats(set.control))["session_waits"]! > 0);
  const seen = new Set<string>();
  const look = (name: string) => {
    const lines = readFileSync(`${disk.path}/${name}`, "utf8").split("\n");
    for (const line of lines) if (/ of \d+$/.test(line)) seen.add(line); // the end of a full disk is in the midst of one
  };
  // Room again, as an operator makes it: what there is, is copied and removed.
  while (seen.size < 2_000) {
    renameSync(`${disk.path}/mail.log`, `${disk.path}/old.log`);
    recorder.signal("SIGHUP");
    await untilSome(() => existsSync(`${disk.path}/mail.log`));
    look("old.log");
    rmSync(`${disk.path}/old.log`);
    await Bun.sleep(300);
    look("mail.log");
  }
  expect(seen.size).toBe(2_000);
  expect((await stats(set.control))["sink_lost"]).toBe(0);
}, 60_000);

test("a configuration with mistakes is told by line; without a [[logcat.write]] there is nothing to record", async () => {
  await using set = await recorderStage();
  const run = async (toml: string) => {
    set.configure(toml);
    return await runSpreadbox(["logcat", "record", "--config", set.config], { env: NO_CONFIG });
  };
  expect((await run("")).stderr).toBe(
    "logcat record: nothing to record: the configuration has no [[logcat.write]] (spreadbox config init shows one)\n",
  );
  const wrong = await run(
    '[[logcat.write]]\ngroups = ["a"]\nto = "flie:/x"\n[[logcat.write]]\nto = "file:/x"\ngrep = "("\nmoed = "0600"\n',
  );
  expect(wrong.status).toBe(78);
  expect(wrong.stderr).toContain(
    'recorder.toml:5:6: logcat.write[0].to: unknown destination "flie:/x": expected a destination',
  );
  expect(wrong.stderr).toContain('did you mean "file:/x"?');
  expect(wrong.stderr).toContain('unknown key "moed"; did you mean "mode"?');
});

test("a reload opens what is new, closes what is gone, and refuses what is wrong", async () => {
  await using set = await recorderStage();
  const recorder = await set.record(ONE_FILE);
  await send(set.sender, 1, ["one"]);
  await untilHolds(set.path("mail.log"), "one\n");
  set.configure('[[logcat.write]]\ngroups = ["log.mail"]\nto = "file:%d/other.log"\n');
  const reload = ["logcat", "record", "reload", "--control", set.control];
  expect((await runSpreadbox(reload, { env: NO_CONFIG })).stdout).toBe("reloaded: 1 rule, 1 new, 1 gone\n");
  await untilSome(() => existsSync(set.path("other.log")));
  await send(set.sender, 2, ["two"]);
  await untilHolds(set.path("other.log"), "two\n");
  expect(readFileSync(set.path("mail.log"), "utf8")).not.toContain("two");
  set.configure("[[logcat.write]]\n");
  const refused = await runSpreadbox(reload, { env: NO_CONFIG });
  expect(refused.status).toBe(78);
  await recorder.stderr.until("refused to reload, goes on as before");
});

function asides(directory: string): string[] {
  return readdirSync(directory)
    .flatMap((name) => tryAside("mail.log", name) ?? [])
    .filter(({ form }) => form !== "partial")
    .sort((a, b) => a.atMs - b.atMs || a.turn - b.turn)
    .map(({ name }) => name);
}

async function stats(control: string): Promise<Record<string, number>> {
  const { stdout } = await runSpreadbox(["logcat", "record", "stats", "--control", control, "--json"], {
    env: NO_CONFIG,
  });
  const samples = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string; value: number });
  return Object.fromEntries(samples.map(({ name, value }) => [name, value]));
}

async function untilSome(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await Bun.sleep(20))
    if (await holds()) return;
  throw new Error(`never so: ${holds}`);
}
