// What `scripts/sim` runs: many histories, over several processes, one line of progress a minute. Its exit status is 1 if any history failed.
import { parseArgs } from "node:util";
import { ALL_RULES, type Rules } from "../../lib/mole/rules.ts";
import { type AimedOptions, drawAimedHistory, PROFILES } from "./aimed.ts";
import { drawHistory, runHistory, shrink, tellStory } from "./history.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
    mode: { type: "string" },
    parts: { type: "string" },
    length: { type: "string", default: "1" },
    maintenance: { type: "boolean", default: false },
    aimed: { type: "boolean", default: false },
    at: { type: "string" },
    without: { type: "string" },
    trace: { type: "boolean", default: false },
    stories: { type: "string", default: "5" },
  },
});

const from = countOf("from");
const seeds = countOf("seeds");
const jobs = countOf("jobs");
const isAimed = values.aimed || values.at !== undefined;
process.exitCode = jobs > 1 ? await runJobs() : runSeeds(optionsOf());

function runSeeds(options: AimedOptions): number {
  const startMs = performance.now();
  let failures = 0;
  let toldMs = startMs;
  for (let seed = from; seed < from + seeds; seed++) {
    const history = isAimed ? drawAimedHistory(seed, options) : drawHistory(seed, options);
    if (values.trace) runHistory(history, say);
    const violation = runHistory(history);
    if (violation !== undefined) {
      failures += 1;
      say(
        `${tellStory(shrink(history))}\n  found as history ${seed - from + 1}, ${Math.round(performance.now() - startMs)} ms`,
      );
      if (failures >= countOf("stories")) break;
    }
    if (performance.now() - toldMs > 60_000) {
      toldMs = performance.now();
      say(`${seed - from + 1} of ${seeds} histories, ${failures} failed`);
    }
  }
  const perHistoryMs = (performance.now() - startMs) / seeds;
  say(`seeds ${from} to ${from + seeds - 1}: ${failures} failed, ${perHistoryMs.toFixed(1)} ms each`);
  return failures > 0 ? 1 : 0;
}

/** The seeds dealt out over processes of their own. */
async function runJobs(): Promise<number> {
  const share = Math.ceil(seeds / jobs);
  const rest = process.argv.slice(2).filter((_, at, all) => !isOneOf(all[at]) && !isOneOf(all[at - 1]));
  const children = Array.from({ length: jobs }, (_, nth) =>
    Bun.spawn(
      [
        process.execPath,
        import.meta.path,
        ...rest,
        "--from",
        `${from + nth * share}`,
        "--seeds",
        `${Math.min(share, seeds - nth * share)}`,
      ],
      { stdout: "inherit", stderr: "inherit" },
    ),
  );
  const statuses = await Promise.all(children.map(({ exited }) => exited));
  return Math.max(...statuses);
}

function isOneOf(argument: string | undefined): boolean {
  return argument === "--from" || argument === "--seeds" || argument === "--jobs";
}

function optionsOf(): AimedOptions {
  const { mode, without, at } = values;
  if (at !== undefined && PROFILES.every(({ name }) => name !== at))
    fail(`--at ${at}: one of ${PROFILES.map(({ name }) => name).join(", ")}`);
  if (mode !== undefined && mode !== "available" && mode !== "safe") fail(`--mode is ${mode}: available or safe`);
  if (without !== undefined && !(without in ALL_RULES))
    fail(`--without ${without}: one of ${Object.keys(ALL_RULES).join(", ")}`);
  const rules: Partial<Rules> | undefined = without === undefined ? undefined : { [without]: false };
  return {
    ...(mode !== undefined && { mode }),
    ...(at !== undefined && { profile: at }),
    ...(rules !== undefined && { rules }),
    maintenance: values.maintenance,
    length: Number(values.length),
    ...(values.parts !== undefined && { partBytes: Number(values.parts) }),
  };
}

function countOf(name: "from" | "seeds" | "jobs" | "stories"): number {
  const count = Number(values[name]);
  if (!Number.isInteger(count) || count < 1) fail(`--${name} is ${values[name]}: a whole number from 1`);
  return count;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(text: string): never {
  process.stderr.write(`sim: ${text}\n`);
  process.exit(64);
}
