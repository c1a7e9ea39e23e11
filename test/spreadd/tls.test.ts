// Sessions by TLS: who gets in by which certificate, what its names allow, and what becomes of a session whose daemon dies.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectSteps } from "../../lib/probe/io/connect-steps.ts";
import { connect, openSession, type Session, type SessionEvent, type SessionOptions } from "../../lib/spread/index.ts";
import { parseServer } from "../../lib/spread/server.ts";
import { Certificates } from "../support/certificates.ts";
import { runSpreadbox, WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { type RunningDaemon, startDaemon } from "./running-daemon.ts";

const made = new Certificates();

beforeAll(() => {
  made.authority("ca");
  made.authority("other-ca");
  made.certificate("server", "ca", { name: "localhost" });
  made.certificate("renewed", "ca", { name: "renewed.example.com" });
  made.certificate("web1", "ca", { name: "web1.example.com" });
  made.certificate("db1", "ca", { name: "db1.example.org" });
  made.certificate("expired", "ca", { name: "web1.example.com", days: -1 });
  made.certificate("rogue", "other-ca", { name: "web1.example.com" });
});
afterAll(() => made[Symbol.dispose]());

let lastPort = 24_840;

interface Served extends AsyncDisposable {
  readonly daemon: RunningDaemon;
  readonly server: string;
}

async function serving(table: Readonly<Record<string, unknown>> = {}, server = "server", on?: number): Promise<Served> {
  const port = on ?? ++lastPort;
  const daemon = await startDaemon({
    tls: {
      listen: [`127.0.0.1:${port}`],
      certificate: made.file(`${server}.crt`),
      key: made.file(`${server}.key`),
      authorities: made.file("ca.crt"),
    },
    ...table,
  });
  return {
    daemon,
    server: `tls:localhost:${port}`,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const as = (client: string, authorities = "ca"): Pick<SessionOptions, "tls"> => ({
  tls: {
    certificate: made.file(`${client}.crt`),
    key: made.file(`${client}.key`),
    authorities: made.file(`${authorities}.crt`),
  },
});

/** The next event of this kind. */
async function next<Kind extends SessionEvent["kind"]>(session: Session, kind: Kind) {
  const events = session[Symbol.asyncIterator]();
  for (;;) {
    const { value } = await events.next();
    if (value?.kind === kind) return value as Extract<SessionEvent, { kind: Kind }>;
  }
}

test("a session by TLS joins, sends and receives as any other, with messages larger than a TLS record", async () => {
  await using served = await serving();
  await using far = await connect({ servers: served.server, name: "far", ...as("web1") });
  await using near = await connect({ servers: `unix:${served.daemon.unix.path}`, name: "near" });
  await far.join("g");
  expect((await next(far, "view")).members.map(String)).toEqual(["#far#dmn1"]);
  const bodies = [new Uint8Array(0), new Uint8Array(100_000).fill(7), new TextEncoder().encode("last")];
  for (const body of bodies) await near.multicast("g", body);
  for (const body of bodies) expect((await next(far, "message")).body).toEqual(body);
});

test("the probe says what may be wrong where it is let down at once", async () => {
  await using served = await serving();
  const told = async (server: string, client: string) => {
    const attempt = { name: undefined, group: "probe", timeoutMs: WAIT_MS, ...as(client) };
    return (await connectSteps(parseServer(server), attempt)).failed?.error.message;
  };
  expect(await told(served.server, "web1")).toBeUndefined();
  expect(await told(served.server, "expired")).toMatch(/does it trust our certificate, and is that in its time|reset/i);
  expect(await told(served.server.replace("tls:localhost", "tcp:127.0.0.1"), "web1")).toContain(
    "is this a port for TLS",
  );
  using plain = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end("no TLS here") },
  });
  expect(await told(`tls:127.0.0.1:${plain.port}`, "web1")).toContain("speaks no TLS");
});

test("flow control holds by TLS: a reader that pauses gets all of it later", async () => {
  await using served = await serving();
  await using reader = await connect({ servers: served.server, name: "reader", inboxBytes: 65_536, ...as("web1") });
  await using writer = await connect({ servers: served.server, name: "writer", ...as("web1") });
  await reader.join("g");
  await next(reader, "view");
  const count = 3_000;
  const sent = (async () => {
    for (let at = 0; at < count; at++) await writer.multicast("g", new Uint8Array(4_000).fill(at % 251));
  })();
  for (let at = 0; at < count; at++) expect((await next(reader, "message")).body[0]).toBe(at % 251);
  await sent;
});

test("a certificate that has expired is told at the start, and authorities without a certificate are refused", async () => {
  await using served = await serving({}, "expired");
  await served.daemon.child.stderr.until(/expired\.crt expired on \d{4}-\d\d-\d\d: no client will trust it; renew it/);
  const wrong = startDaemon({
    tls: {
      listen: [`127.0.0.1:${++lastPort}`],
      certificate: made.file("server.crt"),
      key: made.file("server.key"),
      authorities: made.file("ca.key"),
    },
  });
  await expect(wrong).rejects.toThrow(/ca\.key: expected certificates in PEM form, and there is none in it/);
});

describe("a client", () => {
  for (const { claim, options, told, daemonSays } of [
    {
      claim: "whose certificate another authority signed is refused",
      options: () => as("rogue"),
      told: /it closed the connection when it had seen our certificate, .*rogue\.crt; do the authorities there vouch for it\? Its log says why/,
      daemonSays: /127\.0\.0\.1: refused: no authority of ours has signed its certificate/,
    },
    {
      claim: "whose certificate has expired is refused",
      options: () => as("expired"),
      told: /when it had seen our certificate, .*expired\.crt, which expired on \d{4}-\d\d-\d\d; renew it$/,
      daemonSays: /127\.0\.0\.1: refused: its certificate has expired/,
    },
    {
      claim: "that trusts another authority refuses the daemon",
      options: () => as("web1", "other-ca"),
      told: /no authority of ours has signed its certificate/,
      daemonSays: undefined,
    },
    {
      claim: "that means another host refuses the daemon",
      options: () => ({ tls: { ...as("web1").tls!, serverName: "db9" } }),
      told: /its certificate is for another host/,
      daemonSays: undefined,
    },
    {
      claim: "without certificate cannot ask",
      options: () => ({}),
      told: /TLS needs certificate, key and authorities: \[spread\.tls\] has them/,
      daemonSays: undefined,
    },
    {
      claim: "whose file is missing is told which",
      options: () => as("nobody"),
      told: /cannot read .*nobody\.crt: .*no such file/,
      daemonSays: undefined,
    },
  ] as const)
    test(claim, async () => {
      await using served = await serving();
      await expect(connect({ servers: served.server, ...options() })).rejects.toThrow(told);
      if (daemonSays !== undefined) await served.daemon.child.stderr.until(daemonSays);
    });

  test("that no [[spreadd.allow]] names is told so, and the daemon's log has its names", async () => {
    await using served = await serving({ allow: [{ from: ["unix"] }, { from: ["tls:*.example.org"] }] });
    const attempt = connect({ servers: served.server, ...as("web1") });
    await expect(attempt).rejects.toThrow("it needs a [[spreadd.allow]] there for a name in our certificate");
    await served.daemon.child.stderr.until(
      /refused: no \[\[spreadd\.allow\]\] is for it: 127\.0\.0\.1 \(tls: .*web1\.example\.com/,
    );
  });

  test("publish has a reason too where its input has ended before the first try is over", async () => {
    await using served = await serving();
    using scratch = temporaryDirectory();
    const config = join(scratch.path, "c.toml");
    const { certificate, key, authorities } = as("expired").tls!;
    const files = { certificate, key, authorities };
    const lines = Object.entries(files).map(([name, path]) => `${name} = "${path}"\n`);
    writeFileSync(config, `[spread]\nservers = ["${served.server}"]\n[spread.tls]\n${lines.join("")}`);
    const { status, stderr } = await runSpreadbox(["publish", "--config", config, "--app", "a", "log.user"], {
      stdin: "hello\n",
    });
    expect([status, stderr]).toEqual([75, expect.stringContaining("expired.crt, which expired on")]);
  }, 30_000);

  test("that shows no certificate, or does not speak TLS, gets nowhere", async () => {
    await using served = await serving();
    const port = Number(served.server.split(":").at(-1));
    for (const tls of [{ ca: made.read("ca.crt"), serverName: "localhost" }, undefined]) {
      const closed = Promise.withResolvers<void>();
      await Bun.connect({
        hostname: "127.0.0.1",
        port,
        ...(tls === undefined ? {} : { tls }),
        socket: {
          open: (socket) => void (tls ?? socket.write("\x05\x00\x01\x00\x00")),
          data() {},
          close: () => closed.resolve(),
          error() {},
        },
      });
      await closed.promise;
    }
    await served.daemon.child.stderr.until(/(?:refused: it shows no certificate, or does not speak TLS[\s\S]*){2}/);
    expect((await served.daemon.state()).sessions).toBe(0);
  });

  test("that never shakes hands is sent away", async () => {
    await using served = await serving({ handshake_timeout: "200ms" });
    const closed = Promise.withResolvers<void>();
    await Bun.connect({
      hostname: "127.0.0.1",
      port: Number(served.server.split(":").at(-1)),
      socket: { data() {}, close: () => closed.resolve() },
    });
    await closed.promise;
    await served.daemon.child.stderr.until("127.0.0.1: refused: it did not finish the TLS handshake");
  });
});

describe("the names in a certificate decide", () => {
  const allow = [
    { from: ["unix"] },
    { from: ["tls:*.example.com"], send: ["log.*"], join: [] },
    { from: ["tls:db1.example.org"], send: [], join: ["log.*"] },
  ];

  test("what a session may send to and join", async () => {
    await using served = await serving({ allow });
    await using web = await connect({ servers: served.server, name: "web", ...as("web1") });
    await using db = await connect({ servers: served.server, name: "db", ...as("db1") });
    await db.join("log.mail");
    expect((await next(db, "view")).members).toHaveLength(1);
    await web.multicast("secret", "no");
    expect((await next(web, "reject")).groups).toEqual(["secret"]);
    await web.multicast("log.mail", "yes");
    expect(new TextDecoder().decode((await next(db, "message")).body)).toBe("yes");
  });

  test("who may connect at all; an address is no name", async () => {
    await using served = await serving({ allow: [{ from: ["local", "127.0.0.0/8", "tls:*.example.org"] }] });
    await expect(connect({ servers: served.server, connectTimeoutMs: WAIT_MS, ...as("web1") })).rejects.toThrow();
    await using db = await connect({ servers: served.server, ...as("db1") });
    expect(String(db.privateGroup)).toEndWith("#dmn1");
  });
});

test("renewed certificates are taken at SIGHUP, sessions stay, and bad ones change nothing", async () => {
  for (const kind of ["crt", "key"]) copyFileSync(made.file(`server.${kind}`), made.file(`live.${kind}`));
  await using served = await serving({}, "live");
  await using before = await connect({ servers: served.server, name: "before", ...as("web1") });
  copyFileSync(made.file("renewed.crt"), made.file("live.crt"));
  served.daemon.child.signal("SIGHUP");
  await served.daemon.child.stderr.until(/refused to reload, goes on as before: .*not the key of the certificate/);
  copyFileSync(made.file("renewed.key"), made.file("live.key"));
  served.daemon.child.signal("SIGHUP");
  await served.daemon.child.stderr.until("read the rules and the certificates anew");
  await expect(connect({ servers: served.server, ...as("web1") })).rejects.toThrow("for another host");
  const tls = { ...as("web1").tls!, serverName: "renewed.example.com" };
  await using after = await connect({ servers: served.server, name: "after", tls });
  await before.join("g");
  await next(before, "view");
  await after.multicast("g", "still here");
  expect(new TextDecoder().decode((await next(before, "message")).body)).toBe("still here");
});

test("a session moves on when its daemon dies, and is in its groups again", async () => {
  await using first = await serving();
  await using second = await serving({ name: "dmn2" });
  await using session = openSession({
    servers: [first.server, second.server],
    name: "s",
    rejoinSpreadMs: 50,
    ...as("web1"),
  });
  await session.join("g");
  expect((await next(session, "view")).members.map(String)).toEqual(["#s#dmn1"]);
  first.daemon.child.signal("SIGKILL");
  await next(session, "lost");
  expect((await next(session, "view")).members.map(String)).toEqual(["#s#dmn2"]);
});

test("sessions that choose the nearest spread over daemons that are as near", async () => {
  const all = [await serving(), await serving({ name: "dmn2" }), await serving({ name: "dmn3" })];
  await using stack = new AsyncDisposableStack();
  for (const served of all) stack.use(served);
  const servers = ["tls:localhost:1", ...all.map(({ server }) => server)]; // nobody listens on the first
  const sessions = await Promise.all(
    Array.from({ length: 30 }, () => connect({ servers, order: "nearest", ...as("web1") })),
  );
  for (const session of sessions) stack.use(session);
  for (const { daemon } of all) expect((await daemon.state()).sessions).toBeGreaterThan(0);
});
