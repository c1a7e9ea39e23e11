import { libc } from "./libc.ts";
import { checked } from "./system-error.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
/** Room at first; the kernel says how much it needs, up to 65,536 groups. */
const GROUPS_ROOM = 64;

/** Who connected a unix stream socket, as the kernel knew it when that was done. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  /** Its group first, then those it is in besides. */
  readonly gids: readonly number[];
}

/** @param fd a connected unix stream socket */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = new Uint32Array(3); // struct ucred: pid, uid, gid
  checked(libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, new Uint32Array([12])), "read the peer's credentials");
  return { pid: ucred[0]!, uid: ucred[1]!, gids: [ucred[2]!, ...moreGroups(fd)] };
}

function moreGroups(fd: number): number[] {
  const length = new Uint32Array(1);
  for (let room = GROUPS_ROOM; ; room = length[0]! / 4) {
    const groups = new Uint32Array(room);
    length[0] = groups.byteLength;
    if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, length) === 0)
      return [...groups.subarray(0, length[0] / 4)];
    if (length[0] <= groups.byteLength) return []; // not for want of room: a kernel before 4.13 does not tell
  }
}
