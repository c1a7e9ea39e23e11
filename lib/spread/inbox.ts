// What came and was not taken yet, in order: frames of a connection, that it was lost, that there is another, its frames.
//
// Frames wait as bytes, and become events when they are taken; so the bound is one of bytes, and nothing is made that nobody wants. Of a
// connection that is gone, messages are still given out, for the daemon did deliver them; views, transitions and self-leaves are not: they
// tell of memberships that are over, and whoever acted upon one would be acting in the past.
import { type Back, EventMaker, type Lost, type SessionEvent } from "./event.ts";
import { FrameError, FrameView } from "./frame.ts";
import type { FrameReader } from "./frame-reader.ts";

type Stage =
  | { readonly at: "frames"; readonly reader: FrameReader; live: boolean }
  | { readonly at: "event"; readonly event: Lost | Back };

/** What a connection's frames pass before they become events: `true` where one is not for the user (our own pings). */
export type IsOurs = (frame: FrameView) => boolean;

export class Inbox {
  readonly #stages: Stage[] = [];
  readonly #view = new FrameView();
  readonly #maker = new EventMaker();
  #ahead: SessionEvent | undefined = undefined;

  constructor(private readonly isOurs: IsOurs) {}

  /** Bytes of frames that nobody took. */
  get heldBytes(): number {
    let bytes = 0;
    for (const stage of this.#stages) bytes += STAGE_BYTES + (stage.at === "frames" ? stage.reader.heldBytes : 0);
    return bytes;
  }

  /** Frames of a new connection follow. */
  opened(reader: FrameReader): void {
    this.#stages.push({ at: "frames", reader, live: true });
  }

  /**
   * Reads ahead by one event, if none is: pings of ours that nobody waits for are gone then, and don't pile up where nobody takes anything.
   * @throws {FrameError} as `take`
   */
  lookAhead(): void {
    this.#ahead ??= this.#next();
  }

  /** The connection of `reader` is gone: nothing is added to it any more. */
  over(reader: FrameReader): void {
    for (const stage of this.#stages) if (stage.at === "frames" && stage.reader === reader) stage.live = false;
    if (this.#ahead !== undefined && !outlives(this.#ahead)) this.#ahead = undefined;
  }

  /** Something that came from no daemon. */
  tell(event: Lost | Back): void {
    this.#stages.push({ at: "event", event });
    this.#merge();
  }

  /**
   * The next event, `undefined` where none is there.
   * @throws {FrameError} the live connection sent no frame: lose it. (What a dead one left behind in pieces is passed over.)
   */
  take(): SessionEvent | undefined {
    const event = this.#ahead ?? this.#next();
    this.#ahead = undefined;
    return event;
  }

  /** Forgets everything. */
  clear(): void {
    this.#stages.length = 0;
    this.#ahead = undefined;
  }

  #next(): SessionEvent | undefined {
    for (;;) {
      const stage = this.#stages[0];
      if (stage === undefined) return undefined;
      if (stage.at === "event") {
        this.#stages.shift();
        return stage.event;
      }
      const event = stage.live ? this.#takeFrame(stage.reader) : this.#takeLeftover(stage.reader);
      if (event !== undefined || stage.live) return event;
      this.#stages.shift();
    }
  }

  #takeFrame(reader: FrameReader): SessionEvent | undefined {
    while (reader.next(this.#view)) if (!this.isOurs(this.#view)) return this.#maker.event(this.#view);
    return undefined;
  }

  #takeLeftover(reader: FrameReader): SessionEvent | undefined {
    try {
      while (reader.next(this.#view)) {
        if (outlives(this.#view) && !this.isOurs(this.#view)) return this.#maker.event(this.#view);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error; // it is lost already, for this or for another reason
    }
    return undefined;
  }

  /** An outage that nobody has been told of, and the next one, with nothing received between: told as one. */
  #merge(): void {
    const [lost, back, frames, again] = this.#stages.slice(-4);
    if (again?.at !== "event" || again.event.kind !== "lost" || frames?.at !== "frames" || frames.reader.heldBytes > 0)
      return;
    if (back?.at !== "event" || back.event.kind !== "back" || lost?.at !== "event" || lost.event.kind !== "lost")
      return;
    const dropped = lost.event.dropped + back.event.dropped + again.event.dropped;
    this.#stages.splice(-4, 4, { at: "event", event: { ...lost.event, dropped } });
  }
}

/** What remains true when its connection is gone. */
function outlives({ kind }: { readonly kind: string }): boolean {
  return kind !== "view" && kind !== "transition" && kind !== "selfLeave";
}

/** What an entry itself costs, about: so that thousands of outages that nobody takes are bounded as well. */
const STAGE_BYTES = 1_024;
