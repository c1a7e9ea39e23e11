// A wackamole.conf as our own configuration: [mole] and [spread], and a note for whatever is not carried over.
import { formatDuration } from "../base/duration.ts";
import { tryNetwork } from "../base/ip-address.ts";
import { isGroupName } from "../spread/names.ts";
import { formatServer, tryServer } from "../spread/server.ts";
import { readWackamoleConf, type WackAddress, type WackamoleConf, type WackNote } from "./wackamole-conf.ts";

/** @param host what this host is called: it is named where the file says what this host prefers */
export function importWackamole(
  text: string,
  host: string,
): { readonly toml: string; readonly notes: readonly WackNote[] } {
  const conf = readWackamoleConf(text);
  const found: WackNote[] = [...conf.notes];
  const parts = [spreadTable(conf, found), moleTable(conf, found), ...vips(conf, host, found), ...hooks(conf, found)];
  const notes = found.toSorted((a, b) => a.line - b.line);
  const toml = [notesText(notes), ...parts].filter((part) => part !== "").join("\n");
  return { toml, notes };
}

/** So that whoever rolls the file out reads what it lacks, too. */
function notesText(notes: readonly WackNote[]): string {
  if (notes.length === 0) return "";
  // Of what a comment may not have in TOML only a tab is harmless.
  const lines = notes.map(
    ({ line, message, isMistake }) =>
      `# line ${line}${isMistake ? ", MISSING" : ""}: ${message.replace(/[\p{Cc}\p{Cs}]/gu, "?")}`,
  );
  return `# What is not here as it was in wackamole.conf:\n${lines.join("\n")}\n`;
}

function spreadTable({ spread }: WackamoleConf, notes: WackNote[]): string {
  if (spread === undefined) return "";
  const server = tryServer(spread.text);
  if (server === undefined) {
    notes.push({
      line: spread.line,
      message: `${JSON.stringify(spread.text)} is no Spread daemon such as "4803@host": left out`,
      isMistake: true,
    });
    return "";
  }
  return `[spread]\nservers = [${quote(formatServer(server))}]\n`;
}

function moleTable(conf: WackamoleConf, notes: WackNote[]): string {
  const lines = ["[mole]"];
  const { group, control, matureMs, balance, notify } = conf;
  if (group !== undefined && isGroupName(group)) lines.push(`group = ${quote(group)}`);
  else
    notes.push({
      line: 1,
      message:
        group === undefined
          ? 'no Group: the default, "mole", is taken'
          : `${quote(group)} is no group name: "mole" is taken`,
      isMistake: false,
    });
  lines.push(
    "# All hosts of the cluster, for status, and for mode safe. Wackamole had no such list.",
    '# hosts = ["node1", "node2"]',
  );
  if (matureMs !== undefined) {
    // Ours may not be shorter than what old leases need; it has a default that fits.
    lines.push(`# Mature was ${formatDuration(matureMs.ms)}`);
    if (matureMs.ms >= LEAST_MATURITY_MS) lines.push(`maturity = ${quote(formatDuration(matureMs.ms))}`);
    else
      notes.push({
        line: matureMs.line,
        message: `Mature = ${formatDuration(matureMs.ms)} is shorter than old leases may last: the least that is safe (${formatDuration(LEAST_MATURITY_MS)}) is taken`,
        isMistake: false,
      });
  }
  if (balance !== undefined) {
    if (balance.intervalMs !== undefined) lines.push(`calm = ${quote(formatDuration(balance.intervalMs))}`);
    if (balance.perRound !== undefined && balance.perRound !== "1")
      notes.push({
        line: balance.line,
        message: `AcquisitionsPerRound = ${balance.perRound} has no equivalent: vips are balanced one by one, each let go before it is taken; mole balance waits for the end`,
        isMistake: false,
      });
  }
  if (control !== undefined)
    notes.push({
      line: control.line,
      message: `Control = ${control.path} is not carried over: wackatrl can't speak with a mole; mole status and its like find theirs`,
      isMistake: false,
    });
  const targets = notifyTargets(notify, notes);
  if (targets.length > 0) lines.push(`notify = [${targets.map(quote).join(", ")}]`);
  const throttles = notify.flatMap(({ throttle }) => (throttle !== undefined && throttle > 0 ? [throttle] : []));
  if (throttles.length > 0)
    lines.push(`notify_rate = ${Math.min(NOTIFY_RATE_MOST, Math.ceil(Math.min(...throttles)))}`);
  return `${lines.join("\n")}\n`;
}

/** What table.ts takes. */
const NOTIFY_RATE_MOST = 100_000;
/** silence 1s, lease 2s, and the margin: the defaults that stand beside it. */
const LEAST_MATURITY_MS = 3_500;

function notifyTargets(notify: WackamoleConf["notify"], notes: WackNote[]): readonly string[] {
  const targets: string[] = [];
  for (const { line, target, ping } of notify) {
    if (ping)
      notes.push({
        line,
        message: "ping has no equivalent: announcements are of the forms that clients believe, and repeated",
        isMistake: false,
      });
    if (target.toLowerCase() === "arp-cache") {
      notes.push({
        line,
        message: "Notify arp-cache is always on: whom any host knows on the wire is told",
        isMistake: false,
      });
      continue;
    }
    const text = target.replace(/^[^:]+:/, "").replace(/n\d+$/i, "");
    const network = tryNetwork(text);
    if (network === undefined)
      notes.push({
        line,
        message: `${JSON.stringify(target)} is no network that could be told: left out`,
        isMistake: true,
      });
    else if (network.address.bytes.length * 8 - network.prefixBits > 12)
      notes.push({
        line,
        message: `${JSON.stringify(target)} has too many addresses to tell each: left out; the broadcast reaches them`,
        isMistake: false,
      });
    else targets.push(text);
  }
  return targets;
}

function vips({ vifs, prefer = [] }: WackamoleConf, host: string, notes: WackNote[]): readonly string[] {
  const seen = new Set<string>();
  const unused = new Set(prefer);
  const tables = vifs.flatMap(({ line, addresses }) => {
    const kept = addresses.filter(({ line: at, address }) => {
      if (!seen.has(address)) return true;
      notes.push({
        line: at,
        message: `${address} is in the file twice: an address can be in one vip, once; left out here`,
        isMistake: false,
      });
      return false;
    });
    for (const { address } of kept) seen.add(address);
    if (kept.length === 0) return [];
    const wanted = prefer.filter((one) => kept.some(({ address }) => isWithin(address, one)));
    for (const one of wanted) unused.delete(one);
    return tablesOf(line, kept, wanted.length > 0 ? host : undefined, notes);
  });
  for (const { line, address, prefixBits } of unused)
    notes.push({
      line,
      message: `Prefer ${address}/${prefixBits} is none of the virtual interfaces: left out`,
      isMistake: false,
    });
  if (prefer.length > 0)
    notes.push({
      line: prefer[0]!.line,
      message: `Prefer is said of this host (${host}): on each host the whole list of hosts that prefer a vip has to stand, the same everywhere; put the others' names in`,
      isMistake: false,
    });
  return tables;
}

/** Where a VIF has several devices, each address names its own. */
function tablesOf(
  line: number,
  addresses: readonly WackAddress[],
  preferredBy: string | undefined,
  notes: WackNote[],
): readonly string[] {
  const devices = new Set(addresses.map(({ device }) => device));
  const [device] = devices;
  for (const { line: at, prefixBits } of addresses)
    if (prefixBits !== 32)
      notes.push({
        line: at,
        message: `/${prefixBits} needs promote_secondaries on its device; without it, take the /${prefixBits} away`,
        isMistake: false,
      });
  const texts = addresses.map((one) => {
    const text = one.prefixBits === 32 ? one.address : `${one.address}/${one.prefixBits}`;
    return quote(devices.size === 1 || one.device === "" ? text : `${text} dev ${one.device}`);
  });
  return [
    [
      `# line ${line}`,
      "[[mole.vip]]",
      `name = ${quote(`vip-${addresses[0]!.address}`)}`,
      `addresses = [${texts.join(", ")}]`,
      ...(devices.size === 1 && device !== "" ? [`device = ${quote(device!)}`] : []),
      ...(preferredBy === undefined ? [] : [`prefer = [${quote(preferredBy)}]`]),
      "",
    ].join("\n"),
  ];
}

const EVENTS: Readonly<Record<string, string>> = {
  "on up": "acquire",
  "on down": "release",
  "post up": "acquire",
  "post down": "release",
};

/** Shared objects and Perl functions can't be called: the place for the program that does the same is prepared. */
function hooks({ hooks: found }: WackamoleConf, notes: WackNote[]): readonly string[] {
  return found.map(({ line, text, event }) => {
    const on = EVENTS[event] ?? "acquire";
    const once = event.startsWith("post") ? "; it was called once a round, a hook is called for each vip" : "";
    notes.push({
      line,
      message: `RunDynamic ${text} ${event} has no equivalent: write a program for [[mole.hook]] on = ["${on}"]${once}`,
      isMistake: false,
    });
    return `# line ${line}: RunDynamic ${text} ${event}\n# [[mole.hook]]\n# on = ["${on}"]\n# command = ["/usr/local/bin/${text.replace(/[^A-Za-z0-9]+/g, "-")}"]\n`;
  });
}

function isWithin(address: string, { address: base, prefixBits }: WackAddress): boolean {
  const number = (text: string) => text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - prefixBits);
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}

/** JSON's strings are TOML's, but for DEL, which TOML wants escaped. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007F");
}
