// `syslogd reload` for sources: listeners come, go and change while messages and connections go on.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { eventually } from "../syslogd/running.ts";
import { connect, connectInVain } from "../syslogd/sender.ts";
import { rule, running } from "./running-syslogd.ts";

const TCP = 25_240;
const OTHER = 25_241;
const BUSY = 25_242;

test("listeners come and go; connections of one that goes go on until their clients end them", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/all`),
    () => `tcp = ["127.0.0.1:${TCP}"]`,
  );
  const { at, ask, line } = syslogd;
  using first = await connect(TCP);
  await first.send("<13>app: one\n");
  await line("all", "app: one");
  const other = readFileSync(at("c.toml"), "utf8").replace(
    `tcp = ["127.0.0.1:${TCP}"]`,
    `tcp = ["127.0.0.1:${OTHER}"]\nudp = ["127.0.0.1:${OTHER}"]\nstream = ["${at("stream")}"]`,
  );
  writeFileSync(at("c.toml"), other);
  expect((await ask("reload")).stdout).toBe(
    `reloaded: 1 rule, listens on udp:127.0.0.1:${OTHER}, tcp:127.0.0.1:${OTHER}, stream:${at("stream")}, listens no more on tcp:127.0.0.1:${TCP}\n`,
  );
  using second = await connect(OTHER);
  using stream = await connect(at("stream"));
  await second.send("<13>app: two\n");
  await stream.send("<13>app: three\n");
  await first.send("<13>app: four\n"); // where nobody listens any more
  for (const text of ["two", "three", "four"]) await line("all", `app: ${text}\n`);
  await expect(connect(TCP)).rejects.toThrow();
  expect((await ask("status")).stdout).toContain(`tcp:127.0.0.1:${TCP}: received 2, cut 0, refused 0, connections 1`);
  writeFileSync(at("c.toml"), other.replace(`\nstream = ["${at("stream")}"]`, ""));
  expect((await ask("reload")).stdout).toBe(`reloaded: 1 rule, listens no more on stream:${at("stream")}\n`);
  expect(existsSync(at("stream"))).toBe(false);
  await stream.send("<13>app: five\n");
  await line("all", "app: five\n");
}, 30_000);

test("an address that can't be had refuses the whole configuration, and all that was stays", async () => {
  using _busy = Bun.listen({ hostname: "127.0.0.1", port: BUSY, socket: { data() {} } });
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/all`),
    () => `tcp = ["127.0.0.1:${TCP}"]`,
  );
  const { at, ask, line } = syslogd;
  const before = readFileSync(at("c.toml"), "utf8");
  writeFileSync(
    at("c.toml"),
    before
      .replace(`tcp = ["127.0.0.1:${TCP}"]`, `tcp = ["127.0.0.1:${OTHER}", "127.0.0.1:${BUSY}"]`)
      .replace("user.*", "mail.*"),
  );
  const { status, stderr } = await ask("reload");
  expect([status, stderr]).toEqual([71, expect.stringContaining(`127.0.0.1 port ${BUSY}`)]);
  using still = await connect(TCP);
  await still.send("<13>app: still\n");
  await line("all", "app: still\n");
  await expect(connect(OTHER)).rejects.toThrow();
}, 30_000);

test("who may send, how long a message may be, and what is held back change for the connections there are", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/all`),
    () => `tcp = ["127.0.0.1:${TCP}"]\nmessage = "2KiB"`,
  );
  const { at, ask, line, log, daemon } = syslogd;
  using first = await connect(TCP);
  await first.send("<13>app: one\n");
  await line("all", "app: one");
  writeFileSync(
    at("c.toml"),
    readFileSync(at("c.toml"), "utf8").replace(
      'message = "2KiB"',
      'message = "1KiB"\nallow = ["192.0.2.1"]\nrate = "2/1h"',
    ),
  );
  expect((await ask("reload")).stdout).toBe(
    `reloaded: 1 rule, reads in another way: rate, tcp:127.0.0.1:${TCP}, what all sources have in common\n`,
  );
  await connectInVain(TCP);
  await daemon.stderr.until("it is in none of the networks that are allowed");
  await first.send("<13>app: two\n");
  await line("all", "app: two");
  log(`${"x".repeat(1_500)}end`);
  await eventually(
    () => readFileSync(at("all"), "utf8").includes("xxxx"),
    () => "nothing",
  );
  expect(readFileSync(at("all"), "utf8")).not.toContain("end");
  for (let times = 0; times < 3; times++) log("again");
  const held = async () => /no rule took \d+, [1-9]\d* were held back/.test((await ask("status")).stdout);
  while (!(await held())); // the test's own time ends the wait
}, 30_000);
