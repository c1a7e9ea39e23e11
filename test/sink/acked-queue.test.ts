// The queue of records that recorders have to acknowledge, over a real spool: what a kill leaves, what is sent again, and what a full disk costs.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AckedQueue } from "../../lib/sink/acked-queue.ts";
import { Spool, type SpoolEvent, type SpoolOptions } from "../../lib/sink/io/spool.ts";
import { CURSOR_NAME } from "../../lib/sink/io/spool-recovery.ts";
import { readCursor } from "../../lib/sink/spool-cursor.ts";
import { WAIT_MS } from "../support/child.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { eventually } from "../syslogd/running.ts";
import { smallDisk } from "./small-disk.ts";

const scratch = temporaryDirectory();
afterAll(() => scratch[Symbol.dispose]());
const directory = join(scratch.path, "spool");
beforeEach(() => {
  for (const path of [directory, `${directory}-left`]) rmSync(path, { recursive: true, force: true });
});

class Rig {
  readonly events: SpoolEvent[] = [];
  readonly queue: AckedQueue;
  readonly spool: Spool;
  nowMs = 0;

  constructor(more: Partial<SpoolOptions> = {}) {
    let spool: Spool | undefined;
    this.queue = new AckedQueue({
      acks: 1,
      memoryBytesMax: 131_072,
      open: (onEvent) => {
        spool = new Spool({
          directory,
          bytesMax: 64 << 20,
          ageMaxMs: Number.POSITIVE_INFINITY,
          whenFull: "drop-oldest",
          pendingBytesMax: 64 << 20,
          isPrompt: true,
          wallMs: () => 1_000_000,
          streamName: (stream) => `i1 group${stream}`,
          streamOf: (name) => Number(name.slice("i1 group".length)),
          onEvent,
          ...more,
        });
        return spool;
      },
      onReady: () => {},
      onEvent: (event) => this.events.push(event),
    });
    this.spool = spool!;
  }

  push(stream: number, from: number, to: number, bytes = 100): void {
    const body = new Uint8Array(bytes).fill(0x61);
    for (let number = from; number <= to; number++) expect(this.queue.push(stream, number, body, 0, bytes)).toBe(true);
    this.queue.writeNow();
  }

  /** Sends what can be sent, and has it confirmed by a mark; until nothing comes from disk any more. Returns "STREAM/NUMBER", with "!" where it was sent before. */
  async send(): Promise<string[]> {
    const sent: string[] = [];
    for (;;) {
      this.queue.refill();
      while (this.queue.next()) {
        const again = this.queue.nextIsAgain ? "!" : "";
        sent.push(`${this.queue.group}/${this.queue.number}${again}`);
        this.queue.take();
      }
      this.queue.confirm(this.queue.mark());
      if (this.spool.unread === 0 && this.queue.waiting === 0) return sent;
      await Bun.sleep(1);
    }
  }

  /** A recorder says that it has these; or, as the answer to the last ask, these and no others. */
  ack(stream: number, from: number, to: number, asked?: { number: number; from: number; to: number }): number {
    const lines = [{ incarnation: "i1", group: `g${stream}`, asked, ranges: to < from ? [] : [{ from, to }] }];
    const done = this.queue.rounds.heard(
      { recorder: "r1", host: "db1", lines },
      (_, group) => Number(group.slice(1)),
      this.nowMs,
    );
    this.queue.free();
    return done;
  }

  get lost(): number {
    return this.events.reduce((sum, event) => sum + (event.on === "lost" ? event.records : 0), 0);
  }
}

/** How many records, from the first, are given free on disk. */
function freedTo(): number {
  const path = join(directory, CURSOR_NAME);
  return existsSync(path) ? (readCursor(readFileSync(path))?.sequence ?? 0) : 0;
}

const numbers = (stream: number, from: number, to: number, mark = "") =>
  Array.from({ length: to - from + 1 }, (_, at) => `${stream}/${from + at}${mark}`);

describe("records that have to be acknowledged", () => {
  test("are sent once, kept when the daemon has them, and gone from the disk when they are acknowledged", async () => {
    const rig = new Rig();
    rig.push(0, 1, 3);
    expect(await rig.send()).toEqual(numbers(0, 1, 3));
    expect([rig.queue.records, rig.spool.bytes > 0]).toEqual([3, true]);
    expect(rig.ack(0, 1, 3)).toBe(3);
    expect([rig.queue.records, rig.spool.bytes]).toEqual([0, 0]);
    await rig.queue.close(WAIT_MS);
  });

  test("of which a kill leaves all that was not acknowledged, with their numbers, sent again by the next life", async () => {
    const rig = new Rig();
    rig.push(0, 1, 1_000);
    await rig.send();
    rig.push(1, 7, 9); // never sent
    rig.ack(0, 1, 600);
    // How far it is freed is written behind it; and so is the rest, where the machine was so busy that the disk seemed slow.
    await eventually(
      () => rig.spool.unwritten === 0 && freedTo() === 512,
      () => `${rig.spool.unwritten} are not written, it is freed to ${freedTo()}`,
    );
    const left = `${directory}-left`;
    cpSync(directory, left, { recursive: true, filter: (path) => !path.endsWith("lock") });
    const next = new Rig({ directory: left });
    const sent = await next.send();
    expect(sent).toEqual([...numbers(0, 513, 1_000, "!"), ...numbers(1, 7, 9, "!")]); // stretches are freed whole
    expect(next.ack(0, 1, 1_000)).toBe(488);
    expect(next.ack(1, 7, 9)).toBe(3);
    expect(next.queue.records).toBe(0);
    await rig.queue.close(WAIT_MS);
    await next.queue.close(WAIT_MS);
  });

  test("more than memory holds are sent in their order, with what comes meanwhile behind", async () => {
    const rig = new Rig();
    rig.push(0, 1, 5_000);
    const sending = rig.send();
    rig.push(0, 5_001, 6_000);
    expect(await sending).toEqual(numbers(0, 1, 6_000));
    await rig.queue.close(WAIT_MS);
  });

  test("are sent again where a recorder that was asked lacks them, and only those", async () => {
    const rig = new Rig();
    rig.push(0, 1, 100);
    rig.push(1, 1, 100);
    await rig.send();
    rig.ack(0, 1, 40);
    rig.ack(1, 1, 100);
    expect(rig.queue.round(rig.nowMs)).toEqual([]);
    rig.nowMs += 3_500;
    const [ask] = rig.queue.round(rig.nowMs);
    expect(ask).toEqual({ stream: 0, number: 1, from: 41, next: 101 });
    rig.ack(0, 61, 100, { number: 1, from: 41, to: 100 });
    rig.nowMs += 500;
    rig.queue.round(rig.nowMs);
    expect(await rig.send()).toEqual(numbers(0, 41, 60, "!"));
    expect(rig.ack(0, 41, 60)).toBe(20);
    expect([rig.queue.records, rig.lost]).toEqual([0, 0]);
    await rig.queue.close(WAIT_MS);
  });

  test("are not sent again and again to a recorder that never has them", async () => {
    const rig = new Rig();
    rig.push(0, 1, 1);
    await rig.send();
    let again = 0;
    for (; rig.nowMs < 600_000; rig.nowMs += 500) {
      for (const { number } of rig.queue.round(rig.nowMs)) rig.ack(0, 1, 0, { number, from: 1, to: 1 });
      again += (await rig.send()).length;
    }
    expect(again).toBeGreaterThan(3);
    expect(again).toBeLessThan(10);
    await rig.queue.close(WAIT_MS);
  });

  test("that a full disk has no room for are counted as lost, the oldest, once", async () => {
    const rig = new Rig({ bytesMax: 1 << 20 });
    rig.push(0, 1, 20_000, 200);
    expect(rig.lost).toBeGreaterThan(1_000);
    expect(rig.lost + rig.queue.records).toBe(20_000);
    const sent = (await rig.send()).map((text) => Number(text.slice(2)));
    let done = 0;
    for (const number of sent) done += rig.ack(0, number, number);
    // Of the stretch that was cut in two nobody knew yet that some is gone: it is missed when a recorder lacks it.
    rig.queue.round(rig.nowMs);
    rig.nowMs = 3_500;
    for (const { number, from, next } of rig.queue.round(rig.nowMs))
      rig.ack(0, 1, 0, { number, from, to: Math.min(next - 1, sent.find((one) => one > from + 300)! - 1) });
    rig.nowMs += 500;
    rig.queue.round(rig.nowMs);
    expect(await rig.send()).toEqual([]);
    await eventually(
      () => rig.queue.records === 0,
      () => `${rig.queue.records} still wait`,
    );
    expect(rig.lost + done).toBe(20_000);
    await rig.queue.close(WAIT_MS);
  });

  test("that a full disk can't take yet go on in memory, and are written when there is room", async () => {
    using disk = smallDisk(64);
    if (disk === undefined) return;
    const filler = join(disk.path, "filler");
    writeFileSync(filler, new Uint8Array(50_000));
    const at = join(disk.path, "spool");
    const rig = new Rig({ directory: at });
    rig.push(0, 1, 300);
    await eventually(
      () => rig.events.some(({ on }) => on === "failing"),
      () => "nobody told that the disk is full",
    );
    expect(await rig.send()).toEqual(numbers(0, 1, 300));
    rig.push(0, 301, 310);
    expect(rig.spool.unwritten).toBeGreaterThan(10);
    truncateSync(filler, 0);
    await eventually(
      () => rig.spool.unwritten === 0 && rig.events.some(({ on }) => on === "working"),
      () => `${rig.spool.unwritten} are not written`,
    );
    rig.push(0, 311, 311);
    expect(rig.spool.unwritten).toBe(0); // at once again
    await rig.queue.close(WAIT_MS);
    const next = new Rig({ directory: at });
    expect(await next.send()).toEqual(numbers(0, 1, 311, "!"));
    await next.queue.close(WAIT_MS);
  });
});
