// A session's message to itself, by which it finds out whether its daemon lives: an ordinary unicast to its own private group, which any
// daemon brings back. Known again by 128 random bits, whatever connection brings it, and kept from the user.
import type { Random } from "../base/random.ts";
import type { FrameView } from "./frame.ts";
import type { PrivateGroup } from "./names.ts";
import type { Requests } from "./requests.ts";

export class Ping {
  readonly #body = new Uint8Array(BODY_BYTES);

  constructor(random: Random) {
    for (let index = 0; index < BODY_BYTES; index++) this.#body[index] = Math.floor(random() * 256);
  }

  send(requests: Requests, self: PrivateGroup): void {
    requests.message(self, this.#body, OPTIONS);
  }

  /** `true` for a frame that `send` wrote. */
  is(frame: FrameView): boolean {
    if (frame.messageType !== OPTIONS.messageType || frame.bodyEnd - frame.bodyStart !== BODY_BYTES) return false;
    for (let index = 0; index < BODY_BYTES; index++)
      if (frame.bytes[frame.bodyStart + index] !== this.#body[index]) return false;
    return frame.kind === "message";
  }
}

const BODY_BYTES = 16;
/** "reliable" waits for nothing: neither for an order among daemons, nor for all of them to have it. */
const OPTIONS = { service: "reliable", messageType: 0x7069 } as const;
