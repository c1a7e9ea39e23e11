// How much memory a process uses, as the kernel counts it.
import { readFileSync } from "node:fs";

/** The most that it ever had resident of its own (without the pages of its executable), in MiB. */
export function ownMebibytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
}

/** The most that it ever had resident, all together, in MiB. */
export function peakMebibytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
}
