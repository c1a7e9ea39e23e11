import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { checkCommand } from "./cluster/check.ts";
import { initCommand } from "./cluster/init.ts";
import { statusCommand } from "./cluster/status.ts";
import { watchCommand } from "./cluster/watch.ts";

export const clusterCommand: AnyCommand = defineCommand({
  name: "cluster",
  summary: "several hosts as one group communication system, over corosync: set up, check, status, watch",
  about:
    'A spreadd on each host, with engine = "corosync", serves this host\'s programs; together they are one system. corosync (Debian: apt-get install corosync libcpg4) orders ' +
    "the messages and tells who is there. These commands set the two up, and tell how they are.",
  examples: [
    {
      line: "spreadbox cluster init --nodes a=10.0.0.1,b=10.0.0.2,c=10.0.0.3",
      about: "what every host needs, with its reasons in comments",
    },
    { line: "spreadbox cluster check", about: "on each host: what is missing or different, and what to do" },
    { line: "spreadbox cluster status", about: "hosts, ring, links, sessions and groups" },
    { line: "spreadbox cluster watch", about: "what changes, as it comes" },
  ],
  commands: [initCommand, checkCommand, statusCommand, watchCommand],
});
