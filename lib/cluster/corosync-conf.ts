// /etc/corosync/corosync.conf: written with its reasons, and read as far as `cluster check` looks at it.
//
// The file is one setting a line, sections in braces; a brace that ends one stands alone. Comments have a line of their own.
import { formatDuration } from "../base/duration.ts";
import { formatAddress } from "../base/ip-address.ts";
import type { Node } from "./nodes.ts";
import { detectionMs, LINK_PING_MS, linkTimeoutMs, type Mode, moleTimes, type Profile, timesOf } from "./profile.ts";

/** Where corosync speaks with the other hosts, UDP, as long as its configuration says nothing else. */
export const COROSYNC_PORT = 5405;

export interface ConfChoices {
  readonly cluster: string;
  readonly nodes: readonly Node[];
  readonly profile: Profile;
  readonly mode: Mode;
}

/** The text of a corosync.conf that says what its times mean. */
export function writeCorosyncConf({ cluster, nodes, profile, mode }: ConfChoices): string {
  const times = timesOf(profile);
  const detection = formatDuration(detectionMs(times));
  const { silenceMs, leaseMs } = moleTimes(times, mode);
  const links = nodes[0]!.addresses.length;
  return `\
# Written by spreadbox cluster init --profile ${profile} --mode ${mode}: for ${times.about}.
# The same on all hosts. What goes with it on each: the key in /etc/corosync/authkey, and UDP port ${COROSYNC_PORT} open between them.
#
# How soon is a dead host noticed?  token + consensus: after ${detection} the others have a ring without it, and mole
#   ${mode === "safe" ? "takes its addresses over when its leases must have ended (mode safe)" : `moves its addresses ${spokenMs(20)} later`}. A process that dies is noticed within milliseconds, whatever stands here.
# What is the price of a shorter token?  A host whose corosync does not run for one token (a busy processor, a stalled
#   virtual machine) leaves the ring for a moment, and its addresses move for nothing.
# Who changes these times changes silence (${formatDuration(silenceMs)}) and lease (${formatDuration(leaseMs)}) of [mole] as well: spreadbox cluster init does.
totem {
	version: 2
	cluster_name: ${cluster}
	# All that goes between the hosts is encrypted and authenticated by the key.
	transport: knet
	crypto_cipher: aes256
	crypto_hash: sha256
	# A token goes round the hosts; one that is not back after so many milliseconds is lost with its host.
	token: ${times.tokenMs}
	# 0: the same for any number of hosts. corosync's own 650 for each host beyond two would make it seconds.
	token_coefficient: 0
	# So often it is sent again before that: a network that loses packets loses no token. More would be refused, where the token is shorter than 30 ms for each.
	token_retransmits_before_loss_const: ${times.retransmits}
	# Then the others agree on a ring without it, for so many milliseconds: 1.2 times the token.
	consensus: ${times.consensusMs}
	# One round of agreeing waits so long for answers.
	join: ${times.joinMs}
	# So many frames may go out in one round of the token, and so many of them from one host: three times corosync's own, which makes a flood need a round of
	# the token for each 24 kB. A flood costs corosync half the processor time.
	window_size: 150
	max_messages: 75
${links > 1 ? `\t# ${links} networks: all that is sent goes over each of them, so a broken one is no change of the ring, and nobody waits for it.\n\tlink_mode: active\n` : ""}\
	# A link's other end is asked every ${LINK_PING_MS} ms, as often as libknet can, and the link is given up after ${formatDuration(linkTimeoutMs(times))} without an answer: also where packets are lost some
	# come. corosync's own, a half of the token, would be shorter than two questions: the ring would part every few seconds.
${Array.from({ length: links }, (_, link) => interfaceSection(link, linkTimeoutMs(times))).join("")}}

nodelist {
${nodes.map(nodeSection).join("")}}

# Our programs need no quorum of corosync's: mole decides by itself what a part of the hosts may do (mode).
quorum {
}

logging {
	to_syslog: yes
	to_stderr: no
	timestamp: on
}
`;
}

function nodeSection({ name, id, addresses }: Node): string {
  const links = addresses.map((address, at) => `\t\tring${at}_addr: ${formatAddress(address)}\n`).join("");
  return `\tnode {\n\t\tname: ${name}\n\t\tnodeid: ${id}\n${links}\t}\n`;
}

function interfaceSection(link: number, timeoutMs: number): string {
  return `\tinterface {\n\t\tlinknumber: ${link}\n\t\tknet_ping_interval: ${LINK_PING_MS}\n\t\tknet_ping_timeout: ${timeoutMs}\n\t}\n`;
}

const spokenMs = (ms: number) => `about ${formatDuration(ms)}`;

/** One host as a corosync.conf has it; `undefined` where it does not say. */
export interface ConfNode {
  readonly name: string | undefined;
  readonly id: number | undefined;
  /** As written: addresses or host names. By link. */
  readonly addresses: readonly string[];
}

export interface CorosyncConf {
  /** Settings of `totem { }`. */
  readonly totem: Readonly<Record<string, string>>;
  readonly nodes: readonly ConfNode[];
  /** Settings of each `totem { interface { } }`. */
  readonly interfaces: readonly Readonly<Record<string, string>>[];
  /** What can't be read: `line 12: …`. */
  readonly errors: readonly string[];
}

/** Reads what counts to us; sections and settings that it does not know are passed over, as what corosync does with them is its own affair. */
export function readCorosyncConf(text: string): CorosyncConf {
  const errors: string[] = [];
  const totem: Record<string, string> = {};
  const nodes: ConfNode[] = [];
  const interfaces: Record<string, string>[] = [];
  const sections: string[] = [];
  let node: Record<string, string> = {};
  for (const [at, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    if (trimmed.endsWith("{")) {
      sections.push(trimmed.slice(0, -1).trim());
      node = {};
      if (sections.join(".") === "totem.interface") interfaces.push(node);
    } else if (trimmed === "}") {
      if (sections.length === 0) errors.push(`line ${at + 1}: "}" ends no section`);
      if (sections.join(".") === "nodelist.node") nodes.push(nodeOf(node));
      sections.pop();
    } else {
      const colon = trimmed.indexOf(":");
      if (colon < 0) errors.push(`line ${at + 1}: expected "setting: value", a section that begins or "}"`);
      const [key, value] = [trimmed.slice(0, colon).trim(), trimmed.slice(colon + 1).trim()];
      if (sections.join(".") === "totem") totem[key] = value;
      else if (["nodelist.node", "totem.interface"].includes(sections.join("."))) node[key] = value;
    }
  }
  if (sections.length > 0) errors.push(`section "${sections.at(-1)}" has no end`);
  return { totem, nodes, interfaces, errors };
}

function nodeOf(settings: Readonly<Record<string, string>>): ConfNode {
  const addresses: string[] = [];
  for (let link = 0; settings[`ring${link}_addr`] !== undefined; link++) addresses.push(settings[`ring${link}_addr`]!);
  const id = Number(settings["nodeid"]);
  return { name: settings["name"], id: Number.isInteger(id) ? id : undefined, addresses };
}

/** After how long without an answer each link is given up, in milliseconds; none where the ring has no links of knet. */
export function linkTimeoutsOf(conf: CorosyncConf): readonly { readonly link: number; readonly timeoutMs: number }[] {
  const { totem, nodes, interfaces } = conf;
  if ((totem["transport"] ?? "knet") !== "knet") return [];
  const links = Math.max(0, ...nodes.map(({ addresses }) => addresses.length));
  return Array.from({ length: links }, (_, link) => {
    const own = interfaces.find(({ linknumber }) => Number(linknumber) === link);
    const pongs = Number(own?.["knet_pong_count"] ?? 2);
    // corosync.conf(5): "token / knet_pong_count"
    return { link, timeoutMs: Number(own?.["knet_ping_timeout"] ?? Math.floor(ringTimesOf(conf).tokenMs / pongs)) };
  });
}

/** Token and consensus as corosync will use them, with its own defaults; the coefficient counted in. */
export function ringTimesOf({ totem, nodes }: CorosyncConf): {
  readonly tokenMs: number;
  readonly consensusMs: number;
} {
  const number = (key: string, otherwise: number) => {
    const value = Number(totem[key] ?? Number.NaN);
    return Number.isFinite(value) ? value : otherwise;
  };
  const coefficient = number("token_coefficient", 650);
  const tokenMs = number("token", 3_000) + (nodes.length > 2 ? (nodes.length - 2) * coefficient : 0);
  return { tokenMs, consensusMs: number("consensus", Math.round(1.2 * tokenMs)) };
}
