// One log record, as it lies in the buffer that it was received in.
//
// A daemon that takes 600,000 records a second can't make an object, a string or a copy for each. So there is one `RecordView` for each place that reads,
// refilled by `parseMessage` for every message: numbers that say where each field begins and ends in `bytes`, and nothing decoded. Writers (format-*.ts) copy
// bytes from there to their own buffers; rules look at `pri` first, and at bytes only where they must; text is made only for who asks (`hostText()`...).
//
// Therefore: a view is good until the next refill, and only as long as `bytes` is left alone. Who keeps a record writes it somewhere else first
// (format-5424.ts writes all that is known of it, and reads it back).
//
// Three kinds of fields, filled by three hands:
//   arrival    (origin, receivedUs, pid, uid)     by the source, before it calls `parseMessage`
//   message    (everything with offsets, pri ...) by `parseMessage`, which sets every one of them, each time
//   marks      by `parseMessage`, which starts from none; the source adds what only it knows, afterwards (`mark(MARK_CUT)` for a datagram the kernel cut)
//
// A header field that is absent is an empty range, start and end alike: no header field that is present is empty.

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
const NO_BYTES = new Uint8Array(0);

/** How a record came to us. */
export const VIAS = ["unix", "udp", "tcp", "tls", "kernel", "stdin", "fifo", "group", "internal"] as const;

export type Via = (typeof VIAS)[number];

/** Where records come from: one object a socket, connection or peer, shared by all of its records, and never changed. */
export interface Origin {
  readonly via: Via;
  /** The peer's address as text, "" where it has none. */
  readonly peer: string;
  /** `peer`, encoded once. */
  readonly peerBytes: Uint8Array;
  /** The host name for a message that names none: our own for local sources, else the peer's name or address. Printable ASCII, no spaces. */
  readonly host: string;
  /** `host`, encoded once. */
  readonly hostBytes: Uint8Array;
  /** The group that it came by, "" where by none. */
  readonly group: string;
  /** `group`, encoded once. */
  readonly groupBytes: Uint8Array;
}

/** Makes an origin. Characters that no host name can hold become `_`, so that `host` is one word wherever it is written. */
export function origin(via: Via, host: string, peer = "", group = ""): Origin {
  const word = host.replace(/[^\x21-\x7e]/g, "_") || "-";
  const encoder = new TextEncoder();
  const bytes = { peerBytes: encoder.encode(peer), hostBytes: encoder.encode(word), groupBytes: encoder.encode(group) };
  return { via, peer, host: word, group, ...bytes };
}

/** For records of which nothing is known. */
export const NO_ORIGIN: Origin = origin("internal", "-");

/** What the message was read as. `text`: neither of the formats, the message is all text. */
export type Form = "5424" | "3164" | "text";

/** It breaks the format it seems to be of: `form` is "text" and the text is all there is. */
export const MARK_MALFORMED = 1;
/** It was longer than the size limit; the rest is lost. */
export const MARK_CUT = 2;
/** The time it claims is further from the time it was received than the configured bound. */
export const MARK_TIME_OFF = 4;
/** It was kept in a spool and delivered late. */
export const MARK_LATE = 8;
/** It had no PRI, or one above 191: `pri` is ours. */
export const MARK_NO_PRI = 16;

/** The word for each mark; the one at index i is that of bit i. */
export const MARK_NAMES = ["malformed", "cut", "time-off", "late", "no-pri"] as const;

/** PRI of a message without one, or with one above 191: user.notice (RFC 3164 section 4.3.3). */
export const DEFAULT_PRI = 13;

/** One record: where its parts lie in `bytes`, and what its source knows. Refilled for every message: copy what you keep. */
export class RecordView {
  // Arrival, set by the source.
  origin: Origin = NO_ORIGIN;
  /** When it was received: microseconds since 1970, UTC. */
  receivedUs = 0;
  /** Process id and user id of the sender as the kernel gave them, -1 where it did not. */
  pid = -1;
  uid = -1;

  // The message, set by `parseMessage`.
  bytes: Uint8Array = NO_BYTES;
  /** The whole message lies at [start, end): without line feeds and NULs at its end, and not past the size limit. */
  start = 0;
  end = 0;
  form: Form = "text";
  /** facility * 8 + severity, always 0 to 191. */
  pri = DEFAULT_PRI;
  /** The time that the message claims: microseconds since 1970, UTC; NaN where it claims none. */
  timeUs = Number.NaN;
  /** Offset of the zone in which it claims that time, in minutes east of UTC. */
  zoneMinutes = 0;
  hostStart = 0;
  hostEnd = 0;
  appStart = 0;
  appEnd = 0;
  /** The program is a first word of the text that no tag's end followed, and may be none: with form "3164". */
  isAppBare = false;
  procidStart = 0;
  procidEnd = 0;
  msgidStart = 0;
  msgidEnd = 0;
  /** The structured data as it was sent, brackets and escapes included; structured-data.ts reads it. */
  sdStart = 0;
  sdEnd = 0;
  msgStart = 0;
  msgEnd = 0;
  /** The MARK_ bits that hold. */
  marks = 0;
  /** Where a malformed message breaks its form, as an offset in `bytes`; -1 where it does not. */
  faultAt = -1;
  /** In a record that was read back from what own-element.ts wrote: where the part of our element begins that is only carried on, and where the element ends. */
  ownTail = 0;
  ownEnd = 0;

  get facility(): number {
    return this.pri >> 3;
  }

  get severity(): number {
    return this.pri & 7;
  }

  get hasTime(): boolean {
    return !Number.isNaN(this.timeUs);
  }

  /** The claimed time, or the time of receipt where none is claimed. */
  get bestTimeUs(): number {
    return Number.isNaN(this.timeUs) ? this.receivedUs : this.timeUs;
  }

  isMarked(mark: number): boolean {
    return (this.marks & mark) !== 0;
  }

  mark(mark: number): void {
    this.marks |= mark;
  }

  /** The bytes at [from, to) as text; what is not UTF-8 becomes U+FFFD. */
  text(from: number, to: number): string {
    return from === to ? "" : UTF8.decode(this.bytes.subarray(from, to));
  }

  /** The host that the message names, or that of its origin where it names none. */
  hostText(): string {
    return this.hostStart === this.hostEnd ? this.origin.host : this.text(this.hostStart, this.hostEnd);
  }

  /** "" where the message names none; so too below. */
  appText(): string {
    return this.text(this.appStart, this.appEnd);
  }

  procidText(): string {
    return this.text(this.procidStart, this.procidEnd);
  }

  msgidText(): string {
    return this.text(this.msgidStart, this.msgidEnd);
  }

  sdText(): string {
    return this.text(this.sdStart, this.sdEnd);
  }

  msgText(): string {
    return this.text(this.msgStart, this.msgEnd);
  }

  /** The whole message as it was received. */
  rawText(): string {
    return this.text(this.start, this.end);
  }
}
