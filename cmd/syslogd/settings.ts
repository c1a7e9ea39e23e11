// What a syslogd is to do, after its configuration and its command line.
import { Fault } from "../../lib/base/fault.ts";
import type { parseListenAddress } from "../../lib/base/listen-address.ts";
import { type ProcessSettings, processSettingsOf } from "../../lib/base/process-settings.ts";
import { readTextFile } from "../../lib/run/text-file.ts";
import type { SessionOptions } from "../../lib/spread/index.ts";
import { type DirectedRule, describeRule } from "../../lib/syslogd/directed-rule.ts";
import { confHost } from "../../lib/syslogd/io/conf-host.ts";
import { listener } from "../../lib/syslogd/listener.ts";
import { checkRules } from "../../lib/syslogd/rule-check.ts";
import type { parseRuleLine } from "../../lib/syslogd/rule-line.ts";
import type { LeftOut, Settings } from "../../lib/syslogd/settings.ts";
import { type SinkEntry, whyNotKept } from "../../lib/syslogd/sink-settings.ts";
import { readSink, sinkEntriesOf } from "../../lib/syslogd/sink-table.ts";
import type { SourceSettings } from "../../lib/syslogd/source-settings.ts";
import { sourceSettingsOf } from "../../lib/syslogd/source-table.ts";
import { readSyslogConf } from "../../lib/syslogd/syslog-conf.ts";
import { withoutMistakes } from "../../lib/syslogd/syslog-conf-import.ts";
import { rulesOf, type SyslogdTable } from "../../lib/syslogd/table.ts";

/** What the command line says of it. */
export interface Given {
  readonly control: string | undefined;
  readonly spool: string | undefined;
  readonly socket: readonly string[];
  readonly udp: readonly ReturnType<typeof parseListenAddress>[];
  readonly tcp: readonly ReturnType<typeof parseListenAddress>[];
  readonly stream: readonly string[];
  readonly stdin: boolean;
  readonly rule: readonly ReturnType<typeof parseRuleLine>[];
  readonly kernel: boolean;
  readonly "take-devlog": boolean;
}

/**
 * The command line goes before the configuration.
 * @param wrongElsewhere what is wrong in tables that are not a syslogd's, a line each: told, not refused
 */
export function settingsOf(
  table: SyslogdTable,
  spread: SessionOptions,
  flags: Given,
  classic: Classic | undefined,
  wrongElsewhere: readonly string[] = [],
): Settings {
  const sinks = {
    entries: [...filesOfUser(processSettingsOf(table)), ...sinkEntriesOf(table), ...(classic?.sinks ?? [])],
    spoolDirectory: flags.spool ?? (isTrial(flags) ? "" : table.spool_directory),
    queueBytesMax: table.queue,
  };
  const rules = flags.rule.length > 0 ? checked(flags.rule) : (classic?.rules ?? rulesOf(table));
  for (const rule of rules) {
    const why = whyNotKept(rule, sinks);
    if (why !== undefined) throw new Fault("usage", "no-spool", `${describeRule(rule)}: ${why}`);
  }
  return {
    sockets: flags.socket.length > 0 ? flags.socket : table.socket,
    takeDevLog: flags["take-devlog"] || table.take_devlog,
    udp: flags.udp.length > 0 ? flags.udp : table.udp,
    sources: sourcesOf(table, flags),
    kernel: flags.kernel ? "yes" : table.kernel,
    control: flags.control ?? (isTrial(flags) ? "" : table.control),
    metrics: table.metrics,
    process: processSettingsOf(table),
    rate: table.rate,
    summariseRepeats: table.summarise_repeats,
    host: table.host ?? "",
    rules,
    leftOut: [
      ...(flags.rule.length > 0 ? [] : (classic?.leftOut ?? [])),
      ...wrongElsewhere.map((text) => ({ text, isMistake: false })),
    ],
    spread,
    lastResort: isTrial(flags) || table.last_resort === "none" ? undefined : table.last_resort,
    sinks,
  };
}

/** Whom we will run as has to open the files anew: unless told otherwise they are made as theirs. */
function filesOfUser({ user, group }: ProcessSettings): readonly SinkEntry[] {
  if (user === "" && group === "") return [];
  return [{ of: "file:*", keys: { owner: group === "" ? user : `${user}:${group}` } }];
}

/**
 * The rules of a syslog.conf, as far as they have an equivalent.
 * @param ownHost what this host is called in records
 * @param mistakes what of a line that can't be read: at a start the rest runs all the same, since a host without logs is worse
 * @throws {Fault} kind "config", where it has no rule at all, or mistakes that are to be refused: `all` has each
 */
export async function classicRules(
  path: string | undefined,
  ownHost: string,
  mistakes: "refuse" | "tell",
): Promise<Classic | undefined> {
  if (path === undefined) return undefined;
  const conf = readSyslogConf(await readTextFile(path, "syslog.conf"), confHost(ownHost));
  const kept = withoutMistakes(conf.rules);
  const leftOut = [...conf.notes, ...kept.notes]
    .toSorted((one, other) => one.line - other.line)
    .map(({ line, message, isMistake }) => ({ text: `${path}:${line}: ${message}`, isMistake }));
  const isEmpty = kept.rules.length === 0; // then whatever was left out is why
  const wrong = leftOut
    .filter(({ isMistake }) => isMistake || isEmpty)
    .map(({ text }) => new Fault("config", "line", text));
  if (isEmpty) wrong.push(new Fault("config", "no-rule", `${path} has no rule: nothing would be logged`));
  if (wrong.length > 0 && (mistakes === "refuse" || isEmpty))
    throw new Fault("config", wrong[0]!.code, wrong[0]!.message, { all: wrong });
  return {
    rules: kept.rules.map(({ rule }) => rule),
    sinks: kept.rules.flatMap(({ sink }) => (sink === undefined ? [] : readSink(sink))),
    leftOut,
  };
}

/** What a syslog.conf says. */
interface Classic {
  readonly rules: readonly DirectedRule[];
  readonly sinks: readonly SinkEntry[];
  readonly leftOut: readonly LeftOut[];
}

/** @throws {Fault} kind "usage" where one of the rules can't be meant as it stands */
function checked(rules: readonly DirectedRule[]): readonly DirectedRule[] {
  const [wrong] = checkRules(rules);
  if (wrong !== undefined) throw new Fault("usage", wrong.code, `--rule ${wrong.index + 1}: ${wrong.message}`);
  return rules;
}

/** Its sources are those of the command line: it is not the host's daemon, and must not be taken for it. */
function isTrial({ socket, udp, tcp, stream, stdin }: Given): boolean {
  return stdin || [socket, udp, tcp, stream].some((given) => given.length > 0);
}

function sourcesOf(table: SyslogdTable, flags: Given): SourceSettings {
  const sources = sourceSettingsOf(table);
  const { allow } = sources;
  const given = [
    ...flags.tcp.map((at) => listener({ by: "tcp", ...at }, { allow })),
    ...flags.stream.map((path) => listener({ by: "stream", path })),
  ];
  const isAlone = flags.socket.length === 0 && flags.udp.length === 0 && given.length === 0;
  return {
    ...sources,
    listeners: given.length > 0 ? given : sources.listeners,
    stdin: !flags.stdin ? "no" : isAlone ? "only" : "also",
  };
}
