// A syslogd by a classic syslog.conf: what of the file is not taken is told to who asks, and a mistake never silences a host.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runSpreadbox, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually, logger } from "../syslogd/running.ts";

/** A syslogd by a file of that text. */
function classic(text: string) {
  const scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  const write = (text: string) => writeFileSync(at("syslog.conf"), text.replaceAll("%d", scratch.path));
  write(text);
  const words = ["--syslog-conf", at("syslog.conf"), "--socket", at("log"), "--control", at("ctl")];
  return {
    at,
    write,
    words,
    start: () => startSpreadbox(["syslogd", ...words]),
    ask: (word: string) => runSpreadbox(["syslogd", word, "--control", at("ctl")]),
    async logs(text: string) {
      logger(at("log"), "-t", "app", "-p", "user.err", text);
      await eventually(
        () => existsSync(at("all")) && readFileSync(at("all"), "utf8").includes(text),
        () => `no ${text}`,
      );
    },
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

const GOOD = "user.*\t%d/all\n";

test("reload and restart refuse a file with a mistake or without a rule, and name what has no equivalent", async () => {
  using host = classic(GOOD);
  await using daemon = host.start();
  await eventually(
    () => existsSync(host.at("ctl")),
    () => daemon.stderr.text,
  );
  for (const { text, told } of [
    { text: "", told: "has no rule" },
    { text: "# nothing\n", told: "has no rule" },
    { text: "this is\nno syslog.conf\n", told: "syslog.conf:1: left out" },
    { text: `${GOOD}user.inffo\t/x\n`, told: 'syslog.conf:2: left out: cannot read selector: "inffo"' },
  ]) {
    host.write(text);
    for (const asked of [
      await host.ask("reload"),
      await host.ask("restart"),
      await runSpreadbox(["syslogd", "--check", ...host.words]),
      await runSpreadbox(["config", "import", "--from", "syslog", host.at("syslog.conf")]),
    ])
      expect([text, asked.status, asked.stderr]).toEqual([text, 78, expect.stringContaining(told)]);
    await host.logs(`after ${JSON.stringify(told)}`.replaceAll('"', ""));
  }
  host.write(`$ModLoad imuxsock\n${GOOD}`);
  for (const word of ["reload", "restart"]) {
    const { status, stdout } = await host.ask(word);
    expect([word, status, stdout]).toEqual([word, 0, expect.stringContaining('syslog.conf:1: left out: "$ModLoad"')]);
  }
  await host.logs("at last");
}, 60_000);

test("a start tells a line that can't be read as an error, and runs by the rest", async () => {
  using host = classic(`user.inffo\t/x\n*.*\t%d/all\n`);
  await using daemon = host.start();
  await daemon.stderr.until(/syslog\.conf:1: left out: cannot read selector: "inffo"/);
  await eventually(
    () => existsSync(host.at("ctl")),
    () => daemon.stderr.text,
  );
  await host.logs("all the same");
  expect(readFileSync(host.at("all"), "utf8")).toContain("syslog.conf:1: left out");
}, 30_000);

test("a start without any rule is refused", async () => {
  using host = classic("user.inffo\t/x\n");
  await using daemon = host.start();
  expect((await daemon.result()).status).toBe(78);
  expect(daemon.stderr.text).toContain("has no rule");
}, 30_000);
