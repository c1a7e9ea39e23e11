// stdin, or the output of a command, to a group. What it does lies in lib/sink (publisher.ts); here are its flags and its end.

import { accessSync, constants, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { parseDuration } from "../lib/base/duration.ts";
import { Fault } from "../lib/base/fault.ts";
import { parseSize } from "../lib/base/size.ts";
import { reasonOf } from "../lib/base/system-reason.ts";
import type { Call } from "../lib/cli/call.ts";
import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { exitCodeOf } from "../lib/cli/exit-codes.ts";
import { systemClock } from "../lib/run/clock.ts";
import { ACK_HOSTS_MAX } from "../lib/sink/ack-ledger.ts";
import { commandEndData, commandEndText } from "../lib/sink/command-end.ts";
import { type OutputStream, runCaptured } from "../lib/sink/io/captured-command.ts";
import { FileSink } from "../lib/sink/io/file-sink.ts";
import { LineInput } from "../lib/sink/io/line-input.ts";
import { type Line, type PublishEnd, Publisher } from "../lib/sink/io/publisher.ts";
import { KeptLines } from "../lib/sink/kept-lines.ts";
import { type GroupPattern, parseGroupPattern } from "../lib/sink/line-address.ts";
import { BlockPool } from "../lib/sink/line-queue.ts";
import { PlainFormat } from "../lib/sink/line-record.ts";
import { parseServer } from "../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../lib/spread/table.ts";
import { nearestFacility, tryFacility } from "../lib/syslog/facility.ts";
import { origin } from "../lib/syslog/record.ts";
import { nearestSeverity, trySeverity } from "../lib/syslog/severity.ts";
import { configurationOf } from "./configuration.ts";

/** A longer line is cut. Below what a record may have, with all that is written around it. */
const LINE_BYTES_MAX = 61_440;
const QUEUE_BYTES = 8 * 1_048_576;
/** Some lines of the longest kind have to fit in. */
const QUEUE_BYTES_LEAST = 1_048_576;
const BLOCK_MAX_MS = 1_000;
const FLUSH_MS = 5_000;
const SPOOL_BYTES = 256 * 1_048_576;
const SPOOL_AGE_MS = 7 * 86_400_000;
/** In the spool's directory, beside its files: what a run tells the next one. */
const NUMBERS_NAME = "numbers";
const KEPT_BYTES = 4 * 1_048_576;
const TEE_MODE = 0o640;
const STATUS_UNDELIVERED = exitCodeOf("temporary");
const USER = 1;
const ERR = 3;
const INFO = 6;

const FLAGS = {
  group: {
    type: "value",
    short: "g",
    hint: "GROUP",
    about: "the group, instead of as an argument; 'www.%{vhost}' with --take-first",
  },
  "take-first": {
    type: "switch",
    about: "take the first word off each line, and fill the %{...} of the group's name with it",
  },
  facility: {
    type: "value",
    hint: "NAME",
    about: "send records, of this facility",
    read: readFacility,
    default: "user",
  },
  severity: {
    type: "value",
    short: "s",
    hint: "NAME",
    about: "send records, of this severity",
    read: readSeverity,
    default: "info",
  },
  app: { type: "value", short: "a", hint: "NAME", about: "send records, of this program", read: readApp },
  tee: { type: "value", hint: "FILE", about: "append each line to FILE too, as it came; opened anew at SIGHUP" },
  "on-full": {
    type: "value",
    choices: ["drop", "block"],
    about: "where the queue is full: keep the writer waiting, for a while, or drop at once",
    default: "block",
  },
  "block-max": {
    type: "value",
    hint: "DURATION",
    about: "how long the writer may be kept waiting at a time",
    read: parseDuration,
    default: "1s",
  },
  queue: { type: "value", hint: "SIZE", about: "what may wait in memory", read: readQueue, default: "8MiB" },
  spool: {
    type: "value",
    hint: "DIR",
    about: "what waits while the daemon is away waits on disk, in DIR, which is of this publish alone",
  },
  acks: {
    type: "value",
    hint: "N",
    about:
      "send records, and keep each in the spool until recorders (logcat record) on N hosts have it on disk; sent again where it got lost, in a later run too. Needs --spool",
    read: readAcks,
  },
  flush: {
    type: "value",
    hint: "DURATION",
    about: "at the end: how long what waits may take",
    read: parseDuration,
    default: "5s",
  },
  command: { type: "switch", about: "run a command, and publish its output and how it ended, as records" },
  "quiet-on-success": { type: "switch", about: "--command: where it ends with status 0, publish nothing" },
  spread: {
    type: "list",
    hint: "SERVER",
    about: "the daemon: unix:/path, tcp:host:4803, 4803@host; the first that answers",
    read: parseServer,
  },
} as const;

type PublishCall = Call<typeof FLAGS>;

export const publishCommand: AnyCommand = defineCommand({
  name: "publish",
  summary: "sends stdin, line by line, to a group; or the output of a command",
  about:
    "Each line of stdin goes to the group, several in one message when there are many. With --facility, --severity or --app each becomes a record, numbered, so that " +
    "logcat can prove that none is missing; without them the text passes as it is. A line longer than 60 KiB is cut, and says so. Empty lines are left out.\n\n" +
    "For piped logs of web servers: while no daemon can be reached, lines wait in memory (--queue), or on disk (--spool), and go out when it is back. " +
    "Where the queue is full the writer is kept waiting, but never longer than --block-max; then lines are dropped, counted, and told. What was on its way " +
    "when a daemon was lost is sent again: records that come twice are shown once, raw text may be seen twice.\n\n" +
    "With --take-first the first word of each line becomes part of the group's name: each virtual host has a group of its own. Up to 8,000 groups; the lines of further words " +
    'go to one together, with "~other" for the word.',
  examples: [
    { line: "make 2>&1 | spreadbox publish build.log", about: "what a program says, as raw text" },
    {
      line: `CustomLog "|/usr/local/bin/publish --group 'www.%{vhost}' --take-first" "%v %h %l %u %t \\"%r\\" %>s %b"`,
      about: "in Apache's configuration: each virtual host to a group of its own",
    },
    {
      line: "spreadbox publish --command --quiet-on-success log.cron -- /usr/local/bin/backup --all",
      about: "in a crontab: its output and its exit status, where it fails",
    },
  ],
  positionals: [
    { name: "GROUP", about: "the group, unless --group is given" },
    { name: "COMMAND", about: "--command: what to run, behind --", many: true },
  ],
  flags: FLAGS,
  sections: [
    {
      title: "Exit status",
      text: `0   all was delivered, or is in the spool; with --acks: all was acknowledged
73  --acks, and the spool can't be used: nothing was read, nothing was run (77 where permission is missing, 75 where another publish has it)
75  something was not delivered, or not acknowledged
With --command: the command's own; 127 where it can't be started, 128 + n behind signal n. 75 where the command was fine and the delivery was not.
What could not be delivered then, nor kept in a spool, goes to stdout: cron mails it.`,
    },
    {
      title: "Web servers",
      text: `Apache: CustomLog "|..." as above; it starts publish, ends it, and takes its messages into its error log.
nginx writes to no program, but to a FIFO:
    mkfifo /run/www.log; publish --group 'www.%{vhost}' --take-first </run/www.log
and in its configuration:
    log_format vhost '$host $remote_addr "$request" $status';
    access_log /run/www.log vhost;
Take the first word from the server's own names (%v, $server_name) rather than from what clients say.`,
    },
    {
      title: "Signals",
      text: "SIGTERM and SIGINT end it in order: what the pipe holds is read, and what waits is sent, within --flush. With --command they are passed on. SIGHUP opens FILE anew.",
    },
  ],
  async run(call) {
    const { group, command } = meaningOf(call);
    if (call.flags.acks !== undefined && call.flags.spool !== undefined) makeSpool(call.flags.spool);
    const publish = () => publisherOf(call, group, command);
    return command === undefined
      ? await publishInput(call, publish())
      : await publishCommandOutput(call, command, publish);
  },
});

/** Which group, and which command if any. */
function meaningOf({ flags, positionals }: PublishCall): {
  group: GroupPattern;
  command: readonly string[] | undefined;
} {
  const [named, rest] = flags.group === undefined ? [positionals[0], positionals.slice(1)] : [flags.group, positionals];
  if (named === undefined) throw usage("missing", "GROUP is missing: name the group to publish to (publish --help)");
  const group = parseGroupPattern(named);
  if (group.hasField !== flags["take-first"]) {
    const found = group.hasField
      ? "has a field and --take-first is not given"
      : "has no field for --take-first to fill";
    throw usage(
      "field",
      `group ${JSON.stringify(named)} ${found}: expected such as --group 'www.%{vhost}' --take-first`,
    );
  }
  if (flags.acks !== undefined && flags.spool === undefined)
    throw usage("needs-spool", "--acks needs --spool DIR: what is not acknowledged is kept there");
  if (!flags.command) {
    if (rest.length > 0)
      throw usage("too-many", `unexpected argument ${JSON.stringify(rest[0])}; to run a command, give --command`);
    if (flags["quiet-on-success"]) throw usage("needs-command", "--quiet-on-success is for --command");
    return { group, command: undefined };
  }
  if (rest.length === 0) throw usage("missing", "COMMAND is missing: publish --command GROUP -- COMMAND");
  if (flags["take-first"])
    throw usage("contradiction", "--command and --take-first contradict each other: give one of them");
  return { group, command: rest };
}

function publisherOf(call: PublishCall, group: GroupPattern, command: readonly string[] | undefined): Publisher {
  const { flags, log } = call;
  const config = configurationOf(call, [spreadTable]);
  const { name: _oneOfMany, ...session } = sessionOptionsOf(config.table(spreadTable));
  const queueBytesMax = flags.queue ?? QUEUE_BYTES;
  const host = origin("stdin", hostname());
  const areRecords =
    command !== undefined ||
    [flags.facility, flags.severity, flags.app, flags.acks].some((value) => value !== undefined);
  const app = flags.app ?? (command === undefined ? "publish" : appOf(command[0]!));
  try {
    return new Publisher({
      group,
      records: areRecords
        ? { source: { origin: host, app, procid: `${process.pid}` }, pri: priOf(flags, flags.severity ?? INFO) }
        : undefined,
      sink: {
        session: flags.spread.length > 0 ? { ...session, servers: flags.spread } : session,
        host: host.host,
        incarnation: `${Math.floor(systemClock.wallMs()).toString(36)}p${process.pid.toString(36)}`,
        queueBytesMax,
        ...(flags.spool === undefined
          ? {}
          : { spool: spoolAt(flags.spool), numbersPath: join(flags.spool, NUMBERS_NAME) }),
        ...(flags.acks === undefined ? {} : { acks: flags.acks, needsSpool: true }),
      },
      tee: flags.tee === undefined ? undefined : teeTo(flags.tee, queueBytesMax),
      blockMaxMs: flags["on-full"] === "drop" ? 0 : (flags["block-max"] ?? BLOCK_MAX_MS),
      wallUs: () => systemClock.wallMs() * 1_000,
      log,
    });
  } catch (error) {
    if (error instanceof Fault || flags.spool === undefined) throw error;
    throw noSpool(flags.spool, error);
  }
}

async function publishInput({ flags, stop, log }: PublishCall, publisher: Publisher): Promise<number> {
  const reopen = () => publisher.reopen();
  process.on("SIGHUP", reopen);
  const flushMs = flags.flush ?? FLUSH_MS;
  const input = new LineInput(0, LINE_BYTES_MAX, stop, flushMs);
  const { lines } = input;
  const take = async (): Promise<void> => {
    if (!publisher.hasRoom) await publisher.room();
    publisher.take(lines);
  };
  while (await filled(input)) {
    while (lines.next()) {
      // Not awaited unless it must be: a promise a line costs more than the line.
      if (publisher.hasRoom) publisher.take(lines);
      else await take();
    }
    publisher.flush();
  }
  if (lines.last()) await take();
  if (lines.cutLines > 0) log.warn(`lines that were cut, being longer than ${LINE_BYTES_MAX} bytes: ${lines.cutLines}`);
  return statusOf(await publisher.close(flushMs), flags.acks);
}

/** What the next run will send is no failure, unless it was to be acknowledged in this one. */
function statusOf(end: PublishEnd, acks: number | undefined): number {
  return end === "delivered" || (end === "spooled" && acks === undefined) ? 0 : STATUS_UNDELIVERED;
}

async function filled(input: LineInput): Promise<boolean> {
  try {
    return await input.fill();
  } catch (error) {
    throw new Fault("io", "read", `cannot read standard input: ${reasonOf(error)}`, { cause: error });
  }
}

async function publishCommandOutput(
  { flags, stop, log, out }: PublishCall,
  argv: readonly string[],
  publish: () => Publisher,
): Promise<number> {
  const isQuiet = flags["quiet-on-success"];
  const kept = new KeptLines<OutputStream>(KEPT_BYTES);
  let publisher = isQuiet ? undefined : publish();
  const priOfStream = (stream: OutputStream) => priOf(flags, flags.severity ?? (stream === "stderr" ? ERR : INFO));
  const send = async (to: Publisher, line: Line, pri: number, data?: Uint8Array): Promise<void> => {
    if (!to.hasRoom) await to.room();
    to.take(line, pri, data);
    to.flush();
  };
  let lines = 0;
  const end = await runCaptured({
    argv,
    lineBytesMax: LINE_BYTES_MAX,
    stop,
    onLine: async (stream, line) => {
      lines += 1;
      kept.push(stream, line.bytes, line.start, line.end, line.isCut);
      if (publisher !== undefined) await send(publisher, line, priOfStream(stream));
    },
  });
  if (end.failure !== undefined) log.error(`cannot run ${argv[0]}: ${end.failure}`);
  if (isQuiet && end.status === 0) return 0;
  const text = commandEndText(end);
  try {
    if (publisher === undefined) {
      publisher = publish();
      for (const line of kept.lines) await send(publisher, line, priOfStream(line.kind));
    }
  } catch (error) {
    await printKept(kept, text, out);
    throw error;
  }
  const bytes = new TextEncoder().encode(text);
  const data = new TextEncoder().encode(commandEndData(end, lines, isQuiet ? kept.lost : 0));
  const pri = priOf(flags, flags.severity ?? (end.status === 0 ? INFO : ERR));
  await send(publisher, { bytes, start: 0, end: bytes.length, isCut: false }, pri, data);
  const became = await publisher.close(flags.flush ?? FLUSH_MS);
  if (became === "lost") await printKept(kept, text, out);
  return end.status === 0 ? statusOf(became, flags.acks) : end.status;
}

/** Whoever started us has it then, as without us: cron mails it. Some of it may have been delivered, too. */
async function printKept(kept: KeptLines<OutputStream>, end: string, out: PublishCall["out"]): Promise<void> {
  const decoder = new TextDecoder();
  for (const { bytes, start, end } of kept.lines) await out.write(`${decoder.decode(bytes.subarray(start, end))}\n`);
  if (kept.lost > 0) await out.write(`[${kept.lost} more lines]\n`);
  await out.write(`${end}\n`);
}

/** A spool that has to be there is made before anything is read or run. @throws {Fault} */
function makeSpool(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw noSpool(directory, cause);
  }
}

function noSpool(directory: string, cause: unknown): Fault {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "spool";
  const kind = code === "EACCES" || code === "EPERM" ? "no-permission" : "cannot-create";
  const why = reasonOf(cause);
  return new Fault(kind, code, `cannot use spool ${directory}, and --acks needs one: ${why}`, { cause });
}

function spoolAt(directory: string) {
  return {
    directory,
    bytesMax: SPOOL_BYTES,
    ageMaxMs: SPOOL_AGE_MS,
    whenFull: "drop-newest" as const,
    wallMs: () => systemClock.wallMs(),
  };
}

function teeTo(path: string, queueBytesMax: number): ConstructorParameters<typeof Publisher>[0]["tee"] {
  return (onEvent) =>
    new FileSink({ path, format: new PlainFormat(), queueBytesMax, mode: TEE_MODE, pool: new BlockPool(), onEvent });
}

function priOf({ facility }: PublishCall["flags"], severity: number): number {
  return (facility ?? USER) * 8 + severity;
}

/** A command's name as that of a program: one word. */
function appOf(command: string): string {
  return (
    basename(command)
      .replace(/[^\x21-\x7e]/g, "_")
      .slice(0, 48) || "command"
  );
}

function readFacility(text: string): number {
  const facility = tryFacility(text);
  if (facility === undefined) throw unknown("facility", text, nearestFacility(text));
  return facility;
}

function readSeverity(text: string): number {
  const severity = trySeverity(text);
  if (severity === undefined) throw unknown("severity", text, nearestSeverity(text));
  return severity;
}

function unknown(what: string, text: string, meant: string | undefined): Fault {
  const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  return usage(what, `unknown ${what} ${JSON.stringify(text)}${hint}`);
}

function readApp(text: string): string {
  if (/^[\x21-\x7e]{1,48}$/.test(text)) return text;
  throw usage("app", `found ${JSON.stringify(text)}, expected 1 to 48 printable ASCII characters without a space`);
}

/** @throws {Fault} kind "usage" */
function readAcks(text: string): number {
  const hosts = /^[1-9]$/.test(text) ? Number(text) : 0;
  if (hosts >= 1 && hosts <= ACK_HOSTS_MAX) return hosts;
  throw usage("acks", `found ${JSON.stringify(text)}, expected how many hosts, from 1 to ${ACK_HOSTS_MAX}`);
}

function readQueue(text: string): number {
  const bytes = parseSize(text);
  if (bytes >= QUEUE_BYTES_LEAST && bytes <= 1_073_741_824) return bytes;
  throw usage("queue", `found ${JSON.stringify(text)}, expected a size from 1MiB to 1GiB`);
}

function usage(code: string, message: string): Fault {
  return new Fault("usage", code, message);
}
