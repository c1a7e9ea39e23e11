import { defineCommand } from "../../lib/cli/command.ts";
import type { Simulated } from "../../lib/mole/simulate.ts";
import { askMole, CONTROL_FLAG } from "./service.ts";
import { showSupposed } from "./supposed.ts";

export const simulateCommand = defineCommand({
  name: "simulate",
  summary: "shows who would hold what if hosts failed",
  about: "By the function that all hosts run when it happens, on a copy of the table. Nothing is changed.",
  examples: [
    { line: "mole simulate node1", about: "if node1 died" },
    { line: "mole simulate node1 node2", about: "if both died at once" },
    { line: "mole drain node1 --dry-run", about: "if it were drained" },
  ],
  positionals: [{ name: "HOST", about: "hosts that fail", required: true, many: true }],
  flags: CONTROL_FLAG,
  json: true,
  run: async (call) =>
    await showSupposed(
      (await askMole("simulate", call, { suppose: "gone", hosts: call.positionals })) as Simulated,
      call,
    ),
});
