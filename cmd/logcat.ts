// The subscriber. What it does lies in lib/logcat; here are its flags, and how they and the config make one setting.

import { fstatSync } from "node:fs";
import { parseDuration } from "../lib/base/duration.ts";
import { Fault } from "../lib/base/fault.ts";
import type { Call } from "../lib/cli/call.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { parseFacilities, parseRegex, parseSeverities } from "../lib/logcat/choice.ts";
import { TIME_LOOKS } from "../lib/logcat/clock-face.ts";
import { parseFieldTest } from "../lib/logcat/field.ts";
import { runLogcat } from "../lib/logcat/io/logcat.ts";
import { WIDE_FORMS } from "../lib/logcat/line-writer.ts";
import type { LogcatSettings } from "../lib/logcat/settings.ts";
import { subscriptionOf } from "../lib/logcat/subscription.ts";
import { COLOR_CHOICES, type LogcatTable, logcatTable } from "../lib/logcat/table.ts";
import { parseSpan } from "../lib/logcat/when.ts";
import { systemClock } from "../lib/run/clock.ts";
import type { Server } from "../lib/spread/server.ts";
import { parseServer } from "../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../lib/spread/table.ts";
import { configurationOf } from "./configuration.ts";
import { recordCommand } from "./logcat/record.ts";

const FLAGS = {
  spread: {
    type: "list",
    hint: "SERVER",
    about: "the daemon: unix:/path, tcp:host:4803, 4803@host; the first that answers",
    read: parseServer,
  },
  wait: { type: "switch", about: "wait for a daemon at the start, instead of failing where there is none" },
  output: {
    type: "value",
    short: "o",
    hint: "FILE",
    about: "append records to FILE instead of showing them; opened anew at SIGHUP",
  },

  host: { type: "list", short: "H", hint: "NAME", about: "only of these hosts; * and ? are wildcards" },
  app: { type: "list", short: "a", hint: "NAME", about: "only of these programs; * and ? are wildcards" },
  facility: { type: "list", hint: "NAME[,NAME]", about: "only of these facilities", read: parseFacilities },
  severity: {
    type: "value",
    short: "s",
    hint: "NAME",
    about: 'only of this severity and above; "=err" is only that',
    read: parseSeverities,
  },
  grep: { type: "list", short: "g", hint: "REGEX", about: "only where the message matches one of these" },
  not: { type: "list", hint: "REGEX", about: "only where the message matches none of these" },
  "ignore-case": {
    type: "switch",
    short: "i",
    about: "--grep, --not, --until and --highlight take upper for lower case",
  },
  field: {
    type: "list",
    hint: "NAME=VALUE",
    about: "only with this field: of the record, its structured data, or JSON in its message; also NAME!=VALUE, NAME",
    read: parseFieldTest,
  },
  since: {
    type: "value",
    hint: "TIME",
    about: "only from this time on: 2h (ago), 12:30 (the last one), today, 2026-07-31T12:30:00Z",
  },
  before: { type: "value", hint: "TIME", about: "only before this time" },
  last: { type: "value", short: "n", hint: "N", about: "show only the last N, at the end", read: parseCount },
  archive: {
    type: "value",
    hint: "DIRECTORY",
    about:
      'show what was recorded there first, then what comes; where --since or --before is given, the one of the configuration is; "none" for none',
  },
  count: { type: "switch", short: "c", about: "show only how many there were, at the end" },

  until: { type: "list", hint: "REGEX", about: "end with the record whose message matches" },
  first: { type: "value", hint: "N", about: "end after N records", read: parseCount },
  idle: { type: "value", hint: "DURATION", about: "end when no record came for so long", read: parseDuration },
  for: { type: "value", hint: "DURATION", about: "end after so long", read: parseDuration },

  format: {
    type: "value",
    short: "f",
    hint: "FORMAT",
    about: 'short, full, json, raw, rfc5424, traditional, or a template: "%group% %host% %msg%"',
    default: "short",
  },
  time: {
    type: "value",
    short: "t",
    choices: TIME_LOOKS,
    about: "how the time is shown",
    default: "local on a terminal, else iso",
  },
  wide: { type: "value", choices: WIDE_FORMS, about: "text wider than the terminal", default: "wrap" },
  color: {
    type: "value",
    hint: "WHEN",
    choices: COLOR_CHOICES,
    about: "colours: auto, always, never",
    default: "auto",
  },
  highlight: { type: "list", hint: "REGEX", about: "mark this in messages" },

  "cursor-file": {
    type: "value",
    hint: "FILE",
    about: "note in FILE what has come, and go on from there: tell what was missed since, show nothing again",
  },
  members: { type: "switch", about: "tell who feeds the groups, and who joins and leaves them" },
  strict: { type: "switch", about: "end at once, with status 65, when a record is missing" },
  stats: { type: "switch", about: "tell at the end what was counted; SIGUSR1 tells it at any time" },
} as const;

const topCommand: AnyCommand = defineCommand({
  name: "top",
  summary: "a live table of how much comes, by group, host, program and severity",
  about:
    "Instead of the records: how many come a second, and by whom. --grep, --host and the like choose what is counted. On a terminal the table is drawn anew each second, " +
    "elsewhere a table a second is written; with --json an object a second. A group of the name top is followed where it stands behind another: logcat log.mail top.",
  examples: [
    { line: "logcat top 'log.*'", about: "who writes how much" },
    { line: "logcat top -s err 'log.*' --for 1m", about: "errors alone, for a minute" },
  ],
  positionals: [{ name: "GROUP", about: 'a group, a pattern, or a set of the configuration: "@web"', many: true }],
  flags: FLAGS,
  json: true,
  run: (call) => follow(call, true),
});

export const logcatCommand: AnyCommand = defineCommand({
  name: "logcat",
  summary: "shows the records of groups as they come, from all hosts as one, or writes them to a file",
  about:
    'Joins the groups and shows what comes, in the one order that all subscribers see. GROUP is a name, a pattern with * and ? such as "log.mail.*", or a set of the configuration: "@web". ' +
    "Where none is given, those of the configuration are followed. Groups that match a pattern are found by what their senders say, those of later too: syslogd and publish " +
    "tell of a group before they send to it. A program that does not is heard only where its group is named. A name that nobody feeds is told, with the one that was meant, perhaps.\n\n" +
    'Lines that begin with "--" are logcat\'s own: records that are missing, by their numbers, or came late; a daemon that was lost, and is back; what was ' +
    "skipped because the output was not read fast enough. What came twice is shown once: of each sender in a group the last 64 gaps are remembered.\n\n" +
    "With --since or --before, records of before come from the archive that `logcat record` keeps on this host, if it keeps one ([[logcat.write]] with " +
    'to = "archive:..."), and what comes live follows without a gap and with nothing twice. With --before, or -n or --count and no end set, it ends with the archive, ' +
    "and needs no daemon.\n\n" +
    "Control characters, escape sequences and what is not UTF-8 are shown as such (\\n, \\x1b): no record can drive the terminal. Only --format raw, " +
    "json, rfc5424, traditional and templates keep bytes as they are, and only on the way to a file or a pipe; there --format raw, rfc5424, traditional and templates " +
    'have no lines of logcat\'s own, which go to stderr instead. With --json each line is an object, told apart by "kind".',
  examples: [
    { line: "spreadbox logcat log.mail log.auth", about: "what the cluster's mail and auth logs say, live" },
    {
      line: "spreadbox logcat 'log.*' 'www.*'",
      about: "everything, of groups too that there are not yet",
    },
    {
      line: "spreadbox logcat log.daemon -s warning -H 'web*' --grep timeout",
      about: "warnings and worse, of some hosts, with that text",
    },
    {
      line: "spreadbox logcat --since 2h --grep timeout @web",
      about: "what was recorded in the last two hours, and then what comes",
    },
    {
      line: "spreadbox logcat log.deploy --until 'release .* is up' --for 5m",
      about: "a script waits for a line: status 0 if it came, 75 if not",
    },
  ],
  positionals: [{ name: "GROUP", about: 'a group, a pattern, or a set of the configuration: "@web"', many: true }],
  flags: FLAGS,
  commands: [recordCommand, topCommand],
  json: true,
  sections: [
    {
      title: "Exit status",
      text: `0   it ended as asked: --until matched, --first N came, the time was over; a signal, or the reader of the output has gone
65  --strict, and a record is missing; or something of the archive is damaged, and left out
66  there is no archive to look back in
69  no daemon can be reached
73  FILE can't be created
74  the output, or the last of FILE, could not be written
75  --until or --first was given, and it ended before that came
77  the daemon does not let us join a group, or the archive may not be read`,
    },
    {
      title: "Signals",
      text: `SIGINT and SIGTERM end it in order, a second one at once. SIGHUP opens FILE anew. SIGUSR1 tells what was counted.`,
    },
  ],
  run: (call) => follow(call, false),
});

async function follow(call: LogcatCall, isTop: boolean): Promise<number> {
  const config = configurationOf(call, [logcatTable, spreadTable]);
  const settings = settingsOf(call, config.table(logcatTable), isTop);
  const servers: readonly Server[] = call.flags.spread;
  const session = { ...sessionOptionsOf(config.table(spreadTable)), ...(servers.length > 0 ? { servers } : {}) };
  return await runLogcat(settings, session, {
    clock: systemClock,
    out: call.out,
    log: call.log,
    stop: call.stop,
    json: call.json,
    isPiped: isPipe(STDOUT),
    errorIsTerminal: process.stderr.isTTY === true,
  });
}

const STDOUT = 1;

function isPipe(fd: number): boolean {
  try {
    const found = fstatSync(fd);
    return found.isFIFO() || found.isSocket();
  } catch {
    return false; // it is closed: whoever writes learns that
  }
}

type LogcatCall = Call<typeof FLAGS>;

/** The command line goes before the configuration. */
function settingsOf(call: LogcatCall, table: LogcatTable, isTop: boolean): LogcatSettings {
  const { flags, json } = call;
  const words = call.positionals.length > 0 ? call.positionals : table.groups;
  if (words.length === 0)
    throw new Fault(
      "usage",
      "missing",
      "GROUP is missing: name the groups to follow, or set logcat.groups in the configuration (logcat --help)",
    );
  const format = flags.format ?? (json ? "json" : table.format);
  if (json && format !== "json") throw contradiction("--json", `--format ${format}`);
  const subscription = subscriptionOf(words, table.sets);
  for (const [group, name] of subscription.shortened)
    call.log.notice(`${name} is longer than a group's name: it is the group ${group}`);
  const regexes = (texts: readonly string[]) => texts.map((text) => parseRegex(text, flags["ignore-case"]));
  return {
    groups: subscription.groups,
    patterns: subscription.patterns,
    choice: {
      hosts: flags.host,
      apps: flags.app,
      facilities: flags.facility.flat(),
      severities: flags.severity ?? { most: 0, least: 7 },
      grep: regexes(flags.grep),
      not: regexes(flags.not),
      fields: flags.field,
      ...times(flags, isTop),
    },
    end: { until: regexes(flags.until), first: flags.first, idleMs: flags.idle, forMs: flags.for },
    format,
    time: flags.time ?? table.time,
    wide: flags.wide ?? table.wide,
    color: flags.color ?? table.color,
    highlight: [...regexes(flags.highlight), ...table.highlight],
    output: flags.output,
    bufferBytes: table.buffer,
    records: recordsOf(flags, isTop),
    archive: archiveOf(call, table, isTop),
    cursorFile: flags["cursor-file"],
    strict: flags.strict,
    members: flags.members,
    stats: flags.stats,
    wait: flags.wait,
  };
}

/** With a time given, or asked for by name. What only looks back needs no daemon, but an archive. */
function archiveOf({ flags, log }: LogcatCall, table: LogcatTable, isTop: boolean): LogcatSettings["archive"] {
  const { archive: asked, since, before } = flags;
  const isAsked = asked !== undefined;
  if (isTop || (!isAsked && since === undefined && before === undefined)) return undefined;
  const recorded = table.write.find(({ to }) => to.kind === "archive")?.to;
  const directory = asked ?? table.archive ?? (recorded?.kind === "archive" ? recorded.path : undefined);
  if (directory === undefined || directory === "none") {
    if (before !== undefined || (looksBack(flags) && !isAsked))
      throw new Fault("no-input", "no-archive", `${NO_ARCHIVE}: there is nothing to look back in`);
    if (!isAsked) log.notice(`${NO_ARCHIVE}; what comes from now on is shown`);
    return undefined;
  }
  if (flags["cursor-file"] !== undefined) {
    if (isAsked) throw contradiction("--archive", "--cursor-file");
    return undefined;
  }
  return { directory, isAsked, isAll: looksBack(flags) };
}

const NO_ARCHIVE = 'no archive is configured (--archive DIRECTORY, or [[logcat.write]] with to = "archive:DIRECTORY")';

/** Whether only what was is wanted. */
function looksBack(flags: LogcatCall["flags"]): boolean {
  return flags.before !== undefined || ((flags.count || flags.last !== undefined) && !waits(flags));
}

function waits({ first, idle, for: forMs, until }: LogcatCall["flags"]): boolean {
  return first !== undefined || idle !== undefined || forMs !== undefined || until.length > 0;
}

function recordsOf({ count, last }: LogcatCall["flags"], isTop: boolean): LogcatSettings["records"] {
  const asked = [isTop ? "top" : "", count ? "--count" : "", last === undefined ? "" : "--last"].filter(
    (name) => name !== "",
  );
  if (asked.length > 1) throw contradiction(asked[0]!, asked[1]!);
  if (isTop) return { are: "rated" };
  if (count) return { are: "counted" };
  return last === undefined ? { are: "shown" } : { are: "last", count: last };
}

function times(flags: LogcatCall["flags"], isTop: boolean) {
  const { since, before, for: forMs } = flags;
  const nowUs = systemClock.wallMs() * 1_000;
  const zone = (utcMs: number) => -new Date(utcMs).getTimezoneOffset();
  const asked = { ...(since === undefined ? {} : { since }), ...(before === undefined ? {} : { before }) };
  const span = parseSpan({ ...asked, waits: isTop || !looksBack(flags) }, nowUs, zone);
  if (forMs !== undefined && span.sinceUs > nowUs + forMs * 1_000)
    throw new Fault("usage", "future", "--since lies behind the end that --for sets: nothing could be shown");
  return span;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Fault("usage", "count", `cannot read ${JSON.stringify(text)}: expected a whole number from 1 to 999999999`);
}

function contradiction(one: string, other: string): Fault {
  return new Fault("usage", "contradiction", `${one} and ${other} contradict each other: give one of them`);
}
