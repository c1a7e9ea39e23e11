import { statSync } from "node:fs";
import type { ConfHost } from "../syslog-conf.ts";

/** This host, for the reader of a syslog.conf. @param name what it is called in records */
export function confHost(name: string): ConfHost {
  return { name, isDirectory };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // nothing is there yet, or it is not ours to look at
  }
}
