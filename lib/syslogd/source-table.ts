// The keys of [syslogd] that say where messages come from and how they are read, what they mean together, and what a newcomer is shown of them.
import * as v from "valibot";
import { LISTEN_FORM, type ListenAddress, parseListenAddress } from "../base/listen-address.ts";
import { duration, explained, integer, network, parsed, size } from "../base/schema.ts";
import type { Complaint } from "../base/table.ts";
import { PERMITTED_PEER_FORM, parsePermittedPeer } from "../sink/permitted-peer.ts";
import { FRAMINGS } from "../syslog/framing.ts";
import { zoneSchema } from "../syslog/schema.ts";
import { formatPlace, type Listener, listener, PLACE_FORM, parsePlace, type TlsSettings } from "./listener.ts";
import type { SourceSettings } from "./source-settings.ts";

const FILE_FORM = 'an absolute path such as "/etc/spreadbox/cert.pem"';

const path = (form: string) => parsed(form, (text) => (/^\/[^\0]*$/.test(text) ? text : undefined));

const addresses = (port: number) =>
  v.array(
    explained(LISTEN_FORM, (text) => parseListenAddress(text, port), {
      examples: [`0.0.0.0:${port}`, `[::]:${port}`],
    }),
  );

const zone = () => v.optional(zoneSchema());

const listenSchema = v.strictObject({
  on: v.pipe(
    explained(PLACE_FORM, parsePlace, { examples: ["tcp:0.0.0.0:601", "tls:[::]:6514", "unix:/chroot/dev/log"] }),
    v.description(
      "where: udp, tcp, tls (ADDRESS:PORT), unix (datagrams), stream (connections on a unix socket), fifo (PATH)",
    ),
  ),
  framing: v.pipe(
    v.optional(v.picklist(FRAMINGS, '"auto", "octet-counted", "line" or "nul"'), "auto"),
    v.description("how messages of a connection are told apart; auto: octet counting and lines, message by message"),
  ),
  allow: v.pipe(
    v.optional(v.array(network())),
    v.description("the networks that messages are taken from; by default those of syslogd.allow"),
  ),
  zone: v.pipe(zone(), v.description("the zone of times that name none; by default syslogd.zone")),
  certificate: v.pipe(v.optional(path(FILE_FORM)), v.description("tls: our certificate, with its chain, in PEM form")),
  key: v.pipe(v.optional(path(FILE_FORM)), v.description("tls: the key of our certificate, in PEM form")),
  authorities: v.pipe(
    v.optional(path(FILE_FORM)),
    v.description("tls: the certificates, in PEM form, of those who vouch for clients; then clients must show one"),
  ),
  peers: v.pipe(
    v.optional(
      v.array(
        explained(PERMITTED_PEER_FORM, parsePermittedPeer, {
          examples: ["web1.example.com", "*.example.com", "sha-256:E1:2D:..."],
        }),
      ),
      [],
    ),
    v.description(
      "tls: who may send, by a name in the certificate or its fingerprint; none: all whom the authorities vouch for",
    ),
  ),
});

/** Entries of the table's schema. */
export const sourceKeys = {
  tcp: v.pipe(
    v.optional(addresses(601), []),
    v.description("addresses to take connections on; octet counting and lines are told apart"),
  ),
  stream: v.pipe(
    v.optional(v.array(path('an absolute path such as "/run/log.stream"')), []),
    v.description("unix stream sockets to take connections on"),
  ),
  listen: v.pipe(
    v.optional(v.array(listenSchema), []),
    v.description("further places to listen on, with settings of their own: TLS, sockets for chroots, FIFOs"),
  ),
  allow: v.pipe(
    v.optional(v.array(network()), []),
    v.description("the networks that messages are taken from by udp, tcp and tls; none: all"),
  ),
  connections: v.pipe(
    v.optional(integer(1, 100_000), 2_000),
    v.description("how many clients a listener serves at a time; more are turned away and counted"),
  ),
  message: v.pipe(
    v.optional(v.pipe(size(), v.minValue(480, "at least 480B"), v.maxValue(65_536, "at most 64KiB")), "64KiB"),
    v.description("longer messages are cut, with a mark"),
  ),
  zone: v.pipe(
    zone(),
    v.description("the zone of times from the network that name none; by default that of this host"),
  ),
  time_off: v.pipe(
    v.optional(duration()),
    v.description("a time that is further than this from when the message was received is marked; by default none is"),
  ),
  mark: v.pipe(v.optional(duration(), "0"), v.description('say "-- MARK --" this often, as syslog.info; 0: never')),
  kernel_state: v.pipe(
    v.optional(path('an absolute path such as "/run/spreadbox/kernel-log"'), "/run/spreadbox/kernel-log"),
    v.description("where the number of the kernel's last message is kept, so that a restart repeats none"),
  ),
  restore_sockets: v.pipe(
    v.optional(v.boolean("true or false"), true),
    v.description("make a unix socket again that was removed under us, unless another process listens there"),
  ),
};

const schema = v.strictObject(sourceKeys);
export type SourceTable = v.InferOutput<typeof schema>;

/** What the keys ask for. */
export function sourceSettingsOf(table: SourceTable): SourceSettings {
  const { allow } = table;
  return {
    listeners: [
      ...table.tcp.map((at) => listener({ by: "tcp", ...at }, { allow })),
      ...table.stream.map((path) => listener({ by: "stream", path })),
      ...table.listen.map((entry) => listenerOf(entry, table)),
    ],
    allow,
    stdin: "no",
    zone: table.zone,
    messageBytesMax: table.message,
    timeOffMaxUs: table.time_off === undefined ? Number.POSITIVE_INFINITY : table.time_off * 1_000,
    connectionsMax: table.connections,
    markEveryMs: table.mark,
    kernelStatePath: table.kernel_state,
    restoreSockets: table.restore_sockets,
  };
}

type ListenEntry = SourceTable["listen"][number];

function listenerOf(entry: ListenEntry, table: SourceTable): Listener {
  const { on, framing, zone } = entry;
  const allow = entry.allow ?? ("path" in on ? [] : table.allow);
  return listener(on, { framing, zone, allow, tls: tlsOf(entry) });
}

function tlsOf({ on, certificate, key, authorities, peers }: ListenEntry): TlsSettings | undefined {
  if (on.by !== "tls" || certificate === undefined || key === undefined) return undefined;
  return { certificatePath: certificate, keyPath: key, authoritiesPath: authorities, peers };
}

/** What has the right shape and the wrong meaning. */
export function checkSources(table: TableOfSources): Complaint[] {
  return [...table.listen.flatMap(checkEntry), ...samePlaces(table)];
}

function checkEntry(entry: ListenEntry, index: number): Complaint[] {
  const at = ["listen", index] as const;
  const { by } = entry.on;
  const found: Complaint[] = [];
  if (by === "tls") {
    for (const name of ["certificate", "key"] as const)
      if (entry[name] === undefined) found.push(complaint([...at], "missing", `a listener by tls needs "${name}"`));
    if (entry.authorities === undefined && entry.peers.some((peer) => peer.by === "name")) {
      const why = 'a name is worth what vouches for it: name the "authorities" too, or permit fingerprints';
      found.push(complaint([...at, "peers"], "unproven", why));
    }
  } else {
    for (const name of ["certificate", "key", "authorities"] as const)
      if (entry[name] !== undefined)
        found.push(complaint([...at, name], "no-use", `"${name}" is for tls, this is ${by}`));
    if (entry.peers.length > 0) found.push(complaint([...at, "peers"], "no-use", `"peers" is for tls, this is ${by}`));
  }
  if ("path" in entry.on && entry.allow !== undefined)
    found.push(complaint([...at, "allow"], "no-use", `networks mean nothing to ${by}, which is on this host`));
  if ((by === "udp" || by === "unix") && entry.framing !== "auto")
    found.push(complaint([...at, "framing"], "no-use", `a datagram is one message: ${by} has no framing`));
  return found;
}

/** With the keys that table.ts itself has for places. */
interface TableOfSources extends SourceTable {
  readonly udp: readonly ListenAddress[];
  readonly socket: readonly string[];
}

function samePlaces(table: TableOfSources): Complaint[] {
  const first = new Map<string, string>();
  const places = [
    ...table.socket.map((path, index) => ({ text: formatPlace({ by: "unix", path }), path: ["socket", index] })),
    ...table.udp.map((at, index) => ({ text: formatPlace({ by: "udp", ...at }), path: ["udp", index] })),
    ...table.tcp.map((at, index) => ({ text: formatPlace({ by: "tcp", ...at }), path: ["tcp", index] })),
    ...table.stream.map((path, index) => ({ text: formatPlace({ by: "stream", path }), path: ["stream", index] })),
    ...table.listen.map(({ on }, index) => ({ text: formatPlace(on), path: ["listen", index, "on"] })),
  ];
  return places.flatMap(({ text, path }) => {
    const before = first.get(text);
    first.set(text, before ?? path.join("."));
    return before === undefined ? [] : [complaint(path, "twice", `${text} is listed twice: syslogd.${before} too`)];
  });
}

function complaint(path: Complaint["path"], code: string, message: string): Complaint {
  return { path, code, message };
}

/** Lines of the starter, behind "udp". */
export const SOURCE_STARTER = `# tcp = ["0.0.0.0:601"]
# allow = ["192.0.2.0/24", "2001:db8::/32"]
# zone = "Europe/Berlin"
# time_off = "1h"

# More places to listen on, each with settings of its own.
# [[syslogd.listen]]
# on = "unix:/srv/chroot/dev/log"

# [[syslogd.listen]]
# on = "tls:[::]:6514"
# certificate = "/etc/spreadbox/cert.pem"
# key = "/etc/spreadbox/key.pem"
# authorities = "/etc/spreadbox/ca.pem"
# peers = ["*.example.com"]
`;
