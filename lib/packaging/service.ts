// The services that a host starts by itself, and what a unit or an init script has to know of each.

/** A service as it is installed: `mole.service`, `/etc/init.d/mole`. */
export interface Service {
  readonly name: "syslogd" | "spreadd" | "mole" | "logcat-record";
  /** How it is started, and asked, behind the executable: "logcat record". */
  readonly command: string;
  /** One line, no full stop. */
  readonly about: string;
  /** Whether its --check tells if it would start by its configuration and its command line. */
  readonly checksItself: boolean;
  /** What of root's power it needs, each with the reason. */
  readonly capabilities: readonly (readonly [names: string, why: string])[];
  /** How long it may take to end in order, in seconds, with some to spare. */
  readonly stopSeconds: number;
}

const FILES = [
  "CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER",
  "files that belong to others, and giving them away (owner =)",
] as const;
const USER = ["CAP_SETUID CAP_SETGID", "leaving root (user =)"] as const;
const PROGRAMS = ["CAP_KILL", "ending programs that became somebody else"] as const;

export const SERVICES: readonly Service[] = [
  {
    name: "syslogd",
    command: "syslogd",
    about: "log messages of this host, to files, hosts and Spread groups",
    checksItself: true,
    capabilities: [
      FILES,
      USER,
      PROGRAMS,
      ["CAP_NET_BIND_SERVICE", "ports below 1024"],
      ["CAP_NET_ADMIN", "buffers for bursts, larger than net.core.rmem_max"],
      ["CAP_SYSLOG", "the kernel's messages"],
    ],
    stopSeconds: 15, // sinks get rid of what waits within 5 s
  },
  {
    name: "spreadd",
    command: "spreadd",
    about: "group communication daemon",
    checksItself: false,
    capabilities: [
      ["CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER", "socket_owner, sockets that another user has left, keys"],
      ["CAP_NET_BIND_SERVICE", "ports below 1024"],
    ],
    stopSeconds: 10,
  },
  {
    name: "mole",
    command: "mole",
    about: "keeps every vip covered by exactly one live host",
    checksItself: false,
    capabilities: [
      ["CAP_NET_ADMIN CAP_NET_RAW", "putting addresses on, announcing and probing them"],
      ["CAP_SYS_NICE", "beats in time on a busy host"],
      ["CAP_SYS_RESOURCE", "a guard that the kernel does not choose when memory is short"],
      ["CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_SETUID CAP_SETGID CAP_KILL CAP_NET_BIND_SERVICE", "hooks and checks"],
    ],
    stopSeconds: 60, // five times silence (1s) and 2 s to give up everything, 5 s for hooks; a silence over 10s wants more
  },
  {
    name: "logcat-record",
    command: "logcat record",
    about: "records Spread groups to files and archives",
    checksItself: true,
    capabilities: [FILES, USER, PROGRAMS, ["CAP_NET_BIND_SERVICE", "metrics at a port below 1024"]],
    stopSeconds: 15, // destinations get rid of what waits within 5 s
  },
];

/** Where the host's own settings of a service are: DAEMON_ARGS, SPREADBOX_CONFIG. */
export const defaultsPath = ({ name }: Service) => `/etc/default/spreadbox-${name}`;

/** Where an init script leaves what the service says on stderr. */
export const initLogPath = ({ name }: Service) => `/var/log/spreadbox-${name}.log`;
