import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { initCommand } from "./cluster/init.ts";

export const clusterCommand: AnyCommand = defineCommand({
  name: "cluster",
  summary: "several hosts as one group communication system, over corosync: set up",
  about:
    'A spreadd on each host, with engine = "corosync", serves this host\'s programs; together they are one system. corosync (Debian: apt-get install corosync libcpg4) orders ' +
    "the messages and tells who is there. These commands set the two up.",
  examples: [
    {
      line: "spreadbox cluster init --nodes a=10.0.0.1,b=10.0.0.2,c=10.0.0.3",
      about: "what every host needs, with its reasons in comments",
    },
  ],
  commands: [initCommand],
});
