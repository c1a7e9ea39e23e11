import { writeFileSync } from "node:fs";
import { Fault } from "../../lib/base/fault.ts";
import { reasonOf } from "../../lib/base/system-reason.ts";
import { defineCommand } from "../../lib/cli/command.ts";
import { askMole, CONTROL_FLAG } from "./service.ts";

export const dumpCommand = defineCommand({
  name: "dump",
  summary: "prints the flight recorder: the last views, messages and decisions, and the table, as JSON",
  about:
    "The same is written to the state directory as crash-*.json should the mole fail by a mistake of its own. Times are CLOCK_BOOTTIME in milliseconds.",
  examples: [
    { line: "mole dump > mole.json", about: "for whoever is to find out what happened" },
    { line: "mole dump -o mole.json", about: "the same" },
    { line: "mole dump | jq -r '.recorded[] | \"\\(.atMs) \\(.what)\"'", about: "to read it" },
  ],
  flags: { ...CONTROL_FLAG, output: { type: "value", short: "o", hint: "FILE", about: "write it to this file" } },
  json: true,
  async run(call) {
    const text = `${JSON.stringify(await askMole("dump", call))}\n`;
    const { output } = call.flags;
    if (output === undefined) await call.out.write(text);
    else {
      try {
        writeFileSync(output, text, { mode: 0o600 });
      } catch (cause) {
        throw new Fault("cannot-create", "dump", `cannot write ${output}: ${reasonOf(cause)}`, { cause });
      }
    }
    return 0;
  },
});
