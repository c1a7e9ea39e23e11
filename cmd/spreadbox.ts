import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { clusterCommand } from "./cluster.ts";
import { configCommand } from "./config.ts";
import { demoCommand } from "./demo.ts";
import { generateCommand } from "./generate.ts";
import { helpTopics } from "./help.ts";
import { logcatCommand } from "./logcat.ts";
import { moleCommand } from "./mole.ts";
import { publishCommand } from "./publish.ts";
import { spreadProbeCommand } from "./spread-probe.ts";
import { spreaddCommand } from "./spreadd.ts";
import { syslogdCommand } from "./syslogd.ts";

/** The executable itself: every command hangs below it. */
export const spreadbox: AnyCommand = defineCommand({
  name: "spreadbox",
  summary: "group communication tools for plain Linux hosts, in one executable",
  examples: [
    { line: "spreadbox demo", about: "see it all work on this host, nothing installed, Ctrl-C ends it" },
    { line: "spreadbox logcat log.mail log.auth", about: "what the cluster's mail and auth logs say, live" },
    { line: "ln -s spreadbox logcat && ./logcat --help", about: "called by a command's name, it is that command" },
  ],
  commands: [
    syslogdCommand,
    logcatCommand,
    publishCommand,
    moleCommand,
    spreadProbeCommand,
    spreaddCommand,
    clusterCommand,
    configCommand,
    demoCommand,
    generateCommand(() => spreadbox),
    helpTopics,
  ],
});
