import { defineCommand } from "../../lib/cli/command.ts";
import type { Config } from "../../lib/config/config.ts";
import { controlPath, DEFAULT_SOCKET, spreaddTable } from "../../lib/spreadd/table.ts";
import { askService, controlFlag } from "../control-commands.ts";

const SERVICE = {
  name: "spreadd",
  usualPath: controlPath({ control: undefined, socket: DEFAULT_SOCKET }),
  uses: [spreaddTable],
  configuredPath: (config: Config) => controlPath(config.table(spreaddTable)),
};

export const reloadCommand = defineCommand({
  name: "reload",
  summary: "has the spreadd that runs read its rules and certificates anew; bad ones are refused",
  about:
    "[[spreadd.allow]] counts from then on for who connects, and for what sessions send and join; who is in a group stays in it, but a session of whom no rule says " +
    "anything any more ends. Where the configuration has mistakes each is told, nothing changes, and the exit status says so. What is only read at the start is named.",
  examples: [
    { line: "spreadd reload", about: "this host's" },
    { line: "spreadd reload --control /tmp/spreadd.ctl", about: "another" },
    { line: "spreadd reload --json", about: "for a program" },
  ],
  flags: controlFlag(SERVICE),
  json: true,
  async run(call) {
    const answer = String(await askService(SERVICE, "reload", call));
    if (call.json) await call.printJson({ answer });
    else await call.out.write(`${answer}\n`);
    return 0;
  },
});
