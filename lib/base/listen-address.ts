// Where to listen on the network: "ADDRESS:PORT", "[ADDRESS]:PORT" for IPv6, "*:PORT" or ":PORT" for every address, the port of the
// protocol where none is given.
import { Fault } from "./fault.ts";
import { formatAddress, type IpAddress, parseAddress, tryAddress } from "./ip-address.ts";

/** The port of syslog over UDP (RFC 5426 section 3.3). */
export const SYSLOG_PORT = 514;

export interface ListenAddress {
  readonly address: IpAddress;
  readonly port: number;
}

export const LISTEN_FORM = 'an address and a port, such as "0.0.0.0:514", "[::]:514" or "192.0.2.7"';

/**
 * @param portElse where the text has none
 * @throws {Fault} kind "usage", code "listen-address"
 */
export function parseListenAddress(text: string, portElse = SYSLOG_PORT): ListenAddress {
  const [, bracketed, bare, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? (bare === undefined ? text : bare);
  const address = host === "*" || host === "" ? parseAddress("::") : tryAddress(host);
  const port = digits === undefined ? portElse : Number(digits);
  if (address === undefined || port > 65_535 || text === "")
    throw new Fault("usage", "listen-address", `cannot read ${JSON.stringify(text)}: expected ${LISTEN_FORM}`);
  return { address, port };
}

/** Writes what `parseListenAddress` reads. */
export function formatListenAddress({ address, port }: ListenAddress): string {
  const host = formatAddress(address);
  return address.family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
