import { type FrameView, writeInt32 } from "../spread/frame.ts";
import { GROUPS_MAX, HEADER_BYTES, NAME_FIELD_BYTES, OLD_TYPE_BYTES } from "../spread/limits.ts";
import { rejectSize } from "../spread/membership.ts";
import { CAUSED_BY_JOIN, CAUSED_BY_LEAVE, JOIN, LEAVE, REJECT, SELF_DISCARD } from "../spread/service.ts";

const GROUPS_AT = 36;
/** Both marks of a little-endian header (PROTOCOL.md 5.1). */
const LITTLE_ENDIAN_MARK = 0x8000_0080;

/**
 * What a session gets back that may not do what it asked for (PROTOCOL.md 8): its own request with type REJECT, itself behind the groups (the last of a
 * hundred makes room), and the old type before them. `undefined` where it asked for no copies of its own: then it hears nothing.
 */
export function rejectedFrame(frame: FrameView): Uint8Array | undefined {
  if ((frame.service & SELF_DISCARD) !== 0) return undefined;
  const { bytes, start } = frame;
  const kept = Math.min(frame.groupCount, GROUPS_MAX - 1);
  const rejected = new Uint8Array(rejectSize(kept + 1, frame.bodyEnd - frame.bodyStart));
  rejected.set(bytes.subarray(start, start + HEADER_BYTES)); // name, hint and length stay as they are
  writeInt32(rejected, 0, REJECT | LITTLE_ENDIAN_MARK, true);
  writeInt32(rejected, GROUPS_AT, kept + 1, true);
  writeInt32(rejected, HEADER_BYTES, oldService(frame) | LITTLE_ENDIAN_MARK, true);
  let at = HEADER_BYTES + OLD_TYPE_BYTES;
  rejected.set(bytes.subarray(frame.groupsStart, frame.groupsStart + kept * NAME_FIELD_BYTES), at);
  at += kept * NAME_FIELD_BYTES;
  rejected.set(bytes.subarray(frame.nameStart, frame.nameStart + NAME_FIELD_BYTES), at);
  rejected.set(bytes.subarray(frame.bodyStart, frame.bodyEnd), at + NAME_FIELD_BYTES);
  return rejected;
}

function oldService(frame: FrameView): number {
  if (frame.kind === "join") return (frame.service & ~JOIN) | CAUSED_BY_JOIN;
  if (frame.kind === "leave") return (frame.service & ~LEAVE) | CAUSED_BY_LEAVE;
  return frame.service;
}
