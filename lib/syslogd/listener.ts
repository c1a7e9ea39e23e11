// A place where messages come in, and how those that come by it are read: "udp:0.0.0.0:514", "tls:[::]:6514", "unix:/chroot/dev/log".
import { Fault } from "../base/fault.ts";
import type { IpNetwork } from "../base/ip-address.ts";
import { formatListenAddress, type ListenAddress, parseListenAddress } from "../base/listen-address.ts";
import { nearest } from "../base/nearest.ts";
import type { PermittedPeer } from "../sink/permitted-peer.ts";
import type { Framing } from "../syslog/framing.ts";
import type { ZoneOffset } from "../syslog/zone.ts";

export type Place =
  | ({ readonly by: "udp" | "tcp" | "tls" } & ListenAddress)
  /** unix: datagrams, as at /dev/log; stream: connections on a unix socket. */
  | { readonly by: "unix" | "stream" | "fifo"; readonly path: string };

/** What a place looks like, for messages and help. */
export const PLACE_FORM =
  'a place such as "tcp:0.0.0.0:601", "udp:[::]:514", "tls:[::]:6514", "unix:/chroot/dev/log", "stream:/run/log" or "fifo:/run/log.fifo"';

/** The ports that are assigned: RFC 5426 section 3.3, RFC 6587 section 3.2 (601), RFC 5425 section 4.1. */
const PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;
export const TCP_PORT = PORTS.tcp;
const PATH_KINDS = ["unix", "stream", "fifo"] as const;

/** The files of a TLS listener, and whom it lets send. */
export interface TlsSettings {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Who vouches for clients: one file with all of their certificates. */
  readonly authoritiesPath: string | undefined;
  readonly peers: readonly PermittedPeer[];
}

export interface Listener {
  readonly on: Place;
  /** Of connections; a datagram is one message. */
  readonly framing: Framing;
  /** The networks that it takes messages from; none: all. */
  readonly allow: readonly IpNetwork[];
  /** The zone of times that name none; `undefined`: that of this host. */
  readonly zone: ZoneOffset | undefined;
  /** The wildcard address of IPv6 takes IPv4 too, unless that has a listener of its own at the same port (`listenersOf`). */
  readonly isIpv6Only: boolean;
  /** For a place by "tls". */
  readonly tls: TlsSettings | undefined;
}

/** A listener as most are. */
export function listener(on: Place, more: Partial<Listener> = {}): Listener {
  return { framing: "auto", allow: [], zone: undefined, isIpv6Only: false, tls: undefined, ...more, on };
}

/**
 * Reads a place.
 * @throws {Fault} kind "usage", code "place" or "listen-address"
 */
export function parsePlace(text: string): Place {
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(0, colon));
  const rest = text.slice(colon + 1);
  if (kind === "udp" || kind === "tcp" || kind === "tls") return { by: kind, ...parseListenAddress(rest, PORTS[kind]) };
  const byPath = PATH_KINDS.find((known) => known === kind);
  if (byPath !== undefined && isPath(rest, byPath)) return { by: byPath, path: rest };
  throw new Fault(
    "usage",
    "place",
    `unknown place ${JSON.stringify(text)}: expected ${PLACE_FORM}${proposal(kind, rest, text)}`,
  );
}

/** Writes what `parsePlace` reads; the same text for the same place. */
export function formatPlace(place: Place): string {
  return "path" in place ? `${place.by}:${place.path}` : `${place.by}:${formatListenAddress(place)}`;
}

function isPath(text: string, kind: (typeof PATH_KINDS)[number]): boolean {
  return kind === "unix" ? /^[/@]./.test(text) : /^\/./.test(text);
}

function proposal(kind: string, rest: string, text: string): string {
  const meant = nearest(kind, [...Object.keys(PORTS), ...PATH_KINDS]);
  const proposed = text.startsWith("/")
    ? `unix:${text}`
    : meant !== undefined && meant !== kind
      ? `${meant}:${rest}`
      : "";
  return proposed === "" ? "" : `; did you mean ${JSON.stringify(proposed)}?`;
}
