// The two numbers that every daemon and every status client computes from the same spread.conf (PROTOCOL.md 11.3): the id of a
// daemon, and the hash of the whole configuration. Both use one hash over bytes, taken as signed.
import type { SpreadConf } from "./spread-conf.ts";

/** A daemon's name has at most this many bytes; the daemon cuts longer ones without a word. */
export const CONF_NAME_BYTES_MAX = 19;

const encoder = new TextEncoder();

/** The daemon's hash over `bytes` (PROTOCOL.md 11.3): 32 bits, unsigned. */
export function hashBytes(bytes: Uint8Array): number {
  let hash = bytes.length >>> 0;
  for (const byte of bytes) {
    hash = (hash + ((byte << 24) >> 24)) >>> 0;
    hash = (hash + (hash << 10)) >>> 0;
    hash = (hash ^ (hash >>> 6)) >>> 0;
  }
  hash = (hash + (hash << 3)) >>> 0;
  hash = (hash ^ (hash >>> 11)) >>> 0;
  return (hash + (hash << 15)) >>> 0;
}

/** The id of a daemon without VirtualID: the hash of its name, cut to 19 bytes, and one NUL; 0 and 2^32-1 are kept free. */
export function daemonId(name: string): number {
  const bytes = encoder.encode(`${name}\0`);
  const cut = bytes.length <= CONF_NAME_BYTES_MAX ? bytes : bytes.slice(0, CONF_NAME_BYTES_MAX + 1);
  cut[cut.length - 1] = 0;
  const hash = hashBytes(cut);
  return hash === 0 || hash === 0xffffffff ? (cut.length << 16) >>> 0 : hash;
}

/** The configuration hash as the 5.0.1 daemon logs it and its status protocol demands it; `undefined` while an address is unknown. */
export function configurationHash(conf: SpreadConf): number | undefined {
  const pieces: Uint8Array[] = [];
  const write = (text: string) => pieces.push(encoder.encode(text));
  for (const segment of conf.segments) {
    write(`Segment: port = ${segment.port};`);
    if (!conf.options.excludeSegAddrsFromHash)
      for (const address of segment.addresses) write(` [${address.canonical}]`);
    write("\n");
    for (const daemon of segment.daemons) {
      if (daemon.address === undefined) return undefined;
      write("\t'");
      pieces.push(encoder.encode(daemon.written).subarray(0, CONF_NAME_BYTES_MAX)); // cut by bytes: it may end inside a character
      write(`' [${daemon.address.canonical}] [${daemon.id}]\n`);
    }
    write("\n");
  }
  write(`Version: 5\nProtocol: ${conf.options.acceleratedRing === true ? "Accelerated" : "Original"} Ring\n\0`);
  return hashBytes(joined(pieces));
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
