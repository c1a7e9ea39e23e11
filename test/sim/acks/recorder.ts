// A host that records: what it was told to commit, and nothing else, outlives it. An archive stores records and marks in one transaction; a file's marks come behind it.
import type { Random } from "../../../lib/base/random.ts";
import { ACK_MESSAGE_TYPE, ackedFrom } from "../../../lib/feed/ack.ts";
import { Acknowledger } from "../../../lib/feed/acknowledger.ts";
import { BATCH_MESSAGE_TYPE } from "../../../lib/feed/batch.ts";
import { BatchView, readBatch, readBatchHeader } from "../../../lib/feed/batch-reader.ts";
import { InOrder } from "../../../lib/feed/in-order.ts";
import { type Commit, Marks, type StreamMarks } from "../../../lib/feed/marks.ts";
import type { Clockwork } from "../clockwork.ts";
import type { Client, Message, Net } from "./net.ts";

const HELD_MS_MAX = 20_000;

export interface RecorderOptions {
  readonly id: string;
  readonly host: string;
  readonly store: "archive" | "file";
  readonly groups: readonly string[];
  readonly clock: Clockwork;
  readonly random: Random;
  readonly net: Net;
  /** A record came to the disk a second time. */
  readonly onDouble: (what: string) => void;
}

interface Stored {
  /** "HOST INCARNATION GROUP NUMBER" */
  readonly key: string;
  readonly text: string;
}

/** What outlives a recorder. */
class Store {
  readonly records = new Map<string, string>();
  readonly marks = new Map<string, StreamMarks>();
  doubles = 0;
  /** How often a record came behind a later one of its stream. */
  backwards = 0;
  readonly last = new Map<string, number>();
}

export class Recorder {
  readonly store = new Store();
  life: Life | undefined;

  constructor(readonly options: RecorderOptions) {
    this.start();
  }

  start(): void {
    this.life ??= new Life(this.options, this.store);
  }

  kill(): void {
    this.life?.die();
    this.life = undefined;
  }
}

class Life implements Client {
  /** The disk is full: what is committed now is not. */
  isFull = false;
  readonly name: string;
  readonly groups: readonly string[];
  readonly #acks: Acknowledger;
  readonly #batch = new BatchView();
  readonly #header = new BatchView();
  readonly #order: InOrder<Message>;
  #pending: Stored[] = [];
  #isCommitting = false;
  #commitAtMs = 0;
  #epoch = 0;
  #isAlive = true;

  constructor(
    private readonly options: RecorderOptions,
    private readonly store: Store,
  ) {
    this.name = options.id;
    this.groups = options.groups;
    const { id, host } = options;
    this.#acks = new Acknowledger({ recorder: id, host, marks: new Marks([...store.marks.values()]) });
    this.#order = new InOrder({
      bytesMax: 1 << 24,
      ageMaxMs: HELD_MS_MAX,
      known: (host, incarnation, group) => {
        const last = this.#acks.marks.stream(host, incarnation, group)?.received.ranges.at(-1);
        return last === undefined ? 0 : last.to + 1;
      },
      pass: (message) => this.#take(message),
    });
    options.net.connect(this, () => this.#isAlive);
    this.#tick();
  }

  #tick(): void {
    this.options.clock.after(1_000, () => {
      if (!this.#isAlive) return;
      this.#order.tick(this.options.clock.nowMs);
      this.#tick();
    });
  }

  die(): void {
    this.#isAlive = false;
    this.options.net.drop(this);
  }

  connected(): void {
    this.#acks.greet();
    this.#tell();
  }

  lost(): void {
    if (this.#isAlive) this.options.net.connect(this, () => this.#isAlive);
  }

  received(message: Message): void {
    if (message.type !== BATCH_MESSAGE_TYPE) return;
    const { body, to: group } = message;
    readBatchHeader(body, 0, body.length, this.#header);
    const { host, incarnation, first, count, flags } = this.#header;
    const place = { host, incarnation, group, first, count, from: ackedFrom(flags) ?? 0 };
    this.#order.offer(place, message, body.length, this.options.clock.nowMs, (one) => one);
  }

  #take({ from, to, body }: Message): void {
    const batch = this.#batch;
    readBatch(body, 0, body.length, batch);
    this.#acks.batch(from, to, batch);
    for (let at = 0; at < batch.count; at++) {
      if (!this.#acks.marks.isNew(batch.first + at)) continue;
      const text = new TextDecoder().decode(body.subarray(batch.starts[at], batch.ends[at]));
      this.#pending.push({
        key: `${batch.host} ${batch.incarnation} ${to} ${batch.first + at}`,
        text: /n=\d+/.exec(text)?.[0] ?? "nothing",
      });
    }
    this.#tell();
    if (this.#pending.length > 0) this.#commitSoon();
  }

  #commitSoon(): void {
    if (this.#isCommitting) return;
    this.#isCommitting = true;
    const { clock, random } = this.options;
    const epoch = this.#epoch;
    clock.after(random() * 50, () => {
      this.#isCommitting = false;
      if (!this.#isAlive || epoch !== this.#epoch) return;
      const records = this.#pending;
      this.#pending = [];
      const commit = this.#acks.begin();
      this.#commitAtMs = Math.max(this.#commitAtMs, clock.nowMs + random() * 30); // in their order
      clock.at(this.#commitAtMs, () => this.#commit(commit, records, epoch));
    });
  }

  #commit(commit: Commit, records: readonly Stored[], epoch: number): void {
    if (!this.#isAlive || epoch !== this.#epoch) return;
    if (this.isFull) {
      this.#epoch += 1;
      this.#isCommitting = false;
      this.#pending = [];
      this.#acks.failed();
      this.#order.reset();
      return;
    }
    const { clock, random, store: kind } = this.options;
    for (const { key, text } of records) {
      if (this.store.records.has(key)) {
        this.store.doubles += 1;
        if (kind === "archive") this.options.onDouble(`${this.name} has ${key} twice`);
      }
      this.store.records.set(key, text);
      const [, stream = "", number] = /^(.*) (\d+)$/.exec(key) ?? [];
      if (Number(number) < (this.store.last.get(stream) ?? 0)) this.store.backwards += 1;
      this.store.last.set(stream, Number(number));
    }
    const keepMarks = (): void => {
      if (!this.#isAlive || epoch !== this.#epoch) return;
      for (const marks of commit.streams)
        this.store.marks.set(`${marks.host} ${marks.incarnation} ${marks.group}`, marks);
      this.#acks.done(commit);
      this.#tell();
    };
    if (kind === "archive") {
      keepMarks();
      return;
    }
    this.#commitAtMs = Math.max(this.#commitAtMs, clock.nowMs + random() * 20);
    clock.at(this.#commitAtMs, keepMarks);
  }

  #tell(): void {
    if (!this.#acks.hasMessages) return;
    for (const { to, body } of this.#acks.takeMessages()) this.options.net.send(this, to, ACK_MESSAGE_TYPE, body);
  }
}
