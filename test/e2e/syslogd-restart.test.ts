// `syslogd restart`: the process becomes another one, and nobody who logs notices.
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openUnixDatagram, sendUnixDatagram } from "../../lib/linux/datagram-socket.ts";
import { binary } from "../support/binary.ts";
import { runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { terminal } from "../support/terminal.ts";
import { eventually, logger } from "../syslogd/running.ts";
import { connect } from "../syslogd/sender.ts";
import { rule, running } from "./running-syslogd.ts";

const TCP = 25_220;
const UDP = 25_221;

/** The numbers in the texts "m0", "m1"... of a file's lines, in its order. */
function numbersIn(path: string): number[] {
  if (!existsSync(path)) return [];
  return [...readFileSync(path, "utf8").matchAll(/ m(\d+)$/gm)].map(([, number]) => Number(number));
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

test("under a flood of datagrams none is lost, doubled or out of order, through three restarts", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/all`),
    () => `udp = ["127.0.0.1:${UDP}"]`,
  );
  const { at, ask, daemon } = syslogd;
  using socket = openUnixDatagram();
  let sent = 0;
  let isOver = false;
  let longestMs = 0;
  const flood = (async () => {
    let waitedFromMs = performance.now();
    while (!isOver) {
      const message = new TextEncoder().encode(`<13>app: m${sent}`);
      if (sendUnixDatagram(socket.fd, at("log"), message)) {
        longestMs = Math.max(longestMs, performance.now() - waitedFromMs);
        sent += 1;
        waitedFromMs = performance.now();
      }
      if (sent % 20 === 0) await new Promise((done) => setTimeout(done, 1));
      else await new Promise((done) => setImmediate(done));
    }
  })();
  const pid = daemon.pid;
  for (let times = 0; times < 3; times++) {
    const { status, stdout, stderr } = await ask("restart");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^restarted: spreadbox \S+, 3 sockets and 0 connections handed over; it took \d+ ms\n$/);
    process.stderr.write(stdout);
  }
  isOver = true;
  await flood;
  await eventually(
    () => numbersIn(at("all")).length >= sent,
    () => `${numbersIn(at("all")).length} of ${sent}: ${daemon.stderr.text}`,
  );
  expect(numbersIn(at("all"))).toEqual(upTo(sent));
  expect(JSON.parse((await ask("status", "--json")).stdout).pid).toBe(pid);
  process.stderr.write(
    `three restarts under ${sent} messages: the longest wait of who logs ${longestMs.toFixed(0)} ms\n`,
  );
  daemon.signal("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect(existsSync(at("log"))).toBe(false); // it is still its own to remove
}, 60_000);

test("connections go on, in the midst of a message too, counted or not, with who has sent them", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/all`),
    (directory) => `tcp = ["127.0.0.1:${TCP}"]\nstream = ["${directory}/stream"]`,
  );
  const { at, ask, line } = syslogd;
  using lines = await connect(TCP);
  using counted = await connect(TCP);
  using stream = await connect(at("stream"));
  await lines.send("<13>app: whole\n<13>app: be");
  await counted.send("19 <13>app: counted");
  await stream.send("<13>app: str");
  await line("all", "whole");
  const { stdout } = await ask("restart");
  expect(stdout).toContain("3 connections handed over");
  await lines.send("gun before\n");
  await counted.send("-on19 <13>app: another on");
  await stream.send("eam\n");
  for (const text of ["127.0.0.1 app: begun before\n", "app: counted-on\n", "app: another on\n", "app: stream\n"])
    await line("all", text);
  using later = await connect(TCP);
  await later.send("<13>app: a new one\n");
  await line("all", "a new one");
}, 30_000);

for (const { name, framed } of [
  { name: "lines", framed: (text: string) => `${text}\n` },
  { name: "counted messages", framed: (text: string) => `${text.length} ${text}` },
])
  test(`in a stream of ${name} none is lost or torn by a restart, whatever the moment`, async () => {
    await using syslogd = await running(
      (directory) => rule("user.*", `file:${directory}/all`),
      () => `tcp = ["127.0.0.1:${TCP}"]`,
    );
    const { at, ask } = syslogd;
    using client = await connect(TCP);
    let sent = 0;
    let isOver = false;
    const sending = (async () => {
      while (!isOver) {
        let text = "";
        for (const until = sent + 500; sent < until; sent++)
          text += framed(`<13>app: ${"x".repeat(sent % 97)} m${sent}`);
        await client.send(text);
        await new Promise((done) => setTimeout(done, 5)); // a stream, and not all that the machine can do
      }
    })();
    for (let times = 0; times < 3; times++)
      expect((await ask("restart")).stdout).toContain("1 connections handed over");
    isOver = true;
    await sending;
    await eventually(
      () => numbersIn(at("all")).length >= sent,
      () => `${numbersIn(at("all")).length} of ${sent}: ${syslogd.daemon.stderr.text}`,
    );
    expect(numbersIn(at("all"))).toEqual(upTo(sent));
    process.stderr.write(`a stream of ${sent} ${name} through three restarts\n`);
  }, 60_000);

test("a configuration with mistakes, or a program that does not run, is refused, and all goes on", async () => {
  await using syslogd = await running((directory) => rule("user,syslog.*", `file:${directory}/all`));
  const { ask, configure, log, line } = syslogd;
  configure(rule("mial.*", "file:/x"));
  const { status, stderr } = await ask("restart", "--control", syslogd.at("ctl"));
  expect([status, stderr]).toEqual([78, expect.stringContaining('"mial"')]);
  log("goes on");
  await line("all", "goes on");
  await line("all", "refused to restart, goes on as before");
}, 30_000);

describe("what a start would end of is refused, by its status, and all goes on:", () => {
  const listen = (on: string, more = "") => `[[syslogd.listen]]\non = "${on}"\n${more}`;
  const tls = (directory: string) =>
    listen(`tls:127.0.0.1:${TCP + 6}`, `certificate = "${directory}/crt"\nkey = "${directory}/key"\n`);
  for (const { name, more, rules, exit, told } of [
    {
      name: "an address of nobody's here",
      more: "",
      rules: () => listen("tcp:10.9.9.9:601"),
      exit: 71,
      told: "10.9.9.9",
    },
    { name: "a certificate that is none", more: "", rules: tls, exit: 78, told: "crt" },
    {
      name: "metrics at an address of nobody's here",
      more: 'metrics = "10.9.9.9:9000"',
      rules: () => "",
      exit: 73,
      told: "10.9.9.9",
    },
    { name: "a user whom nobody knows", more: 'user = "nosuchuser"', rules: () => "", exit: 78, told: "nosuchuser" },
  ])
    test(name, async () => {
      await using syslogd = await running((directory) => rule("user,syslog.*", `file:${directory}/all`));
      const { at, ask, daemon, log, line } = syslogd;
      writeFileSync(at("key"), "garbage");
      writeFileSync(at("crt"), "garbage");
      const before = readFileSync(at("c.toml"), "utf8");
      writeFileSync(at("c.toml"), `${before.replace("[syslogd]", `[syslogd]\n${more}`)}${rules(at("."))}`);
      const { status, stderr } = await ask("restart");
      expect([status, stderr]).toEqual([exit, expect.stringContaining(told)]);
      log("goes on");
      await line("all", "goes on");
      expect(JSON.parse((await ask("status", "--json", "--control", at("ctl"))).stdout).pid).toBe(daemon.pid);
      writeFileSync(at("c.toml"), before);
      expect((await ask("restart")).status).toBe(0);
    }, 30_000);
});

test("a mistake in the table of another command is told, and hinders no restart, as it hinders no start", async () => {
  await using syslogd = await running((directory) => rule("user.*", `file:${directory}/all`));
  const { at, ask, configure, log, line } = syslogd;
  configure(`${rule("user.*", `file:${at("all")}`)}[mole]\nhots = ["a"]\n`);
  const { status, stdout } = await ask("restart");
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/^restarted: .*mole\.hots: unknown key "hots".*not read here/s),
  ]);
  log("after");
  await line("all", "after");
}, 30_000);

test("a program that was removed is not restarted, and what is installed in its place is", async () => {
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  const config = `[syslogd]\nsocket = ["${at("log")}"]\ncontrol = "${at("ctl")}"\nspool_directory = ""\n`;
  writeFileSync(at("c.toml"), config + rule("user.*", `file:${at("all")}`));
  copyFileSync(binary(), at("spreadbox"));
  await using daemon = start([at("spreadbox"), "syslogd", "--config", at("c.toml")]);
  await daemon.stderr.until("listens on");
  const ask = (word: string) => runSpreadbox(["syslogd", word, "--config", at("c.toml")]);
  rmSync(at("spreadbox"));
  const refused = await ask("restart");
  expect([refused.status, refused.stderr]).toEqual([
    72,
    `syslogd restart: no program at ${at("spreadbox")}; install one there, then restart\n`,
  ]);
  writeFileSync(at("spreadbox"), "", { mode: 0o755 });
  expect((await ask("restart")).status).not.toBe(0);
  // One that leaves a trace of itself, put in place as installers do.
  const installed = `#!/bin/sh\necho "$$ $*" >> ${at("trace")}\nexec ${binary()} "$@"\n`;
  writeFileSync(at("new"), installed, { mode: 0o755 });
  renameSync(at("new"), at("spreadbox"));
  const { status, stderr } = await ask("restart");
  expect([status, stderr]).toEqual([0, ""]);
  expect(readFileSync(at("trace"), "utf8")).toContain(`${daemon.pid} syslogd --config ${at("c.toml")}\n`);
  logger(at("log"), "-t", "app", "-p", "user.err", "m0");
  await eventually(
    () => numbersIn(at("all")).length === 1,
    () => daemon.stderr.text,
  );
}, 30_000);

test("what a sink could not send goes on in the new process, from disk", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", `tcp:127.0.0.1:${TCP + 2}`) + rule("user.*", `file:${directory}/local`),
  );
  const { log, ask, line, at } = syslogd;
  for (let number = 0; number < 5; number++) log(`m${number}`);
  await line("local", "m4");
  await syslogd.daemon.stderr.until("connection refused");
  expect((await ask("restart")).status).toBe(0);
  for (let number = 5; number < 8; number++) log(`m${number}`);
  await line("local", "m7");
  const path = at("received");
  await using _receiver = start([
    process.execPath,
    join(import.meta.dir, "../sink/tcp-receiver-child.ts"),
    `${TCP + 2}`,
    path,
  ]);
  await eventually(
    () => numbersIn(path).includes(7),
    () => `${numbersIn(path)}: ${syslogd.daemon.stderr.text}`,
  );
  expect(numbersIn(path)).toEqual(upTo(8));
}, 30_000);

test("programs that it had started end, and leave no zombie behind", async () => {
  await using syslogd = await running((directory) => rule("user.*", `program:cat >> ${directory}/got; sleep 0.5`));
  const { log, line, ask, daemon } = syslogd;
  log("before");
  await line("got", "before");
  expect((await ask("restart")).status).toBe(0);
  log("after");
  await line("got", "after");
  const children = () => Bun.spawnSync(["ps", "-o", "stat=", "--ppid", `${daemon.pid}`]).stdout.toString();
  await eventually(
    () => /^S/m.test(children()) && !children().includes("Z"),
    () => `children: ${children()}`,
  );
}, 30_000);

test("as another user it goes on as that user, with sockets that only root could make", async () => {
  if (process.getuid!() !== 0) {
    process.stderr.write("SKIP: not root, leaving root is not tried\n");
    return;
  }
  await using syslogd = await running(
    (directory) => rule("user.*", `file:${directory}/one`),
    (directory) => `user = "nobody"\npid_file = "${directory}/pid"\nudp = ["127.0.0.1:514"]`,
  );
  const { log, line, daemon, at, ask } = syslogd;
  await daemon.stderr.until("runs as nobody");
  log("before");
  await line("one", "before");
  expect(Bun.spawnSync(["stat", "-c", "%U", at("one")]).stdout.toString()).toBe("nobody\n"); // so that it can be opened anew
  Bun.spawnSync(["chmod", "755", at("")]); // it has to read its configuration
  const { status, stdout } = await ask("restart");
  expect([status, stdout]).toEqual([0, expect.stringContaining("restarted")]);
  log("after");
  await line("one", "after");
  expect(readFileSync(`/proc/${daemon.pid}/status`, "latin1")).toMatch(/^Uid:\s+[1-9]/m);
  const shown = await ask("status");
  expect([shown.stderr, shown.stdout]).toEqual(["", expect.stringContaining("udp:127.0.0.1:514")]);
  expect(readFileSync(at("pid"), "utf8")).toBe(`${daemon.pid}\n`);
  writeFileSync(at("c.toml"), readFileSync(at("c.toml"), "utf8").replace("127.0.0.1:514", "127.0.0.1:515"));
  expect((await ask("reload")).stdout).toContain("listens on udp:127.0.0.1:515, listens no more on udp:127.0.0.1:514");
}, 30_000);

test("as another user it goes on writing to the consoles that root had opened, and tells of those that come later", async () => {
  if (process.getuid!() !== 0) {
    process.stderr.write("SKIP: not root, leaving root is not tried\n");
    return;
  }
  const [one, other] = [await terminal(), await terminal()];
  await using _one = one.child;
  await using _other = other.child;
  const rules = rule("user.*", `console:/dev/${one.line}`);
  await using syslogd = await running(
    () => rules,
    () => 'user = "nobody"',
  );
  const { log, daemon, at, ask, configure } = syslogd;
  await daemon.stderr.until("runs as nobody");
  Bun.spawnSync(["chmod", "755", at("")]); // it has to read its configuration
  log("dropped");
  await one.child.stdout.until("dropped");
  expect(await ask("restart")).toMatchObject({ status: 0 });
  log("another process");
  await one.child.stdout.until("another process");
  configure(`${rules}${rule("user.*", `console:/dev/${other.line}`)}`);
  const told = `console:/dev/${other.line}: user nobody may not open /dev/${other.line}`;
  expect((await ask("reload")).stdout).toContain(told);
  log("after a reload");
  await one.child.stdout.until("after a reload");
  expect(await ask("restart")).toMatchObject({ status: 0 });
  await daemon.stderr.until((text) => text.split(told).length === 3);
  log("the third process");
  await one.child.stdout.until("the third process");
  expect((await ask("status")).stdout).toMatch(new RegExp(`console:/dev/${other.line}.*fails now`));
}, 30_000);

for (const umask of ["0027", "0077"])
  test(`as another user it goes on with the pid file that root has left, with umask ${umask}`, async () => {
    if (process.getuid!() !== 0) {
      process.stderr.write("SKIP: not root, leaving root is not tried\n");
      return;
    }
    await using syslogd = await running(
      () => rule("user.*", "file:/dev/null"),
      (directory) => `user = "nobody"\numask = "${umask}"\npid_file = "${directory}/run/pid"`,
    );
    const { daemon, at, ask } = syslogd;
    await daemon.stderr.until("runs as nobody");
    Bun.spawnSync(["chmod", "755", at("")]); // it has to read its configuration
    for (let times = 0; times < 2; times++) {
      const { status, stdout, stderr } = await ask("restart");
      expect([status, stdout, stderr]).toEqual([0, expect.stringContaining("restarted"), ""]);
    }
    expect(readFileSync(at("run/pid"), "utf8")).toBe(`${daemon.pid}\n`);
    expect(JSON.parse((await ask("status", "--json")).stdout).pid).toBe(daemon.pid);
  }, 30_000);

test("sockets that systemd holds are found again", async () => {
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  writeFileSync(
    at("c.toml"),
    `[syslogd]\nsocket = ["${at("log")}"]\ncontrol = "${at("ctl")}"\nspool_directory = "${at("spool")}"\n${rule("user.*", `file:${at("all")}`)}`,
  );
  if (Bun.which("systemd-socket-activate") === null) {
    process.stderr.write("SKIP: no systemd-socket-activate\n");
    return;
  }
  await using daemon = start([
    "systemd-socket-activate",
    "-l",
    `127.0.0.1:${TCP + 4}`,
    binary(),
    "syslogd",
    "--config",
    at("c.toml"),
  ]);
  await daemon.stderr.until("Listening on");
  using first = await connect(TCP + 4);
  await daemon.stderr.until("listens on");
  await first.send("<13>app: m0\n");
  await eventually(
    () => numbersIn(at("all")).length === 1,
    () => daemon.stderr.text,
  );
  const { status } = await runSpreadbox(["syslogd", "restart", "--config", at("c.toml")]);
  expect(status).toBe(0);
  await first.send("<13>app: m1\n");
  using second = await connect(TCP + 4);
  await second.send("<13>app: m2\n");
  await eventually(
    () => numbersIn(at("all")).length === 3,
    () => daemon.stderr.text,
  );
}, 30_000);

describe("a reader of groups", () => {
  test("knows that nothing is missing across a restart, and that it can't be known across a kill", async () => {
    using scratch = temporaryDirectory();
    const at = (name: string) => join(scratch.path, name);
    await using spreadd = startSpreadbox(["spreadd", "--port", "0", "--name", "dmn1", "--socket", at("spread")]);
    await spreadd.stderr.until("listens on");
    await using reader = startSpreadbox(["logcat", "logs", "--spread", `unix:${at("spread")}`]);
    const config = `[syslogd]\nsocket = ["${at("log")}"]\ncontrol = "${at("ctl")}"\nspool_directory = "${at("spool")}"\nhost = "web1"\n[spread]\nservers = ["unix:${at("spread")}"]\n${rule("user.*", "group:logs")}`;
    writeFileSync(at("c.toml"), config);
    const log = (text: string) => Bun.spawnSync(["logger", "-u", at("log"), "-t", "app", text]);
    await using first = startSpreadbox(["syslogd", "--config", at("c.toml")]);
    await first.stderr.until("listens on");
    await eventually(
      () => {
        log("hello");
        return reader.stdout.text.includes("hello");
      },
      () => `${reader.stderr.text} ${first.stderr.text}`,
    );
    expect((await runSpreadbox(["syslogd", "restart", "--config", at("c.toml")])).status).toBe(0);
    log("after the restart");
    await reader.stdout.until("after the restart");
    first.signal("SIGKILL");
    await first.exited;
    await using second = startSpreadbox(["syslogd", "--config", at("c.toml")]);
    await second.stderr.until(/the syslogd before \(process \d+\) did not end in order/);
    await second.stderr.until("listens on");
    log("after the kill");
    await reader.stdout.until("after the kill");
    const told = reader.stdout.text.split("\n").filter((line) => line.startsWith("-- "));
    expect(told).toEqual([
      expect.stringMatching(/^-- web1 began anew in logs at 1: what it sent after \d+ is not known$/),
    ]); // and nothing of the restart
  }, 30_000);
});

describe("what waits in memory goes on in the new process, first and in its order:", () => {
  test("of a FIFO that nobody reads; restart tells how many, status has them", async () => {
    await using syslogd = await running((directory) => rule("user.*", `fifo:${directory}/fifo`));
    const { at, ask, log, daemon } = syslogd;
    Bun.spawnSync(["mkfifo", at("fifo")]);
    for (let number = 0; number < 5; number++) log(`m${number}`);
    await daemon.stderr.until("nobody reads it");
    for (let times = 0; times < 2; times++)
      expect((await ask("restart")).stdout).toContain("0 connections handed over, and 5 records that waited; it took");
    expect((await ask("status")).stdout).toContain("fifo: accepted 5, delivered 0, waiting 5, lost 0");
    for (let number = 5; number < 7; number++) log(`m${number}`);
    await using reader = start(["cat", at("fifo")]);
    await reader.stdout.until("m6");
    expect([...reader.stdout.text.matchAll(/ m(\d)$/gm)].map(([, number]) => Number(number))).toEqual(upTo(7));
    expect((await ask("status")).stdout).toContain("fifo: accepted 7, delivered 7, waiting 0, lost 0");
  }, 30_000);

  for (const { name, path } of [
    { name: "of a file that can't be opened", path: "blocked/all" },
    { name: "of files by template, in their turn or not", path: "blocked/%app%" },
  ])
    test(name, async () => {
      await using syslogd = await running(
        (directory) => {
          symlinkSync(join(directory, "nowhere"), join(directory, "blocked")); // no directory can be made there
          return rule("user.*", `file:${directory}/${path}`);
        },
        () => '[[syslogd.sink]]\nof = "file:*"\nopen_files = 2',
      );
      const { at, ask, daemon, log } = syslogd;
      const apps = ["a", "b", "c", "d"];
      for (let number = 0; number < 12; number++)
        logger(at("log"), "-t", apps[number % 4]!, "-p", "user.err", `m${number}`);
      await daemon.stderr.until(/blocked.*: a part of its path is no directory/);
      const { stdout: told, stderr } = await ask("restart");
      expect([stderr, told]).toEqual(["", expect.stringContaining("and 12 records that waited")]);
      log("m12");
      Bun.spawnSync(["rm", at("blocked")]);
      const found = () => Bun.spawnSync(["sh", "-c", `cat ${at("blocked")}/*`]).stdout.toString();
      await eventually(
        () => found().split("\n").length > 13,
        () => `${found()}: ${daemon.stderr.text}`,
      );
      const numbers = (text: string) => [...text.matchAll(/ m(\d+)$/gm)].map(([, number]) => Number(number));
      if (path.includes("%")) {
        for (const [index, app] of apps.entries())
          expect(numbersIn(at(`blocked/${app}`))).toEqual([index, index + 4, index + 8]);
      } else expect(numbers(found())).toEqual(upTo(13));
      const { stdout } = await ask("status");
      expect(stdout).toContain("accepted 13, delivered 13, waiting 0, lost 0");
    }, 30_000);

  test("and what nobody takes any more is told, and counted as lost", async () => {
    await using syslogd = await running(
      (directory) => rule("user.*", `fifo:${directory}/fifo`) + rule("syslog.*", `file:${directory}/told`),
    );
    const { at, ask, log, daemon, line } = syslogd;
    Bun.spawnSync(["mkfifo", at("fifo")]);
    for (let number = 0; number < 3; number++) log(`m${number}`);
    await daemon.stderr.until("nobody reads it");
    writeFileSync(at("c.toml"), readFileSync(at("c.toml"), "utf8").replace(`fifo:${at("fifo")}`, "file:/dev/null"));
    const { stdout } = await ask("restart");
    expect(stdout).toContain(`; fifo:${at("fifo")}: 3 lost, which could not be handed over`);
    await line("told", `fifo:${at("fifo")}: 3 records that waited were lost in the restart: no rule names it any more`);
    expect((await ask("status")).stdout).toContain("fifo: accepted 3, delivered 0, waiting 0, lost 3");
  }, 30_000);
});
