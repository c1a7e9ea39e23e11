// A recorder that hands over: to a command, to a syslog server, to who collects metrics. The compiled executable, a daemon, real records; every wait is for something that happens.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { recorderStage, untilHolds } from "../logcat/recorder-stage.ts";
import { NO_CONFIG, send } from "../logcat/stage.ts";
import { runSpreadbox, WAIT_MS } from "../support/child.ts";

/** Of this file alone, with the one behind it; and not among those that the kernel gives to anybody. */
const PORT = 25_310;

test("exec: lines to a command's stdin, in the form that the entry says; one that ends is started again", async () => {
  await using set = await recorderStage();
  const recorder = await set.record(`[[logcat.write]]
groups = ["log.mail"]
to = "exec:echo started >>%d/runs; head -n 2 >>%d/out; echo enough >&2; exit 3"
format = "%group%/%host%: %msg%"
`);
  await send(set.sender, 1, ["one", "two"]);
  await untilHolds(set.path("out"), "two\n");
  await recorder.stderr.until("enough"); // what it says is told
  await recorder.stderr.until("the program ended with status 3"); // what is written to it until then may be in a pipe that nobody reads
  await send(set.sender, 3, ["three", "four"]);
  const out = await untilHolds(set.path("out"), "four\n");
  expect(new Set(out.split("\n"))).toEqual(
    new Set(["one", "two", "three", "four"].map((text) => `log.mail/web1: ${text}`).concat("")),
  );
  expect(readFileSync(set.path("runs"), "utf8").length).toBeGreaterThan("started\n".length);
});

test("syslog: to a server, which may be away; what waited is on disk, through a restart too", async () => {
  await using set = await recorderStage();
  let text = "";
  const serve = (port: number) =>
    Bun.listen({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(_socket, bytes) {
          text += bytes.toString();
        },
      },
    });
  const port = PORT;
  const first = serve(port);
  const toml = `[[logcat.write]]\ngroups = ["log.mail"]\nto = "syslog:tcp:127.0.0.1:${port}"\nnotices = false
[[logcat.write]]\ngroups = ["log.mail"]\nto = "file:%d/out"\nformat = "raw"\n`;
  const until = async (wanted: string) => {
    for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await Bun.sleep(10))
      if (text.includes(wanted)) return;
    throw new Error(`never got ${wanted}, but ${text}`);
  };
  const recorder = await set.record(toml);
  await send(set.sender, 1, ["one"]);
  await until("one\n");
  // The server has it; the recorder does not know yet, and would send it again.
  const waiting = () =>
    runSpreadbox(["logcat", "record", "stats", "--control", set.control], { env: NO_CONFIG }).then(({ stdout }) =>
      /^sink_waiting syslog\S* (\d+)$/m.exec(stdout),
    );
  while ((await waiting())?.[1] !== "0");
  expect(text).toMatch(/^<19>1 2026-11-23T\d\d:03:04\S* web1 postfix\/smtpd 123 - .*one\n$/);
  first.stop(true);
  await recorder.stderr.until(`syslog:tcp:127.0.0.1:${port}: `);
  await send(set.sender, 2, ["two"]);
  await untilHolds(set.path("out"), "two\n");
  recorder.signal("SIGTERM");
  expect(await recorder.exited).toBe(0);
  using _second = serve(port);
  const again = await set.record(toml);
  await until("two\n");
  await send(set.sender, 3, ["three"]);
  await until("three\n");
  again.signal("SIGTERM");
  expect(await again.exited).toBe(0);
  expect(text.match(/\w+\n/g)).toEqual(["one\n", "two\n", "three\n"]);
});

test("metrics: counts by label, over HTTP and in a file", async () => {
  await using set = await recorderStage();
  const port = PORT + 1;
  const recorder = await set.record(`[[logcat.write]]
groups = ["log.mail"]
to = "metrics:127.0.0.1:${port}"
labels = ["app", "user"]
[[logcat.write]]
groups = ["log.mail"]
to = "metrics:%d/log.prom"
`);
  await send(set.sender, 1, ['{"user":"amy"}', '{"user":"amy"}', "no JSON"]);
  const amy = 'spreadbox_log_records_total{app="postfix/smtpd",user="amy"} 2\n';
  let text = "";
  for (const deadline = performance.now() + WAIT_MS; !text.includes(amy) && performance.now() < deadline; ) {
    text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await Bun.sleep(10);
  }
  expect(text).toContain(amy);
  expect(text).toContain('spreadbox_log_records_total{app="postfix/smtpd",user=""} 1\n');
  recorder.signal("SIGTERM");
  expect(await recorder.exited).toBe(0);
  const file = readFileSync(set.path("log.prom"), "utf8");
  expect(file).toContain('spreadbox_log_records_total{group="log.mail",host="web1",severity="err"} 3\n');
  expect(file).toEndWith("# EOF\n");
});
