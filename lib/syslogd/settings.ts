// What the daemon is to do, after config and command line: values, checked.

import type { ListenAddress } from "../base/listen-address.ts";
import type { ProcessSettings } from "../base/process-settings.ts";
import type { SessionOptions } from "../spread/index.ts";
import type { QueuedDestination } from "./destination.ts";
import type { DirectedRule } from "./directed-rule.ts";
import type { RateRule } from "./rate-limit.ts";
import type { SinkSettings } from "./sink-settings.ts";
import type { SourceSettings } from "./source-settings.ts";

/** Something that the operator wrote and we don't do. */
export interface LeftOut {
  /** With file and line. */
  readonly text: string;
  /** It can't be meant as it stands. */
  readonly isMistake: boolean;
}

export interface Settings {
  /** Paths of unix datagram sockets; none: found by `chooseSockets`. */
  readonly sockets: readonly string[];
  /** Replace a link at /dev/log by a socket of ours. */
  readonly takeDevLog: boolean;
  readonly udp: readonly ListenAddress[];
  /** Where messages come from besides, and how all of them are read. */
  readonly sources: SourceSettings;
  /** Whether the kernel's messages are read from /dev/kmsg; "auto": where programs log to our /dev/log, since journald passes them on elsewhere. */
  readonly kernel: "auto" | "yes" | "no";
  /** This host's name in records; "" for what the system calls it. */
  readonly host: string;
  readonly rules: readonly DirectedRule[];
  /** What of the configuration was not taken, each with why: of a syslog.conf the lines that are no rule; what is wrong in tables of others. */
  readonly leftOut?: readonly LeftOut[];
  /** How to reach a Spread daemon, where a rule names a group. */
  readonly spread: SessionOptions;
  readonly process: ProcessSettings;
  /** What one sender may say; `undefined`: anything. */
  readonly rate: RateRule | undefined;
  /** Say once what a sender repeats, and how often. */
  readonly summariseRepeats: boolean;
  /** Where operators' commands come in; "": nowhere. */
  readonly control: string;
  /** Where the counts are given to collectors. */
  readonly metrics: ListenAddress | undefined;
  /** Who hears that a sink fails where no sink that works does; `undefined`: nobody but stderr. */
  readonly lastResort: QueuedDestination | undefined;
  /** What sinks are told besides where they send. */
  readonly sinks: SinkSettings;
}

/** Paths of the consoles that records may go to. */
export function consolePathsOf({ rules, lastResort }: Pick<Settings, "rules" | "lastResort">): Set<string> {
  const destinations = [...rules.map(({ to }) => to), lastResort];
  return new Set(destinations.flatMap((to) => (to?.kind === "console" ? to.path : [])));
}
