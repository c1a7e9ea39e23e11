// publish behind real web servers: Debian's Apache with a piped log, nginx with a FIFO; instances of our own, with files of our own. Each request is one line at each
// end, also while the daemon is away.
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NO_CONFIG, stage, startDaemon } from "../logcat/stage.ts";
import { binary } from "../support/binary.ts";
import { start, startSpreadbox, WAIT_MS } from "../support/child.ts";

const APACHE = Bun.which("apache2", { PATH: "/usr/sbin:/usr/bin" });
const NGINX = Bun.which("nginx", { PATH: "/usr/sbin:/usr/bin" });
const MODULES = "/usr/lib/apache2/modules";
if (APACHE === null) process.stderr.write("SKIP: no Apache (Debian: apache2)\n");
if (NGINX === null) process.stderr.write("SKIP: no nginx (Debian: nginx)\n");

/** Of this file alone, and not among those that the kernel gives to anybody. */
const [APACHE_PORT, NGINX_PORT] = [25_300, 25_301];

/** Asks for a page of each virtual host. */
async function request(port: number, hosts: readonly string[], path = ""): Promise<void> {
  for (const host of hosts) {
    const headers = { Host: host };
    await (await fetch(`http://127.0.0.1:${port}/${path}`, { headers })).arrayBuffer();
  }
}

async function untilAnswers(port: number): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await Bun.sleep(20)) {
    try {
      await request(port, ["up.example"]);
      return;
    } catch {
      // not yet
    }
  }
  throw new Error(`nobody answers on port ${port}`);
}

async function untilGone(path: string): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline; await Bun.sleep(20))
    if (!existsSync(path)) return;
  throw new Error(`${path} is still there`);
}

function configureApache(home: string, port: number, socket: string): string {
  mkdirSync(join(home, "htdocs"));
  const publish = `${binary()} publish --group 'www.%{vhost}' --take-first --spread unix:${socket} --spool ${home}/spool --tee ${home}/tee.log`;
  const user = process.getuid?.() === 0 ? "User www-data\nGroup www-data" : "";
  const path = join(home, "httpd.conf");
  writeFileSync(
    path,
    `ServerRoot ${home}
PidFile ${home}/httpd.pid
Mutex file:${home}
Listen 127.0.0.1:${port}
LoadModule mpm_event_module ${MODULES}/mod_mpm_event.so
LoadModule authz_core_module ${MODULES}/mod_authz_core.so
${user}
ServerName localhost
UseCanonicalName Off
ErrorLog ${home}/error.log
DocumentRoot ${home}/htdocs
LogFormat "%V %h \\"%r\\" %>s" vhost
CustomLog "|${publish}" vhost
`,
  );
  return path;
}

describe.skipIf(APACHE === null)("Apache", () => {
  test("sends each virtual host to a group of its own, and loses no line while the daemon is away", async () => {
    await using set = await stage();
    const port = APACHE_PORT;
    const link = join(set.scratch, "link.sock"); // what publish reaches the daemon by, so that logcat can be back before it
    symlinkSync(set.socket, link);
    const config = configureApache(set.scratch, port, link);
    const logcat = await set.logcat(["--format", "%group% %msg%", "www.*"], {}, []);
    await logcat.stderr.until("joined the directory");
    const env = { ...NO_CONFIG, LC_ALL: "C" };
    await using begun = start([APACHE!, "-f", config, "-k", "start"], { env });
    expect(await begun.result()).toMatchObject({ status: 0 });
    try {
      await untilAnswers(port);
      await request(port, ["a.example", "b.example"]);
      for (const host of ["a.example", "b.example"]) await logcat.stderr.until(`joined www.${host}`);
      await request(port, ["a.example", "b.example"], "here");
      await logcat.stdout.until('www.b.example 127.0.0.1 "GET /here HTTP/1.1"');
      expect(logcat.stdout.text).toContain('www.a.example 127.0.0.1 "GET /here HTTP/1.1"');
      set.daemon.signal("SIGKILL");
      await set.daemon.exited;
      unlinkSync(set.socket);
      unlinkSync(link);
      for (let at = 0; at < 50; at++) await request(port, ["a.example"], `away-${at}`);
      await using _daemon = await startDaemon(set.socket);
      await logcat.stderr.until(/back after.*joined www\.a\.example/s);
      symlinkSync(set.socket, link);
      await logcat.stdout.until("/away-49 ");
    } finally {
      await using ended = start([APACHE!, "-f", config, "-k", "stop"], { env });
      await ended.exited;
      await untilGone(join(set.scratch, "httpd.pid"));
    }
    expect(new Set(logcat.stdout.text.match(/^www\.a\.example .*\/away-\d+ /gm)).size).toBe(50);
    expect(readFileSync(join(set.scratch, "tee.log"), "utf8").match(/away-/g)?.length).toBe(50);
  });
});

describe.skipIf(NGINX === null)("nginx", () => {
  test("writes to a FIFO, of which each line becomes a record; at its end publish ends", async () => {
    await using set = await stage();
    const port = NGINX_PORT;
    const home = set.scratch;
    const fifo = join(home, "www.log");
    await using made = start(["mkfifo", fifo]);
    expect(await made.exited).toBe(0);
    const config = join(home, "nginx.conf");
    writeFileSync(
      config,
      `pid ${home}/nginx.pid;
error_log ${home}/error.log;
worker_processes 1;
events { worker_connections 64; }
http {
  log_format vhost '$host $remote_addr "$request" $status';
  access_log ${fifo} vhost;
  client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
  server { listen 127.0.0.1:${port}; location / { return 200 "hi"; } }
}
`,
    );
    const logcat = await set.logcat(["--format", "%group% %facility%.%severity% %msg%", "www.*"], {}, []);
    await logcat.stderr.until("joined the directory");
    const publish = `exec ${binary()} publish --group 'www.%{vhost}' --take-first -a nginx -s notice --spread unix:${set.socket} <${fifo}`;
    await using publisher = start(["sh", "-c", publish], { env: NO_CONFIG });
    await using begun = start([NGINX!, "-c", config]);
    expect((await begun.result()).status).toBe(0);
    try {
      await untilAnswers(port);
      const hosts = Array.from({ length: 10 }, (_, at) => `h${at}.example`);
      await request(port, hosts);
      for (const host of hosts) await logcat.stderr.until(`joined www.${host}`);
      for (let at = 0; at < 10; at++) await request(port, hosts, "x");
    } finally {
      await using ended = start([NGINX!, "-c", config, "-s", "quit"]);
      await ended.exited;
    }
    expect(await publisher.exited).toBe(0);
    await logcat.stdout.until(/(?:www\.h9\.example [^\n]*\/x .*?){10}/s);
    expect(
      logcat.stdout.text.match(/^www\.h\d\.example user\.notice 127\.0\.0\.1 "GET \/x HTTP\/1\.1" 200$/gm)?.length,
    ).toBe(100);
  });
});

test("the groups of a run that left records in a spool are known to the next: nothing is missing", async () => {
  await using set = await stage();
  const logcat = await set.logcat(["--format", "%msg%"], {}, ["log.cron"]);
  const run = (server: string, line: string) =>
    startSpreadbox(
      ["publish", "--spread", server, "--spool", join(set.scratch, "spool"), "--flush", "2s", "-a", "job", "log.cron"],
      { env: NO_CONFIG, stdin: line },
    );
  await using one = run(`unix:${set.socket}`, "one\n");
  expect(await one.exited).toBe(0);
  await using away = run("unix:/nonexistent/socket", "two\n");
  expect(await away.exited).toBe(0);
  await using next = run(`unix:${set.socket}`, "three\n");
  expect(await next.exited).toBe(0);
  await logcat.stdout.until("three\n");
  expect(logcat.stdout.text).toBe("one\ntwo\nthree\n");
  expect(logcat.stderr.text).not.toContain("not known");
  expect(logcat.stderr.text).not.toContain("missing in");
});
