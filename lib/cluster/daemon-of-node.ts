// Which spreadd of the ring runs on which node. A daemon may have any name: what counts is the node that corosync says it is on.
import type { RingCensus } from "../spreadd/census.ts";

/** The name of the daemon on a node; `undefined` where none in the ring is. */
export function daemonOfNode(ring: RingCensus | undefined, node: number): string | undefined {
  const place = ring?.nodes.indexOf(node) ?? -1;
  return place < 0 ? undefined : ring?.hosts[place];
}
