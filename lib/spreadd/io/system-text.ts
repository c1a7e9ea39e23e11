import { getSystemErrorMap } from "node:util";

/** The name of a system's error, such as "EACCES"; "unknown" where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}

/** The system's own words, such as "permission denied": Bun says of a failed listen that it failed. */
export function textOf(error: unknown): string {
  const code = codeOf(error);
  for (const [name, text] of getSystemErrorMap().values()) if (name === code) return text;
  return error instanceof Error ? error.message : String(error);
}
