// Short times for people: three digits and the unit that fits. Inside the probe every elapsed time is a number of nanoseconds.

export const NS_PER_MS = 1_000_000;
export const NS_PER_S = 1_000_000_000;

const UNITS = [
  [NS_PER_S, "s"],
  [NS_PER_MS, "ms"],
  [1_000, "µs"],
  [1, "ns"],
] as const;

/** "950 ns", "12.3 µs", "1.24 ms", "2.5 s": three digits. */
export function formatElapsed(ns: number): string {
  for (const [unitNs, unit] of UNITS) {
    // 999.5 µs would print as 1000 µs: it belongs to the larger unit
    if (ns >= unitNs * 0.9995 || unitNs === 1) return `${Number((ns / unitNs).toPrecision(3))} ${unit}`;
  }
  return `${ns} ns`;
}

/** A rate or a count for people: "987", "12.3k", "1.54M". */
export function formatCount(count: number): string {
  if (count < 1_000) return String(Number(count.toPrecision(3)));
  if (count < 999_500) return `${Number((count / 1e3).toPrecision(3))}k`;
  return `${Number((count / 1e6).toPrecision(3))}M`;
}
