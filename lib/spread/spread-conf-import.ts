// A spread.conf for who only has clients: which of its daemons belongs to this host, and how the `[spread]` table names them. (What spreadd takes over from a
// real daemon is in lib/spreadd.)
import { DEFAULT_PORT } from "./limits.ts";
import { formatServer } from "./server.ts";
import { type ConfDaemon, daemonsOf, type SpreadConf } from "./spread-conf.ts";
import { type ConfAddress, isLoopback } from "./spread-conf-address.ts";

/**
 * The daemon of this host: the only one of the file, or the only one with an address of this host; `undefined` where that can't be told.
 * @param hostAddresses addresses of this host, without zones
 */
export function daemonOfHost(conf: SpreadConf, hostAddresses: readonly string[]): ConfDaemon | undefined {
  const all = daemonsOf(conf);
  if (all.length === 1) return all[0];
  const here = all.filter(
    ({ address }) => address !== undefined && !isLoopback(address) && hostAddresses.includes(bare(address)),
  );
  return here.length === 1 ? here[0] : undefined;
}

/**
 * Writes `[spread]`: this host's own daemon by its sockets, else every daemon of the file in its order.
 * @param own the host's daemon, if it has one
 */
export function importServers(conf: SpreadConf, own: ConfDaemon | undefined): string {
  if (own?.port === DEFAULT_PORT) return "[spread]\n# this host's own daemon is found without being named\n";
  const servers =
    own === undefined
      ? daemonsOf(conf).flatMap(({ address, port }) =>
          address === undefined ? [] : [formatServer({ by: "tcp", host: bare(address), port })],
        )
      : ["unix:/run/spreadbox/spread.sock", `unix:/tmp/${own.port}`, `tcp:localhost:${own.port}`];
  return servers.length === 0
    ? "[spread]\n"
    : `[spread]\nservers = [${servers.map((server) => JSON.stringify(server)).join(", ")}]\n`;
}

/** Without the zone, which is another one on every host. */
function bare(address: ConfAddress): string {
  return address.text.split("%", 1)[0]!;
}
