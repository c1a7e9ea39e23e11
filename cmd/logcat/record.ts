// The recorder as a service. What it does lies in lib/logcat; here are its flags, its signals and its end.

import { Fault } from "../../lib/base/fault.ts";
import type { Log } from "../../lib/base/log.ts";
import type { ProcessSettings } from "../../lib/base/process-settings.ts";
import { whenAborted } from "../../lib/base/when-aborted.ts";
import { type AnyCommand, defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { type CommonStatus, Operation } from "../../lib/control/io/operation.ts";
import { jitObstacles } from "../../lib/linux/jit-limits.ts";
import { notifyServiceManager } from "../../lib/linux/service-manager.ts";
import type { Say } from "../../lib/logcat/destination.ts";
import { RecorderService } from "../../lib/logcat/io/recorder-service.ts";
import { describeWriteRule } from "../../lib/logcat/record-changes.ts";
import type { RecordSettings } from "../../lib/logcat/record-settings.ts";
import { logcatTable } from "../../lib/logcat/table.ts";
import type { WriteRule } from "../../lib/logcat/write-rule.ts";
import { CONTROL_PATH, recordSettingsOf } from "../../lib/logcat/write-table.ts";
import { systemClock } from "../../lib/run/clock.ts";
import { beatForWatchdog, dropRoot, giveTo, keepPidFile } from "../../lib/run/process-state.ts";
import { parseServer } from "../../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../../lib/spread/table.ts";
import { configurationFor, configurationOf } from "../configuration.ts";
import { controlCommands } from "../control-commands.ts";

/** How long the destinations may take at the end to get rid of what waits. */
const CLOSE_MS = 5_000;

interface Status extends CommonStatus {
  readonly session: string;
  readonly rules: readonly string[];
}

export const recordCommand: AnyCommand = defineCommand({
  name: "record",
  summary: "records groups as a service, by [[logcat.write]]: to files, archives, commands, servers, metrics",
  about:
    "Follows the groups of every [[logcat.write]], and writes the records that it chooses to its destination: one file, or one for each path that the template " +
    "gives, such as file:/var/log/cluster/%host%/%app%.log. Files are rotated by size and age, compressed and removed as the entry says; one that was moved away " +
    "is made anew, and SIGHUP opens all of them anew.\n\n" +
    'to = "archive:DIRECTORY" keeps records for search: `logcat --since 2h --grep timeout` then shows what was recorded, and goes on live. Days are removed by age ' +
    "(keep_for) and size (keep_size).\n\n" +
    'A hand-over instead of a file: to = "exec:COMMAND" gives lines to a command\'s stdin, and starts it again when it ends; "syslog:udp|tcp|tls:HOST:PORT" sends to a ' +
    'server; both keep on disk (spool) what can\'t be taken now. "metrics:ADDRESS:PORT" gives counts by labels as OpenMetrics at /metrics, "metrics:PATH" writes them to a file.\n\n' +
    "Nothing that was received is lost while there is room: what a destination can't take waits in its buffer, and when that is full the recorder reads no more " +
    'from the daemon until there is room again, or drops the newest where the entry says on_full = "drop". What is missing, and what was lost, is told, and written ' +
    "as a record of logcat's own where it is missing.\n\n" +
    "How far each destination is written is noted on disk, after the records: so the next run knows what is missing between the two, and writes nothing twice but for " +
    "what a crash left between record and note.",
  examples: [
    { line: "logcat record", about: "as the host's recorder, by its configuration" },
    { line: "logcat record --check", about: "is the configuration right, and what would it do?" },
    { line: "logcat record status", about: "how far is the one that runs?" },
  ],
  flags: {
    spread: {
      type: "list",
      hint: "SERVER",
      about: "the daemon: unix:/path, tcp:host:4803, 4803@host; the first that answers",
      read: parseServer,
    },
    state: {
      type: "value",
      hint: "DIRECTORY",
      about: "where the recorder remembers how far it has recorded, instead of the configured one",
    },
    control: {
      type: "value",
      hint: "PATH",
      about: `take commands on this socket, instead of the configured one (${CONTROL_PATH}); "" for none`,
    },
    check: { type: "switch", about: "check the configuration, show the rules, and end" },
  },
  json: true,
  endsWithinMs: 2 * CLOSE_MS,
  commands: controlCommands<Status>({
    name: "recorder",
    typed: "logcat record",
    usualPath: CONTROL_PATH,
    uses: [logcatTable],
    configuredPath: (config) => config.table(logcatTable).recorder.control,
    statusAbout: "is connected to, its rules",
    telling: { line: "logcat record stats | grep sink_lost", about: "is anything lost?" },
    reloadAbout: "What is recorded, and where it goes, changes without a record lost",
    statusLines: ({ session, rules }) => [session, ...rules.map((rule, at) => `rule ${at + 1}: ${rule}`)],
  }),
  sections: [
    {
      title: "Exit status",
      text: "0 it ended as asked; 74 records were lost at the end; 78 the configuration is wrong, or has no [[logcat.write]].",
    },
    {
      title: "Signals",
      text: "SIGHUP opens the files anew, for logrotate, and reads the configuration; one with mistakes is refused, and the old one stays. SIGUSR1 tells the counts. SIGTERM and SIGINT end it in order: what was received is written first, within 5 s. A second SIGTERM meanwhile changes nothing; a second SIGINT ends it at once, and what waits is lost.",
    },
  ],
  async run(call) {
    const { flags, env, log } = call;
    const uses = [logcatTable, spreadTable];
    const settingsNow = async (): Promise<RecordSettings> => {
      const settings = recordSettingsOf(configurationOf(call, uses).table(logcatTable));
      if (settings.rules.length === 0)
        throw new Fault(
          "config",
          "no-write",
          "nothing to record: the configuration has no [[logcat.write]] (spreadbox config init shows one)",
        );
      return {
        ...settings,
        rules: settings.rules.map((rule) => ownedBy(settings.process, rule)),
        state: flags.state ?? settings.state,
        control: flags.control ?? settings.control,
      };
    };
    const settings = await settingsNow();
    if (flags.check) {
      for (const [index, rule] of settings.rules.entries()) {
        const text = describeWriteRule(rule);
        if (call.json) await call.printJson({ number: index + 1, rule: text });
        else await call.out.write(`${text}\n`);
      }
      return 0;
    }
    const spread = sessionOptionsOf(configurationFor(call, uses).table(spreadTable));
    const session = { ...spread, ...(flags.spread.length > 0 ? { servers: flags.spread } : {}) };
    if (settings.process.umask !== undefined) process.umask(settings.process.umask);
    const say = teller(log);
    const service = await RecorderService.open(settings, session, { clock: systemClock, env, onOwnMessage: say });
    const operation = new Operation({ service, load: settingsNow, clock: systemClock, env });
    using _pidFile = keepPidFile(settings.process.pidFile);
    using _control = settings.control === "" ? undefined : await operation.listen(settings.control);
    process.on("SIGHUP", () => void operation.hangUp());
    process.on("SIGUSR1", () => operation.tellTotals());
    giveTo(settings.process, settings.state);
    dropRoot(settings.process, filesOf(settings), say);
    for (const obstacle of jitObstacles()) say("warning", obstacle);
    using _watchdog = beatForWatchdog(env);
    notifyServiceManager("READY=1", env);
    await whenAborted(call.stop);
    notifyServiceManager("STOPPING=1", env);
    const lostBefore = lostOf(service);
    await service.close(CLOSE_MS);
    return lostOf(service) > lostBefore ? exitCodeOf("io") : 0;
  },
});

function lostOf(service: RecorderService): number {
  return service.totals.writes.reduce((sum, { lost }) => sum + lost, 0);
}

/** What it makes belongs to whom it runs as, so that it can be opened anew. */
function ownedBy({ user, group }: ProcessSettings, rule: WriteRule): WriteRule {
  if (rule.files.owner !== "" || (user === "" && group === "")) return rule;
  return { ...rule, files: { ...rule.files, owner: group === "" ? user : `${user}:${group}` } };
}

/** Those with one path. */
function filesOf({ rules }: RecordSettings): Set<string> {
  return new Set(
    rules.flatMap(({ to }) => (to.kind === "file" && to.path.isConstant ? to.path.text.replaceAll("%%", "%") : [])),
  );
}

function teller(log: Log): Say {
  return (severity, text) => {
    if (severity === "err") log.error(text);
    else if (severity === "warning") log.warn(text);
    else if (severity === "notice") log.notice(text);
    else log.debug(text);
  };
}
