// RFC 5425 with certificates made by openssl: who is let in, who is not and why, and what becomes of certificates that end.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { connect } from "node:tls";
import { parseAddress, parseNetwork } from "../../lib/base/ip-address.ts";
import { parsePermittedPeer } from "../../lib/sink/permitted-peer.ts";
import { type Listener, listener } from "../../lib/syslogd/listener.ts";
import { PLAIN_SOURCES } from "../../lib/syslogd/source-settings.ts";
import { Certificates } from "../support/certificates.ts";
import { eventually, Running } from "./running.ts";
import { connect as connectByTcp, connectByTls, connectInVain, type Sender } from "./sender.ts";

const made = new Certificates();
const file = (name: string) => made.file(name);

beforeAll(() => {
  made.authority("ca");
  made.authority("other-ca");
  made.certificate("server", "ca", { name: "log.example.com" });
  made.certificate("renewed", "ca", { name: "renewed.example.com" });
  made.certificate("stale", "ca", { name: "log.example.com", days: -1 });
  made.certificate("good", "ca", { name: "web1.example.com" });
  made.certificate("expired", "ca", { name: "web1.example.com", days: -1 });
  made.certificate("rogue", "other-ca", { name: "web1.example.com" });
  made.authority("self");
});
afterAll(() => made[Symbol.dispose]());

let lastPort = 25_040;

interface Given {
  readonly server?: string;
  readonly authorities?: string | undefined;
  readonly peers?: readonly string[];
  readonly allow?: Listener["allow"];
  readonly connectionsMax?: number;
}

/** A daemon that listens by TLS. */
async function serving(given: Given = {}) {
  const port = ++lastPort;
  const {
    server = "server",
    authorities = "authorities" in given ? given.authorities : "ca",
    peers = [],
    allow = [],
    connectionsMax = 10,
  } = given;
  const tls = {
    certificatePath: file(`${server}.crt`),
    keyPath: file(`${server}.key`),
    authoritiesPath: authorities === undefined ? undefined : file(`${authorities}.crt`),
    peers: peers.map(parsePermittedPeer),
  };
  const on = { by: "tls", address: parseAddress("127.0.0.1"), port } as const;
  const sources = { ...PLAIN_SOURCES, connectionsMax, listeners: [listener(on, { tls, allow })] };
  const running = new Running(["*.* -> file:%d/all"], { sources });
  try {
    await running.daemon.ready();
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return { running, port };
}

/** Connects with a client certificate and sends a message; refusals after the handshake (TLS 1.3) end the connection. */
async function say(port: number, client: string | undefined, text: string): Promise<Sender | undefined> {
  const own = client === undefined ? {} : { cert: made.read(`${client}.crt`), key: made.read(`${client}.key`) };
  try {
    const sender = await connectByTls(port, own);
    await sender.send(`${Buffer.byteLength(text)} ${text}`);
    return sender;
  } catch {
    return undefined;
  }
}

const tlsOf = (running: Running) => running.daemon.totals.sources.find(({ name }) => name.startsWith("tls:"))!;

describe("a client with", () => {
  for (const { client, given, why } of [
    { client: "good", given: {}, why: undefined },
    { client: "good", given: { peers: ["*.example.com"] }, why: undefined },
    {
      client: "good",
      given: { peers: ["*.example.org"] },
      why: "its certificate is for web1.example.com, who is not among the permitted peers",
    },
    {
      client: "good",
      given: { allow: [parseNetwork("192.0.2.0/24")] },
      why: "it is in none of the networks that are allowed",
    },
    { client: "rogue", given: {}, why: "no authority of ours has signed its certificate" },
    {
      client: "rogue",
      given: { peers: ["web1.example.com", `sha-256:${"0".repeat(64)}`] },
      why: "no authority of ours has signed its certificate",
    },
    { client: "expired", given: {}, why: "its certificate has expired" },
    { client: undefined, given: {}, why: "it has no certificate" },
    { client: undefined, given: { peers: [`sha-256:${"0".repeat(64)}`] }, why: "it has no certificate" },
    { client: undefined, given: { authorities: undefined }, why: undefined },
  ] as readonly { client: string | undefined; given: Given; why: string | undefined }[]) {
    const settings = JSON.stringify({ ...given, allow: undefined });
    test(`${client ?? "no"} certificate, where the listener has ${settings}, is ${why === undefined ? "heard" : `refused: ${why}`}`, async () => {
      const { running, port } = await serving(given);
      await using _running = running;
      const sender = await say(port, client, "<13>app: by tls");
      if (why === undefined) {
        await running.line("all", "127.0.0.1 app: by tls");
        expect(tlsOf(running)).toMatchObject({ received: 1, connections: 1, refused: 0 });
      } else {
        await running.line("all", /: refused 127\.0\.0\.1: /);
        expect(running.said).toContain(`warning tls:127.0.0.1:${port}: refused 127.0.0.1: ${why}`);
        await sender?.closed;
        expect(tlsOf(running)).toMatchObject({ received: 0, connections: 0, refused: 1 });
      }
      sender?.close();
    });
  }

  test("a permitted fingerprint needs no authority", async () => {
    const { stdout } = Bun.spawnSync(["openssl", "x509", "-in", file("self.crt"), "-noout", "-fingerprint", "-sha256"]);
    const fingerprint = stdout.toString().trim().replace(/^.*=/, "sha-256:");
    const { running, port } = await serving({ authorities: undefined, peers: [fingerprint] });
    await using _running = running;
    const sender = await say(port, "self", "<13>app: by fingerprint");
    await running.line("all", "127.0.0.1 app: by fingerprint");
    sender?.close();
  });
});

test("what does not speak TLS is refused, and told", async () => {
  const { running, port } = await serving();
  await using _running = running;
  const plain = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  plain.write("<13>app: in plain text\n");
  await running.line("all", /refused 127\.0\.0\.1: (it does not speak TLS|the TLS handshake failed)/);
  expect(tlsOf(running).received).toBe(0);
  plain.end();
});

test("clients that never shake hands take up room, and no more than there is; when they go it is free", async () => {
  const { running, port } = await serving({ connectionsMax: 2 });
  await using _running = running;
  const idle = [await connectByTcp(port), await connectByTcp(port)];
  await connectInVain(port);
  await running.line("all", /refused 127\.0\.0\.1: there are 2 connections, as many as may be$/);
  for (const sender of idle) sender[Symbol.dispose]();
  await Promise.all(idle.map(({ closed }) => closed));
  const heard = async () => {
    const sender = await say(port, "good", "<13>app: room again");
    await Promise.race([sender?.closed, running.line("all", "127.0.0.1 app: room again")]);
    sender?.close();
    return running.lines("all").some((line) => line.endsWith("room again"));
  };
  while (!(await heard()));
});

test("renewed certificates are taken at a reload, connections stay, and bad ones change nothing", async () => {
  copyFileSync(file("server.crt"), file("live.crt"));
  copyFileSync(file("server.key"), file("live.key"));
  const { running, port } = await serving({ server: "live" });
  await using _running = running;
  const before = (await say(port, "good", "<13>app: before"))!;
  await running.line("all", "127.0.0.1 app: before");
  copyFileSync(file("renewed.crt"), file("live.crt"));
  running.daemon.reopen();
  await eventually(
    () => running.said.find((line) => /goes on with its old certificates: .*not the key of the certificate/.test(line)),
    () => running.said.join("\n"),
  );
  expect(await namesAt(port)).toBe("DNS:log.example.com");
  copyFileSync(file("renewed.key"), file("live.key"));
  running.daemon.reopen();
  expect(await namesAt(port)).toBe("DNS:renewed.example.com");
  await before.send("19 <13>app: still here");
  await running.line("all", "127.0.0.1 app: still here");
  before.close();
});

test("a reload takes a new certificate, and tells that it has expired", async () => {
  for (const end of ["crt", "key"]) copyFileSync(file(`server.${end}`), file(`live.${end}`));
  const { running } = await serving({ server: "live" });
  await using _running = running;
  const { daemon } = running;
  expect(await daemon.reload(daemon.settings)).toEqual([]);
  for (const end of ["crt", "key"]) copyFileSync(file(`stale.${end}`), file(`live.${end}`));
  const expired = expect.stringMatching(/our certificate .*live\.crt expired on \d{4}-\d\d-\d\d: clients that check/);
  expect(await daemon.reload(daemon.settings)).toEqual([expect.stringContaining(" has a new certificate"), expired]);
  await running.line("all", /our certificate .*live\.crt expired on/);
  expect(await daemon.reload(daemon.settings)).toEqual([expired]);
});

test("a certificate of ours that has expired is told at the start", async () => {
  const { running } = await serving({ server: "stale" });
  await using _running = running;
  await running.line(
    "all",
    /our certificate .*stale\.crt expired on \d{4}-\d\d-\d\d: clients that check it will not send$/,
  );
});

for (const { claim, given, why } of [
  {
    claim: "a key of another certificate",
    given: { server: "mixed" },
    why: /mixed\.key: it is not the key of the certificate in .*mixed\.crt/,
  },
  { claim: "a file that is missing", given: { server: "missing" }, why: /cannot read .*missing\.crt: .*no such file/ },
  {
    claim: "a file that is no certificate",
    given: { server: "broken" },
    why: /cannot use .*broken\.crt: expected a certificate in PEM form/,
  },
]) {
  test(`${claim} ends the start, with the file by name`, async () => {
    copyFileSync(file("server.crt"), file("mixed.crt"));
    copyFileSync(file("good.key"), file("mixed.key"));
    copyFileSync(file("server.key"), file("broken.crt"));
    copyFileSync(file("server.key"), file("broken.key"));
    await expect(serving(given)).rejects.toThrow(why);
  });
}

/** Whose certificate the listener shows. */
function namesAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      cert: made.read("good.crt"),
      key: made.read("good.key"),
    });
    socket.on("error", reject);
    socket.on("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().subjectaltname));
      socket.destroy();
    });
  });
}
