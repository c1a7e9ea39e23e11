// The archive as it is used: recorders that write it, a logcat that asks it and goes on live. Every wait is for something that happens.
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recorderStage } from "../logcat/recorder-stage.ts";
import { NO_CONFIG, send } from "../logcat/stage.ts";
import { smallDisk } from "../sink/small-disk.ts";
import { runSpreadbox, startSpreadbox } from "../support/child.ts";

const ARCHIVE = '[[logcat.write]]\ngroups = ["log.mail"]\nto = "archive:%d/archive"\n';

async function search(directory: string, args: readonly string[], groups: readonly string[] = ["log.mail"]) {
  const asked = ["logcat", "--archive", directory, "--before", "0s", "--time", "none", "--format", "raw"];
  return await runSpreadbox([...asked, ...args, ...groups], { env: NO_CONFIG });
}

/** How many records are committed. */
async function committed(directory: string): Promise<number> {
  const { stdout } = await search(directory, ["--count"]);
  return Number(stdout);
}

async function untilCommitted(directory: string, records: number): Promise<void> {
  for (let tries = 0; (await committed(directory)) < records; tries++) {
    if (tries > 200) throw new Error(`never ${records}: ${await committed(directory)}`);
    await Bun.sleep(50);
  }
}

test("what was recorded is searched by every choice, without a daemon", async () => {
  await using set = await recorderStage();
  const recorder = await set.record(ARCHIVE);
  await send(set.sender, 1, ["one timeout", "two", "three timeout\x1b[2J"]);
  await set.sender.multicast("log.mail", "raw text");
  const archive = set.path("archive");
  await untilCommitted(archive, 4);
  recorder.signal("SIGTERM");
  expect(await recorder.exited).toBe(0);
  set.daemon.signal("SIGKILL");
  for (const [args, lines] of [
    [[], "one timeout\ntwo\nthree timeout\x1b[2J\nraw text\n"],
    [["--grep", "timeout"], "one timeout\nthree timeout\x1b[2J\n"],
    [["--grep", "TIMEOUT$", "--ignore-case"], "one timeout\n"],
    [["--not", "timeout"], "two\nraw text\n"],
    [["--host", "web*", "--app", "postfix/*", "-n", "1"], "three timeout\x1b[2J\n"],
    [["--host", "db*"], ""],
    [["--severity", "crit"], ""],
    [["--severity", "err", "--field", "pid=123", "--first", "1"], "one timeout\n"],
    [["--since", "2026-11-24"], "raw text\n"],
    [["--count"], "4\n"],
  ] as const)
    expect({ args, stdout: (await search(archive, args)).stdout }).toEqual({ args, stdout: lines });
  expect((await search(archive, ["--count"], ["log.*"])).stdout).toBe("4\n");
  expect((await search(archive, ["--count"], ["www.*"])).stdout).toBe("0\n");
  expect(await search(archive, ["--count", "--host", "db*"])).toMatchObject({ stdout: "0\n", stderr: "" });
  expect(await search(archive, ["--count"], ["log.mial"])).toMatchObject({
    status: 0,
    stdout: "0\n",
    stderr: `logcat: archive ${archive}: has nothing of a group log.mial; did you mean log.mail?\n`,
  });
});

test("a recorder that is killed in a flood loses nothing of what it had committed, has nothing twice, and tells what it missed", async () => {
  await using set = await recorderStage();
  const archive = set.path("archive");
  let first = 1;
  const flood = async (batches: number) => {
    for (let batch = 0; batch < batches; batch++, first += 100) {
      const texts = Array.from({ length: 100 }, (_, at) => `number ${first + at}`);
      await send(set.sender, first, texts);
      if (batch % 10 === 0) await Bun.sleep(1);
    }
  };
  for (let life = 0; life < 3; life++) {
    const recorder = await set.record(ARCHIVE);
    const before = await committed(archive).catch(() => 0);
    await flood(2);
    await untilCommitted(archive, before + 1);
    const sending = flood(100);
    await Bun.sleep(100 + life * 400);
    recorder.signal("SIGKILL");
    await recorder.exited;
    await sending;
  }
  const last = await set.record(ARCHIVE);
  await flood(2);
  await last.stderr.until(/\d+ records of web1 missing in log\.mail/);
  const end = first - 1;
  for (;;) if ((await search(archive, ["--grep", `^number ${end}$`])).stdout !== "") break;
  const numbers = (await search(archive, [])).stdout
    .trimEnd()
    .split("\n")
    .map((line) => Number(line.slice(7)));
  expect(numbers.length).toBe(new Set(numbers).size);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  const told = last.stderr.text.match(/(\d+) records? of web1 missing/)?.[1];
  expect(Number(told)).toBeGreaterThan(0);
}, 60_000);

test("what a recorder missed is told where it is missing: in a search, its count, its end, and by --strict", async () => {
  await using set = await recorderStage();
  const archive = set.path("archive");
  const chosen = '[[logcat.write]]\ngroups = ["log.mail"]\ngrep = ["one"]\nto = "archive:%d/chosen"\n';
  const first = await set.record(`${ARCHIVE}${chosen}`);
  await send(set.sender, 1, ["one", "two", "one again"]);
  await untilCommitted(archive, 3);
  first.signal("SIGTERM");
  expect(await first.exited).toBe(0);
  await send(set.sender, 4, ["one, and nobody records it", "nor this"]);
  const last = await set.record(`${ARCHIVE}${chosen}`);
  await send(set.sender, 6, ["six", "one is seven"]);
  await last.stderr.until("2 records of web1 missing in log.mail");
  await untilCommitted(archive, 5);
  last.signal("SIGTERM");
  expect(await last.exited).toBe(0);
  const gap = "-- 2 records of web1 missing in log.mail (4-5)\n";
  const ask = (args: readonly string[], from = archive) =>
    runSpreadbox(
      [
        "logcat",
        "--archive",
        from,
        "--before",
        "0s",
        ...(args.includes("--json") ? [] : ["--format", "%msg%"]),
        ...args,
        "log.*",
      ],
      {
        env: NO_CONFIG,
      },
    );
  const texts = async (...asked: Parameters<typeof ask>) => {
    const { stdout, stderr } = await ask(...asked);
    return `${stdout}${stderr.replaceAll("logcat: ", "-- ")}`;
  };
  const lines = (text: string) => text.split("\n").filter(Boolean).toSorted();
  const all = ["one", "two", "one again", "six", "one is seven"].map((text) => `${text}\n`).join("");
  expect(lines(await texts([]))).toEqual(lines(`${all}${gap}`));
  expect(lines(await texts(["-n", "3"]))).toEqual(lines(`one again\nsix\none is seven\n${gap}`));
  expect(lines(await texts(["--grep", "seven|again"]))).toEqual(lines(`one again\none is seven\n${gap}`));
  expect(lines(await texts(["--host", "db*"]))).toEqual([]);
  // The other archive lacks "two" and "six" because it was asked for neither.
  expect(lines(await texts([], set.path("chosen")))).toEqual(lines(`one\none again\none is seven\n${gap}`));
  expect(await ask(["--strict"])).toMatchObject({ status: 65, stderr: expect.stringContaining("(4-5)") });
  expect((await ask(["--strict", "-n", "2"])).status).toBe(0);
  const seen = (await ask(["--json"])).stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(seen[3]).toMatchObject({ kind: "gap", from: 4, to: 5, host: "web1", group: "log.mail" });
  expect((await ask(["--count", "--stats"])).stderr).toContain("2 missing");
});

test("two recorders of one group end with the same records, each sender's in its order", async () => {
  await using set = await recorderStage();
  await set.record(ARCHIVE);
  const config = join(set.scratch, "second.toml");
  writeFileSync(
    config,
    `[spread]\nservers = ["unix:${set.socket}"]\n${ARCHIVE.replaceAll("%d/archive", "%d/other").replaceAll("%d", set.scratch)}`,
  );
  const own = ["--state", join(set.scratch, "state2"), "--control", "", "--config", config, "--verbose"];
  await using second = startSpreadbox(["logcat", "record", ...own], { env: NO_CONFIG });
  await second.stderr.until("joined log.mail");
  for (let batch = 0; batch < 20; batch++)
    await send(
      set.sender,
      batch * 50 + 1,
      Array.from({ length: 50 }, (_, at) => `n ${batch * 50 + at + 1}`),
    );
  await Promise.all([untilCommitted(set.path("archive"), 1_000), untilCommitted(set.path("other"), 1_000)]);
  const [one, two] = await Promise.all([search(set.path("archive"), []), search(set.path("other"), [])]);
  expect(one.stdout).toBe(two.stdout);
  expect(one.stdout.split("\n").length - 1).toBe(1_000);
});

test("--since shows what was recorded, then what comes: nothing is left out, nothing is there twice", async () => {
  await using set = await recorderStage();
  await set.record(ARCHIVE);
  let number = 1;
  let isOver = false;
  const sending = (async () => {
    for (; !isOver; number += 3) {
      await send(set.sender, number, [`n ${number}`, `n ${number + 1}`, `n ${number + 2}`]);
      await set.sender.multicast("log.mail", `raw ${number}`);
      await Bun.sleep(10);
    }
  })();
  await untilCommitted(set.path("archive"), 100);
  const args = ["--since", "2020-01-01", "--config", set.config, "--format", "raw", "--verbose"];
  await using logcat = startSpreadbox(["logcat", ...args, "log.mail"], { env: NO_CONFIG });
  await logcat.stdout.until("n 1\n");
  await logcat.stderr.until("joined log.mail");
  const joinedAt = number;
  await logcat.stdout.until(`n ${joinedAt + 600}\n`, 60_000);
  isOver = true;
  await sending;
  logcat.signal("SIGTERM");
  const { stdout, stderr } = await logcat.result();
  const lines = stdout.trimEnd().split("\n");
  const numbers = lines.filter((line) => line.startsWith("n ")).map((line) => Number(line.slice(2)));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => at + 1));
  const raws = lines.filter((line) => line.startsWith("raw ")).map((line) => Number(line.slice(4)));
  expect(raws).toEqual(Array.from({ length: raws.length }, (_, at) => at * 3 + 1));
  expect(stderr).not.toContain("missing");
}, 60_000);

test("a damaged archive is set aside when the recorder starts, and that is told", async () => {
  await using set = await recorderStage();
  const first = await set.record(ARCHIVE);
  await send(set.sender, 1, ["one"]);
  await untilCommitted(set.path("archive"), 1);
  first.signal("SIGTERM");
  await first.exited;
  const [name] = readdirSync(set.path("archive"));
  writeFileSync(join(set.path("archive"), name!), "no database\n".repeat(1_000));
  const second = await set.record(ARCHIVE);
  await second.stderr.until(`${name} is damaged`);
  await send(set.sender, 2, ["two"]);
  await untilCommitted(set.path("archive"), 1);
  expect((await search(set.path("archive"), [])).stdout).toBe("two\n");
});

test("a full disk is waited out: it is told, tried again, and nothing is lost or there twice", async () => {
  using disk = smallDisk(1_024);
  if (disk === undefined) return;
  await using set = await recorderStage();
  const archive = join(disk.path, "archive");
  const recorder = await set.record(ARCHIVE.replace("%d/archive", archive));
  const unlike = () => Array.from({ length: 10 }, () => crypto.randomUUID()).join("");
  const random = () => Array.from({ length: 100 }, unlike);
  let first = 1;
  while (!/full; \d+ records wait/.test(recorder.stderr.text)) {
    await send(set.sender, first, random());
    first += 100;
    await Bun.sleep(20);
  }
  Bun.spawnSync(["mount", "-o", "remount,size=64m", disk.path]);
  await recorder.stderr.until("works again");
  await untilCommitted(archive, first - 1);
  const lines = (await search(archive, [])).stdout.trimEnd().split("\n");
  expect(lines.length).toBe(first - 1);
  expect(new Set(lines).size).toBe(lines.length);
  recorder.signal("SIGTERM");
  expect(await recorder.exited).toBe(0);
}, 60_000);

test("an archive that is asked for and is not there is a failure; one of the configuration is a word", async () => {
  await using set = await recorderStage();
  const missing = await search("/nonexistent", []);
  expect(missing.stderr).toBe(
    "logcat: cannot read archive /nonexistent: there is none; does `logcat record` write it?\n",
  );
  expect(missing.status).toBe(66);
  set.configure('[logcat]\narchive = "/nonexistent"\n');
  const live = await set.logcat(["--since", "1h", "--config", set.config]);
  await live.stderr.until("cannot read archive /nonexistent: there is none");
  live.signal("SIGTERM");
  expect(await live.exited).toBe(0);
  const back = ["logcat", "--since", "1h", "-n", "5", "--config", set.config, "log.mail"];
  expect(await runSpreadbox(back, { env: NO_CONFIG })).toMatchObject({
    status: 66,
    stderr: "logcat: cannot read archive /nonexistent: there is none; does `logcat record` write it?\n",
  });
});

test("where no archive is configured, looking back is refused, and --since says that it shows what comes", async () => {
  await using set = await recorderStage();
  set.configure("");
  const logcat = (...args: string[]) =>
    runSpreadbox(["logcat", "--config", set.config, ...args, "log.mail"], { env: NO_CONFIG });
  for (const args of [
    ["--before", "0s"],
    ["--since", "1h", "-n", "5"],
    ["--since", "1h", "--count"],
    ["--archive", "none", "--before", "0s"],
  ]) {
    const { status, stderr } = await logcat(...args);
    expect({ args, status, stderr }).toMatchObject({
      status: 66,
      stderr:
        'logcat: no archive is configured (--archive DIRECTORY, or [[logcat.write]] with to = "archive:DIRECTORY"): there is nothing to look back in\n',
    });
  }
  const live = await set.logcat(["--config", set.config, "--since", "1h"]);
  await live.stderr.until(/^logcat: no archive is configured \(.*; what comes from now on is shown\n/m);
  const none = await set.logcat(["--config", set.config, "--since", "1h", "--archive", "none"]);
  expect(none.stderr.text).not.toContain("archive");
  for (const child of [live, none]) {
    child.signal("SIGTERM");
    expect(await child.exited).toBe(0);
  }
});

test("a day that is damaged is told once, what there is besides is shown, and the end is status 65", async () => {
  await using set = await recorderStage();
  const recorder = await set.record(ARCHIVE);
  await send(set.sender, 1, ["one"]);
  await untilCommitted(set.path("archive"), 1);
  recorder.signal("SIGTERM");
  await recorder.exited;
  const archive = set.path("archive");
  const [name] = readdirSync(archive);
  writeFileSync(join(archive, name!.replace(/\d{4}/, "2020")), "no database\n".repeat(1_000));
  for (const args of [["--config", set.config], ["-n", "5"], ["--count"]]) {
    const { status, stdout, stderr } = await search(archive, args);
    expect(stdout).toBe(args[0] === "--count" ? "1\n" : "one\n");
    expect(stderr).toMatch(/^logcat: archive \S+: 2020\S+ is damaged, and left out: .*\n$/);
    expect(status).toBe(65);
  }
});
