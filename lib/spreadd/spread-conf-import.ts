// A host that had a real daemon gets spreadd under the same name and port, for the same clients: its spread.conf, and the access file beside it, as a
// [spreadd] table. What has no equivalent is named, each once, so that nobody finds out later.

import { Fault } from "../base/fault.ts";
import { nearest } from "../base/nearest.ts";
import { type ConfDaemon, daemonsOf, type SpreadConf } from "../spread/spread-conf.ts";
import { isUnspecified } from "../spread/spread-conf-address.ts";
import { AUTH_METHODS } from "./authentication.ts";
import { tryPeerSet } from "./peer.ts";

/** Where the real daemon looks for users of PWORD. */
const PASSWORD_FILE = "/etc/spread.access_pword";

export interface ImportedConf {
  /** A `[spreadd]` table, each line right as it stands. */
  readonly toml: string;
  /** What the operator has to know: lines of what could not be taken over, or means something else here. */
  readonly notes: readonly string[];
}

/**
 * Writes what `conf` says of one daemon as a `[spreadd]` table.
 * @param name       the daemon, as in the file
 * @param accessFile text of `spread.access_ip`; `undefined` where there is none
 * @throws {Fault} kind "data", code "no-daemon": the file has no daemon of that name
 */
export function importSpreadConf(conf: SpreadConf, name: string, accessFile: string | undefined): ImportedConf {
  const daemons = daemonsOf(conf);
  const daemon = daemons.find((one) => one.name === name || one.written === name);
  if (daemon === undefined) {
    const meant = nearest(
      name,
      daemons.map((one) => one.name),
    );
    const hint =
      meant === undefined
        ? `there are ${daemons.map((one) => one.name).join(", ")}`
        : `did you mean ${JSON.stringify(meant)}?`;
    throw new Fault("data", "no-daemon", `cannot import: no daemon is called ${JSON.stringify(name)}; ${hint}`);
  }
  const notes: string[] = [];
  const lines = ["[spreadd]", `name = ${JSON.stringify(daemon.name)}`, `port = ${daemon.port}`];
  lines.push(...listenLines(daemon, notes), ...authLines(conf, accessFile, notes));
  if (conf.setAt.has("MaxSessionMessages"))
    lines.push(`queue_messages_max = ${Math.max(1, conf.options.maxSessionMessages)}`);
  if (daemons.length > 1)
    notes.push(
      `spreadd serves this host alone: the other daemons (${daemons
        .filter((one) => one !== daemon)
        .map((one) => one.name)
        .join(", ")}) form no group with it`,
    );
  notes.push(...withoutEquivalent(conf));
  return { toml: `${lines.join("\n")}\n`, notes };
}

/** The real daemon listens on all addresses unless the file lists interfaces (PROTOCOL.md 2). Ours is not opened that far by accident. */
function listenLines(daemon: ConfDaemon, notes: string[]): string[] {
  const clients = daemon.interfaces.filter(({ client }) => client).map(({ address }) => address);
  const listed = clients.length > 0 ? clients : daemon.address === undefined ? [] : [daemon.address];
  const addresses = [...new Set(listed.map(({ text }) => text.replace(/%.*$/, "")))];
  if (clients.some(isUnspecified))
    notes.push("TCP is open on all addresses, as the file says: [[spreadd.allow]] says who may");
  else if (daemon.interfaces.length === 0)
    notes.push(
      "the real daemon listened for TCP on all addresses; here it is loopback and the daemon's own: add to `listen` what else clients use",
    );
  if (addresses.length === 0) return [];
  const all = clients.length > 0 ? addresses : [...new Set(["127.0.0.1", ...addresses])];
  return [`listen = ${JSON.stringify(all)}`];
}

function authLines(conf: SpreadConf, accessFile: string | undefined, notes: string[]): string[] {
  const { allowedAuthMethods, requiredAuthMethods } = conf.options;
  const known = (methods: readonly string[]) =>
    methods.filter((method) => (AUTH_METHODS as readonly string[]).includes(method));
  for (const method of [...allowedAuthMethods, ...requiredAuthMethods])
    if (known([method]).length === 0) notes.push(`authentication method ${method} is not known here: it is left out`);
  const required = known(requiredAuthMethods).filter((method) => method !== "PWORD");
  if (requiredAuthMethods.includes("PWORD"))
    notes.push("PWORD cannot be required of clients that do not choose it: it is left out");
  const auth = known(allowedAuthMethods);
  const lines = auth.length === 1 && auth[0] === "NULL" ? [] : [`auth = ${JSON.stringify(auth)}`];
  if (required.length > 0) lines.push(`auth_required = ${JSON.stringify(required)}`);
  if (auth.includes("PWORD")) lines.push(`password_file = ${JSON.stringify(PASSWORD_FILE)}`);
  if ([...auth, ...required].includes("IP")) lines.push(`access_ip = ${JSON.stringify(peersIn(accessFile, notes))}`);
  return lines;
}

/** Lines of an access file (PROTOCOL.md 3.4): `a.b.c.d/n`, `a.b.c.d`, `local`, `unix`, `#` comments. */
function peersIn(accessFile: string | undefined, notes: string[]): string[] {
  if (accessFile === undefined) {
    notes.push("method IP has no access file: nobody may connect until access_ip names somebody");
    return [];
  }
  return accessFile.split("\n").flatMap((line) => {
    const word = line.replace(/#.*$/, "").trim();
    const peers = /^(local|unix)/.exec(word)?.[1] ?? word;
    if (peers === "" || tryPeerSet(peers) !== undefined) return peers === "" ? [] : [peers];
    notes.push(`${JSON.stringify(word)} of the access file is no address or network: it is left out`);
    return [];
  });
}

/** Options of the file that mean nothing here, by what they are about. */
function withoutEquivalent(conf: SpreadConf): string[] {
  const families: readonly (readonly [RegExp, string])[] = [
    [/^(DaemonUser|DaemonGroup|RuntimeDir)$/, "spreadd runs as whom the service manager starts it"],
    [
      /^(EventLogFile|EventTimeStamp|EventPreciseTimeStamp|EventPriority|DebugFlags)$/,
      "spreadd logs to stderr; --verbose tells more",
    ],
    [/(Timeout|Window|Ring|Network|FromHash|Errors)$/i, "there is no ring of daemons to tune"],
    [/^DangerousMonitor$/, "spreadd takes no orders by UDP"],
    [/^SocketPortReuse$/, "spreadd can always be started again at once"],
  ];
  return families.flatMap(([pattern, why]) => {
    const set = [...conf.setAt.keys()].filter((option) => pattern.test(option));
    return set.length === 0 ? [] : [`${set.join(", ")}: left out, ${why}`];
  });
}
