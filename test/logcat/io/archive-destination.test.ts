// What a recorder may acknowledge: only what its archive has.
import { expect, test } from "bun:test";
import { Arrival } from "../../../lib/logcat/arrival.ts";
import { ArchiveDestination } from "../../../lib/logcat/io/archive-destination.ts";
import { parseMessage } from "../../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../../lib/syslog/record.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const OPTIONS = {
  retention: { ageMaxMs: Number.POSITIVE_INFINITY, bytesMax: Number.POSITIVE_INFINITY },
  isSynced: false,
  mode: 0o640,
  owner: undefined,
  bufferBytes: 16_384,
  say: () => {},
  onPressing: () => {},
  monotonicMs: () => 0,
};

function aRecord(): RecordView {
  const record = new RecordView();
  record.origin = origin("unix", "web1");
  const bytes = new TextEncoder().encode(`<13>app: ${"x".repeat(100)}`);
  parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
  return record;
}

function anArrival(): Arrival {
  return Object.assign(new Arrival(), { group: "g", sender: "#s#d", host: "web1", incarnation: "a", number: 1 });
}

test("what presses while a commit is underway presses still when that is done", async () => {
  using scratch = temporaryDirectory();
  const { destination } = await ArchiveDestination.open({ ...OPTIONS, directory: scratch.path, waits: true });
  const [record, arrival] = [aRecord(), anArrival()];
  const press = () => {
    for (let taken = 0; taken < 20; taken++, arrival.number++) destination.take(record, arrival);
  };
  expect(destination.isPressing).toBe(false);
  press();
  expect(destination.isPressing).toBe(true);
  const commit = destination.commit([]);
  expect(destination.isPressing).toBe(false);
  press();
  expect(await commit).toBe(true);
  expect(destination.isPressing).toBe(true);
  expect(await destination.commit([])).toBe(true);
  expect(destination.isPressing).toBe(false);
  expect(destination.counters.lost).toBe(0);
  await destination.close(5_000);
});

for (const waits of [true, false])
  test(`a commit behind a loss ${waits ? "fails, and keeps no marks, where nothing may be lost" : "holds where losses are wanted"}`, async () => {
    using scratch = temporaryDirectory();
    const open = () => ArchiveDestination.open({ ...OPTIONS, directory: scratch.path, waits });
    const { destination } = await open();
    const [record, arrival] = [aRecord(), anArrival()];
    for (; arrival.number <= 300; arrival.number++) destination.take(record, arrival);
    expect(destination.counters.lost).toBeGreaterThan(100);
    const marks = { host: "web1", incarnation: "a", group: "g", sender: "#s#d", ranges: [{ from: 1, to: 300 }] };
    expect(await destination.commit([marks])).toBe(!waits);
    await destination.close(5_000);
    const again = await open();
    expect(again.marks?.length ?? 0).toBe(waits ? 0 : 1);
    await again.destination.close(5_000);
  });
