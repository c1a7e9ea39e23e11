// Where a daemon listens, as an operator writes it. The first two forms are those of the C library (PROTOCOL.md, 2), and mean the same here.
import { Fault } from "../base/fault.ts";
import { DEFAULT_PORT, DEFAULT_TLS_PORT } from "./limits.ts";

export type Server =
  | { readonly by: "unix"; readonly path: string }
  | { readonly by: "tcp"; readonly host: string; readonly port: number }
  | { readonly by: "tls"; readonly host: string; readonly port: number };

/**
 * Where a daemon of this host is looked for: ours, then where C programs expect any. The last socket lies where anybody can be first to make
 * it; `dial` trusts it only if root or our own user did. No TCP: anybody can be first on the port, and nothing tells who it was.
 */
export const DEFAULT_SERVERS: readonly Server[] = [
  { by: "unix", path: "/run/spreadbox/spread.sock" },
  { by: "unix", path: `/tmp/${DEFAULT_PORT}` },
];

/** What a server looks like, for messages and help. */
export const SERVER_FORM =
  'a daemon such as "4803@host", "4803" (the socket /tmp/4803), "unix:/path", "tcp:host:4803" or "tls:host:4804"; IPv6 in brackets: "tcp:[::1]:4803"';

/** A text that names no daemon. */
export class ServerError extends Fault {
  override readonly name = "ServerError";

  constructor(
    readonly found: string,
    reason?: string,
  ) {
    super(
      "usage",
      "server",
      `cannot read server ${JSON.stringify(found)}: ${reason === undefined ? "" : `${reason}; `}expected ${SERVER_FORM}`,
    );
  }
}

/**
 * Reads where a daemon listens.
 *
 * | text | meaning |
 * |---|---|
 * | empty | `4803` |
 * | `PORT` | unix socket `/tmp/PORT` |
 * | `PORT@HOST` | TCP; HOST is a name, an IPv4 or IPv6 address, the latter in brackets or not |
 * | `unix:/PATH` | unix socket |
 * | `tcp:HOST:PORT`, `tcp:HOST` | TCP, port 4803 unless said; IPv6 in brackets |
 * | `tls:HOST:PORT`, `tls:HOST` | TLS, port 4804 unless said: our `spreadd` alone has it |
 * @throws {ServerError}
 */
export function parseServer(text: string): Server {
  if (text.startsWith("unix:")) return parseUnix(text, text.slice("unix:".length));
  if (text.startsWith("tcp:")) return parseTcp(text, "tcp", DEFAULT_PORT);
  if (text.startsWith("tls:")) return parseTcp(text, "tls", DEFAULT_TLS_PORT);
  const [, number, host] = /^(\d*)(?:@(.*))?$/s.exec(text) ?? [];
  if (number === undefined) throw new ServerError(text);
  const port = number === "" && host === undefined ? DEFAULT_PORT : parsePort(text, number);
  return host === undefined ? { by: "unix", path: `/tmp/${port}` } : { by: "tcp", host: parseHost(text, host), port };
}

/** As `parseServer`, `undefined` where the text names no daemon. */
export function tryServer(text: string): Server | undefined {
  try {
    return parseServer(text);
  } catch (error) {
    if (error instanceof ServerError) return undefined;
    throw error;
  }
}

/** Writes a server so that `parseServer` reads the same: "unix:/path", "tcp:host:port", "tls:[::1]:port". */
export function formatServer(server: Server): string {
  if (server.by === "unix") return `unix:${server.path}`;
  const { by, host, port } = server;
  return host.includes(":") ? `${by}:[${host}]:${port}` : `${by}:${host}:${port}`;
}

/** What `sun_path` holds, with its NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

function parseUnix(text: string, path: string): Server {
  if (!path.startsWith("/")) throw new ServerError(text, "a socket's path begins with /");
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > SOCKET_PATH_BYTES_MAX)
    throw new ServerError(text, `a socket's path has at most ${SOCKET_PATH_BYTES_MAX} bytes`);
  if (path.includes("\0")) throw new ServerError(text, "a path holds no NUL");
  return { by: "unix", path };
}

function parseTcp(text: string, by: "tcp" | "tls", usualPort: number): Server {
  const rest = text.slice(4);
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(rest) ?? [];
  if (bracketed === undefined && bare === undefined)
    throw new ServerError(text, "an IPv6 address needs brackets here: [::1]");
  const host = bracketed === undefined ? parseHost(text, bare!) : parseHost(text, `[${bracketed}]`);
  return { by, host, port: port === undefined ? usualPort : parsePort(text, port) };
}

/** A name, an IPv4 address, or IPv6 with or without brackets (and zone): what it is, the resolver decides; here only what can't be one is refused. */
function parseHost(text: string, host: string): string {
  const [, inner] = /^\[(.*)\]$/s.exec(host) ?? [];
  if (inner !== undefined && !IPV6_SHAPE.test(inner)) throw new ServerError(text, "brackets are for IPv6 addresses");
  const plain = inner ?? host;
  if (plain.includes(":") ? !IPV6_SHAPE.test(plain) : !HOST_SHAPE.test(plain)) throw new ServerError(text);
  return plain;
}

const IPV6_SHAPE = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?$/;
const HOST_SHAPE = /^[\w.-]{1,253}$/;

function parsePort(text: string, digits: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) throw new ServerError(text, "a port is a number from 1 to 65535");
  return port;
}
