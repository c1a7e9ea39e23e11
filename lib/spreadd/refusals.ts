// What [[spreadd.allow]] refuses, told to the operator: once for each peer, kind of request and group, however often it is asked again.
import { visible } from "../base/visible.ts";
import type { FrameView } from "../spread/frame.ts";
import { NAME_FIELD_BYTES } from "../spread/limits.ts";
import { nameBytes, readName } from "../spread/name-field.ts";
import type { GroupPatterns, Permissions } from "./access.ts";
import { formatPeer, type Peer } from "./peer.ts";

/** Peers choose the groups, and could fill the log. */
const TOLD_MAX = 256;

export class Refusals {
  readonly #told = new Set<string>();

  /** @returns the line for the log, `undefined` where it has been told, or nothing more is to be told */
  line(peer: Peer, permissions: Permissions | undefined, frame: FrameView): string | undefined {
    if (permissions === undefined || this.#told.size >= TOLD_MAX) return undefined;
    const isJoin = frame.kind === "join";
    const group = refused(isJoin ? permissions.join : permissions.send, frame, isJoin ? 1 : frame.groupCount);
    if (group === undefined) return undefined; // by another bound than a rule's
    const line = `refused ${formatPeer(peer)}: may not ${isJoin ? "join" : "send to"} ${visible(group)}, no [[spreadd.allow]] says that it may`;
    if (this.#told.has(line)) return undefined;
    this.#told.add(line);
    return this.#told.size < TOLD_MAX ? line : `${line}; what is refused from here on is only counted`;
  }
}

function refused(patterns: GroupPatterns, frame: FrameView, count: number): string | undefined {
  const { bytes, groupsStart } = frame;
  for (let at = groupsStart; at < groupsStart + count * NAME_FIELD_BYTES; at += NAME_FIELD_BYTES)
    if (!patterns.match(bytes, at, at + nameBytes(bytes, at))) return readName(bytes, at);
  return undefined;
}
