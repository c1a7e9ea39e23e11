// Where messages come from besides the sockets of every syslogd, and how all of them are read: values, checked.
import type { IpNetwork } from "../base/ip-address.ts";
import type { ZoneOffset } from "../syslog/zone.ts";
import type { Listener } from "./listener.ts";

export interface SourceSettings {
  readonly listeners: readonly Listener[];
  /** The networks that listeners take messages from that have no list of their own; none: all. */
  readonly allow: readonly IpNetwork[];
  /** Whether messages are read from stdin; "only": from nowhere else, and the daemon ends with it. */
  readonly stdin: "no" | "also" | "only";
  /** The zone of times from the network that name none, where a listener has none of its own; `undefined`: that of this host. */
  readonly zone: ZoneOffset | undefined;
  /** Longer messages are cut, with a mark. */
  readonly messageBytesMax: number;
  /** A claimed time further than this from the time of receipt is marked; Infinity: none is. */
  readonly timeOffMaxUs: number;
  /** Of one listener; those that come after are turned away, and counted. */
  readonly connectionsMax: number;
  /** A message "-- MARK --" so often, 0: none. */
  readonly markEveryMs: number;
  /** Where the number of the kernel's last message is kept. */
  readonly kernelStatePath: string;
  /** Whether a unix socket that was removed or replaced under us is made again. */
  readonly restoreSockets: boolean;
}

/** Nothing but what every syslogd does. */
export const PLAIN_SOURCES: SourceSettings = {
  listeners: [],
  allow: [],
  stdin: "no",
  zone: undefined,
  messageBytesMax: 65_536,
  timeOffMaxUs: Number.POSITIVE_INFINITY,
  connectionsMax: 2_000,
  markEveryMs: 0,
  kernelStatePath: "/run/spreadbox/kernel-log",
  restoreSockets: true,
};
