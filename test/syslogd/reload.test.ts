// Sinks outlive rules: what a reload does to queues, seen from inside.
import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { connect as connectTo } from "node:net";
import { parseListenAddress } from "../../lib/base/listen-address.ts";
import { type Listener, listener } from "../../lib/syslogd/listener.ts";
import { parseRuleLine } from "../../lib/syslogd/rule-line.ts";
import { PLAIN_SOURCES } from "../../lib/syslogd/source-settings.ts";
import { eventually, Running } from "./running.ts";

test("a sink that no rule names any more gets rid of its queue first, however long that takes its reader", async () => {
  await using syslogd = new Running(
    ["*.* -> file:%d/fifo"],
    {},
    (directory) => void Bun.spawnSync(["mkfifo", `${directory}/fifo`]),
  );
  const { daemon } = syslogd;
  daemon.say("notice", "kept through the reload");
  await daemon.reload({ ...daemon.settings, rules: [parseRuleLine(`*.* -> file:${syslogd.path("other")}`)] });
  const waiting = daemon.totals.sinks.find(({ name }) => name.endsWith("/fifo"));
  expect(waiting!.waiting).toBeGreaterThan(1);
  daemon.say("notice", "after the reload");
  const reader = Bun.spawn(["cat", syslogd.path("fifo")]);
  const text = await new Response(reader.stdout).text();
  expect(text).toContain("kept through the reload");
  expect(text).not.toContain("after the reload");
  await syslogd.line("other", /after the reload$/);
  await eventually(
    () => daemon.totals.sinks.length === 1,
    () => JSON.stringify(daemon.totals),
  );
});

test("a sink that rules name before and after goes on with its queue and its counts", async () => {
  await using syslogd = new Running(["*.* -> file:%d/all"]);
  const { daemon } = syslogd;
  daemon.say("notice", "one");
  await syslogd.line("all", /: one$/);
  const before = daemon.totals.sinks[0]!;
  await daemon.reload({ ...daemon.settings, rules: [parseRuleLine(`syslog.* -> file:${syslogd.path("all")}`)] });
  daemon.say("notice", "two");
  await syslogd.line("all", /: two$/);
  expect(daemon.totals.sinks.map(({ name, accepted }) => [name, accepted])).toEqual([
    [before.name, before.accepted + 1],
  ]);
});

test("the wildcards of IPv4 and IPv6 stand at one port together; that of IPv6 takes both where the other is not listed, also after a reload", async () => {
  const port = 24_480;
  const at = (...addresses: string[]) => addresses.map((address) => parseListenAddress(`${address}:${port}`));
  const listeners = (...addresses: string[]): Listener[] =>
    at(...addresses).map((address) => listener({ by: "tcp", ...address }));
  const sources = (...addresses: string[]) => ({ ...PLAIN_SOURCES, listeners: listeners(...addresses) });
  const both = ["0.0.0.0", "[::]"];
  await using syslogd = new Running(["user.* -> file:%d/all"], { udp: at(...both), sources: sources(...both) });
  const { daemon } = syslogd;
  const arrives = async (what: string): Promise<void> => {
    for (const host of ["127.0.0.1", "::1"]) {
      const sender = createSocket(host === "::1" ? "udp6" : "udp4");
      sender.send(`<13>app: ${what} by udp to ${host}`, port, host, () => sender.close());
      const client = connectTo(port, host, () => client.end(`<13>app: ${what} by tcp to ${host}\n`));
      for (const by of ["udp", "tcp"]) await syslogd.line("all", `${host} app: ${what} by ${by} to ${host}`);
    }
  };
  await arrives("both");
  await daemon.reload({ ...daemon.settings, udp: at("[::]"), sources: sources("[::]") });
  await arrives("IPv6 alone");
  await daemon.reload({ ...daemon.settings, udp: at("[::]", "0.0.0.0"), sources: sources("[::]", "0.0.0.0") });
  await arrives("both again");
});
