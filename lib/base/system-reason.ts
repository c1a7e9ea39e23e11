// Why the operating system refused something, in words for an operator: without the runtime's code before it and the name of a call behind it.
import { Fault } from "./fault.ts";

/** Where the runtime's own words say less than they could. */
const REASONS: Readonly<Record<string, string>> = {
  EISDIR: "it is a directory",
  ENOTDIR: "what stands for a directory in its path is none",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "this host has no such address",
  EAI_AGAIN: "its name can't be looked up now",
  ENOTFOUND: "no host has this name",
};

/** Words for those answers where the runtime's own are worse; `undefined` for all else. */
export function trySystemReason(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof Fault || !("code" in error)) return undefined;
  return REASONS[String(error.code)];
}

/** "ENOENT: no such file or directory, open '/x'" is "no such file or directory"; what is no answer of the system's stays as it is. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return trySystemReason(error) ?? /^E[A-Z0-9]+: ([^,]+)(?:, .*)?$/s.exec(error.message)?.[1] ?? error.message;
}

/** Whether the system refused it to who we are. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
}
