import { resolve } from "node:path";
import { type AnyCommand, defineCommand } from "../../lib/cli/command.ts";
import type { Config } from "../../lib/config/config.ts";
import { logcatTable } from "../../lib/logcat/table.ts";
import { recordSettingsOf } from "../../lib/logcat/write-table.ts";
import { globOf, logrotateFile } from "../../lib/packaging/logrotate-file.ts";
import { rotationOf } from "../../lib/sink/file-keys.ts";
import { formatDestination } from "../../lib/syslogd/destination.ts";
import { keysOf } from "../../lib/syslogd/sink-settings.ts";
import { sinkEntriesOf } from "../../lib/syslogd/sink-table.ts";
import { rulesOf, syslogdTable } from "../../lib/syslogd/table.ts";
import { configurationOf } from "../configuration.ts";
import { EXECUTABLE_FLAG, executableOf } from "./executable.ts";

export const logrotateCommand: AnyCommand = defineCommand({
  name: "logrotate",
  summary: "a file for logrotate, with the files that the configuration has syslogd and logcat record write",
  about:
    "Prints a file for /etc/logrotate.d: the files that [[syslogd.rule]] and [[logcat.write]] name and that are not rotated by the service itself (rotate_size, rotate_age), " +
    "with a pattern for each path that has fields in it, where its directory is not one of many packages, such as /var/log: those are named in a comment, and so is what Debian's file for rsyslog " +
    "may name as well; and what init scripts leave of stderr. After a rotation the service is told to open its files anew.",
  examples: [
    { line: "spreadbox generate logrotate > /etc/logrotate.d/spreadbox", about: "by this host's configuration" },
    {
      line: "spreadbox generate logrotate | diff /etc/logrotate.d/spreadbox -",
      about: "has the configuration changed since?",
    },
    { line: "logrotate --debug /etc/logrotate.d/spreadbox", about: "then: what would it do?" },
  ],
  flags: EXECUTABLE_FLAG,
  async run(call) {
    const { flags, configPath, env, out } = call;
    const config = configurationOf(call, [syslogdTable, logcatTable]);
    const path = configPath ?? env["SPREADBOX_CONFIG"] ?? "";
    const asked = path === "" ? "" : ` --config '${resolve(path).replaceAll("'", "'\\''")}'`;
    const written = [
      { patterns: syslogdFiles(config), reopen: `syslogd reopen${asked}` },
      { patterns: recordedFiles(config), reopen: `logcat record reopen${asked}` },
    ];
    await out.write(logrotateFile(written, executableOf(flags.executable)));
    return 0;
  },
});

function syslogdFiles(config: Config): readonly string[] {
  const table = config.table(syslogdTable);
  const entries = sinkEntriesOf(table);
  return rulesOf(table).flatMap(({ to }) => {
    if (to?.kind !== "file" && to?.kind !== "files") return [];
    return rotationOf(keysOf(to, { entries })) === undefined
      ? [globOf(formatDestination(to).slice("file:".length))]
      : [];
  });
}

function recordedFiles(config: Config): readonly string[] {
  return recordSettingsOf(config.table(logcatTable)).rules.flatMap(({ to, files }) =>
    to.kind === "file" && files.rotation === undefined ? [globOf(to.path.text)] : [],
  );
}
