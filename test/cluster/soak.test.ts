// A minute of random faults over the corosync engine; `scripts/soak` goes on for longer. SEED=… tells another story.
import { expect, test } from "bun:test";
import { hasCorosync } from "./requirements.ts";
import { soak } from "./soak.ts";

test.if(hasCorosync)(
  "whatever happens to the hosts, all clients see one order, the same views and no message twice or lost",
  async () => {
    const story: string[] = [];
    const seed = Number(process.env["SEED"] ?? 8);
    const { broken, rounds, views } = await soak({
      ...{ hosts: 3, minutes: 1, seed, transport: "knet" },
      tell: (line) => story.push(line),
    });
    if (broken.length > 0) process.stderr.write(`seed ${seed}:\n${story.join("\n")}\n`);
    expect(broken).toEqual([]);
    expect(rounds).toBeGreaterThan(1);
    expect(views).toBeGreaterThan(100);
  },
  300_000,
);
