// A host that sends: the sink's own queue and decisions, one life after the other over one disk; and what `group-sink.ts` does with timers, done by the clockwork.
import type { Random } from "../../../lib/base/random.ts";
import { ROUND_MS } from "../../../lib/sink/ack-rounds.ts";
import { AckedQueue } from "../../../lib/sink/acked-queue.ts";
import { GroupBook } from "../../../lib/sink/group-book.ts";
import { GroupSender } from "../../../lib/sink/group-sender.ts";
import { FrameView } from "../../../lib/spread/frame.ts";
import { type GroupName, type PrivateGroup, parseGroupName } from "../../../lib/spread/names.ts";
import type { Clockwork } from "../clockwork.ts";
import { Disk, type Kept, Platter } from "./disk.ts";
import type { Client, Message, Net } from "./net.ts";

const MARK_AFTER_MS = 20;
const RING_BYTES = 131_072;

export interface SenderOptions {
  readonly host: string;
  readonly groups: readonly string[];
  readonly acks: number;
  readonly clock: Clockwork;
  readonly random: Random;
  readonly net: Net;
  readonly onFreed: (host: string, records: readonly Kept[]) => void;
  readonly onLost: (reason: string) => void;
}

export class Sender {
  /** What was logged here and survives: "GROUP TEXT", in order. */
  readonly accepted: string[] = [];
  life: Life | undefined;
  readonly #platter = new Platter();
  #lives = 0;
  #logged = 0;

  constructor(readonly options: SenderOptions) {
    this.start();
  }

  start(): void {
    this.#lives += 1;
    this.life ??= new Life(this.options, this.#platter, `i${this.#lives}`);
  }

  /** kill -9 */
  kill(): void {
    this.life?.die();
    this.life = undefined;
  }

  /** Some records come in one turn of the event loop; it may be the last one. */
  log(count: number, diesInIt: boolean): void {
    const { life } = this;
    if (life === undefined) return;
    const taken: string[] = [];
    for (; count > 0; count--) {
      const group = this.options.groups[Math.floor(this.options.random() * this.options.groups.length)]!;
      this.#logged += 1;
      taken.push(`${group} n=${this.#logged}`);
      life.take(parseGroupName(group), this.#logged);
    }
    if (diesInIt) {
      this.kill();
      return;
    }
    life.flush();
    this.accepted.push(...taken);
  }

  /** Records that it still keeps. */
  get waiting(): number {
    return this.life?.queue.records ?? Number.POSITIVE_INFINITY;
  }
}

class Life implements Client {
  readonly name: string;
  readonly groups: readonly string[] = [];
  readonly queue: AckedQueue;
  readonly #book: GroupBook;
  readonly #sender: GroupSender;
  #self: PrivateGroup | undefined;
  #isAlive = true;
  #hasMarkTimer = false;

  constructor(
    private readonly options: SenderOptions,
    platter: Platter,
    incarnation: string,
  ) {
    const { host, acks, clock, random, net } = options;
    this.name = host;
    this.#book = new GroupBook(1_000, incarnation);
    const book = this.#book;
    const disk = new Disk({
      platter,
      clock,
      random,
      isAlive: () => this.#isAlive,
      streamName: (index) => `${book.incarnationOf(book.at(index)!)} ${book.at(index)!.name}`,
      streamOf: (text) => {
        const [life = "", name = ""] = text.split(" ");
        return (life === incarnation ? book.entry(name as GroupName) : book.earlier(name as GroupName, life))?.index;
      },
      onFreed: (records) => options.onFreed(host, records),
    });
    this.queue = new AckedQueue({
      acks,
      memoryBytesMax: RING_BYTES,
      open: () => disk,
      onReady: () => this.flush(),
      onEvent: (event) => options.onLost(`${host}: ${JSON.stringify(event)}`),
    });
    const self = () => this.#self;
    this.#sender = new GroupSender({
      host,
      incarnation,
      payload: "records",
      book,
      queue: this.queue,
      acked: this.queue,
      copiedBytesMax: 16_384,
      link: {
        get self() {
          return self();
        },
        trySend: (to, body, type) => self() !== undefined && net.send(this, to, type, body),
      },
    });
    this.#connect();
    const round = (): void => {
      if (!this.#isAlive) return;
      this.#sender.round(clock.nowMs);
      this.flush();
      clock.after(ROUND_MS, round);
    };
    clock.after(ROUND_MS, round);
  }

  take(name: GroupName, logged: number): void {
    const group = this.#book.entry(name)!;
    const text = `<14>1 2026-11-26T00:00:00Z ${this.name} app - - - n=${logged} ${"x".repeat(logged % 700)}`;
    const bytes = new TextEncoder().encode(text);
    this.queue.push(group.index, group.next, bytes, 0, bytes.length);
    group.next += 1;
  }

  flush(): void {
    if (!this.#isAlive) return;
    this.queue.writeNow();
    this.queue.refill();
    if (this.#self === undefined) return;
    this.#sender.pump();
    if (this.#sender.wantsMark === "now") this.#sender.sendMark();
    else if (this.#sender.wantsMark === "soon" && !this.#hasMarkTimer) {
      this.#hasMarkTimer = true;
      this.options.clock.after(MARK_AFTER_MS, () => {
        this.#hasMarkTimer = false;
        if (this.#isAlive) this.#sender.sendMark();
      });
    }
  }

  die(): void {
    this.#isAlive = false;
    this.options.net.drop(this);
  }

  connected(self: string): void {
    this.#self = self as PrivateGroup;
    this.#sender.back(this.options.clock.nowMs);
    this.flush();
  }

  lost(): void {
    this.#self = undefined;
    if (!this.#isAlive) return;
    this.#sender.lost();
    this.#connect();
  }

  received({ type, body }: Message): void {
    const frame = new FrameView();
    Object.assign(frame, { kind: "message", messageType: type, bytes: body, bodyStart: 0, bodyEnd: body.length });
    if (this.#sender.frame(frame, this.options.clock.nowMs) !== undefined) this.flush();
  }

  #connect(): void {
    this.options.net.connect(this, () => this.#isAlive);
  }
}
