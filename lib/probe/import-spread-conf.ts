// `config import spread.conf`: what a real daemon's configuration says, as tables of ours. `[spreadd]` takes over the place of one of its daemons,
// `[spread]` says how clients reach it. What has no counterpart is told, not dropped in silence. Pure: text in, text out.
import { quoteText } from "../config/quote.ts";
import { DEFAULT_PORT } from "../spread/limits.ts";
import { isDaemonName } from "../spread/names.ts";
import { type ConfDaemon, daemonsOf, parseSpreadConf, type SpreadConf } from "../spread/spread-conf.ts";
import { isLoopback, isUnspecified } from "../spread/spread-conf-address.ts";

export interface SpreadConfImport {
  /** Two tables, with comments that say where each value comes from. */
  readonly toml: string;
  /** What the operator has to decide, one line each. */
  readonly warnings: readonly string[];
}

export interface ImportOptions {
  /** Which daemon of the file is to be ours; unless said, the only one, or the one with an address of this host. */
  readonly daemon?: string;
  /** Addresses of this host. */
  readonly hostAddresses?: readonly string[];
  /** What the resolver said of names without an address. */
  readonly addresses?: ReadonlyMap<string, readonly string[]>;
}

/** Options that mean something only to daemons that form a ring, or to the C daemon's own logging. */
const WITHOUT_COUNTERPART = new Set([
  ...[
    "EventLogFile",
    "EventTimeStamp",
    "EventPreciseTimeStamp",
    "EventPriority",
    "DebugFlags",
    "DangerousMonitor",
    "SocketPortReuse",
    "RuntimeDir",
  ],
  ...[
    "DaemonUser",
    "DaemonGroup",
    "AccessControlPolicy",
    "ActiveIPVersion",
    "Window",
    "PersonalWindow",
    "AcceleratedRing",
    "AcceleratedWindow",
  ],
  ...["WideAreaNetwork", "ExcludeSegAddrsFromHash", "IgnoreMulticastJoinErrors"],
]);

/** The authentication methods that spreadd has. */
const KNOWN_METHODS = ["NULL", "IP", "PWORD"];

/**
 * Turns a spread.conf into `[spreadd]` and `[spread]`.
 * @param file its name, for messages and for the comment at the top
 * @throws {SpreadConfError} the real daemon would refuse the file: all mistakes
 */
export function importSpreadConf(text: string, file: string, options: ImportOptions = {}): SpreadConfImport {
  const conf = parseSpreadConf(text, file, options.addresses === undefined ? {} : { addresses: options.addresses });
  const warnings: string[] = [];
  const daemon = chooseDaemon(conf, options, warnings);
  const lines = [`# From ${quoteText(file)}, a configuration of Spread 5.`, "", "[spreadd]"];
  if (daemon !== undefined) lines.push(...daemonLines(daemon, warnings));
  lines.push(...policyLines(conf, warnings), "", "[spread]", ...serverLines(conf, daemon));
  warnRest(conf, warnings);
  return { toml: `${lines.join("\n")}\n`, warnings };
}

function chooseDaemon(
  conf: SpreadConf,
  { daemon, hostAddresses = [] }: ImportOptions,
  warnings: string[],
): ConfDaemon | undefined {
  const all = daemonsOf(conf);
  const named = daemon === undefined ? undefined : all.find(({ name }) => name === daemon);
  if (daemon !== undefined && named === undefined)
    warnings.push(
      `the file has no daemon ${quoteText(daemon)}: it has ${all.map(({ name }) => quoteText(name)).join(", ")}`,
    );
  const here = all.filter(
    ({ address }) => address !== undefined && !isLoopback(address) && hostAddresses.includes(address.text),
  );
  const chosen = named ?? (all.length === 1 ? all[0] : here.length === 1 ? here[0] : undefined);
  if (chosen === undefined && daemon === undefined)
    warnings.push(
      `which of the file's ${all.length} daemons this host is can't be told: set name, port and listen of [spreadd]`,
    );
  if (all.length > 1)
    warnings.push(
      `the file has ${all.length} daemons in one ring: a spreadd by itself serves its own host, and groups don't reach the others`,
    );
  return chosen;
}

function daemonLines(daemon: ConfDaemon, warnings: string[]): readonly string[] {
  const lines: string[] = [];
  if (isDaemonName(daemon.name)) lines.push(`name = ${quoteText(daemon.name)}`);
  else warnings.push(`the name ${quoteText(daemon.name)} has characters that no client can use: set another`);
  lines.push(`port = ${daemon.port}`, ...listenLines(daemon, warnings));
  return lines;
}

/** TCP addresses. Spread listens everywhere unless told; we take over the address that its clients know, and say so. */
function listenLines({ interfaces, address }: ConfDaemon, warnings: string[]): readonly string[] {
  const clients = interfaces.filter((one) => one.client).map((one) => one.address);
  if (interfaces.length > 0 && clients.length === 0)
    return ["listen = [] # no interface is for clients: unix sockets alone"];
  const bare = (one: { readonly text: string }) => one.text.split("%", 1)[0]!;
  if (interfaces.length > 0) {
    if (clients.some(isUnspecified))
      warnings.push("clients are taken on every address of the host: name those that need it");
    return [`listen = [${[...new Set(clients.map(bare))].map(quoteText).join(", ")}]`];
  }
  if (address === undefined || isLoopback(address)) {
    warnings.push(
      "Spread listens on every address of the host here; spreadd listens on loopback until listen says more",
    );
    return [];
  }
  warnings.push(
    `Spread listens on every address of the host here; listen has loopback and the daemon's own, ${bare(address)}`,
  );
  const loopback = address.family === 4 ? "127.0.0.1" : "::1";
  return [`listen = [${[loopback, bare(address)].map(quoteText).join(", ")}]`];
}

function policyLines(conf: SpreadConf, warnings: string[]): readonly string[] {
  const { allowedAuthMethods, requiredAuthMethods, maxSessionMessages } = conf.options;
  const lines: string[] = [];
  if (conf.setAt.has("MaxSessionMessages"))
    lines.push(`queue_messages_max = ${Math.min(10_000_000, Math.max(1, maxSessionMessages))} # MaxSessionMessages`);
  const known = (methods: readonly string[]) => [
    ...new Set(methods.filter((method) => KNOWN_METHODS.includes(method))),
  ];
  const allowed = known(allowedAuthMethods);
  const required = known(requiredAuthMethods).filter((method) => method !== "PWORD");
  const authIsDefault = allowed.length === 1 && allowed[0] === "NULL";
  if (allowed.length === 0) {
    warnings.push("no authentication method is allowed: spreadd would refuse every client; set auth");
    lines.push('# auth = ["NULL"]');
  } else if (!authIsDefault) lines.push(`auth = [${allowed.map(quoteText).join(", ")}]`);
  if (required.length > 0) lines.push(`auth_required = [${required.map(quoteText).join(", ")}]`);
  if (allowed.includes("IP") || required.includes("IP")) {
    lines.push('access_ip = ["local"] # write here what spread.access_ip says');
    warnings.push(
      "method IP asks who may come in: copy the lines of the daemon's spread.access_ip into access_ip; until then it is this host alone",
    );
  }
  if (allowed.includes("PWORD")) {
    lines.push('password_file = "/etc/spreadbox/passwords" # write here the path of spread.access_pword');
    warnings.push("method PWORD needs password_file: the daemon reads spread.access_pword");
  }
  return lines;
}

function serverLines(conf: SpreadConf, daemon: ConfDaemon | undefined): readonly string[] {
  if (daemon !== undefined) {
    if (daemon.port === DEFAULT_PORT) return ["# this host's own daemon is found without being named"];
    const own = [`unix:/run/spreadbox/spread.sock`, `unix:/tmp/${daemon.port}`, `tcp:localhost:${daemon.port}`];
    return [`servers = [${own.map(quoteText).join(", ")}]`];
  }
  const all = daemonsOf(conf).flatMap(({ address, port }) => {
    if (address === undefined) return [];
    const host = address.text.split("%", 1)[0]!;
    return [`tcp:${address.family === 6 ? `[${host}]` : host}:${port}`];
  });
  return all.length === 0 ? [] : [`servers = [${all.map(quoteText).join(", ")}]`];
}

function warnRest(conf: SpreadConf, warnings: string[]): void {
  const left = [...conf.setAt.keys()].filter((name) => WITHOUT_COUNTERPART.has(name) || name.endsWith("Timeout"));
  if (left.length > 0) warnings.push(`without counterpart, not taken over: ${left.join(", ")}`);
}
