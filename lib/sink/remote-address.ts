// Another host that takes syslog: "loghost", "loghost:601", "192.0.2.7", "[2001:db8::1]:6514".
import { tryAddress } from "../base/ip-address.ts";

export interface RemoteAddress {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The ports that are assigned: RFC 5426 section 3.3, RFC 6587 section 3.2, RFC 5425 section 4.1. */
export const REMOTE_PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;

const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_.])?$/i;

/** @param portElse where the text has none */
export function tryRemoteAddress(text: string, portElse: number): RemoteAddress | undefined {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? portElse : Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined) return tryAddress(bracketed)?.family === 6 ? { host: bracketed, port } : undefined;
  if (bare !== undefined) return HOST_NAME.test(bare) ? { host: bare, port } : undefined;
  return tryAddress(text)?.family === 6 ? { host: text, port: portElse } : undefined;
}

/** Writes what `tryRemoteAddress` reads. */
export function formatRemoteAddress({ host, port }: RemoteAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
