// A corosync for a host of the harness. Products' own files (`spreadbox cluster init`) can be put in its place: what counts is /etc/corosync/corosync.conf.
import { LINK_PING_MS, linkTimeoutMs } from "../../lib/cluster/profile.ts";

/** By what corosync's packets go: "knet" as `cluster init` writes it, but not encrypted; "udpu" (if not said) is ready sooner when a cable is back. */
export type Transport = "udpu" | "knet";

/** Times of a ring, in milliseconds. */
export interface RingTimes {
  readonly tokenMs: number;
  readonly transport?: Transport;
  /** corosync refuses tokens below 150 with its own 4. */
  readonly retransmits?: number;
  /**
   * It shares the processor as others do. By itself it runs at real-time priority, and while messages are on the way it passes the token on as fast as it can:
   * several of them on few cores, as only tests have it, leave nothing to the daemons that are to be measured (14,000 messages/s instead of 46,000).
   */
  readonly shares?: boolean;
}

export interface RingHost {
  readonly name: string;
  readonly id: number;
  readonly address: string;
}

/** A corosync.conf without encryption. */
export function corosyncConf(hosts: readonly RingHost[], times: RingTimes): string {
  const { tokenMs, retransmits, shares, transport = "udpu" } = times;
  const link = `interface {\n    linknumber: 0\n    knet_ping_interval: ${LINK_PING_MS}\n    knet_ping_timeout: ${linkTimeoutMs(times)}\n  }`;
  const nodes = hosts.map(
    ({ name, id, address }) => `  node {\n    ring0_addr: ${address}\n    nodeid: ${id}\n    name: ${name}\n  }\n`,
  );
  return `totem {
  version: 2
  cluster_name: test
  transport: ${transport}
  crypto_cipher: none
  crypto_hash: none
  token: ${tokenMs}
  token_coefficient: 0
  window_size: 150
  max_messages: 75
${transport === "knet" ? `  ${link}\n` : ""}${retransmits === undefined ? "" : `  token_retransmits_before_loss_const: ${retransmits}\n`}}
nodelist {
${nodes.join("")}}
${shares ? "system {\n  sched_rr: no\n  priority: 0\n}\n" : ""}quorum {
}
logging {
  to_syslog: no
  to_stderr: yes
  timestamp: hires
}
`;
}

/** Node ids of the last ring that corosync's log tells, in order; `undefined` before the first. */
export function lastRing(log: string): number[] | undefined {
  const [, ids] = [...log.matchAll(/Sync members\[\d+\]:([ \d]*)/g)].at(-1) ?? [];
  return ids?.trim().split(/ +/).map(Number);
}
