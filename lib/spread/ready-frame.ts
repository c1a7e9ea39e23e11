// A message as the bytes of its frame, made before it is sent, for whoever sends it on a session's socket when the session itself can't any more.
import type { PrivateGroup } from "./names.ts";
import { Outbox } from "./outbox.ts";
import { type Body, type Destinations, Requests, type SendOptions } from "./requests.ts";

/**
 * The frame that `multicast` would write.
 * @throws {LimitError | NameError} as `multicast`
 */
export function readyFrame(
  sender: PrivateGroup,
  destinations: Destinations,
  body: Body,
  options?: SendOptions,
): Uint8Array {
  const requests = new Requests(new Outbox());
  requests.sender = sender;
  requests.message(destinations, body, options);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  requests.outbox.flush((block, at, length) => {
    pieces.push(block.slice(at, at + length));
    bytes += length;
    return length;
  });
  const frame = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}
