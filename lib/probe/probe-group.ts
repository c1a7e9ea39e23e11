import type { Random } from "../base/random.ts";
import { type GroupName, parseGroupName } from "../spread/names.ts";

/** A group of our own for one run: nobody else is in it, so nobody's messages are counted and nobody is disturbed. */
export function probeGroup(command: "connect" | "ping" | "bench" | "check", random: Random): GroupName {
  const run = Math.floor(random() * 2 ** 32)
    .toString(36)
    .padStart(7, "0");
  return parseGroupName(`probe.${command}.${run}`);
}
