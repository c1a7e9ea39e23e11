// Raw messages from a stream, each ended by the same byte: a line feed, or NUL for those with line feeds in them. Unlike a connection's (syslog/framing.ts) they
// are taken as they are, as a datagram would be: a count or a leading line feed is part of the message. What is empty is none: many senders put a NUL or a line feed at
// the end of a message themselves.

export class MessageCutter {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /**
   * @param end      the byte behind each message, which is no part of it
   * @param bytesMax of a longer message one byte more is kept, so that it is seen to be longer
   */
  constructor(
    private readonly end: number,
    private readonly bytesMax: number,
  ) {}

  /** The messages that `chunk` completes. */
  take(chunk: Uint8Array): Uint8Array[] {
    const found: Uint8Array[] = [];
    let from = 0;
    for (let at = chunk.indexOf(this.end); at >= 0; at = chunk.indexOf(this.end, from)) {
      this.#keep(chunk.subarray(from, at));
      found.push(...this.finish());
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
    return found;
  }

  /** The one in progress: at the end of the stream, the one that nothing ended. */
  finish(): Uint8Array[] {
    return this.#bytes === 0 ? [] : [this.#message()];
  }

  #keep(part: Uint8Array): void {
    const room = this.bytesMax + 1 - this.#bytes;
    if (part.length === 0 || room <= 0) return;
    this.#parts.push(part.slice(0, room));
    this.#bytes += Math.min(part.length, room);
  }

  #message(): Uint8Array {
    const message = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      message.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#bytes = 0;
    return message;
  }
}
