import { expect, test } from "bun:test";
import { type OwnQueueEvent, queueReport } from "../../lib/sink/queue-event.ts";
import { RecorderWatch } from "../../lib/sink/recorder-watch.ts";

test("too few recorders are told once, when records have waited for a while; and that there are enough again, if that was told", () => {
  const watch = new RecorderWatch();
  const told: string[] = [];
  for (const { ms, hosts, waiting } of [
    { ms: 0, hosts: ["a"], waiting: 5 },
    { ms: 9_000, hosts: ["a", "b"], waiting: 5 }, // in time
    { ms: 10_000, hosts: ["a"], waiting: 5 },
    { ms: 15_000, hosts: ["a"], waiting: 0 }, // nothing waits: nobody misses anything
    { ms: 20_000, hosts: ["a"], waiting: 5 },
    { ms: 29_999, hosts: ["a"], waiting: 5 },
    { ms: 30_000, hosts: ["a"], waiting: 6 },
    { ms: 60_000, hosts: ["a"], waiting: 7 },
    { ms: 61_000, hosts: ["a", "b"], waiting: 7 },
    { ms: 62_000, hosts: ["a", "b"], waiting: 0 },
  ]) {
    const found = watch.look({ wanted: 2, hosts }, waiting, ms);
    if (found !== undefined) told.push(`${ms} ${found}`);
  }
  expect(told).toEqual(["30000 unacknowledged", "61000 acknowledged"]);
});

for (const { event, text } of [
  {
    event: { on: "unacknowledged", wanted: 2, hosts: ["db1"] },
    text: "g: records wait until 2 hosts have them on disk, and only db1 acknowledges; they are kept in the spool as far as it goes",
  },
  {
    event: { on: "unacknowledged", wanted: 1, hosts: [] },
    text: "g: records wait until 1 host has them on disk, and no host acknowledges; they are kept in the spool as far as it goes",
  },
  { event: { on: "acknowledged", wanted: 2, hosts: ["db1", "db2"] }, text: "g: records are acknowledged by db1, db2" },
] satisfies { event: OwnQueueEvent; text: string }[])
  test(text, () => expect(queueReport("g", event).text).toBe(text));
