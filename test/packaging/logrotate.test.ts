// logrotate, really run, on the file that is generated for it, beside a syslogd that writes the files it names.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { globOf, logrotateFile } from "../../lib/packaging/logrotate-file.ts";
import { binary } from "../support/binary.ts";
import { type Child, runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually, logger } from "../syslogd/running.ts";

for (const { template, glob } of [
  { template: "/var/log/messages", glob: "/var/log/messages" },
  { template: "/var/log/%host%/%app%.log", glob: "/var/log/*/*.log" },
  { template: "/var/log/100%%.log", glob: "/var/log/100%.log" },
  { template: "/var/log/a[1]*.log", glob: "/var/log/a\\[1\\]\\*.log" },
])
  test(`the pattern for ${template} is ${glob}`, () => expect(globOf(template)).toBe(glob));

test("files whose names end in a field are left to the service: what was put aside would be rotated again and again", () => {
  const text = logrotateFile([{ patterns: ["/var/log/hosts/*"], reopen: "syslogd reopen" }], "/usr/bin/spreadbox");
  expect(text).toContain("# Not here");
  expect(text).not.toContain("syslogd reopen");
});

const syslogds = (...patterns: string[]) => [{ patterns, reopen: "syslogd reopen" }];

/** The files that are named, in the order of the file. */
const named = (text: string) =>
  (text.match(/^"?\/.*$/gm) ?? []).filter((line) => !line.includes("/var/log/spreadbox-"));

for (const { patterns, kept, told } of [
  {
    patterns: ["/var/log/auth.log", "/var/log/*.log"],
    kept: ["/var/log/auth.log"],
    told: "files in /var/log are others'",
  },
  { patterns: ["/var/log/*/*.log"], kept: [], told: "files in /var/log are others'" },
  { patterns: ["/var/log/spread/*.log"], kept: ["/var/log/spread/*.log"], told: undefined },
  { patterns: ["/srv/l/a.log", "/srv/l/*.log", "/srv/l/a.log"], kept: ["/srv/l/*.log"], told: undefined },
  { patterns: ["/srv/l/*/a.log", "/srv/l/web/*.log"], kept: ["/srv/l/*/a.log"], told: "may be the same file" },
  { patterns: ["/srv/l/\\*.log", "/srv/l/a.log"], kept: ["/srv/l/\\*.log", "/srv/l/a.log"], told: undefined },
])
  test(`of ${patterns.join(" and ")}, files that are others' or named already are left out, and told`, () => {
    const text = logrotateFile(syslogds(...patterns), "/usr/bin/spreadbox");
    expect(named(text)).toEqual(kept);
    const left = /^# Not here: .*$/m.exec(text)?.[0];
    if (told === undefined) expect(left).toBeUndefined();
    else expect(left).toMatch(new RegExp(`${told}.*set rotate_size`));
  });

test("a file of the recorder's that syslogd has is in one section only", () => {
  const written = [...syslogds("/srv/l/*.log"), { patterns: ["/srv/l/a.log"], reopen: "logcat record reopen" }];
  const text = logrotateFile(written, "/usr/bin/spreadbox");
  expect(named(text)).toEqual(["/srv/l/*.log"]);
  expect(text).toContain("# Not here: /srv/l/a.log, since /srv/l/*.log may be the same file");
});

test("files that Debian's rsyslog has in its own file are told", () => {
  const text = logrotateFile(syslogds("/var/log/auth.log", "/srv/all.log"), "/usr/bin/spreadbox");
  expect(text).toContain("# Debian's /etc/logrotate.d/rsyslog may name /var/log/auth.log, too");
  expect(logrotateFile(syslogds("/srv/all.log"), "/usr/bin/spreadbox")).not.toContain("rsyslog");
});

test("no size makes logrotate forget how often", () => {
  const text = logrotateFile([], "/usr/bin/spreadbox");
  expect(text).toContain("monthly");
  expect(text).not.toMatch(/^ +size /m);
});

const hasLogrotate = Bun.which("logrotate") !== null;
if (!hasLogrotate) process.stderr.write("SKIP: no logrotate\n");

describe.if(hasLogrotate)("by the generated file, logrotate", () => {
  let scratch: ReturnType<typeof temporaryDirectory>;
  let syslogd: Child;
  const at = (name: string) => join(scratch.path, name);

  beforeEach(async () => {
    scratch = temporaryDirectory();
    writeFileSync(
      at("config.toml"),
      `[syslogd]
socket = ["${at("dev")}"]
control = "${at("ctl")}"
spool_directory = ""
[[syslogd.rule]]
select = "user.*"
to = "file:${at("all.log")}"
[[syslogd.rule]]
select = "user.*"
to = "file:${at("of %app%.log")}"
[[syslogd.rule]]
select = "user.*"
to = "file:${at("own.log")}"
[[syslogd.sink]]
of = "file:*/own.log"
rotate_size = "1MiB"
[[syslogd.sink]]
of = "file:*/all.log"
mode = "0600"
`,
    );
    const { status, stdout } = await runSpreadbox([
      "generate",
      "logrotate",
      "--config",
      at("config.toml"),
      "--executable",
      binary(),
    ]);
    expect(status).toBe(0);
    writeFileSync(at("logrotate.conf"), stdout, { mode: 0o644 });
    syslogd = startSpreadbox(["syslogd", "--config", at("config.toml")]);
    await eventually(
      () => existsSync(at("ctl")),
      () => syslogd.stderr.text,
    );
  });
  afterEach(async () => {
    await syslogd[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  const rotate = async () => {
    await using child = start(["logrotate", "--force", "--verbose", "--state", at("state"), at("logrotate.conf")]);
    return await child.result();
  };
  const holds = (name: string, text: string) =>
    eventually(
      () => existsSync(at(name)) && readFileSync(at(name), "utf8").includes(text),
      () => `${name} has no ${text}; there are ${readdirSync(scratch.path)}; ${syslogd.stderr.text}`,
    );

  test("puts files aside, and what is said next is in the new ones", async () => {
    logger(at("dev"), "-t", "app", "before");
    for (const name of ["all.log", "of app.log", "own.log"]) await holds(name, "before");
    const { status, stderr } = await rotate();
    expect([status, stderr.match(/^error.*$/gm)]).toEqual([0, null]);
    expect(
      readdirSync(scratch.path)
        .filter((name) => name.endsWith(".gz"))
        .sort(),
    ).toEqual(["all.log.1.gz", "of app.log.1.gz"]);
    expect(existsSync(at("all.log"))).toBe(true); // opened anew before logrotate went on: nothing had to be logged for it
    logger(at("dev"), "-t", "app", "after");
    for (const name of ["all.log", "of app.log", "own.log"]) await holds(name, "after");
    expect(readFileSync(at("all.log"), "utf8")).not.toContain("before");
    expect(statSync(at("all.log")).mode & 0o777).toBe(0o600);
    expect(readFileSync(at("own.log"), "utf8")).toContain("before");
  });

  test("has nothing to complain about where no syslogd runs", async () => {
    logger(at("dev"), "-t", "app", "before");
    await holds("all.log", "before");
    syslogd.signal("SIGTERM");
    await syslogd.exited;
    const { status, stderr } = await rotate();
    expect([status, stderr.match(/^error.*$/gm)]).toEqual([0, null]);
    expect(existsSync(at("all.log.1.gz"))).toBe(true);
  });
});
