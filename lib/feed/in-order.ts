// Brings what was sent again into its order, at a recorder. While it was away others came; when it is back, newer records may arrive before those that it lacks are sent again.
// Who keeps records until they are acknowledged says in each batch from which number on they may still come (`from=`, ack.ts): so it is known whether a hole will be filled.
//
//   first <= next, or all before it is below `from`     passed on
//   a hole that will be filled                          held, until it is, or `from` is behind it, or it has waited too long, or too much is held
//   `behind=` a life that has not come so far           held, until it has, or a batch says so no more, or the same
//
// What is held was not received: a crash loses nothing, since nothing of it is acknowledged.

import type { ComingLife } from "./former-life.ts";

/** Where a message stands among those of its stream. */
export interface Place {
  readonly host: string;
  readonly incarnation: string;
  readonly group: string;
  /** The number of its first record, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Records with numbers below will not come again. */
  readonly from: number;
  /** Records of a life before that still come, and belong before these. */
  readonly behind?: ComingLife | undefined;
}

export interface InOrderOptions<Message> {
  /** What is held at most, of all streams; then the fullest waits no more. */
  readonly bytesMax: number;
  readonly ageMaxMs: number;
  /** The number behind the highest that was received of a stream that we have not heard yet; 0 where there is none. */
  readonly known: (host: string, incarnation: string, group: string) => number;
  /** Gets the messages in their order. */
  readonly pass: (message: Message) => void;
}

interface Held<Message> {
  readonly first: number;
  readonly end: number;
  readonly bytes: number;
  readonly message: Message;
}

interface Stream<Message> {
  readonly place: Place;
  /** Behind the highest number that was passed on. */
  next: number;
  from: number;
  /** By their first number, ascending. */
  readonly held: Held<Message>[];
  /** When the oldest of them came. */
  sinceMs: number;
  /** The life that it comes behind, and how far that has to come. */
  behind: { readonly former: Stream<Message>; readonly next: number } | undefined;
  /** It has waited for that for too long. */
  waitsNoMore: boolean;
  /** Streams that come behind this one. */
  readonly followers: Set<Stream<Message>>;
}

/** Streams that are remembered: who was silent for longest is asked for again with `known`. */
const STREAMS_MAX = 65_536;

export class InOrder<Message> {
  readonly #options: InOrderOptions<Message>;
  readonly #streams = new Map<string, Stream<Message>>();
  /** With something held. */
  readonly #waiting = new Set<Stream<Message>>();
  #bytes = 0;

  constructor(options: InOrderOptions<Message>) {
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  /** A message came. @param bytes what holding it costs @param keep makes of it what can be held; else it is passed on as it is */
  offer(place: Place, message: Message, bytes: number, nowMs: number, keep: (message: Message) => Message): void {
    const stream = this.#streamOf(place);
    const { first, count } = place;
    stream.from = Math.max(stream.from, place.from);
    this.#follow(stream, place.behind);
    if (count > 0 && (first > reached(stream) || isEarly(stream))) {
      this.#hold(stream, { first, end: first + count, bytes, message: keep(message) }, nowMs);
      return;
    }
    this.#options.pass(message);
    if (count > 0) stream.next = Math.max(stream.next, first + count);
    this.#release(stream);
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    for (const stream of this.#waiting) {
      if (nowMs - stream.sinceMs < this.#options.ageMaxMs) continue;
      this.#giveUp(stream);
    }
  }

  /** Passes on all that is held, as it is. */
  flush(): void {
    for (const stream of this.#waiting) this.#giveUp(stream);
  }

  /** What was passed on may be lost again: where each stream stands is asked for anew. */
  reset(): void {
    for (const stream of this.#streams.values()) {
      const { host, incarnation, group } = stream.place;
      stream.next = this.#options.known(host, incarnation, group);
    }
  }

  #streamOf(place: Place): Stream<Message> {
    const { host, incarnation, group } = place;
    const key = `${host} ${incarnation} ${group}`;
    let stream = this.#streams.get(key);
    if (stream !== undefined) return stream;
    stream = {
      place,
      next: this.#options.known(host, incarnation, group),
      from: 0,
      held: [],
      sinceMs: 0,
      behind: undefined,
      waitsNoMore: false,
      followers: new Set(),
    };
    this.#streams.set(key, stream);
    if (this.#streams.size > STREAMS_MAX) this.#forgetOne();
    return stream;
  }

  #forgetOne(): void {
    const [key, stream] = this.#streams.entries().next().value!;
    this.#giveUp(stream);
    this.#streams.delete(key);
  }

  #hold(stream: Stream<Message>, held: Held<Message>, nowMs: number): void {
    if (stream.held.length === 0) stream.sinceMs = nowMs;
    let at = stream.held.length;
    while (at > 0 && stream.held[at - 1]!.first > held.first) at -= 1;
    stream.held.splice(at, 0, held);
    this.#waiting.add(stream);
    this.#bytes += held.bytes;
    if (this.#bytes > this.#options.bytesMax) this.#giveUp(this.#fullest());
  }

  #fullest(): Stream<Message> {
    let fullest: Stream<Message> | undefined;
    for (const stream of this.#waiting)
      if (fullest === undefined || stream.held.length > fullest.held.length) fullest = stream;
    return fullest!; // something is held, or nobody would ask
  }

  /** A stream is told to come behind another; or not any more. */
  #follow(stream: Stream<Message>, behind: ComingLife | undefined): void {
    const { host, incarnation, group } = stream.place;
    stream.behind?.former.followers.delete(stream);
    stream.behind = undefined;
    if (behind === undefined || stream.waitsNoMore || behind.incarnation === incarnation) return;
    const former = this.#streamOf({ host, incarnation: behind.incarnation, group, first: 0, count: 0, from: 0 });
    stream.behind = { former, next: behind.next };
    if (isEarly(stream)) former.followers.add(stream);
  }

  #release(stream: Stream<Message>): void {
    while (stream.held.length > 0 && stream.held[0]!.first <= reached(stream) && !isEarly(stream))
      this.#passFirst(stream);
    if (stream.held.length === 0) this.#waiting.delete(stream);
    this.#releaseFollowers(stream);
  }

  #releaseFollowers(stream: Stream<Message>): void {
    for (const follower of stream.followers) {
      if (isEarly(follower)) continue;
      stream.followers.delete(follower);
      this.#release(follower);
    }
  }

  #giveUp(stream: Stream<Message>): void {
    stream.waitsNoMore ||= isEarly(stream);
    while (stream.held.length > 0) this.#passFirst(stream);
    this.#waiting.delete(stream);
    this.#releaseFollowers(stream);
  }

  #passFirst(stream: Stream<Message>): void {
    const { message, end, bytes } = stream.held.shift()!;
    this.#bytes -= bytes;
    stream.next = Math.max(stream.next, end);
    this.#options.pass(message);
  }
}

/** Numbers below have come, or will not. */
function reached({ next, from }: Stream<unknown>): number {
  return Math.max(next, from);
}

/** Whether what comes before it has not come yet. */
function isEarly({ behind, waitsNoMore }: Stream<unknown>): boolean {
  return behind !== undefined && !waitsNoMore && reached(behind.former) < behind.next;
}
