// logcat as it is installed: the compiled executable, a daemon, and real messages of a sender. Every wait is for something that happens.
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../lib/spread/index.ts";
import { NO_CONFIG, send, stage, startDaemon } from "../logcat/stage.ts";
import { binary } from "../support/binary.ts";
import { type Child, runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { hasRealSpread, startRealSpread } from "../support/real-spread.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** Of this file alone: 24800 to 24899. */
const REAL_PORT = 24_810;

describe("what comes is printed", () => {
  test("plain in a pipe, one record a line, nothing that drives a terminal; SIGTERM ends it with 0", async () => {
    await using set = await stage();
    const logcat = await set.logcat([]);
    await send(set.sender, 1, ["one", "two\x1b[2J\nthree"]);
    await set.sender.multicast("log.mail", "raw text\n");
    await logcat.stdout.until("raw text\n");
    logcat.signal("SIGTERM");
    const { status, stdout } = await logcat.result();
    expect(stdout.replaceAll(/^\S+ /gm, "")).toBe(
      "web1 mail.err postfix/smtpd[123]: one\nweb1 mail.err postfix/smtpd[123]: two\\x1b[2J\\nthree\ne2e - log.mail: raw text\n",
    );
    expect(stdout).toStartWith("2026-11-23T12:03:04.");
    expect(status).toBe(0);
  });

  test("as JSON, statistics too; SIGINT ends it with 0", async () => {
    await using set = await stage();
    const logcat = await set.logcat(["--json", "--stats"]);
    await send(set.sender, 1, ["one"]);
    await send(set.sender, 3, ["three"]);
    await logcat.stdout.until('"three"');
    logcat.signal("SIGINT");
    const { status, stdout } = await logcat.result();
    const objects = stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text) as unknown);
    expect(objects).toMatchObject([
      {
        kind: "record",
        group: "log.mail",
        host: "web1",
        app: "postfix/smtpd",
        procid: "123",
        facility: "mail",
        severity: "err",
        msg: "one",
      },
      { kind: "gap", host: "web1", from: 2, to: 2 },
      { kind: "record", msg: "three" },
      { kind: "stats", records: 2, missing: 1, skipped: 0 },
    ]);
    expect(status).toBe(0);
  });

  test("of two groups in one order, the same at two logcats", async () => {
    await using set = await stage();
    const groups = ["log.mail", "www"];
    const both = await Promise.all([
      set.logcat(["--time", "none"], {}, groups),
      set.logcat(["--time", "none"], {}, groups),
    ]);
    await using other = await connect({ servers: `unix:${set.socket}`, name: "other" });
    for (let number = 0; number < 200; number++) {
      void set.sender.multicast("www", `a${number}`);
      void other.multicast("log.mail", `b${number}`);
    }
    const texts = await Promise.all(
      both.map((logcat) => logcat.stdout.until(/a199\n[\s\S]*b199\n|b199\n[\s\S]*a199\n/)),
    );
    expect(texts[0]).toBe(texts[1]!);
    expect(texts[0]!.trimEnd().split("\n").length).toBe(400);
  });

  test("in columns and colours on a terminal", async () => {
    await using set = await stage();
    const inTerminal = `stty cols 80; exec ${binary()} logcat --spread unix:${set.socket} --first 2 --time none --members log.mail`;
    await using terminal = start(["script", "-qec", inTerminal, "/dev/null"], { env: { ...NO_CONFIG, TERM: "xterm" } });
    await terminal.stdout.until("joined: log.mail has 1 member");
    await send(set.sender, 1, ["one", `two \x1b]0;title\x07 ${"word ".repeat(12)}`]);
    const { stdout } = await terminal.result();
    const lines = stdout.split("\r\n").filter((text) => /one|two/.test(text));
    expect(lines[0]).toMatch(
      /^\x1b\[[\d;]+mweb1\x1b\[0m \x1b\[31mmail\.err\x1b\[0m postfix\/smtpd\[123\]: \x1b\[31mone\x1b\[0m$/,
    );
    expect(lines[1]).toContain("two \x1b[7m\\x1b\x1b[27m]0;title\x1b[7m\\x07\x1b[27m");
    expect(stdout).toMatch(/\r\n {34}word word/);
  });

  test("the groups are those of the configuration where none is given", async () => {
    await using set = await stage();
    const config = join(set.scratch, "spreadbox.toml");
    writeFileSync(
      config,
      `[spread]\nservers = ["unix:${set.socket}"]\n[logcat]\ngroups = ["@mail"]\nformat = "%group%/%msg%"\n[logcat.sets]\nmail = ["log.mail"]\n`,
    );
    await using logcat = startSpreadbox(["logcat", "--verbose"], { env: { ...NO_CONFIG, SPREADBOX_CONFIG: config } });
    await logcat.stderr.until("joined log.mail");
    await send(set.sender, 1, ["one"]);
    await logcat.stdout.until("log.mail/one\n");
  });
});

describe("--output", () => {
  test("appends to the file, and to a new one of that name after SIGHUP", async () => {
    await using set = await stage();
    const file = join(set.scratch, "mail.log");
    writeFileSync(file, "before\n");
    const logcat = await set.logcat(["--output", file, "--format", "traditional"]);
    await send(set.sender, 1, ["one"]);
    await untilFile(file, "one\n");
    renameSync(file, `${file}.1`);
    logcat.signal("SIGHUP");
    await untilFile(file, "");
    await send(set.sender, 2, ["two"]);
    await untilFile(file, "two\n");
    logcat.signal("SIGTERM");
    expect(await logcat.exited).toBe(0);
    expect(readFileSync(`${file}.1`, "utf8")).toBe("before\nNov 23 12:03:04 web1 postfix/smtpd[123]: one\n");
    expect(readFileSync(file, "utf8")).toBe("Nov 23 12:03:04 web1 postfix/smtpd[123]: two\n");
  });

  test("that can't be made is told at once", async () => {
    using scratch = temporaryDirectory();
    const file = join(scratch.path, "none/mail.log");
    const { status, stderr } = await runSpreadbox(["logcat", "--output", file, "log.mail"], { env: NO_CONFIG });
    expect(stderr).toBe(`logcat: cannot write ${file}: its directory does not exist\n`);
    expect(status).toBe(73);
  });
});

describe("--cursor-file", () => {
  test("goes on where the last run ended: what came between is told, what was shown is not shown again", async () => {
    await using set = await stage();
    const args = ["--cursor-file", join(set.scratch, "cursor"), "--format", "raw", "--first", "2"];
    const first = await set.logcat(args);
    await send(set.sender, 1, ["1", "2"]);
    expect((await first.result()).stdout).toBe("1\n2\n");
    await send(set.sender, 3, ["3"]);
    const second = await set.logcat(args);
    await send(set.sender, 2, ["2", "3 again"]);
    await send(set.sender, 6, ["6"]);
    const { status, stdout, stderr } = await second.result();
    expect(stdout).toBe("3 again\n6\n");
    expect(stderr).toContain("logcat: 2 records of web1 missing in log.mail (4-5)\n");
    expect(status).toBe(0);
  });

  test("that is damaged, or can't be written, is refused", async () => {
    using scratch = temporaryDirectory();
    const file = join(scratch.path, "cursor");
    writeFileSync(file, "what?\n");
    const damaged = await runSpreadbox(["logcat", "--cursor-file", file, "g"], { env: NO_CONFIG });
    expect(damaged.stderr).toBe(`logcat: cannot read ${file}: line 1: found "what?", expected "logcat-cursor 1"\n`);
    expect(damaged.status).toBe(65);
    const nowhere = await runSpreadbox(["logcat", "--cursor-file", join(scratch.path, "none/cursor"), "g"], {
      env: NO_CONFIG,
    });
    expect(nowhere.stderr).toStartWith(`logcat: cannot write ${scratch.path}/none/cursor: no such file or directory\n`);
    expect(nowhere.status).toBe(73);
  });
});

describe("the daemon's absence", () => {
  test("is told, and ends by itself; what was missed is told by number", async () => {
    await using set = await stage();
    const logcat = await set.logcat(["--time", "none"]);
    await send(set.sender, 1, ["one"]);
    await logcat.stdout.until("one\n");
    set.daemon.signal("SIGKILL");
    await logcat.stdout.until("-- daemon lost: ");
    await using again = await startDaemon(set.socket);
    await logcat.stdout.until("-- back after ");
    await logcat.stderr.until(/joined log\.mail[\s\S]*joined log\.mail/);
    await using sender = await connect({ servers: `unix:${set.socket}` });
    await send(sender, 4, ["four"]);
    await logcat.stdout.until("four\n");
    logcat.signal("SIGTERM");
    const { status, stdout } = await logcat.result();
    expect(stdout).toMatch(
      /^web1 [^\n]*one\n-- daemon lost: [^\n]+; trying again\n-- back after \S+: unix:[^\n]+\n-- 2 records of web1 missing in log\.mail \(2-3\), sent while the daemon was away\nweb1 [^\n]*four\n$/,
    );
    expect(status).toBe(0);
    expect(again.pid).toBeGreaterThan(0);
  });

  test("at the start is an error, with what to do", async () => {
    using scratch = temporaryDirectory();
    const { status, stderr } = await runSpreadbox(["logcat", "--spread", `unix:${scratch.path}/none`, "log.mail"], {
      env: NO_CONFIG,
    });
    expect(stderr).toStartWith(`logcat: cannot reach daemon at unix:${scratch.path}/none: `);
    expect(status).toBe(69);
  });

  test("at the start that answers nobody is waited for no longer than --for", async () => {
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const args = ["logcat", "--spread", `tcp:127.0.0.1:${silent.port}`, "--for", "200ms", "log.mail"];
    const { status, stderr } = await runSpreadbox(args, { env: NO_CONFIG });
    expect({ status, stderr }).toEqual({
      status: 69,
      stderr: "logcat: no daemon had answered when the time was over\n",
    });
  });

  test("at the start is waited out with --wait", async () => {
    using scratch = temporaryDirectory();
    const socket = join(scratch.path, "spread.sock");
    await using logcat = startSpreadbox(["logcat", "--wait", "--verbose", "--spread", `unix:${socket}`, "log.mail"], {
      env: NO_CONFIG,
    });
    await logcat.stdout.until(/^-- cannot reach daemon at unix:\S+: .*; trying again\n/);
    await using daemon = await startDaemon(socket);
    await logcat.stdout.until("-- back after ");
    await logcat.stderr.until("joined log.mail");
    expect(daemon.pid).toBeGreaterThan(0);
  });
});

test("a wait for a daemon ends at SIGTERM, with 0", async () => {
  using scratch = temporaryDirectory();
  await using logcat = startSpreadbox(["logcat", "--wait", "--spread", `unix:${scratch.path}/none`, "log.mail"], {
    env: NO_CONFIG,
  });
  await logcat.stdout.until("trying again\n");
  logcat.signal("SIGTERM");
  expect(await logcat.exited).toBe(0);
});

test("a group that the daemon does not let us join ends it with 77", async () => {
  using scratch = temporaryDirectory();
  const socket = join(scratch.path, "spread.sock");
  const config = join(scratch.path, "spreadd.toml");
  writeFileSync(config, '[[spreadd.allow]]\nfrom = ["all"]\njoin = ["log.*"]\n');
  await using daemon = await startDaemon(socket, config);
  expect(daemon.pid).toBeGreaterThan(0);
  const args = ["logcat", "--spread", `unix:${socket}`, "log.mail", "secret"];
  const { status, stderr } = await runSpreadbox(args, { env: NO_CONFIG });
  expect(stderr).toBe('logcat: the daemon does not let us join "secret"\n');
  expect(status).toBe(77);
});

describe("a script waits", () => {
  for (const { args, sends, status, says } of [
    { args: ["--until", "is up"], sends: ["starting", "it is up", "more"], status: 0, says: "" },
    { args: ["--first", "2"], sends: ["1", "2", "3"], status: 0, says: "" },
    // Long enough for what is sent to come, however busy the machine.
    { args: ["--for", "2s"], sends: ["1"], status: 0, says: "" },
    { args: ["--idle", "2s"], sends: ["1"], status: 0, says: "" },
    {
      args: ["--until", "is up", "--for", "2s"],
      sends: ["down"],
      status: 75,
      says: "what was waited for did not come: the time is over",
    },
    {
      args: ["--first", "3", "--idle", "2s"],
      sends: ["1"],
      status: 75,
      says: "what was waited for did not come: nothing came for so long",
    },
  ])
    test(`${args.join(" ")}: ${status}`, async () => {
      await using set = await stage();
      const logcat = await set.logcat([...args, "--format", "raw"]);
      await send(set.sender, 1, sends);
      const result = await logcat.result();
      expect(result.status).toBe(status);
      expect(result.stdout).toBe(
        sends
          .filter((text) => text !== "more" && text !== "3")
          .map((text) => `${text}\n`)
          .join(""),
      );
      expect(result.stderr.replaceAll(/^logcat: (?:connected|joined) .*\n/gm, "")).toBe(
        says === "" ? "" : `logcat: ${says}\n`,
      );
    });

  test("and is not told that a line came when it was stopped before", async () => {
    await using set = await stage();
    const logcat = await set.logcat(["--until", "never"]);
    logcat.signal("SIGTERM");
    expect(await logcat.exited).toBe(75);
  });

  test("--strict: a gap ends it with 65", async () => {
    await using set = await stage();
    const logcat = await set.logcat(["--strict", "--time", "none"]);
    await send(set.sender, 1, ["one"]);
    await send(set.sender, 3, ["three"]);
    const { status, stdout, stderr } = await logcat.result();
    expect(stdout).toBe("web1 mail.err postfix/smtpd[123]: one\n-- 1 record of web1 missing in log.mail (2)\n");
    expect(stderr).toEndWith("logcat: 1 record of web1 missing in log.mail (2) (--strict)\n");
    expect(status).toBe(65);
  });

  test("--count and --last say it at the end", async () => {
    await using set = await stage();
    const [count, last] = await Promise.all([
      set.logcat(["--count", "--grep", "yes", "--first", "2"]),
      set.logcat(["--last", "2", "--format", "raw", "--until", "end"]),
    ]);
    await send(set.sender, 1, ["yes 1", "no", "yes 2", "end"]);
    expect((await count.result()).stdout).toBe("2\n");
    expect((await last.result()).stdout).toBe("yes 2\nend\n");
  });
});

describe("top", () => {
  test("shows who sends how much, as JSON an object a second", async () => {
    await using set = await stage();
    const args = ["logcat", "top", "--json", "--spread", `unix:${set.socket}`, "--verbose", "log.mail"];
    await using top = startSpreadbox(args, { env: NO_CONFIG });
    await top.stderr.until("joined log.mail");
    await send(set.sender, 1, ["one", "two"]);
    await top.stdout.until(/"programs":\[\{"name":"postfix\/smtpd","perSecond":[\d.]+,"total":2\}\]/);
    top.signal("SIGTERM");
    const { status, stdout } = await top.result();
    expect(status).toBe(0);
    for (const text of stdout.trimEnd().split("\n")) expect(JSON.parse(text)).toMatchObject({ kind: "top" });
  });

  test("redraws a terminal on its other screen, and leaves it as it was with the last page on it", async () => {
    await using set = await stage();
    const inTerminal = `stty cols 100 rows 20; exec ${binary()} logcat top --spread unix:${set.socket} --first 2 log.mail`;
    await using terminal = start(["script", "-qec", inTerminal, "/dev/null"], { env: { ...NO_CONFIG, TERM: "xterm" } });
    await terminal.stdout.until("GROUP"); // the first page comes before the join: the next record may be too early for it
    for (let number = 1, ended = false; !ended; number++) {
      await send(set.sender, number, ["more"]);
      ended = await Promise.race([terminal.exited.then(() => true), Bun.sleep(20).then(() => false)]);
    }
    const { stdout } = await terminal.result();
    expect(stdout).toStartWith("\x1b[?1049h\x1b[?25l\x1b[H");
    const after = stdout.slice(stdout.lastIndexOf("\x1b[?25h\x1b[?1049l"));
    expect(after).toContain("web1");
    expect(after).toContain("postfix/smtpd");
  });
});

describe("the reader of the output", () => {
  test("may go: that ends it quietly, with 0, though nothing more comes", async () => {
    await using set = await stage();
    const pipe = `set -o pipefail; ${binary()} logcat --verbose --spread unix:${set.socket} log.mail | head -n 1`;
    await using shell = start(["bash", "-c", pipe], { env: NO_CONFIG });
    await shell.stderr.until("joined log.mail");
    await send(set.sender, 1, ["one"]);
    await shell.stdout.until("one\n");
    const { status, stderr } = await shell.result();
    expect(status).toBe(0);
    expect(stderr.replaceAll(/^logcat: (?:connected|joined) .*\n/gm, "")).toBe("");
  });

  test("may be a full disk: that is told, with 74", async () => {
    await using set = await stage();
    const command = `exec ${binary()} logcat --verbose --spread unix:${set.socket} log.mail >/dev/full`;
    await using logcat = start(["sh", "-c", command], { env: NO_CONFIG });
    await logcat.stderr.until("joined log.mail");
    await send(set.sender, 1, ["one"]);
    const { status, stderr } = await logcat.result();
    expect(stderr).toContain("logcat: cannot write output: its file system is full");
    expect(status).toBe(74);
  });

  test("may be slow: the session is kept, memory is bounded, and every record is shown or counted", async () => {
    await using set = await stage();
    const config = join(set.scratch, "spreadbox.toml");
    writeFileSync(config, '[logcat]\nbuffer = "256KiB"\n');
    const fifo = join(set.scratch, "pipe");
    Bun.spawnSync(["mkfifo", fifo]);
    const command = `exec ${binary()} logcat --verbose --config ${config} --spread unix:${set.socket} --time none log.mail >${fifo}`;
    await using logcat = start(["sh", "-c", command], { env: NO_CONFIG });
    const reader = openSync(fifo, "r");
    await logcat.stderr.until("joined log.mail");
    const total = 100_000;
    const perBatch = 200;
    for (let first = 1; first <= total; first += perBatch) {
      const texts = Array.from({ length: perBatch }, (_, index) => `${first + index} ${"x".repeat(150)}`);
      await send(set.sender, first, texts);
    }
    await untilReceived(logcat, total);
    expect(rssBytes(logcat.pid)).toBeLessThan(160 * 1_048_576);
    await send(set.sender, total + 1, ["the last"]);
    await untilReceived(logcat, total + 1);
    logcat.signal("SIGTERM"); // what waits may go out within two seconds: the reader reads now
    const text = readAll(reader);
    closeSync(reader);
    expect(await logcat.exited).toBe(0);
    let next = 1;
    for (const [, number, skipped] of text.matchAll(/\[123\]: (\d+) x|^-- (\d+) records? skipped/gm)) {
      if (skipped !== undefined) next += Number(skipped);
      else expect(Number(number)).toBe(next++);
    }
    expect(next).toBeGreaterThanOrEqual(total + 1);
    expect(text).toContain("skipped: whoever reads the output is too slow");
    expect(await logcat.stderr.end()).not.toContain("daemon lost 1");
  }, 30_000);
});

describe("what can't be meant is refused, with what could be", () => {
  for (const { args, says } of [
    {
      args: ["log mail"],
      says: 'cannot use "log mail" as group name: expected a group name: 1 to 31 characters from "$" to "~" (no space, no "#")',
    },
    {
      args: ["log mail"],
      says: `cannot use "log mail" as group name: expected a group name: 1 to 31 characters from "$" to "~" (no space, no "#")`,
    },
    { args: ["@web"], says: 'unknown set "@web": [logcat.sets] in the configuration names sets' },
    {
      args: [],
      says: "GROUP is missing: name the groups to follow, or set logcat.groups in the configuration (logcat --help)",
    },
    { args: ["-s", "wraning", "g"], says: '--severity: unknown severity "wraning": did you mean "warning"?' },
    {
      args: ["--format", "shrot", "g"],
      says: 'unknown format "shrot": expected one of short, full, json, raw, rfc5424, traditional, or a template such as "%timereported% %host% %msg%"; did you mean "short"?',
    },
    { args: ["--grep", "(", "g"], says: 'cannot read regular expression "(": missing )' },
    {
      args: ["--since", "soon", "g"],
      says: 'cannot read time "soon": expected a time such as "2h" (that long ago), "12:30", "today", "yesterday", "2026-07-31", "2026-07-31 12:30:00", "2026-07-31T12:30:00Z" or "@1700000000"',
    },
    { args: ["--count", "-n", "5", "g"], says: "--count and --last contradict each other: give one of them" },
    { args: ["top", "--count", "g"], says: "top and --count contradict each other: give one of them" },
    { args: ["--first", "0", "g"], says: '--first: cannot read "0": expected a whole number from 1 to 999999999' },
  ])
    test(args.join(" ") || "nothing", async () => {
      const { status, stdout, stderr } = await runSpreadbox(["logcat", ...args], { env: NO_CONFIG });
      expect({ status, stdout, stderr }).toEqual({
        status: 64,
        stdout: "",
        stderr: `${args[0] === "top" ? "logcat top" : "logcat"}: ${says}\n`,
      });
    });
});

test("with --json an error is JSON on stdout", async () => {
  const { status, stdout, stderr } = await runSpreadbox(["logcat", "--json", "--format", "raw", "g"], {
    env: NO_CONFIG,
  });
  const message = "--json and --format raw contradict each other: give one of them";
  expect(JSON.parse(stdout)).toEqual({ error: { kind: "usage", code: "contradiction", message, exit: 64 } });
  expect({ status, stderr }).toEqual({ status: 64, stderr: "" });
});

test.if(hasRealSpread)("the real daemon serves it as ours does", async () => {
  await using daemon = await startRealSpread({ port: REAL_PORT });
  await using logcat = startSpreadbox(
    ["logcat", "--verbose", "--spread", daemon.tcp, "--time", "none", "--first", "2", "log.mail"],
    { env: NO_CONFIG },
  );
  await logcat.stderr.until("joined log.mail");
  await using sender = await connect({ servers: daemon.unix, name: "sender" });
  await send(sender, 1, ["one"]);
  await sender.multicast("log.mail", "raw\0");
  const { status, stdout } = await logcat.result();
  expect(stdout).toBe("web1 mail.err postfix/smtpd[123]: one\ndmn1 - log.mail: raw\n");
  expect(status).toBe(0);
});

/** Asks for the statistics until so many records have come. */
async function untilReceived(logcat: Child, records: number): Promise<void> {
  for (let asked = 1; asked <= 500; asked++) {
    logcat.signal("SIGUSR1");
    const text = await logcat.stderr.until(new RegExp(`(?:records/s over[\\s\\S]*){${asked}}`));
    if (text.includes(`logcat: ${records} records in `)) return;
    await Bun.sleep(20);
  }
  throw new Error(`${records} records did not come`);
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1_024;
}

/** Everything up to the end, by a pipe whose writer may still be writing. */
function readAll(fd: number): string {
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(65_536);
  for (let took = readSync(fd, chunk); took > 0; took = readSync(fd, chunk))
    chunks.push(Buffer.from(chunk.subarray(0, took)));
  return Buffer.concat(chunks).toString();
}

/** Waits until a file is there and ends with `text`. */
async function untilFile(path: string, text: string): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    try {
      if (readFileSync(path, "utf8").endsWith(text)) return;
    } catch {
      // not made yet
    }
    await Bun.sleep(10);
  }
  throw new Error(`${path} did not come to end with ${JSON.stringify(text)}`);
}
