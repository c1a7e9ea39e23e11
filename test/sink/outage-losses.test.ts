// A destination is away, and what waits for it has no room any more: that is told then, not when the destination is back, which may be never.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { GroupSink } from "../../lib/sink/io/group-sink.ts";
import { StreamCarrier } from "../../lib/sink/io/stream-carrier.ts";
import type { SinkEvent } from "../../lib/sink/sink.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { parseTemplate } from "../../lib/syslog/template.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { MB, SinkRig, spoolAt } from "./queue-rig.ts";

/** Nobody listens there. */
const PORT = 24_949;

for (const { name, more, reason } of [
  { name: "in memory", more: () => ({ queueBytesMax: 65_536 }), reason: /^its queue in memory is full$/ },
  {
    name: "on disk, where the newest go",
    more: (directory: string) => ({ queueBytesMax: 65_536, spool: { ...spoolAt(directory), bytesMax: MB } }),
    reason: /^its queue is full, in memory and in \/.*spool$/,
  },
  {
    name: "on disk, where the oldest go",
    more: (directory: string) => ({
      queueBytesMax: 4 * MB, // room for what comes while the disk is written
      spool: {
        ...spoolAt(directory),
        bytesMax: MB,
        whenFull: "drop-oldest" as const,
        keepsUpMs: Number.POSITIVE_INFINITY, // however busy the machine of the test
      },
    }),
    reason: /^its spool in \/.*spool is full, and the oldest go$/,
  },
])
  test(`the first record that has no room ${name} is told while the outage lasts, and no other`, async () => {
    using scratch = temporaryDirectory();
    const rig = new SinkRig(new StreamCarrier({ host: "127.0.0.1", port: PORT }), more(join(scratch.path, "spool")));
    rig.log("first");
    await rig.heard("failing");
    for (let rounds = 0; rig.sink.counters.lost < 100; rounds++) {
      for (let at = 0; at < 50; at++) rig.log("x".repeat(1_000));
      do await new Promise((done) => setTimeout(done, 1));
      while (rig.sink.isPressed); // a disk that is slower than we are is no full one
      expect(rounds).toBeLessThan(2_000);
    }
    expect(await rig.heard("losing")).toMatchObject({ reason: expect.stringMatching(reason) });
    expect(rig.events.map(({ on }) => on).filter((on) => on === "losing" || on === "working")).toEqual(["losing"]);
    await rig.sink.close(100);
  }, 30_000);

test("so is that of a group's records, where no Spread daemon answers", async () => {
  const events: SinkEvent[] = [];
  const record = new RecordView();
  record.origin = origin("unix", "web1");
  const bytes = new TextEncoder().encode(`<13>app: ${"x".repeat(1_000)}`);
  parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
  const sink = new GroupSink({
    session: { servers: `${PORT}@127.0.0.1`, backOff: { firstMs: 20, mostMs: 50, jitter: 0 } },
    host: "web1",
    incarnation: "1a",
    queueBytesMax: 65_536,
    onEvent: (event) => events.push(event),
  });
  const outlet = sink.outlet(parseTemplate("log.%app%"));
  while (events.length === 0) await new Promise((done) => setTimeout(done, 5));
  for (let at = 0; at < 200; at++) outlet.take(record);
  await Promise.resolve();
  expect(sink.counters.lost).toBeGreaterThan(50);
  expect(events).toMatchObject([{ on: "failing" }, { on: "losing", reason: "its queue in memory is full" }]);
  await sink.close(100);
}, 30_000);
