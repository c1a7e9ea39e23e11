// Whose socket it is. In a directory where everybody may create files, such as /tmp, anybody can be first at a well-known path, and would
// be handed the host's logs. There a socket is trusted only if root or our own user owns it. (Such directories are sticky: what root made,
// no one else can replace.)
import { lstat } from "node:fs/promises";
import { dirname } from "node:path";
import { ConnectError } from "../session-error.ts";

const WRITABLE_BY_OTHERS = 0o002;

/**
 * Refuses a socket that somebody else may have put there. A path that does not exist passes: connecting will say so.
 * @throws {ConnectError} reason "untrusted"
 */
export async function checkSocketOwner(path: string): Promise<void> {
  const [directory, socket] = await Promise.all([statOf(dirname(path)), statOf(path)]);
  if (directory === undefined || socket === undefined || (directory.mode & WRITABLE_BY_OTHERS) === 0) return;
  const own = process.geteuid?.();
  if (socket.uid === 0 || socket.uid === own) return;
  const text = `it is in a directory where everybody may create files, and belongs to user ${socket.uid}; trusted are root and user ${own}; if that is your daemon's user, reach it by TCP ("tcp:localhost:4803"), or by a socket in a directory that only root writes`;
  throw new ConnectError("untrusted", `unix:${path}`, text);
}

/** Not through a last symbolic link: whoever may create one there could aim it at a socket of ours. */
async function statOf(path: string) {
  return await lstat(path).catch(() => undefined);
}
