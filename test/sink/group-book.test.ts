// A book that is full forgets groups of which nothing waits; one that comes back is a new life of that group alone.
import { expect, test } from "bun:test";
import { BATCH_MESSAGE_TYPE } from "../../lib/feed/batch.ts";
import { BatchView, readBatch } from "../../lib/feed/batch-reader.ts";
import { GroupBook, type GroupEntry } from "../../lib/sink/group-book.ts";
import { GroupSink } from "../../lib/sink/io/group-sink.ts";
import { openSession } from "../../lib/spread/index.ts";
import { parseGroupName } from "../../lib/spread/names.ts";
import { parseMessage } from "../../lib/syslog/parse.ts";
import { LOCAL_RULES } from "../../lib/syslog/parse-rules.ts";
import { origin, RecordView } from "../../lib/syslog/record.ts";
import { parseTemplate } from "../../lib/syslog/template.ts";
import { startDaemon } from "../logcat/stage.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually } from "../syslogd/running.ts";

const name = parseGroupName;

function bookOf(...names: string[]): GroupBook {
  const book = new GroupBook(8, "i1");
  for (const [at, one] of names.entries()) {
    const entry = book.entry(name(one))!;
    entry.next = 10 + at;
    entry.lastTaken = at;
  }
  return book;
}

test("the longest silent of those that are idle are forgotten, and their places are nobody's again", () => {
  const book = bookOf("a", "b", "c", "d", "e", "f", "g", "h");
  expect(book.entry(name("new"))).toBeUndefined();
  const gone = book.forget(({ name }) => name !== "a");
  expect(gone.map(({ name, isForgotten }) => `${name} ${isForgotten}`)).toEqual(["b true"]);
  expect(book.at(1)).toBeUndefined();
  expect(book.entry(name("new"))!.index).toBe(8);
  expect([book.size, book.end]).toEqual([8, 9]);
});

test("a group that comes back begins a new life, which says how far the one before came; the others go on", () => {
  const book = bookOf("a", "b", "c", "d", "e", "f", "g", "h");
  book.forget(() => true);
  const again = book.entry(name("a"))!;
  expect([book.incarnationOf(again), again.next, again.former]).toEqual(["i1v1", 1, "after=i1:9"]);
  expect(book.incarnationOf(book.entry(name("b"))!)).toBe("i1");
  expect(book.find("a", "i1v1")).toBe(again);
  expect(book.find("a", "i1")).toBeUndefined();
  expect(book.numbers().get("a")).toEqual({ incarnation: "i1v1", last: 0 });
});

test("nothing that waits is forgotten, so a book full of such stays full", () => {
  const book = bookOf("a", "b", "c", "d", "e", "f", "g", "h");
  const waits = (_: GroupEntry): boolean => false;
  expect(book.forget(waits)).toEqual([]);
  expect(book.entry(name("new"))).toBeUndefined();
});

test("records to more groups than are remembered arrive, each group's in a life of its own, none lost", async () => {
  using scratch = temporaryDirectory();
  const socket = `${scratch.path}/spread.sock`;
  await using _daemon = await startDaemon(socket);
  const seen = new Map<string, Set<number>>();
  const view = new BatchView();
  await using reader = openSession({
    servers: `unix:${socket}`,
    onFrame: (frame) => {
      if (frame.kind !== "message" || frame.messageType !== BATCH_MESSAGE_TYPE) return;
      readBatch(frame.bytes, frame.bodyStart, frame.bodyEnd, view);
      const key = `${frame.group(0)} ${view.incarnation}`;
      const numbers = seen.get(key) ?? new Set();
      seen.set(key, numbers);
      for (let at = 0; at < view.count; at++) numbers.add(view.first + at);
    },
  });
  const groups = Array.from({ length: 30 }, (_, at) => `log.g${at}`);
  for (const group of groups) await reader.join(group);
  const sink = new GroupSink({
    session: { servers: `unix:${socket}` },
    host: "web1",
    incarnation: "i1",
    queueBytesMax: 1 << 20,
    groupsMax: 10,
    onEvent: () => {},
  });
  const outlet = sink.outlet(parseTemplate("log.%app%"));
  const record = new RecordView();
  record.origin = origin("unix", "web1");
  for (let round = 0; round < 3; round++)
    for (let at = 0; at < groups.length; at++) {
      const bytes = new TextEncoder().encode(`<13>g${at}: round ${round}`);
      parseMessage(record, bytes, 0, bytes.length, LOCAL_RULES);
      outlet.take(record);
      sink.flush();
      await eventually(
        () => sink.waiting === 0,
        () => `${sink.waiting} wait`,
      );
    }
  const total = () => [...seen.values()].reduce((sum, numbers) => sum + numbers.size, 0);
  await eventually(
    () => total() === 3 * groups.length,
    () => `${total()} of ${3 * groups.length} came`,
  );
  expect(sink.counters).toMatchObject({ accepted: total(), delivered: total(), lost: 0 });
  await sink.close(WAIT_MS);
}, 60_000);
