import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { hostAddresses, loadSpreadConf } from "../../lib/probe/io/spread-conf-file.ts";
import { readTextFile } from "../../lib/run/text-file.ts";
import { SpreadConfError } from "../../lib/spread/spread-conf.ts";
import { daemonOfHost, importServers } from "../../lib/spread/spread-conf-import.ts";
import { importSpreadConf } from "../../lib/spreadd/spread-conf-import.ts";
import { foreignForm } from "./foreign-form.ts";
import { printSpreadlogdConf } from "./import-spreadlogd-conf.ts";
import { printSyslogConf } from "./import-syslog-conf.ts";
import { printWackamoleConf } from "./import-wackamole-conf.ts";

/** Where the real daemon looks for it, besides the directory of its configuration (PROTOCOL.md 3.4). */
const ACCESS_FILE = "/etc/spread.access_ip";

const FORMS = ["spread", "syslog", "spreadlogd", "wackamole"] as const;

export const configImport = defineCommand({
  name: "import",
  summary: "turns a spread.conf, syslog.conf, spreadlogd.conf or wackamole.conf into our configuration",
  about:
    "Prints TOML. Of a syslog.conf: its rules, with the line of each. Of a spreadlogd.conf: what is written where, for logcat record. Of a wackamole.conf: its vips, group, times and whom to notify. Of a spread.conf the two tables: what spreadd takes over from the daemon of this host (name, port, client addresses, authentication with its access file, the queue's bound), and how " +
    "clients reach the daemons. What has no equivalent is told on stderr; of a wackamole.conf it stands in the TOML too, as comments. Where a line of a syslog.conf or wackamole.conf can't be read, the exit status is 78.",
  examples: [
    {
      line: "spreadbox config import /etc/spread.conf > /etc/spreadbox/conf.d/spread.toml",
      about: "spreadd in the real daemon's place",
    },
    { line: "spreadbox config import spread.conf --daemon node2", about: "as another host of the file" },
    {
      line: "spreadbox config import /etc/syslog.conf > /etc/spreadbox/conf.d/syslog.toml",
      about: "the rules of the daemon that was here",
    },
    {
      line: "spreadbox config import /etc/spreadlogd.conf > /etc/spreadbox/conf.d/logcat.toml",
      about: "the files of a spreadlogd; logcat record --check next",
    },
    {
      line: "spreadbox config import /etc/wackamole.conf > /etc/spreadbox/conf.d/mole.toml",
      about: "the virtual interfaces of a Wackamole; mole preflight next",
    },
    { line: "spread-probe lint spread.conf", about: "first, where the file is refused" },
  ],
  positionals: [
    {
      name: "FILE",
      about: 'a spread.conf, syslog.conf, spreadlogd.conf or wackamole.conf; "-" is stdin',
      required: true,
    },
  ],
  flags: {
    from: {
      type: "value",
      choices: FORMS,
      about: "what FILE is; unless given, what its name has in it, else what its content looks like",
    },
    daemon: {
      type: "value",
      hint: "NAME",
      about: "which daemon of the file is to be ours; unless given the one with an address of this host",
    },
    "access-file": {
      type: "value",
      hint: "FILE",
      about: `rules of method IP; unless given spread.access_ip beside FILE, then ${ACCESS_FILE}`,
    },
  },
  json: true,
  async run(call) {
    const path = call.positionals[0]!;
    const named = call.flags.from ?? /(syslog|spreadlogd|wackamole|spread)[^/]*$/.exec(path)?.[1];
    const from = named ?? (path === "-" ? undefined : foreignForm(await readTextFile(path, "spread.conf")));
    if (from === "syslog") return await printSyslogConf(path, call);
    if (from === "spreadlogd") return await printSpreadlogdConf(path, call);
    if (from === "wackamole") return await printWackamoleConf(path, call);
    const { file, reading } = await loadSpreadConf({ path, lookUp: true });
    const [first, ...others] = reading.errors;
    if (first !== undefined) {
      if (from === undefined)
        call.log.notice(`read as a spread.conf: --from says what else it is (${FORMS.join(", ")})`);
      throw new SpreadConfError(file, first, others);
    }
    const name = call.flags.daemon ?? daemonOfHost(reading.conf, hostAddresses())?.name;
    const daemon =
      name === undefined
        ? undefined
        : importSpreadConf(reading.conf, name, accessRules(file, call.flags["access-file"]));
    const own =
      daemon === undefined
        ? undefined
        : reading.conf.segments
            .flatMap((segment) => segment.daemons)
            .find((one) => one.name === name || one.written === name);
    const notes = daemon?.notes ?? [
      "no daemon of the file has an address of this host: --daemon NAME says which is to be ours, else there is only [spread]",
    ];
    const toml = [...(daemon === undefined ? [] : [daemon.toml]), importServers(reading.conf, own)].join("\n");
    if (call.json) await call.printJson({ toml, notes });
    else {
      for (const note of notes) call.log.warn(note);
      await call.out.write(toml);
    }
    return 0;
  },
});

function accessRules(conf: string, named: string | undefined): string | undefined {
  const path =
    named ?? [join(dirname(conf), "spread.access_ip"), ACCESS_FILE].find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Fault(
      "no-input",
      "access-file",
      `cannot read ${path}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}
