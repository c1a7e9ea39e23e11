import { type AnyCommand, defineCommand } from "../lib/cli/command.ts";
import { EXIT_CODES } from "../lib/cli/exit-codes.ts";

const exitCodes = defineCommand({
  name: "exit-codes",
  summary: "every exit status and what it means",
  examples: [{ line: "spreadbox help exit-codes --json", about: "for programs: one object a status" }],
  json: true,
  async run(call) {
    for (const row of EXIT_CODES) {
      if (call.json) await call.printJson(row);
      else await call.out.write(`${String(row.code).padStart(3)}  ${row.name.padEnd(15)}  ${row.meaning}\n`);
    }
    return 0;
  },
});

/** `spreadbox help TOPIC`: pages that belong to no single command. `spreadbox help COMMAND` is answered by the dispatcher. */
export const helpTopics: AnyCommand = defineCommand({
  name: "help",
  summary: "help on a command, or on a topic",
  commands: [exitCodes],
});
