// A configuration of another program, from a file or from stdin.
import { Fault } from "../base/fault.ts";
import { reasonOf } from "../base/system-reason.ts";

/** Nobody writes a larger one. */
const FILE_BYTES_MAX = 1_048_576;

/**
 * @param path "-" is stdin
 * @param what it ought to be: "syslog.conf"
 * @throws {Fault} kind "no-input" where it can't be read, "data" where it is too large
 */
export async function readTextFile(path: string, what: string): Promise<string> {
  try {
    const source = path === "-" ? Bun.stdin : Bun.file(path);
    const bytes = new Uint8Array(await source.slice(0, FILE_BYTES_MAX + 1).arrayBuffer());
    if (bytes.length <= FILE_BYTES_MAX) return new TextDecoder().decode(bytes);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new Fault("no-input", code || "unreadable", `cannot read ${path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  throw new Fault("data", "too-large", `cannot read ${path}: it has more than ${FILE_BYTES_MAX} bytes, no ${what} has`);
}
