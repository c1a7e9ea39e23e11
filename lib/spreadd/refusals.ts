// What [[spreadd.allow]] refuses, told to the operator: once for each peer, kind of request and group, however often it is asked again.
import { visible } from "../base/visible.ts";
import type { FrameView } from "../spread/frame.ts";
import { readName } from "../spread/name-field.ts";
import { refusedAt } from "./access.ts";
import { formatPeer } from "./peer.ts";
import type { Session } from "./session.ts";

/** Peers choose the groups, and could fill the log. */
const TOLD_MAX = 256;

export class Refusals {
  readonly #told = new Set<string>();

  /** @returns the line for the log, `undefined` where it has been told, or nothing more is to be told */
  line({ peer, permissions, member }: Session, frame: FrameView): string | undefined {
    if (permissions === undefined || member === undefined || this.#told.size >= TOLD_MAX) return undefined;
    const at = refusedAt(permissions, frame, member.field);
    if (at < 0) return undefined; // by another bound than a rule's
    const group = visible(readName(frame.bytes, at));
    const line = `refused ${formatPeer(peer)}: may not ${frame.kind === "join" ? "join" : "send to"} ${group}, no [[spreadd.allow]] says that it may`;
    if (this.#told.has(line)) return undefined;
    this.#told.add(line);
    return this.#told.size < TOLD_MAX ? line : `${line}; what is refused from here on is only counted`;
  }
}
