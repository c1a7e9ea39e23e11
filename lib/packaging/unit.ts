// Units for systemd. Hardened as far as each service works with everything that its configuration may say; each limit that one would expect and does not find has
// a comment that says what it would break. Two would take the JIT compiler away without a word: MemoryDenyWriteExecute= and LimitAS= (lib/linux/jit-limits.ts).
import { defaultsPath, SERVICES, type Service } from "./service.ts";

export interface Unit {
  /** As `generate unit` takes it, and systemctl: "syslogd", "syslogd.socket". */
  readonly name: string;
  readonly about: string;
  readonly text: (executable: string) => string;
}

export const UNITS: readonly Unit[] = [
  ...SERVICES.map((service) => ({
    name: service.name,
    about: service.about,
    text: (executable: string) => serviceUnit(service, executable),
  })),
  { name: "syslogd.socket", about: "/dev/log, held by systemd while no syslogd runs", text: () => SYSLOGD_SOCKET },
];

function serviceUnit(service: Service, executable: string): string {
  const { name, command, about, capabilities, stopSeconds } = service;
  const { unit, settings, sandbox, alias } = SPECIAL[name];
  const run = `${executable} ${command}`;
  return `# ${executable} generate unit ${name} > /etc/systemd/system/${name}.service
[Unit]
Description=spreadbox ${command}: ${about}
Documentation=man:spreadbox-${name}(8)
# However often it fails it is started again: once a second harms nobody.
StartLimitIntervalSec=0
${unit}

[Service]
Type=notify
# DAEMON_ARGS for its command line (words, no quotes), SPREADBOX_CONFIG for another configuration.
EnvironmentFile=-${defaultsPath(service)}
ExecStart=${run} $DAEMON_ARGS
# Answers when it is done, and fails where the new configuration has mistakes: the old one stays.
ExecReload=${run} reload
Restart=on-failure
RestartSec=1s
# A wrong command line or configuration will be no better a second later.
RestartPreventExitStatus=64 78
WatchdogSec=30s
TimeoutStopSec=${stopSeconds}s
${settings}

# What of root's power is left.
${capabilities.map(([names, why]) => `# ${why}\nCapabilityBoundingSet=${names}`).join("\n")}
# No MemoryDenyWriteExecute=, no LimitAS=: they switch off the JIT compiler, and all is 20 times slower. MemoryMax= bounds memory.
# No PrivateTmp=: /tmp/4803 is where a Spread daemon and its clients meet.
${sandbox}
LockPersonality=yes
RestrictRealtime=yes
RestrictNamespaces=yes
SystemCallArchitectures=native
ProtectControlGroups=yes
ProtectKernelModules=yes

[Install]
WantedBy=multi-user.target
${alias}`;
}

/** For services that start programs of the operator's: these have the same limits. */
const PROGRAMS = `# Only the service itself is signalled: a program that it started has its stdin closed, and time to do what it has got.
KillMode=process
# A program that is killed for want of memory is not the service's end.
OOMPolicy=continue`;

/** Written elsewhere than below /etc, /usr and /boot: anywhere a rule says. */
const WRITES = `# Its files are wherever the configuration says, but not here. It makes its own directories, and gives them to its user (user =): no StateDirectory=, which
# would take them back; no RuntimeDirectory=, since /run/spreadbox is of all services, and would go with the first that stops.
ProtectSystem=full
ProtectHome=read-only
# No NoNewPrivileges=: programs that it feeds may be set-uid, as those that send mail.
ProtectClock=yes`;

const SPECIAL: Readonly<Record<Service["name"], Record<"unit" | "settings" | "sandbox" | "alias", string>>> = {
  syslogd: {
    unit: `# One syslog daemon a host: disable the other before (systemctl disable --now rsyslog).
# systemd's own socket, to which journald passes everything on (ForwardToSyslog=yes in journald.conf): what comes while no syslogd runs waits in it. It starts
# what is called syslog.service: us, when we are enabled. For /dev/log without a detour by the journal: generate unit syslogd.socket.
Wants=syslog.socket`,
    settings: PROGRAMS,
    sandbox: `${WRITES}
# No PrivateDevices=: terminals, the console and /dev/kmsg. No ProtectKernelLogs=: likewise. No ProtectKernelTunables=: the length of a socket's queue is a sysctl.
# No RestrictAddressFamilies=: what programs that it feeds may need is not ours to know.`,
    alias: "Alias=syslog.service\n",
  },
  spreadd: {
    unit: `# Those that need it are started after it, and so stopped before it: a mole gives up its vips in order.
# An address of [spreadd] listen that is not there yet: it fails, and is started again until it is.
After=network.target corosync.service
Before=mole.service logcat-record.service`,
    settings: "# It says that it is ready when it listens; over corosync at once, since a ring may be long in coming.",
    sandbox: `# It starts no program and writes no file but its sockets.
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/run /tmp
ProtectHome=read-only
# Its own /dev has the host's /dev/shm, where corosync and it share memory.
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK`,
    alias: "",
  },
  mole: {
    unit: `# Stopped before its daemon and the network: it gives up its vips in order, and others have them within milliseconds.
After=network.target spreadd.service`,
    settings: `# Only the mole is signalled; what hooks have started goes on. Not "mixed", by which systemd kills what is left as soon as the mole is dead: its guard, a
# shell beside it, takes the addresses off then, and ends by itself.
KillMode=process
# A hook or a check that is killed for want of memory is not the mole's end.
OOMPolicy=continue
StateDirectory=spreadbox/mole
StateDirectoryMode=0700`,
    sandbox: `# Hooks and checks have the same limits: what needs more is started as a unit of its own (systemctl start), or allowed by a drop-in (systemctl edit mole).
ProtectSystem=full
ProtectHome=read-only
# No NoNewPrivileges=: hooks may be set-uid. No PrivateDevices=, no RestrictAddressFamilies=: hooks, again.
ProtectClock=yes
ProtectKernelLogs=yes`,
    alias: "",
  },
  "logcat-record": {
    unit: "After=network.target spreadd.service",
    settings: PROGRAMS,
    sandbox: `${WRITES}
ProtectKernelLogs=yes
ProtectKernelTunables=yes`,
    alias: "",
  },
};

const SYSLOGD_SOCKET = `# spreadbox generate unit syslogd.socket > /etc/systemd/system/syslogd.socket
# systemctl enable --now syslogd.socket, and restart syslogd: it takes the socket over.
[Unit]
Description=spreadbox syslogd: /dev/log
Documentation=man:spreadbox-syslogd(8)
DefaultDependencies=no
# journald puts a link to its own socket there; ours comes after it, and in its place. The journal then has what services say on stdout and stderr, and
# what the kernel says, and passes that on to syslogd; what programs log goes to syslogd alone.
After=systemd-journald-dev-log.socket
Before=sockets.target shutdown.target
Conflicts=shutdown.target

[Socket]
ListenDatagram=/dev/log
FileDescriptorName=dev-log
SocketMode=0666
# Who logs is what the kernel says, not what the text says.
PassCredentials=yes
# A socket to which nobody listens would lose what is logged: journald gets the path back. (Not RemoveOnStop=: systemd may remove the link as well.)
ExecStopPost=-/bin/sh -c 'if [ -S /run/systemd/journal/dev-log ]; then ln -sf /run/systemd/journal/dev-log /dev/log; else rm -f /dev/log; fi'

[Install]
WantedBy=sockets.target
`;
