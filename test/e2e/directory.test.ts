// Groups by wildcard, as they are used: the compiled executable, a daemon, publishers that come and go. Every wait is for something that happens.
import { describe, expect, test } from "bun:test";
import { DIRECTORY_GROUP, DIRECTORY_MESSAGE_TYPE } from "../../lib/feed/directory-message.ts";
import { groupName } from "../../lib/syslog/group-name.ts";
import { recorderStage, untilHolds } from "../logcat/recorder-stage.ts";
import { NO_CONFIG, stage, startDaemon } from "../logcat/stage.ts";
import { type Child, runSpreadbox, startSpreadbox } from "../support/child.ts";
import { hasRealSpread, startRealSpread } from "../support/real-spread.ts";

/** Of this file alone. */
const REAL_PORT = 24_950;

/** The records of log.a and log.b: shown, or where the machine was too busy to join within the time that they are held, told as missing. */
async function firstsSeen(logcat: Child): Promise<void> {
  const lines: string[] = [];
  for (const group of ["log.a", "log.b"]) {
    const line = `${group} of ${group}\n`;
    const missing = logcat.stderr.until(`missing in ${group} (1)`).then(() => "");
    lines.push(await Promise.any([logcat.stdout.until(line).then(() => line), missing]));
    missing.catch(() => {});
  }
  expect(logcat.stdout.text).toBe(lines.join(""));
}

type Stage = Pick<Awaited<ReturnType<typeof stage>>, "socket" | "logcat">;

const server = (set: Stage) => `unix:${set.socket}`;

/** A logcat that has joined the directory, though no group yet. */
async function logcatOf(set: Stage, words: readonly string[], args: readonly string[] = []): Promise<Child> {
  const logcat = await set.logcat(["--format", "%group% %msg%", ...args, ...words], {}, []);
  await logcat.stderr.until("joined the directory");
  return logcat;
}

function publish(set: Stage, args: readonly string[], stdin: string | "open"): Child {
  return startSpreadbox(["publish", "--spread", server(set), ...args], { env: NO_CONFIG, stdin });
}

describe("logcat with a pattern", () => {
  test("shows the first record of a group that nobody had fed before, or says that it came too late, and of no other", async () => {
    await using set = await stage();
    const logcat = await logcatOf(set, ["log.*"]);
    for (const group of ["www.a", "log.a", "log.b"]) {
      await using publisher = publish(set, ["-a", "test", group], `of ${group}`);
      expect(await publisher.exited).toBe(0);
    }
    await firstsSeen(logcat);
  });

  test("finds groups that were there before it, raw text too, and tells nothing of who begins anew after an end", async () => {
    await using set = await stage();
    await using first = publish(set, ["-a", "test", "log.a"], "open");
    await using raw = publish(set, ["--group", "www.%{v}", "--take-first"], "open");
    raw.stdin.write("x here is a group\n");
    await raw.stdin.flush();
    const logcat = await set.logcat(["--verbose", "--format", "%group% %msg%", "log.*", "www.*"], {}, []);
    await logcat.stderr.until("joined log.a");
    await logcat.stderr.until("joined www.x");
    first.stdin.write("one\n");
    first.stdin.end();
    await logcat.stdout.until("log.a one\n");
    expect(await first.exited).toBe(0);
    raw.stdin.write("x two\n");
    raw.stdin.end();
    await logcat.stdout.until("www.x two\n");
    await using again = publish(set, ["-a", "test", "log.a"], "three");
    await logcat.stdout.until("log.a three\n");
    expect(await again.exited).toBe(0);
    expect(logcat.stderr.text).not.toContain("anew");
  });

  test("knows a group by its full name, though Spread cuts it", async () => {
    await using set = await stage();
    const logcat = await logcatOf(set, ["www.*.example.org"]);
    await using publisher = publish(set, ["--group", "www.%{v}.example.org", "--take-first"], "open");
    publisher.stdin.write("a-very-long-name-of-a-virtual-host here it is\n");
    await publisher.stdin.flush();
    const fullName = "www.a-very-long-name-of-a-virtual-host.example.org";
    await logcat.stderr.until(`joined ${groupName(fullName)}: ${fullName}`);
    publisher.stdin.write("a-very-long-name-of-a-virtual-host one\n");
    publisher.stdin.end();
    await logcat.stdout.until(`${groupName(fullName)} one\n`);
    expect(await publisher.exited).toBe(0);
  });

  test("finds them again behind another daemon's life, with nothing missing", async () => {
    await using set = await stage();
    const logcat = await logcatOf(set, ["log.*"], ["--stats"]);
    await using publisher = publish(set, ["-a", "test", "log.a"], "open");
    await logcat.stderr.until("joined log.a");
    publisher.stdin.write("one\n");
    await logcat.stdout.until("log.a one\n");
    set.daemon.signal("SIGTERM");
    await set.daemon.exited;
    await publisher.stderr.until("cannot deliver");
    await using _daemon = await startDaemon(set.socket);
    await publisher.stderr.until("delivers again");
    await logcat.stderr.until(/back after.*joined log\.a/s);
    publisher.stdin.write("two\n");
    await logcat.stdout.until("log.a two\n");
    publisher.stdin.end();
    logcat.signal("SIGINT");
    const { stderr } = await logcat.result();
    expect(stderr).not.toContain("missing in");
  });

  test("tells where nobody feeds such a group, which may be a slip", async () => {
    await using set = await stage();
    const logcat = await logcatOf(set, ["lgo.*"]);
    await logcat.stderr.until("nobody feeds a group like lgo.* yet; waiting for one");
  });

  test("is not misled by what somebody else says in the directory, and tells of it once", async () => {
    await using set = await stage();
    const logcat = await logcatOf(set, ["log.*"]);
    const say = (text: string) => set.sender.multicast(DIRECTORY_GROUP, text, { messageType: DIRECTORY_MESSAGE_TYPE });
    await say("sb1 groups h a\n0 log.of-no-member\n"); // not in the directory: it would never be forgotten
    await set.sender.join(DIRECTORY_GROUP);
    await say("sb1 groups h a\n0 log.mem\u001b[2J\n");
    await say("sb1 groups h a\nx log.y\n");
    await say("sb1 groups h a\n0 log.member\n");
    await logcat.stderr.until("joined log.member");
    await set.sender.multicast("log.of-no-member", "no");
    await set.sender.multicast("log.member", "yes");
    await logcat.stdout.until("yes\n");
    expect(logcat.stdout.text).toBe("log.member yes\n");
    expect(logcat.stderr.text.match(/is no log record/g)?.length).toBe(1);
  });
});

test.if(hasRealSpread)("the same over the real daemon", async () => {
  await using daemon = await startRealSpread({ port: REAL_PORT });
  const args = ["logcat", "--verbose", "--spread", daemon.unix, "--format", "%group% %msg%", "log.*"];
  await using logcat = startSpreadbox(args, { env: NO_CONFIG });
  await logcat.stderr.until("joined the directory");
  for (const group of ["log.a", "log.b"]) {
    await using publisher = startSpreadbox(["publish", "--spread", daemon.unix, "-a", "test", group], {
      env: NO_CONFIG,
      stdin: `of ${group}`,
    });
    expect(await publisher.exited).toBe(0);
  }
  await firstsSeen(logcat);
});

test("with --members it is told who feeds a group, and when that is over", async () => {
  await using set = await stage();
  const logcat = await logcatOf(set, ["log.*"], ["--members"]);
  await using publisher = publish(set, ["-a", "test", "log.a"], "one\n");
  expect(await publisher.exited).toBe(0);
  await logcat.stderr.until(/feeds log\.a\n.*feeds log\.a no more\n/s);
});

test("a name and a set of the configuration may be patterns", async () => {
  await using set = await stage();
  const config = `${set.scratch}/spreadbox.toml`;
  await Bun.write(config, '[logcat]\ngroups = ["@web"]\nsets = { web = ["www.*"] }\n');
  const logcat = await set.logcat(["--config", config, "--format", "%msg%"], {}, []);
  await logcat.stderr.until("joined the directory");
  await using publisher = publish(set, ["www.b"], "open");
  await logcat.stderr.until("joined www.b");
  publisher.stdin.write("one\n");
  publisher.stdin.end();
  await logcat.stdout.until("one\n");
  expect(await publisher.exited).toBe(0);
});

test("what is missing at the end of a stream is told by its sender's numbers", async () => {
  await using set = await stage();
  const logcat = await set.logcat([]);
  await logcat.stderr.until("joined the directory");
  await set.sender.join(DIRECTORY_GROUP);
  const say = (last: number) =>
    set.sender.multicast(DIRECTORY_GROUP, `sb1 groups web1 a\n${last} log.mail\n`, {
      messageType: DIRECTORY_MESSAGE_TYPE,
    });
  await say(7);
  await say(9);
  await logcat.stdout.until("-- 2 records of web1 missing in log.mail (8-9)\n");
});

test("publish takes a name that is too long, and tells which group it is", async () => {
  await using set = await stage();
  const name = "www.a-very-long-name-of-a-host.example.org";
  const logcat = await set.logcat(["--format", "%msg%", name], {}, []);
  await logcat.stderr.until(`joined ${groupName(name)}`);
  await using publisher = publish(set, [name], "one\n");
  await logcat.stdout.until("one\n");
  const { status, stderr } = await publisher.result();
  expect(stderr).toContain(`${name} is no name that a group can have: it is the group ${groupName(name)}`);
  expect(status).toBe(0);
});

test("a name that is too long is the group that senders make of it, and that is told", async () => {
  const name = "www.a-very-long-name-of-a-host.example.org";
  const { stderr } = await runSpreadbox(["logcat", "--spread", "unix:/nonexistent/socket", name]);
  expect(stderr).toContain(`${name} is longer than a group's name: it is the group ${groupName(name)}`);
});

test("a recorder writes what its patterns find, after a reload with others too", async () => {
  await using set = await recorderStage();
  const rule = (pattern: string) =>
    `[[logcat.write]]\ngroups = ["log.mail", "${pattern}"]\nto = "file:%d/%group%.out"\nformat = "raw"\n`;
  const recorder = await set.record(rule("log.a*"));
  await recorder.stderr.until("joined the directory");
  await using one = publish(set, ["log.a-one"], "open");
  await recorder.stderr.until("joined log.a-one");
  one.stdin.write("of one\n");
  one.stdin.end();
  expect(await one.exited).toBe(0);
  expect(await untilHolds(set.path("log.a-one.out"), "\n")).toBe("of one\n");
  await using two = publish(set, ["log.b-two"], "open");
  set.configure(rule("log.b*"));
  recorder.signal("SIGHUP");
  await recorder.stderr.until("joined log.b-two");
  two.stdin.write("of two\n");
  two.stdin.end();
  expect(await untilHolds(set.path("log.b-two.out"), "\n")).toBe("of two\n");
  expect(await two.exited).toBe(0);
});

test("with an archive a pattern shows what was there, and then what comes, each record once", async () => {
  await using set = await recorderStage();
  const recorder = await set.record('[[logcat.write]]\ngroups = ["log.mail", "log.*"]\nto = "archive:%d/archive"\n');
  await using publisher = publish(set, ["-a", "test", "log.a"], "open");
  await recorder.stderr.until("joined log.a");
  publisher.stdin.write("one\n");
  await publisher.stdin.flush();
  await using first = await set.logcat(["--config", set.config, "--format", "%msg%", "--since", "1h", "log.*"], {}, []);
  await first.stdout.until("one\n");
  publisher.stdin.write("two\n");
  await publisher.stdin.flush();
  await first.stdout.until("two\n");
  await using second = await set.logcat(
    ["--config", set.config, "--format", "%msg%", "--since", "1h", "log.*"],
    {},
    [],
  );
  await second.stdout.until("two\n");
  publisher.stdin.write("three\n");
  publisher.stdin.end();
  for (const logcat of [first, second]) {
    await logcat.stdout.until("three\n");
    expect(logcat.stdout.text).toBe("one\ntwo\nthree\n");
    expect(logcat.stderr.text).not.toContain("missing in");
  }
  expect(await publisher.exited).toBe(0);
});

describe("logcat with the name of a group", () => {
  test("that was mistyped says which is meant, once; one that is fed, in silence too, is not told", async () => {
    await using set = await stage();
    await using publisher = publish(set, ["-a", "test", "log.user"], "open");
    publisher.stdin.write("one\n");
    await publisher.stdin.flush();
    await using all = await logcatOf(set, ["log.*"], ["--verbose"]);
    await all.stderr.until("joined log.user");
    const right = await set.logcat([], {}, ["log.user"]);
    const wrong = await set.logcat([], {}, ["log.usr"]);
    await wrong.stderr.until("nobody feeds");
    for (const [child, told] of [
      [wrong, "logcat: nobody feeds a group log.usr yet; did you mean log.user?\n"],
      [right, ""],
    ] as const) {
      child.signal("SIGTERM");
      const { status, stderr } = await child.result();
      expect([status, stderr.replaceAll(/^logcat: (?:connected|joined) .*\n/gm, "")]).toEqual([0, told]);
    }
    publisher.stdin.end();
    expect(await publisher.exited).toBe(0);
  });
});
