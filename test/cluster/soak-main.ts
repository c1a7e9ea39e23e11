// scripts/soak: random faults over the corosync engine, for as long as one likes.
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Transport } from "./corosync.ts";
import { hasCorosync } from "./requirements.ts";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    hosts: { type: "string", default: "3" },
    transport: { type: "string", default: "udpu" },
    keep: { type: "string" },
  },
});
if (!hasCorosync) process.exit(69);
if (!["udpu", "knet"].includes(values.transport)) throw new Error("--transport is udpu or knet");
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
if (values.keep !== undefined) mkdirSync(values.keep, { recursive: true });
const tell = (line: string) => void process.stdout.write(`${line}\n`);
tell(`soak: ${values.hosts} hosts, ${values.minutes} min, seed ${seed}`);
const { broken, ...counts } = await soak({
  hosts: Number(values.hosts),
  minutes: Number(values.minutes),
  seed,
  tell,
  transport: values.transport as Transport,
  keep: values.keep,
});
for (const line of broken) tell(`BROKEN ${line}`);
tell(`soak: ${JSON.stringify(counts)}, ${broken.length} promises broken; seed ${seed}`);
process.exit(broken.length === 0 ? 0 : 1);
