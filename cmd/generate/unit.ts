import { type AnyCommand, defineCommand } from "../../lib/cli/command.ts";
import { UNITS } from "../../lib/packaging/unit.ts";
import { EXECUTABLE_FLAG, executableOf } from "./executable.ts";
import { listOf } from "./list.ts";

const NAMES = UNITS.map(({ name }) => name);

export const unitCommand: AnyCommand = defineCommand({
  name: "unit",
  summary: "a systemd unit of a service; without a name, which there are",
  about:
    "Prints a unit for /etc/systemd/system: Type=notify, with a watchdog, started again when it fails, and hardened as far as the service works with everything that its " +
    "configuration may say; comments tell why a limit is there, or is not. DAEMON_ARGS and SPREADBOX_CONFIG come from /etc/default/spreadbox-NAME. What one host " +
    "needs otherwise goes into a drop-in: systemctl edit NAME.",
  examples: [
    { line: "spreadbox generate unit", about: "which there are" },
    {
      line: "spreadbox generate unit mole > /etc/systemd/system/mole.service && systemctl enable --now mole",
      about: "the mole, from now on and at every start of the host",
    },
    {
      line: "spreadbox generate unit syslogd.socket > /etc/systemd/system/syslogd.socket",
      about: "/dev/log in the hands of systemd: what is logged while no syslogd runs waits in it",
    },
    {
      line: "spreadbox generate unit spreadd --executable /usr/bin/spreadbox > debian/spreadd.service",
      about: "for a package",
    },
  ],
  positionals: [{ name: "NAME", about: `which: ${NAMES.join(", ")}`, choices: NAMES }],
  flags: EXECUTABLE_FLAG,
  async run({ flags, positionals: [name], out }) {
    const unit = UNITS.find((one) => one.name === name);
    await out.write(unit === undefined ? listOf(UNITS) : unit.text(executableOf(flags.executable)));
    return 0;
  },
});
