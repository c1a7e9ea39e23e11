import { FrameView, writeHeader } from "../spread/frame.ts";
import { HEADER_BYTES } from "../spread/limits.ts";
import { nameField } from "../spread/name-field.ts";
import type { PrivateGroup } from "../spread/names.ts";
import { KILL } from "../spread/service.ts";
import type { Group } from "./group.ts";
import type { Home } from "./home.ts";

/** A session as the ordered stream of events knows it. */
export class Member {
  /** The private group as it stands in frames: 32 bytes that never change. */
  readonly field: Uint8Array;
  /** The groups it is in. */
  readonly groups = new Set<Group>();
  /** The last message with several destinations that it got: it gets one copy. */
  lastMessage = 0;

  /**
   * @param slot       the number that its daemon knows it by
   * @param wantsViews membership messages were asked for at connect; of a session of another host nobody asks
   * @param home       the host of its daemon
   */
  constructor(
    readonly name: PrivateGroup,
    readonly slot: number,
    readonly wantsViews: boolean,
    readonly home: Home,
  ) {
    this.field = nameField(name);
  }

  /** The request that ends it, as it would send it itself. */
  killFrame(): FrameView {
    const frame = new FrameView();
    frame.kind = "kill";
    frame.service = KILL;
    frame.bytes = new Uint8Array(HEADER_BYTES);
    frame.groupsStart = frame.bodyStart = frame.bodyEnd = writeHeader(frame.bytes, 0, KILL, this.field, 0, 0, 0);
    return frame;
  }
}

/** The order of members in a view (PROTOCOL.md 7.1): by their hosts, then by the bytes of the private group. */
export function compareMembers(a: Member, b: Member): number {
  if (a.home !== b.home) return a.home.rank - b.home.rank;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0; // names are ASCII: comparing characters is comparing bytes
}
