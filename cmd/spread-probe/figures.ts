// Numbers, sizes and service types on the command line of the probe.
import { Fault } from "../../lib/base/fault.ts";
import { trySize } from "../../lib/base/size.ts";
import { BENCH_BODY_BYTES_MIN } from "../../lib/probe/bench-body.ts";
import { NAME_FIELD_BYTES, SAFE_CARRIED_BYTES_MAX } from "../../lib/spread/limits.ts";

/** The largest body to one group that a real daemon survives. */
export const BODY_BYTES_MAX = SAFE_CARRIED_BYTES_MAX - NAME_FIELD_BYTES;

/** Reads a whole number within bounds. */
export function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new Fault(
      "usage",
      "number",
      `cannot read ${JSON.stringify(text)}: expected a whole number from ${least} to ${most}`,
    );
  };
}

/** Reads the size of a body: bytes, or with a unit. */
export function bodySize(text: string): number {
  const bytes = /^\d+$/.test(text) ? Number(text) : trySize(text);
  if (bytes !== undefined && bytes >= BENCH_BODY_BYTES_MIN && bytes <= BODY_BYTES_MAX) return bytes;
  throw new Fault(
    "usage",
    "size",
    `cannot read size ${JSON.stringify(text)}: expected ${BENCH_BODY_BYTES_MIN} to ${BODY_BYTES_MAX} bytes (less can't carry its number, more kills a real daemon)`,
  );
}
