import { existsSync, readFileSync } from "node:fs";
import { Fault } from "../../lib/base/fault.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { exitCodeOf } from "../../lib/cli/exit-codes.ts";
import { styleFor } from "../../lib/cli/style.ts";
import { loadConfig } from "../../lib/config/io/load.ts";
import { corosyncDetection, spreadDetection } from "../../lib/mole/detection.ts";
import type { HostConfig } from "../../lib/mole/event.ts";
import { preflight } from "../../lib/mole/io/preflight.ts";
import { lookAtDaemon, lookAtHost, lookForMole } from "../../lib/mole/io/readiness.ts";
import { hostFacts } from "../../lib/mole/io/setup.ts";
import { type Detection, type Finding, judgeTable, judgeTimes } from "../../lib/mole/readiness.ts";
import { hostConfigOf } from "../../lib/mole/settings.ts";
import { moleTable } from "../../lib/mole/table.ts";
import { loadSpreadConf, SPREAD_CONF_PATHS } from "../../lib/probe/io/spread-conf-file.ts";
import { parseServer } from "../../lib/spread/server.ts";
import { sessionOptionsOf, spreadTable } from "../../lib/spread/table.ts";
import { spreaddTable } from "../../lib/spreadd/table.ts";
import { tables } from "../tables.ts";

const ONE_DAEMON =
  'one spreadd serves all hosts, as far as this host knows: should it fail, nothing is covered; engine = "corosync" in [spreadd], or a real Spread daemon, is one on each host';
const COROSYNC_CONF = "/etc/corosync/corosync.conf";

export const preflightCommand = defineCommand({
  name: "preflight",
  summary: "looks at all that a mole needs here, before anything is touched",
  about:
    "The configuration, rights, devices and their settings, the key, the machine's id, the state directory, programs of hooks and checks, the daemon and how soon a message is " +
    "back; and whether silence and lease fit the time that the group service needs to notice a dead host. The group is joined and left in one breath, to see that the daemon allows it; no file is made, no address put on, and the wire is not asked whether somebody has one already: the mole does that when it takes it.",
  examples: [
    { line: "mole preflight", about: "on each host, before its mole is started" },
    { line: "mole preflight --config new.toml", about: "before a configuration is rolled out" },
    { line: "mole preflight --json", about: "for a program: one finding a line" },
  ],
  flags: {
    spread: {
      type: "value",
      hint: "SERVER",
      about: "the Spread daemon, instead of the configured ones",
      read: parseServer,
    },
  },
  sections: [
    { title: "Exit status", text: "0 a mole can be started; 78 something is wrong that would keep it from its work." },
  ],
  json: true,
  async run(call) {
    const { flags, env, out, json } = call;
    const config = loadConfig({ tables, path: call.configPath, env });
    const table = config.table(moleTable);
    const host = hostConfigOf(table, hostFacts());
    const spread = {
      ...sessionOptionsOf(config.table(spreadTable)),
      ...(flags.spread === undefined ? {} : { servers: flags.spread }),
    };
    const isCorosync = config.table(spreaddTable).engine === "corosync";
    const findings = [
      ...judgeTable(host),
      ...unlisted(host),
      ...lookAtHost(table),
      ...(await lookForMole(table.control)),
      ...lookAtDevices(host),
      ...(await lookAtDaemon(spread, host, table.group)),
      judgeTimes(host, await detection(isCorosync)),
    ];
    const style = styleFor(out.colour);
    const paint = { fine: style.good, warning: style.warning, error: style.bad };
    const words = { fine: "ok", warning: "WARN", error: "FAIL" };
    for (const finding of findings) {
      if (json) await call.printJson(finding);
      else
        await out.write(`${paint[finding.level](words[finding.level].padEnd(5))} ${finding.about}: ${finding.text}\n`);
    }
    return findings.some(({ level }) => level === "error") ? exitCodeOf("config") : 0;
  },
});

function unlisted({ host, hosts }: HostConfig): readonly Finding[] {
  if (hosts.length === 0 || hosts.includes(host)) return [];
  const text = `this host calls itself ${JSON.stringify(host)}, which is not in mole.hosts: add it there, or set mole.host`;
  return [{ level: "error", about: "configuration", text }];
}

function lookAtDevices({ definitions }: HostConfig): readonly Finding[] {
  try {
    return preflight(definitions);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [{ level: "error", about: "rights", text: error.message }];
  }
}

/** By what the group service on this host is configured with. */
async function detection(isCorosync: boolean): Promise<Detection | undefined> {
  if (isCorosync)
    return existsSync(COROSYNC_CONF)
      ? corosyncDetection(readFileSync(COROSYNC_CONF, "utf8"), COROSYNC_CONF)
      : undefined;
  const path = SPREAD_CONF_PATHS.slice(1).find((candidate) => existsSync(candidate));
  if (path === undefined) return { ms: 0, from: ONE_DAEMON };
  try {
    const { file, reading } = await loadSpreadConf({ path, lookUp: false });
    return spreadDetection(reading.conf.options.timeouts, file);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return undefined;
  }
}
