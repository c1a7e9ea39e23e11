// Every sink that a rule can name, end to end with the compiled binary: the configuration is read, the sink is made as it says, and records get there.
import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer as createTcp } from "node:net";
import { join } from "node:path";
import { createServer as createTls } from "node:tls";
import { utmpRecord } from "../sink/utmp-record.ts";
import { binary } from "../support/binary.ts";
import { runSpreadbox, start, startSpreadbox } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { textOf } from "../support/text-of.ts";
import { eventually, logger } from "../syslogd/running.ts";
import { rule, running } from "./running-syslogd.ts";

/** What comes in at a port of the loopback, as text. */
function receiver(
  by: "tcp" | "udp" | { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer },
  port: number,
) {
  const heard = { text: "", peers: [] as string[] };
  if (by === "udp") {
    const socket = createSocket("udp4", (bytes) => {
      heard.text += `${bytes.toString()}\n`;
    });
    socket.bind(port, "127.0.0.1");
    return { heard, [Symbol.dispose]: () => void socket.close() };
  }
  const onBytes = (bytes: Buffer): void => {
    heard.text += bytes.toString();
  };
  const server =
    by === "tcp"
      ? createTcp((socket) => void socket.on("data", onBytes).on("error", () => {}))
      : createTls({ ...by, requestCert: true, rejectUnauthorized: true }, (socket) => {
          heard.peers.push(String(socket.getPeerCertificate().subject.CN));
          socket.on("data", onBytes).on("error", () => {});
        });
  server.listen(port, "127.0.0.1");
  return { heard, [Symbol.dispose]: () => void server.close() };
}

const hears = (heard: { text: string }, wanted: string | RegExp) =>
  eventually(
    () => (typeof wanted === "string" ? heard.text.includes(wanted) : wanted.test(heard.text)),
    () => `no ${wanted} in ${heard.text}`,
  );

test("another host gets records by UDP, and by TCP as lines or counted, in the form that the rule says", async () => {
  using udp = receiver("udp", 25_200);
  using lines = receiver("tcp", 25_201);
  using counted = receiver("tcp", 25_202);
  await using syslogd = await running(
    () =>
      rule("user.*", "udp:127.0.0.1:25200") +
      rule("user.*", "tcp:127.0.0.1:25201").replace(/$/, 'format = "rfc3164"\n') +
      rule("user.*", "tcp:localhost:25202"),
  );
  syslogd.configure("");
  syslogd.log("to all of them");
  await hears(udp.heard, /^<11>1 \S+ web1 app - - - to all of them\n$/);
  await hears(lines.heard, /^<11>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d web1 app: to all of them\n$/);
  await hears(counted.heard, /^<11>1 \S+ web1 app - - - to all of them\n$/);
  expect(readdirSync(syslogd.at("spool"))).toEqual(["running"]); // nothing was away: nothing was spooled
}, 30_000);

test("octet counting is a setting of the sink", async () => {
  using counted = receiver("tcp", 25_203);
  await using syslogd = await running(
    () => `${rule("user.*", "tcp:127.0.0.1:25203")}[[syslogd.sink]]\nof = "tcp:*"\nframing = "octet-counted"\n`,
  );
  syslogd.log("counted");
  await hears(counted.heard, /^\d+ <11>1 \S+ web1 app - - - counted$/);
}, 30_000);

test("by TLS the server is shown our certificate, and gets records only where it is whom we permit", async () => {
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  for (const [name, subject] of [
    ["server", "/CN=loghost.example"],
    ["client", "/CN=web1.example"],
  ] as const)
    await start([
      ..."openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
      ..."-subj".split(" "),
      subject,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.crt`),
    ]).result();
  const read = (name: string) => readFileSync(at(name));
  using server = receiver({ cert: read("server.crt"), key: read("server.key"), ca: read("client.crt") }, 25_204);
  const tls = (peer: string) =>
    `${rule("user.*", "tls:127.0.0.1:25204")}[[syslogd.sink]]\nof = "tls:*"\ncertificate = "${at("client.crt")}"\nkey = "${at("client.key")}"\nauthorities = "${at("server.crt")}"\npeers = ["${peer}"]\n`;
  await using syslogd = await running(() => tls("other.example"));
  syslogd.log("for the right one");
  await syslogd.daemon.stderr.until("is for loghost.example, who is not among the permitted peers");
  syslogd.configure(tls("loghost.example"));
  expect((await syslogd.ask("reload")).stdout).toBe("reloaded: 1 rule, changes tls:127.0.0.1:25204\n");
  await hears(server.heard, /^\d+ <11>1 \S+ web1 app - - (?:-|\[.*\]) for the right one$/);
  expect(server.heard.peers).toEqual(["web1.example"]);
}, 30_000);

test("a program, a FIFO and a terminal get a line each; a program that ends is started again", async () => {
  await using terminal = start(["script", "-qfc", "tty; exec sleep 60", "/dev/null"], { stdin: "open" });
  const tty = /\/dev\/pts\/\d+/.exec(await terminal.stdout.until(/\/dev\/pts\/\d+/))![0];
  using scratch = temporaryDirectory();
  Bun.spawnSync(["mkfifo", join(scratch.path, "fifo")]);
  await using reader = start(["cat", join(scratch.path, "fifo")]);
  await using syslogd = await running(
    (directory) =>
      rule("user.*", `program:head -n 1 >> ${directory}/program; echo one is enough >&2`) +
      rule("user.*", `fifo:${scratch.path}/fifo`) +
      rule("user.*", `console:${tty}`) +
      rule("syslog.*", `file:${directory}/own`),
    () => "",
  );
  syslogd.log("one");
  await syslogd.line("program", "one");
  await syslogd.line("own", "one is enough");
  await eventually(
    () => {
      syslogd.log("two");
      return readFileSync(syslogd.at("program"), "utf8").includes("two");
    },
    () => `not started again: ${syslogd.daemon.stderr.text}`,
  );
  await reader.stdout.until(/web1 app: one\n/);
  await terminal.stdout.until(/\r[A-Z][a-z]{2} [ \d]\d [\d:]{8} web1 app: one\r+\n/);
}, 30_000);

test("whoever is logged in reads what goes to all, and only who is meant what goes to some", async () => {
  if (process.getuid!() !== 0) {
    process.stderr.write("SKIP: not root, /run/utmp can't be another one for a test\n");
    return;
  }
  using scratch = temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  const terminal = () => start(["script", "-qfc", "tty; exec sleep 60", "/dev/null"], { stdin: "open" });
  await using amy = terminal();
  await using bob = terminal();
  const lineOf = async (one: typeof amy) =>
    /\/dev\/(pts\/\d+)\r/.exec(await one.stdout.until(/\/dev\/pts\/\d+\r/))![1]!;
  const logins = [utmpRecord(7, "amy", await lineOf(amy)), utmpRecord(7, "bob", await lineOf(bob))];
  writeFileSync(at("utmp"), Buffer.concat(logins));
  writeFileSync(
    at("c.toml"),
    `[syslogd]\nsocket = ["${at("log")}"]\ncontrol = ""\nhost = "web1"\nspool_directory = "${at("spool")}"\n${rule("*.emerg", "users:*")}${rule("user.=err", "users:bob")}`,
  );
  const inNamespace = 'mount -t tmpfs tmpfs /run && cp "$1" /run/utmp && shift && exec "$@"';
  const command = ["unshare", "-m", "sh", "-c", inNamespace, "sh", at("utmp"), binary()];
  await using daemon = start([...command, "syslogd", "--config", at("c.toml")]);
  await daemon.stderr.until("listens on");
  logger(at("log"), "-t", "app", "-p", "user.err", "for bob");
  await bob.stdout.until(/web1 app: for bob\r/);
  logger(at("log"), "-t", "app", "-p", "user.emerg", "for all\x1b[2J");
  await amy.stdout.until(/web1 app: for all#033\[2J\r/);
  await bob.stdout.until(/web1 app: for all#033\[2J\r/);
  expect(amy.stdout.text).not.toContain("for bob");
}, 30_000);

describe("a file", () => {
  test("is put aside when it is large, compressed, and no more are kept than said", async () => {
    await using syslogd = await running(
      (directory) =>
        `${rule("user.*", `file:${directory}/big`)}[[syslogd.sink]]\nof = "file:*"\nrotate_size = "1KiB"\nrotate_keep = 2\nmode = "0600"\n`,
      () => 'umask = "0022"',
    );
    const aside = () => readdirSync(syslogd.at("")).filter((name) => /^big-.*\.gz$/.test(name));
    const names = new Set<string>();
    await eventually(
      () => {
        syslogd.log("x".repeat(400));
        for (const name of aside()) names.add(name);
        return names.size >= 4 && aside().length === 2;
      },
      () => `${[...names]}: ${syslogd.daemon.stderr.text}`,
    );
    // The file is made by the record that comes next, and all before it is written by then.
    syslogd.log("the last");
    await syslogd.line("big", "the last");
    expect(statSync(syslogd.at("big")).mode & 0o777).toBe(0o600);
    const newest = aside().sort().at(-1)!;
    expect(Bun.gunzipSync(readFileSync(syslogd.at(newest))).toString()).toBeTruthy();
  }, 30_000);

  test("that is moved away is noticed without a signal", async () => {
    await using syslogd = await running((directory) => rule("user.*", `file:${directory}/one`));
    syslogd.log("before");
    await syslogd.line("one", "before");
    Bun.spawnSync(["mv", syslogd.at("one"), syslogd.at("one.1")]);
    await eventually(
      () => {
        syslogd.log("after");
        return readdirSync(syslogd.at("")).includes("one");
      },
      () => "never made again",
    );
  }, 30_000);

  test("belongs to whom the sink says, and one that belongs to nobody known is refused", async () => {
    await using syslogd = await running(
      (directory) =>
        `${rule("user.*", `file:${directory}/owned`)}[[syslogd.sink]]\nof = "file:*"\nowner = "daemon:nogroup"\n`,
    );
    syslogd.log("mine");
    await syslogd.line("owned", "mine");
    const owned = Bun.spawnSync(["stat", "-c", "%U:%G", syslogd.at("owned")]).stdout.toString();
    if (process.getuid!() === 0) expect(owned).toBe("daemon:nogroup\n");
    syslogd.configure(
      `${rule("user.*", `file:${syslogd.at("owned")}`)}[[syslogd.sink]]\nof = "file:*"\nowner = "nobodyknown"\n`,
    );
    const { status, stderr } = await syslogd.ask("reload");
    expect([status, stderr]).toEqual([
      78,
      expect.stringContaining('cannot give files to user "nobodyknown": /etc/passwd has no such user'),
    ]);
    syslogd.log("goes on");
    await syslogd.line("owned", "goes on");
  }, 30_000);

  test("is synced before more is written where the sink or the record asks for it", async () => {
    using scratch = temporaryDirectory();
    const trace = async (keys: string, severity: string): Promise<string> => {
      const config = join(scratch.path, "c.toml");
      writeFileSync(
        config,
        `[syslogd]\ncontrol = ""\n${rule("user.*", `file:${scratch.path}/out`)}[[syslogd.sink]]\nof = "file:*"\n${keys}\n`,
      );
      const log = join(scratch.path, "log");
      const traced = join(scratch.path, "trace");
      rmSync(join(scratch.path, "out"), { force: true });
      await using daemon = startSpreadbox(["syslogd", "--config", config, "--socket", log]);
      await daemon.stderr.until("listens on");
      await using strace = start(["strace", "-f", "-e", "trace=fdatasync", "-o", traced, "-p", `${daemon.pid}`]);
      await strace.stderr.until("attached");
      logger(log, "-p", `user.${severity}`, "synced");
      await eventually(
        () => textOf(join(scratch.path, "out")).includes("synced"),
        () => daemon.stderr.text,
      );
      daemon.signal("SIGTERM");
      await daemon.exited;
      await strace.exited;
      return readFileSync(traced, "utf8");
    };
    if (Bun.which("strace") === null) {
      process.stderr.write("SKIP: no strace, syncing is not watched\n");
      return;
    }
    expect(await trace('sync = "never"', "err")).not.toContain("fdatasync(");
    expect(await trace('sync = "each"', "info")).toContain("fdatasync(");
    expect(await trace('sync_severity = "err"', "err")).toContain("fdatasync(");
    expect(await trace('sync_severity = "err"', "info")).not.toContain("fdatasync(");
  }, 60_000);
});

test("a sink whose receiver is away spools, says so once, and delivers in order when it is back; nobody else waits", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", "tcp:127.0.0.1:25205") + rule("user,syslog.*", `file:${directory}/local`),
  );
  syslogd.log("m0");
  await syslogd.daemon.stderr.until("tcp:127.0.0.1:25205: connection refused");
  for (let at = 1; at < 20; at++) syslogd.log(`m${at}`);
  await syslogd.line("local", "m19");
  await eventually(
    () => readdirSync(syslogd.at("spool")).some((name) => name.startsWith("tcp_127")),
    () => "no spool",
  );
  using back = receiver("tcp", 25_205);
  await hears(back.heard, "m19\n");
  expect([...back.heard.text.matchAll(/ m(\d+)$/gm)].map(([, number]) => Number(number))).toEqual(
    Array.from({ length: 20 }, (_, at) => at),
  );
  await syslogd.line("local", "tcp:127.0.0.1:25205: works again after");
}, 30_000);

test("a classic syslog.conf sends wherever it says", async () => {
  using scratch = temporaryDirectory();
  using udp = receiver("udp", 25_206);
  using tcp = receiver("tcp", 25_207);
  const at = (name: string) => join(scratch.path, name);
  writeFileSync(
    at("syslog.conf"),
    `user.*\t@127.0.0.1:25206\nuser.*\t@@127.0.0.1:25207\nuser.*\t|cat > ${at("program")}\nuser.*\t-${at("file")}\n`,
  );
  await using daemon = startSpreadbox(["syslogd", "--syslog-conf", at("syslog.conf"), "--socket", at("log")]);
  await daemon.stderr.until("listens on");
  logger(at("log"), "-t", "app", "classic");
  await hears(udp.heard, /^<13>[A-Z][a-z]{2} .* app: classic\n$/);
  await hears(tcp.heard, /^<13>[A-Z][a-z]{2} .* app: classic\n$/);
  for (const name of ["program", "file"])
    await eventually(
      () => Bun.spawnSync(["grep", "-q", "app: classic", at(name)]).exitCode === 0,
      () => daemon.stderr.text,
    );
}, 30_000);

test("--explain names the sinks, whatever their kind", async () => {
  const rules = ["tcp:loghost", "users:*", "program:mail root", "console"].flatMap((to) => ["--rule", `*.* -> ${to}`]);
  const { stdout } = await runSpreadbox(["syslogd", "--explain", "--json", ...rules], { stdin: "<11>app: hello\n" });
  expect(JSON.parse(stdout).sinks).toEqual(["tcp:loghost:601", "users:*", "program:mail root", "console"]);
}, 30_000);

test("groups for foreign readers get plain lines, others numbered records, from the same syslogd", async () => {
  using scratch = temporaryDirectory();
  const socket = join(scratch.path, "spread");
  await using spreadd = startSpreadbox(["spreadd", "--port", "0", "--name", "dmn1", "--socket", socket]);
  await spreadd.stderr.until("listens on");
  await using plain = startSpreadbox(["logcat", "web.app", "--json", "--spread", `unix:${socket}`]);
  await using numbered = startSpreadbox(["logcat", "logs", "--json", "--spread", `unix:${socket}`]);
  await using syslogd = await running(
    () =>
      `${rule("user.*", "group:web.%app%")}${rule("user.*", "group:logs")}[[syslogd.sink]]\nof = "group:web.*"\npayload = "text"\n[spread]\nservers = ["unix:${socket}"]\n`,
  );
  await eventually(
    () => {
      syslogd.log("hello");
      return plain.stdout.text.includes("hello") && numbered.stdout.text.includes("hello");
    },
    () => `${plain.stderr.text} ${numbered.stderr.text} ${syslogd.daemon.stderr.text}`,
  );
  const first = (text: string) => JSON.parse(text.split("\n").find((line) => line.includes("hello"))!);
  expect(first(plain.stdout.text)).toMatchObject({ msg: "hello" });
  expect(first(plain.stdout.text).number ?? null).toBe(null);
  expect(first(numbered.stdout.text)).toMatchObject({ msg: "hello", host: "web1", number: expect.any(Number) });
  expect((await syslogd.ask("stats")).stdout).toContain("sink_accepted group:* as text ");
}, 30_000);

test("a rule that goes leaves its queue to drain: the receiver gets all that was kept, then the sink is closed", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", "tcp:127.0.0.1:25208") + rule("user,syslog.*", `file:${directory}/local`),
  );
  for (let at = 0; at < 5; at++) syslogd.log(`m${at}`);
  await syslogd.line("local", "m4"); // what came behind the reload would not be for it
  await syslogd.daemon.stderr.until("tcp:127.0.0.1:25208: connection refused");
  expect((await syslogd.ask("stats")).stdout).toContain("sink_failing tcp:127.0.0.1:25208 1\n");
  syslogd.configure(rule("user,syslog.*", `file:${syslogd.at("local")}`));
  expect((await syslogd.ask("reload")).stdout).toContain("empties and closes tcp:127.0.0.1:25208");
  syslogd.log("not for it any more");
  await syslogd.line("local", "not for it any more");
  using back = receiver("tcp", 25_208);
  await hears(back.heard, "m4\n");
  await syslogd.line("local", "tcp:127.0.0.1:25208: closed, 0 records of it lost in all");
  expect(back.heard.text).not.toContain("not for it");
}, 30_000);

test("a spool that no rule's sink reads any more is told at the start, by its path", async () => {
  await using syslogd = await running(
    (directory) => rule("user.*", "tcp:127.0.0.1:25209") + rule("user,syslog.*", `file:${directory}/local`),
  );
  syslogd.log("kept");
  await syslogd.daemon.stderr.until("connection refused");
  syslogd.configure(rule("user,syslog.*", `file:${syslogd.at("local")}`));
  expect((await syslogd.ask("restart")).status).toBe(0);
  await syslogd.line("local", "spool/tcp_127.0.0.1_25209");
  await syslogd.line("local", "records wait there for a sink that no rule names any more");
}, 30_000);
