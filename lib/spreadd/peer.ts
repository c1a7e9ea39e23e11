// Who is at the other end of a connection, and the words by which a config speaks of peers. Everybody on this host can say any name in the protocol:
// only what the kernel says about a connection counts here.
import { nameMatches, tryNamePattern } from "../base/certificate-name.ts";
import {
  formatAddress,
  type IpAddress,
  type IpNetwork,
  networkContains,
  parseNetwork,
  tryNetwork,
} from "../base/ip-address.ts";
import { visible } from "../base/visible.ts";

/** The other end of a connection, as the kernel tells it. */
export type Peer =
  | {
      readonly by: "unix";
      readonly uid: number;
      /** Its group, and those it is in besides. */
      readonly gids: readonly number[];
      readonly pid: number;
    }
  | { readonly by: "tcp"; readonly address: IpAddress }
  /** By TLS: its certificate, signed by an authority of ours, is for these names. */
  | { readonly by: "tls"; readonly address: IpAddress; readonly names: readonly string[] };

/** Who it is, for messages. Of processes the user alone: the next one is the same to whoever reads it. */
export function formatPeer(peer: Peer): string {
  if (peer.by === "unix") return `user ${peer.uid} on the unix socket`;
  const address = formatAddress(peer.address);
  return peer.by === "tcp" ? address : `${address} (tls: ${peer.names.map(visible).join(", ")})`;
}

/** A set of peers, as a config names it. */
export type PeerSet =
  | { readonly of: "all" }
  /** Everybody on a unix socket. */
  | { readonly of: "unix" }
  /** On a unix socket, by user or by group. A name is looked up when the daemon starts. */
  | { readonly of: "user"; readonly user: string | number }
  | { readonly of: "group"; readonly group: string | number }
  /** By TCP from this host's own loopback addresses. */
  | { readonly of: "local" }
  /** By TCP without TLS: an address is no name. */
  | { readonly of: "network"; readonly network: IpNetwork }
  /** By TLS, with a certificate for a name like this; "*" for any. */
  | { readonly of: "tls"; readonly pattern: string };

/** A set with its names looked up: users and groups are numbers. */
export type KnownPeerSet =
  | Exclude<PeerSet, { readonly of: "user" | "group" }>
  | { readonly of: "user"; readonly user: number }
  | { readonly of: "group"; readonly group: number };

/** What a set of peers looks like, for messages and help. */
export const PEER_SET_FORM =
  '"all", "unix", "user:NAME", "group:NAME" (or numbers), "local", a network such as "10.0.0.0/8", or "tls:NAME" (in a certificate; "tls:*.example.com", "tls:*")';

/** Reads a set of peers, `undefined` where the text is none. */
export function tryPeerSet(text: string): PeerSet | undefined {
  if (text === "all" || text === "unix" || text === "local") return { of: text };
  const [, word, name] = /^(user|group):([^\s:]{1,64})$/.exec(text) ?? [];
  if (name !== undefined) {
    const nameOrNumber = /^\d{1,10}$/.test(name) ? Number(name) : name;
    return word === "user" ? { of: "user", user: nameOrNumber } : { of: "group", group: nameOrNumber };
  }
  if (text === "tls:*") return { of: "tls", pattern: "*" };
  if (text.startsWith("tls:")) {
    const pattern = tryNamePattern(text.slice("tls:".length));
    return pattern === undefined ? undefined : { of: "tls", pattern };
  }
  const network = tryNetwork(text);
  return network && { of: "network", network };
}

/** Whether a peer belongs to a set. */
export function contains(set: KnownPeerSet, peer: Peer): boolean {
  switch (set.of) {
    case "all":
      return true;
    case "unix":
      return peer.by === "unix";
    case "user":
      return peer.by === "unix" && peer.uid === set.user;
    case "group":
      return peer.by === "unix" && peer.gids.includes(set.group);
    case "local":
      return peer.by === "tcp" && LOOPBACK.some((network) => networkContains(network, peer.address));
    case "network":
      return peer.by === "tcp" && networkContains(set.network, peer.address);
    case "tls":
      return peer.by === "tls" && (set.pattern === "*" || peer.names.some((name) => nameMatches(set.pattern, name)));
    default:
      return set satisfies never;
  }
}

const LOOPBACK: readonly IpNetwork[] = [parseNetwork("127.0.0.0/8"), parseNetwork("::1")];
