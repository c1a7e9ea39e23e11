// Whether the times fit the group service: what `mole preflight` judges. Pure.
import { formatDuration } from "../base/duration.ts";
import type { HostConfig } from "./event.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly level: "fine" | "warning" | "error";
  readonly about: string;
  /** One line, with what to do about it. */
  readonly text: string;
}

/** How soon the group service notices that a host is gone, and how that is known. */
export interface Detection {
  /** 0: there is no ring that could change. */
  readonly ms: number;
  readonly from: string;
}

/** A healthy ring change must not look like a death. */
const MARGIN_MS = 250;
/** In `safe` two in a row: outside for nothing, a vip is dark for seconds there. */
const SAFE_MARGIN_MS = 200;

/** `silence` against what the group service needs (the model, section 5). Lease and maturity follow `silence`, and the configuration's own check. */
export function judgeTimes({ times, mode }: HostConfig, detection: Detection | undefined): Finding {
  const about = "times";
  const has = `silence ${formatDuration(times.silenceMs)}, lease ${formatDuration(times.leaseMs)}`;
  if (detection === undefined)
    return {
      level: "warning",
      about,
      text: `${has}: it is not known how soon the group service notices a dead host; silence must be at least that and ${MARGIN_MS}ms`,
    };
  const least = mode === "safe" ? 2 * detection.ms + SAFE_MARGIN_MS : detection.ms + MARGIN_MS;
  const needs = `the group service needs ${formatDuration(Math.round(detection.ms))} to notice a dead host (${detection.from})`;
  if (detection.ms === 0)
    return {
      level: "warning",
      about,
      text: `${has}; ${detection.from}`,
    };
  if (times.silenceMs >= least) return { level: "fine", about, text: `${has}; ${needs}` };
  return {
    level: "error",
    about,
    text: `${has}: too short, a healthy change of the ring would throw hosts out; ${needs}: set mole.silence to at least ${formatDuration(Math.ceil(least / 50) * 50)}`,
  };
}

/** What the beats need of the way to the daemon and back. */
export function judgeRoundTrip({ times }: HostConfig, medianMs: number, worstMs: number): Finding {
  const about = "daemon";
  const took = `a message comes back in ${medianMs.toFixed(1)} ms, at worst ${worstMs.toFixed(1)} ms`;
  if (worstMs * 4 < times.silenceMs) return { level: "fine", about, text: took };
  return {
    level: "warning",
    about,
    text: `${took}: near silence (${formatDuration(times.silenceMs)}), hosts would be thrown out for it`,
  };
}

/** What the table itself leaves open. */
export function judgeTable(config: HostConfig): readonly Finding[] {
  const { definitions, hosts, host, mode } = config;
  const findings: Finding[] = [];
  const also = hosts.length === 0 ? "" : ` of ${hosts.length} (${hosts.join(", ")})`;
  findings.push({
    level: "fine",
    about: "configuration",
    text: `host ${host}${also}, mode ${mode}, ${definitions.length} vips`,
  });
  if (definitions.length === 0)
    findings.push({ level: "warning", about: "configuration", text: "no [[mole.vip]]: there is nothing to cover" });
  if (hosts.length === 0)
    findings.push({
      level: "warning",
      about: "configuration",
      text: "mole.hosts is empty: nobody can tell which hosts are missing",
    });
  if (mode === "safe" && hosts.length % 2 === 0 && config.tiebreak === undefined)
    findings.push({
      level: "warning",
      about: "configuration",
      text: `${hosts.length} hosts and no tiebreak: of two equal halves neither covers anything`,
    });
  for (const { name, only } of definitions)
    if (only.length === 1)
      findings.push({
        level: "warning",
        about: `vip ${name}`,
        text: `only ${only[0]} may hold it: nobody takes it over`,
      });
  return findings;
}
