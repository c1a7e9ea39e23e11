// A host outside of the ring, without corosync and without a daemon: its syslogd sends over TLS to the ring, and moves on when a daemon of it dies.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { binary } from "../support/binary.ts";
import { Certificates } from "../support/certificates.ts";
import { startCluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { hasCorosync } from "./requirements.ts";

const made = new Certificates();
beforeAll(() => {
  made.authority("ca");
  made.certificate("server", "ca", { name: "ring.example.com" });
  made.certificate("client", "ca", { name: "web1.example.com" });
});
afterAll(() => made[Symbol.dispose]());

/** Puts this end's certificate on the host, as "own". */
function certify(host: Host, name: string): void {
  for (const [from, to] of [
    ["ca.crt", "ca.pem"],
    [`${name}.crt`, "own.pem"],
    [`${name}.key`, "own.key"],
  ] as const)
    host.write(`/etc/spreadbox/${to}`, made.read(from), 0o600);
}

const FILES = `certificate = "/etc/spreadbox/own.pem"
key = "/etc/spreadbox/own.key"
authorities = "/etc/spreadbox/ca.pem"
`;
const RING = `[spreadd]
engine = "corosync"
[spreadd.tls]
${FILES}[[spreadd.allow]]
from = ["unix"]
[[spreadd.allow]]
from = ["tls:*.example.com"]
send = ["log.*", "spreadbox.groups"]
join = ["spreadbox.groups"]
`;
const FAR = `[spread]
servers = ["tls:a:4804", "tls:b:4804"]
[spread.tls]
server_name = "ring.example.com"
${FILES}[[syslogd.rule]]
select = "user.*"
to = "group:log.%facility%"
`;

describe.if(hasCorosync)("a host outside of the ring", () => {
  test("logs to it over TLS, may read nothing there, and moves on when a daemon dies", async () => {
    await using cluster = await startCluster({
      hosts: 2,
      clients: ["far"],
      corosync: { tokenMs: 150, retransmits: 2 },
    });
    const { a, b, far } = cluster.host;
    for (const host of cluster.hosts) {
      certify(host, "server");
      await host.service("spreadd", RING);
    }
    certify(far!, "client");
    await using onA = a!.start([binary(), "logcat", "--wait", "log.user"]);
    await using onB = b!.start([binary(), "logcat", "--wait", "log.user"]);
    await far!.service("syslogd", FAR, { ready: "listens on" });
    const seen = async (text: string, ...readers: readonly (typeof onA)[]) => {
      const all = Promise.all(readers.map((reader) => reader.stdout.until(text)));
      for (let isSeen = false; !isSeen; ) {
        await far!.exec(["logger", text]);
        isSeen = await Promise.race([all.then(() => true), Bun.sleep(200).then(() => false)]);
      }
    };
    await seen("first words", onA, onB);
    await using reader = far!.start([binary(), "logcat", "log.user"]);
    await reader.stderr.until('the daemon does not let us join "log.user"');
    expect(reader.stdout.text).not.toContain("first words");
    await cluster.act("a spreadd killed");
    await seen("after its death", onB);
  });
});
