// The frames that a recorder holds until what was sent before them has come (feed/in-order.ts).
import { ackedFrom } from "../feed/ack.ts";
import { BATCH_MESSAGE_TYPE, BatchError } from "../feed/batch.ts";
import { BatchView, readBatchHeader } from "../feed/batch-reader.ts";
import { tryBehind } from "../feed/former-life.ts";
import { InOrder } from "../feed/in-order.ts";
import { copyFrame, type FrameView } from "../spread/frame.ts";

/** What is held at most: some seconds of a busy cluster. */
const HELD_BYTES_MAX = 16_777_216;
/** What a sender keeps is asked for, and sent again, within less. */
const HELD_MS_MAX = 20_000;

interface Arrived {
  readonly frame: FrameView;
  /** When it came: microseconds since 1970, UTC. */
  readonly wallUs: number;
}

export interface HeldFramesOptions {
  /** The number behind the highest that was received of a stream. */
  readonly known: (host: string, incarnation: string, group: string) => number;
  readonly pass: (frame: FrameView, wallUs: number) => void;
}

export class HeldFrames {
  readonly #options: HeldFramesOptions;
  readonly #order: InOrder<Arrived>;
  readonly #header = new BatchView();

  constructor(options: HeldFramesOptions) {
    this.#options = options;
    this.#order = new InOrder<Arrived>({
      bytesMax: HELD_BYTES_MAX,
      ageMaxMs: HELD_MS_MAX,
      known: options.known,
      pass: ({ frame, wallUs }) => options.pass(frame, wallUs),
    });
  }

  /** A message came by a group that is followed: it is passed on now, or when it is its turn. */
  message(frame: FrameView, group: string, wallUs: number, nowMs: number): void {
    const from = this.#fromOf(frame);
    if (from === undefined) {
      this.#options.pass(frame, wallUs);
      return;
    }
    const { host, incarnation, first, count, flags } = this.#header;
    const place = { host, incarnation, group, first, count, from, behind: tryBehind(flags) };
    this.#order.offer(place, { frame, wallUs }, frame.bodyEnd - frame.start, nowMs, keep);
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    this.#order.tick(nowMs);
  }

  /** What was passed on could not be kept. */
  reset(): void {
    this.#order.reset();
  }

  /** Passes on what is held, as it is. */
  flush(): void {
    this.#order.flush();
  }

  /** Below which number nothing will come again; `undefined` where that is not known, and nothing is to be waited for. */
  #fromOf(frame: FrameView): number | undefined {
    if (frame.messageType !== BATCH_MESSAGE_TYPE) return undefined;
    try {
      readBatchHeader(frame.bytes, frame.bodyStart, frame.bodyEnd, this.#header);
      return ackedFrom(this.#header.flags);
    } catch (error) {
      if (!(error instanceof BatchError)) throw error;
      return undefined; // who reads it tells what is wrong
    }
  }
}

function keep({ frame, wallUs }: Arrived): Arrived {
  return { frame: copyFrame(frame), wallUs };
}
