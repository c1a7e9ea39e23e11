import { defineCommand } from "../../lib/cli/command.ts";
import { styleFor } from "../../lib/cli/style.ts";
import type { WhyAnswer } from "../../lib/mole/io/operator.ts";
import { whyView } from "../../lib/mole/why-view.ts";
import { askMole, CONTROL_FLAG } from "./service.ts";

export const whyCommand = defineCommand({
  name: "why",
  summary: "tells of one vip who holds it, who may, who could, what it waits for, and what happened to it",
  about:
    "Also what the kernel of this host has of it, how long its lease still runs, and whether anybody else on the wire says that it has the address.",
  examples: [
    { line: "mole why web", about: "by its name" },
    { line: "mole why 192.0.2.10", about: "by one of its addresses" },
    { line: "mole why web --json", about: "for a program" },
  ],
  positionals: [{ name: "VIP", about: "the vip's name, or one of its addresses", required: true }],
  flags: CONTROL_FLAG,
  json: true,
  async run(call) {
    const answers = (await askMole("why", call, { vip: call.positionals[0] })) as readonly WhyAnswer[];
    for (const answer of answers) {
      if (call.json) await call.printJson(answer);
      else await call.out.write(whyView(answer, answer.here, styleFor(call.out.colour)));
    }
    return 0;
  },
});
