// Why the operating system refused something, in words for an operator: without the runtime's code before it and the name of a call behind it.

/** Where the runtime's own words say less than they could. */
const REASONS: Readonly<Record<string, string>> = {
  EISDIR: "it is a directory",
  ENOTDIR: "what stands for a directory in its path is none",
  EADDRNOTAVAIL: "this host has no such address",
};

/** "ENOENT: no such file or directory, open '/x'" is "no such file or directory"; what is no answer of the system's stays as it is. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return REASONS[code] ?? /^E[A-Z0-9]+: ([^,]+)(?:, .*)?$/s.exec(error.message)?.[1] ?? error.message;
}
