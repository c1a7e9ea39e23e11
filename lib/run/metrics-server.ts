// A service's counts for a collector: GET /metrics, in OpenMetrics text.
import type { Sample } from "../base/counters.ts";
import { Fault } from "../base/fault.ts";
import { formatAddress } from "../base/ip-address.ts";
import { formatListenAddress, type ListenAddress } from "../base/listen-address.ts";
import { OPEN_METRICS_TYPE, openMetrics } from "../base/open-metrics.ts";
import { reasonOf } from "../base/system-reason.ts";

/**
 * Answers until it is disposed.
 * @param prefix of every name: "spreadbox_syslogd"
 * @throws {Fault} kind "cannot-create" where the address cannot be had
 */
export function serveMetrics(at: ListenAddress, prefix: string, samples: () => readonly Sample[]): Disposable {
  try {
    const server = Bun.serve({
      hostname: formatAddress(at.address),
      port: at.port,
      development: false,
      fetch: (request) =>
        // Without a Host, as of HTTP/1.0, there is the path alone.
        new URL(request.url, "http://localhost").pathname === "/metrics"
          ? new Response(openMetrics(prefix, samples()), { headers: { "content-type": OPEN_METRICS_TYPE } })
          : new Response("/metrics is all that is here\n", { status: 404 }),
    });
    return { [Symbol.dispose]: () => void server.stop(true) };
  } catch (cause) {
    const found = `cannot give metrics at ${formatListenAddress(at)}: ${reasonOf(cause)}`;
    throw new Fault("cannot-create", "metrics", found, { cause });
  }
}
