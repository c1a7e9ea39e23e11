// Sinks outlive rules: what a reload does to queues, seen from inside.
import { expect, test } from "bun:test";
import { parseRuleLine } from "../../lib/syslogd/rule-line.ts";
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
