// What a monitor is told of a status: one line and a level, as Nagios and Icinga understand it.
import { formatDuration } from "../base/duration.ts";
import type { Status } from "./status.ts";

export interface Verdict {
  /** 0 OK, 1 WARNING, 2 CRITICAL. */
  readonly status: 0 | 1 | 2;
  readonly text: string;
  readonly performance: string;
}

const WORDS = ["OK", "WARNING", "CRITICAL"] as const;

/** @param movingMs for how long a vip may be on its way */
export function verdictOf(status: Status, movingMs: number): Verdict {
  const bad: string[] = [];
  const { is, text, vips, hosts } = status;
  if (is === "away" || is === "stopped") bad.push(text);
  if (is === "settled" && !status.cold) {
    const uncovered = vips.filter((vip) => vip.is === "uncovered").map(({ vip }) => vip);
    if (uncovered.length > 0) bad.push(`uncovered: ${uncovered.join(", ")}`);
    const late = vips.filter((vip) => vip.is === "moving" && (vip.forMs ?? 0) > movingMs);
    if (late.length > 0)
      bad.push(`not taken for more than ${formatDuration(movingMs)}: ${late.map(({ vip }) => vip).join(", ")}`);
  }
  const level = bad.length > 0 ? 2 : status.warnings.length > 0 || is === "gathering" ? 1 : 0;
  const here = hosts.filter((host) => host.is === "here").length;
  const held = vips.filter((vip) => vip.is === "held").length;
  const heldHere = vips.filter(({ isHeldHere }) => isHeldHere).length;
  const good = `${here} ${here === 1 ? "host" : "hosts"}, ${held} of ${vips.length} vips held, ${heldHere} here`;
  return {
    status: level,
    text: [...bad, ...status.warnings, ...(bad.length + status.warnings.length === 0 ? [good] : [])].join("; "),
    performance: `hosts=${here} held=${held};;;0;${vips.length} here=${heldHere} warnings=${status.warnings.length}`,
  };
}

export function verdictLine({ status, text, performance }: Verdict): string {
  // The bar divides text and figures.
  return `${WORDS[status]}: ${text.replaceAll("|", "/")} | ${performance}`;
}
