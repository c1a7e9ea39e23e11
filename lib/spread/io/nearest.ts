// Which of several daemons is the nearest: the one that takes a TCP connection soonest. Those about as near as each other are put in an order left to
// chance, so that a thousand clients of three daemons do not all choose the first.
import type { Random } from "../../base/random.ts";
import type { Server } from "../server.ts";

/** Who has not answered by then is far. */
const ANSWER_MS = 500;
/** Differences up to this, or up to half of the time, are noise. */
const NOISE_MS = 1;

/** The servers, nearest first. Those of this host (unix sockets) stay where they are: before all others. */
export async function nearestFirst(servers: readonly Server[], random: Random): Promise<readonly Server[]> {
  const own = servers.filter(({ by }) => by === "unix");
  const others = servers.filter(({ by }) => by !== "unix");
  if (others.length < 2) return servers;
  const times = await Promise.all(others.map(timeOf));
  const least = Math.min(...times);
  const far = (ms: number) => (ms <= least + Math.max(NOISE_MS, least / 2) ? 0 : ms);
  const ordered = others
    .map((server, at) => ({ server, ms: far(times[at]!), chance: random() }))
    .sort((a, b) => a.ms - b.ms || a.chance - b.chance);
  return [...own, ...ordered.map(({ server }) => server)];
}

/** Milliseconds to a connection; infinite where there is none. The connection is dropped before a word was said. */
async function timeOf(server: Server): Promise<number> {
  if (server.by === "unix") return 0;
  const begun = performance.now();
  const { promise, resolve } = Promise.withResolvers<number>();
  const timer = setTimeout(() => resolve(Number.POSITIVE_INFINITY), ANSWER_MS);
  Bun.connect({
    hostname: server.host,
    port: server.port,
    socket: {
      open(socket) {
        resolve(performance.now() - begun);
        socket.terminate();
      },
      data() {},
      error() {},
    },
  }).catch(() => resolve(Number.POSITIVE_INFINITY));
  const ms = await promise;
  clearTimeout(timer);
  return ms;
}
