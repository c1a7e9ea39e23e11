// `cluster check`: what is missing or different on this host, and what to do about it. Facts in, findings out.
import { formatDuration } from "../base/duration.ts";
import { leastLeaseMs } from "../mole/times.ts";
import { COROSYNC_PORT, type ConfNode, type CorosyncConf, linkTimeoutsOf, ringTimesOf } from "./corosync-conf.ts";
import type { Greeting, PeerKnowledge } from "./peer-greeting.ts";
import { AUTHKEY_PATH, COROSYNC_CONF_PATH } from "./plan.ts";
import { detectionMs, LINK_PING_MS, LINK_TIMEOUT_LEAST_MS, linkTimeoutMs } from "./profile.ts";
import type { RingFacts } from "./ring-facts.ts";

export interface Finding {
  readonly level: "good" | "doubt" | "bad";
  readonly text: string;
  /** What to do. */
  readonly advice?: string;
}

export interface KeyFacts {
  readonly path: string;
  /** `undefined`: there is no such file. */
  readonly file: { readonly mode: number; readonly uid: number; readonly bytes: number } | undefined;
}

export interface LocalFacts {
  readonly hostName: string;
  /** All addresses of this host. */
  readonly addresses: readonly string[];
  /** By address, the device that has it and no carrier. */
  readonly unplugged: ReadonlyMap<string, string>;
  readonly corosync: string | undefined;
  readonly hasCpg: boolean;
  readonly conf: CorosyncConf | undefined;
  /** What corosync itself has against its configuration. */
  readonly confRefused: string | undefined;
  readonly authkey: KeyFacts;
  /** What our configuration says, or what is wrong with it. */
  readonly config:
    | {
        readonly engine: string;
        readonly spreaddSilenceMs: number;
        readonly mole:
          | { readonly silenceMs: number; readonly leaseMs: number | undefined; readonly mode: string }
          | undefined;
        readonly moleKey: KeyFacts | undefined;
      }
    | { readonly mistakes: readonly string[] };
  /** `undefined`: nobody on this host says. */
  readonly isClockSet: boolean | undefined;
  /** What corosync tells, if it runs. */
  readonly ring: RingFacts | undefined;
}

export function localFindings(facts: LocalFacts): readonly Finding[] {
  return [
    ...packages(facts),
    ...configuration(facts),
    ...(isOpen(facts.conf) ? [] : key(facts.authkey)),
    ...ours(facts),
    ...clock(facts),
    ...ring(facts),
  ];
}

function* packages({ corosync, hasCpg }: LocalFacts): Iterable<Finding> {
  if (corosync === undefined) yield bad("corosync is not installed", "apt-get install corosync libcpg4");
  else if (!(Number(corosync.split(".", 1)[0]) >= 3))
    yield bad(`corosync is ${corosync}: without knet nothing is encrypted`, "install corosync 3");
  else yield good(`corosync ${corosync} is installed`);
  if (!hasCpg) yield bad("libcpg.so.4 is missing: spreadd cannot reach corosync", "apt-get install libcpg4");
}

/** The node of a configuration that is this host, as corosync finds it: by name, then by address. */
export function ownNode({
  hostName,
  addresses,
  conf,
}: Pick<LocalFacts, "hostName" | "addresses" | "conf">): ConfNode | undefined {
  const short = hostName.split(".", 1)[0];
  return (
    conf?.nodes.find(({ name }) => name === hostName) ??
    conf?.nodes.find(({ name }) => name === short) ??
    conf?.nodes.find(({ name }) => name?.split(".", 1)[0] === short) ??
    conf?.nodes.find((node) => node.addresses.some((address) => addresses.includes(address)))
  );
}

const INIT_ADVICE = "spreadbox cluster init --nodes a=ADDRESS,b=ADDRESS,… writes it; or copy it from another host";

function* configuration(facts: LocalFacts): Iterable<Finding> {
  const { conf, confRefused, hostName, addresses } = facts;
  if (conf === undefined) {
    yield bad(`there is no ${COROSYNC_CONF_PATH}`, INIT_ADVICE);
    return;
  }
  for (const error of conf.errors) yield bad(`${COROSYNC_CONF_PATH}: ${error}`);
  const all = conf.nodes.flatMap((node) => node.addresses);
  if (all.length > 0 && all.every((address) => address.startsWith("127.") || address === "::1")) {
    yield bad(`${COROSYNC_CONF_PATH} is a ring of this host alone, as the package brings it`, INIT_ADVICE);
    return;
  }
  if (confRefused !== undefined) yield bad(`corosync refuses its configuration: ${confRefused}`);
  const own = ownNode(facts);
  if (own === undefined) {
    const names = conf.nodes.map(({ name }) => name ?? "(nameless)").join(", ");
    yield bad(
      `${COROSYNC_CONF_PATH} has no node for this host: it is called ${hostName}, the nodes are ${names}`,
      "hostnamectl set-hostname NAME, or write the list of nodes anew",
    );
    return;
  }
  if (own.name !== undefined && own.name !== hostName && own.name !== hostName.split(".", 1)[0])
    yield bad(
      `this host is called ${hostName}, and ${own.name} in ${COROSYNC_CONF_PATH}: spreadd and mole would tell it by another name`,
      `hostnamectl set-hostname ${own.name}`,
    );
  const foreign = own.addresses.filter((address) => /^[\d.:a-f]+$/i.test(address) && !addresses.includes(address));
  for (const address of foreign)
    yield bad(
      `${address} is in ${COROSYNC_CONF_PATH} for this host, and none of its addresses: corosync cannot listen there`,
      `has: ${addresses.join(", ")}`,
    );
  if (foreign.length === 0)
    yield good(`this host is node ${own.id ?? "?"}, ${own.name ?? own.addresses[0]}, of ${conf.nodes.length}`);
  for (const { link, timeoutMs } of linkTimeoutsOf(conf))
    if (timeoutMs < LINK_TIMEOUT_LEAST_MS)
      yield bad(
        `link ${link} is given up after ${formatDuration(timeoutMs)} without an answer, and knet asks every ${formatDuration(LINK_PING_MS)} at most: the ring parts every few seconds`,
        `knet_ping_interval: ${LINK_PING_MS} and knet_ping_timeout: ${linkTimeoutMs(ringTimesOf(conf))} in totem { interface { linknumber: ${link} } }; spreadbox cluster init writes it`,
      );
  for (const address of own.addresses) {
    const device = facts.unplugged.get(address);
    if (device !== undefined)
      yield bad(`${device}, which has ${address}, has no carrier`, `is the cable in? ip link show ${device}`);
  }
  if (isOpen(conf))
    yield doubt(
      "what goes between the hosts is not encrypted, and anybody on the network can join",
      "crypto_cipher: aes256 and crypto_hash: sha256 in totem { }, with a key",
    );
}

/** Whether nothing is encrypted: then no key is needed. */
function isOpen(conf: CorosyncConf | undefined): boolean {
  return conf !== undefined && (conf.totem["crypto_cipher"] ?? "none") === "none" && conf.totem["secauth"] !== "on";
}

function* key({ path, file }: KeyFacts): Iterable<Finding> {
  if (file === undefined)
    yield bad(
      `there is no ${path}`,
      path === AUTHKEY_PATH
        ? "copy it from another host; spreadbox cluster init makes it"
        : "copy it from another host",
    );
  else if ((file.mode & 0o077) !== 0)
    yield bad(
      `${path} may be read by others than its owner (mode ${file.mode.toString(8).padStart(4, "0")})`,
      `chmod 400 ${path}`,
    );
  else if (path === AUTHKEY_PATH && file.bytes < 128)
    yield bad(`${path} has ${file.bytes} bytes, corosync wants 128 at least`, "spreadbox cluster init makes one");
  else yield good(`${path} is there, for its owner alone`);
}

function* ours({ config, conf }: LocalFacts): Iterable<Finding> {
  if ("mistakes" in config) {
    for (const mistake of config.mistakes) yield bad(mistake, "spreadbox config check");
    return;
  }
  if (config.engine !== "corosync")
    yield bad(
      `[spreadd] engine is "${config.engine}": spreadd serves this host alone`,
      'engine = "corosync"; spreadbox cluster init writes it to conf.d/cluster.toml',
    );
  if (config.moleKey !== undefined) yield* key(config.moleKey);
  if (conf === undefined) return;
  const detection = detectionMs(ringTimesOf(conf));
  yield good(`a dead host is noticed within ${formatDuration(detection)}`);
  if (config.spreaddSilenceMs <= detection)
    yield bad(
      `[spreadd] silence is ${formatDuration(config.spreaddSilenceMs)}: a change of the ring, ${formatDuration(detection)}, would count as corosync's death`,
      `silence = "${formatDuration(Math.ceil((2 * detection) / 1_000) * 1_000)}"`,
    );
  const { mole } = config;
  if (mole === undefined) return;
  const least = mole.mode === "safe" ? 2 * detection + 200 : detection + 250;
  if (mole.silenceMs < least)
    yield bad(
      `[mole] silence is ${formatDuration(mole.silenceMs)}, too short for a ring that takes ${formatDuration(detection)} to change`,
      `silence = "${formatDuration(Math.ceil(least / 50) * 50)}"`,
    );
  else if (mole.leaseMs !== undefined && mole.leaseMs < leastLeaseMs(mole.silenceMs))
    yield bad(
      `[mole] lease is ${formatDuration(mole.leaseMs)}, too short for a silence of ${formatDuration(mole.silenceMs)}`,
      `lease = "${formatDuration(leastLeaseMs(mole.silenceMs))}"`,
    );
}

function* clock({ isClockSet }: LocalFacts): Iterable<Finding> {
  if (isClockSet === false)
    yield doubt("this host's clock is not set by the network", "apt-get install chrony (or systemd-timesyncd)");
  else if (isClockSet === true) yield good("this host's clock is set by the network");
}

function* ring({ ring: facts }: LocalFacts): Iterable<Finding> {
  if (facts === undefined) return;
  for (const { name, isMember, isOwn, links, addresses } of facts.nodes) {
    if (isOwn) continue;
    for (const { link, isUp, mtu, latencyUs } of links) {
      const where = `link ${link} to ${name} (${addresses[link]})`;
      if (!isUp)
        yield bad(
          `${where} is down`,
          `is ${name} up, its corosync running, the key the same, and UDP port ${COROSYNC_PORT} open both ways? on both hosts: nft list ruleset; tcpdump -ni any udp port ${COROSYNC_PORT}`,
        );
      else
        yield good(
          `${where} is up, ${latencyUs === undefined ? "" : `${(latencyUs / 1_000).toFixed(2)} ms there and back, `}${mtu} bytes in a packet`,
        );
    }
    if (!isMember && links.every(({ isUp }) => isUp))
      yield bad(
        `${name} is not in the ring${links.length > 0 ? ", though its links are up" : ""}`,
        `on ${name}: journalctl -u corosync`,
      );
  }
}

/** What the greetings of another host tell. @param isOverNetwork they came over corosync's own port */
export function peerFindings(own: Greeting, peer: PeerKnowledge, isOverNetwork: boolean): readonly Finding[] {
  return [...compared(own, peer, isOverNetwork)];
}

function* compared(own: Greeting, peer: PeerKnowledge, isOverNetwork: boolean): Iterable<Finding> {
  const { name, greeting } = peer;
  if (greeting === undefined) {
    if (peer.hasOtherKey)
      yield bad(`${name} has another ${AUTHKEY_PATH}`, `copy it: scp -p ${AUTHKEY_PATH} ${name}:${AUTHKEY_PATH}`);
    else if (peer.hasCorosync)
      yield bad(`corosync runs on ${name}, and not here`, "systemctl start corosync, then journalctl -u corosync");
    else if (isOverNetwork)
      yield bad(
        `nothing comes from ${name}`,
        `run cluster check there at the same time; if it does run, UDP port ${COROSYNC_PORT} does not come through: nft list ruleset on both`,
      );
    else yield doubt(`${name} was not compared`, "run cluster check there at the same time");
    return;
  }
  if (isOverNetwork) {
    if (!peer.hearsUs)
      yield bad(`we hear ${name}, and it does not hear us`, `UDP port ${COROSYNC_PORT} on ${name}: nft list ruleset`);
    if (!peer.gotLarge || (peer.hearsUs && !peer.hearsLarge))
      yield bad(
        `full packets do not come through ${peer.gotLarge ? "to" : "from"} ${name}: something on the way takes less than 1500 bytes`,
        "the same MTU on all hosts and switches (ip link), or knet_mtu in totem { }",
      );
    else if (peer.hearsUs)
      yield good(
        `${name}: UDP port ${COROSYNC_PORT} both ways, 1500 bytes${peer.clock === undefined ? "" : `, ${peer.clock.roundTripMs.toFixed(1)} ms there and back`}`,
      );
  }
  if (greeting.conf !== own.conf)
    yield bad(
      `${name} has another ${COROSYNC_CONF_PATH}`,
      `diff <(ssh ${name} cat ${COROSYNC_CONF_PATH}) ${COROSYNC_CONF_PATH}`,
    );
  if (greeting.moleKey !== own.moleKey)
    yield bad(
      `${name} has another key for mole${greeting.moleKey === null || own.moleKey === null ? ": one of the two has none" : ""}`,
      "copy it from one host to all",
    );
  if (greeting.corosync !== own.corosync)
    yield doubt(`corosync is ${greeting.corosync ?? "missing"} on ${name}, ${own.corosync ?? "missing"} here`);
  if (greeting.spreadbox !== own.spreadbox)
    yield doubt(
      `spreadbox is ${greeting.spreadbox} on ${name}, ${own.spreadbox} here: neighbouring versions work together`,
    );
  const offsetMs = Math.round(peer.clock?.offsetMs ?? 0);
  if (Math.abs(offsetMs) > CLOCK_BOUND_MS)
    yield doubt(
      `${name}'s clock is ${formatDuration(Math.abs(offsetMs))} ${offsetMs > 0 ? "ahead" : "behind"}: times in logs will not compare`,
      "set both clocks by the network",
    );
}

const CLOCK_BOUND_MS = 500;

const good = (text: string): Finding => ({ level: "good", text });
const doubt = (text: string, advice?: string): Finding => ({
  level: "doubt",
  text,
  ...(advice === undefined ? {} : { advice }),
});
const bad = (text: string, advice?: string): Finding => ({
  level: "bad",
  text,
  ...(advice === undefined ? {} : { advice }),
});
