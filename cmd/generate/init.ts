import { type AnyCommand, defineCommand } from "../../lib/cli/command.ts";
import { initScript } from "../../lib/packaging/init-script.ts";
import { SERVICES } from "../../lib/packaging/service.ts";
import { EXECUTABLE_FLAG, executableOf } from "./executable.ts";
import { listOf } from "./list.ts";

const NAMES = SERVICES.map(({ name }) => name);

export const initCommand: AnyCommand = defineCommand({
  name: "init",
  summary: "an init script of a service, for hosts without systemd; without a name, which there are",
  about:
    "Prints a script for /etc/init.d, for any POSIX shell: start, stop, restart, try-restart, reload, force-reload, status, with the header and the exit statuses of " +
    "the Linux Standard Base. The configuration is checked before a start, and with DAEMON_ARGS before a restart stops anything; start returns when the service answers, and start and stop fail where another " +
    "one does that the script has not started. DAEMON_ARGS " +
    "(its --config and --control are followed), SPREADBOX_CONFIG, PIDFILE, LOGFILE and the like come from /etc/default/spreadbox-NAME.",
  examples: [
    { line: "spreadbox generate init", about: "which there are" },
    {
      line: "spreadbox generate init syslogd > /etc/init.d/syslogd && chmod 755 /etc/init.d/syslogd",
      about: "then update-rc.d syslogd defaults, and service syslogd start",
    },
    {
      line: "spreadbox generate init mole --executable /usr/bin/spreadbox > debian/mole.init",
      about: "for a package",
    },
  ],
  positionals: [{ name: "NAME", about: `which: ${NAMES.join(", ")}`, choices: NAMES }],
  flags: EXECUTABLE_FLAG,
  async run({ flags, positionals: [name], out }) {
    const service = SERVICES.find((one) => one.name === name);
    await out.write(service === undefined ? listOf(SERVICES) : initScript(service, executableOf(flags.executable)));
    return 0;
  },
});
