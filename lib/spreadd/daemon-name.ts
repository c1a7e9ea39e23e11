import { crc32c } from "../base/crc32c.ts";
import { DAEMON_NAME_BYTES_MAX } from "../spread/limits.ts";
import { type DaemonName, isNameByte, NameError, tryDaemonName } from "../spread/names.ts";

const TAIL_CHARACTERS = 5;

/**
 * A daemon's name for a host: its own name up to the first dot. A longer one than a name may be is cut, and gets a tail that is made from all of it, so that
 * two long names that begin alike stay two; what may not stand in a name becomes "-".
 * @throws {NameError} nothing is left of it
 */
export function daemonNameOf(host: string): DaemonName {
  const [short = ""] = host.split(".");
  const legal = [...short].map((character) => (isNameByte(character.charCodeAt(0)) ? character : "-")).join("");
  if (legal.length <= DAEMON_NAME_BYTES_MAX) {
    const name = tryDaemonName(legal);
    if (name === undefined) throw new NameError("daemon name", host);
    return name;
  }
  const bytes = new TextEncoder().encode(short);
  const hash = crc32c(bytes, 0, bytes.length).toString(36).padStart(TAIL_CHARACTERS, "0");
  const tail = hash.slice(-TAIL_CHARACTERS);
  return `${legal.slice(0, DAEMON_NAME_BYTES_MAX - TAIL_CHARACTERS - 1)}~${tail}` as DaemonName;
}
