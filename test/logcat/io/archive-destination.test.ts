// What a recorder may acknowledge: only what its archive has.
import { expect, test } from "bun:test";
import { Arrival } from "../../../lib/logcat/arrival.ts";
import { ArchiveDestination } from "../../../lib/logcat/io/archive-destination.ts";
import { parseMessage } from "../../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../../lib/syslog/record.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

for (const waits of [true, false])
  test(`a commit behind a loss ${waits ? "fails, and keeps no marks, where nothing may be lost" : "holds where losses are wanted"}`, async () => {
    using scratch = temporaryDirectory();
    const open = () =>
      ArchiveDestination.open({
        directory: scratch.path,
        retention: { ageMaxMs: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY },
        isSynced: false,
        mode: 0o640,
        owner: undefined,
        bufferBytes: 16_384,
        waits,
        say: () => {},
        onPressing: () => {},
        monotonicMs: () => 0,
      });
    const { destination } = await open();
    const record = new RecordView();
    record.origin = origin("unix", "web1");
    const bytes = new TextEncoder().encode(`<13>app: ${"x".repeat(100)}`);
    parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
    const arrival = Object.assign(new Arrival(), {
      group: "g",
      sender: "#s#d",
      host: "web1",
      incarnation: "a",
      number: 1,
    });
    for (; arrival.number <= 300; arrival.number++) destination.take(record, arrival);
    expect(destination.counters.lost).toBeGreaterThan(100);
    const marks = { host: "web1", incarnation: "a", group: "g", sender: "#s#d", ranges: [{ from: 1, to: 300 }] };
    expect(await destination.commit([marks])).toBe(!waits);
    await destination.close(5_000);
    const again = await open();
    expect(again.marks?.length ?? 0).toBe(waits ? 0 : 1);
    await again.destination.close(5_000);
  });
