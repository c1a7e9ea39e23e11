// How many cases a property tries. The everyday run keeps each file within seconds; the long run multiplies.

/** Multiplier of every property's cases: `FUZZ_FACTOR=20 ./scripts/test`. */
export const fuzzFactor = Math.max(1, Number(process.env["FUZZ_FACTOR"] ?? "1") || 1);

/** fast-check parameters for `runs` everyday cases. `SEED=…` repeats a run; fast-check prints the seed of a failing one. */
export function cases(runs: number): { numRuns: number; seed?: number } {
  const seed = Number(process.env["SEED"]);
  return { numRuns: runs * fuzzFactor, ...(process.env["SEED"] && Number.isInteger(seed) ? { seed } : {}) };
}
