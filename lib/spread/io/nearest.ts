// Which of several daemons is the nearest: the one that takes a TCP connection soonest. Those about as near as each other are put in an order left to
// chance, so that a thousand clients of three daemons do not all choose the first.
import type { Random } from "../../base/random.ts";
import type { Server } from "../server.ts";

/** Who has not answered by then is far. */
const ANSWER_MS = 500;
/** Differences up to this, or up to half of the time, are noise. */
const NOISE_MS = 1;

/** What was measured is good for so long: a daemon that died moves nothing else. */
const GOOD_MS = 60_000;

/** Remembers how far the servers are. */
export class Nearness {
  #times: readonly number[] = [];
  #measuredMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly servers: readonly Server[],
    private readonly random: Random,
  ) {}

  /**
   * The servers, nearest first. Those of this host (unix sockets) come before all others.
   * @param lost the one that was just lost, if any: it comes last
   */
  async order(lost: Server | undefined): Promise<readonly Server[]> {
    const own = this.servers.filter(({ by }) => by === "unix");
    const others = this.servers.filter(({ by }) => by !== "unix");
    if (others.length < 2) return this.servers;
    if (performance.now() - this.#measuredMs > GOOD_MS) {
      this.#times = await Promise.all(others.map(timeOf));
      this.#measuredMs = performance.now();
    }
    const least = Math.min(...this.#times);
    const far = (ms: number) => (ms <= least + Math.max(NOISE_MS, least / 2) ? 0 : ms);
    const ordered = others
      .map((server, at) => ({ server, isLost: server === lost, ms: far(this.#times[at]!), chance: this.random() }))
      .sort((a, b) => Number(a.isLost) - Number(b.isLost) || a.ms - b.ms || a.chance - b.chance);
    return [...own, ...ordered.map(({ server }) => server)];
  }
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
