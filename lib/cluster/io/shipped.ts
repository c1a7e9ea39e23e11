// Debian's corosync comes with a corosync.conf of its own: one host that speaks with itself on 127.0.0.1. As long as it is as it was shipped it is nobody's work.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Whether the file is a package's, and just as the package brought it. `false` where nobody knows. */
export function isAsShipped(path: string, packageName: string): boolean {
  const program = Bun.which("dpkg-query");
  if (program === null) return false;
  const { stdout, exitCode } = Bun.spawnSync([program, "-W", "-f", "${Conffiles}\n", packageName], {
    stdin: "ignore",
    stderr: "ignore",
  });
  if (exitCode !== 0) return false;
  const shipped = stdout
    .toString()
    .split("\n")
    .map((line) => line.trim().split(" "))
    .find(([name]) => name === path)?.[1];
  return shipped !== undefined && shipped === md5Of(path);
}

function md5Of(path: string): string | undefined {
  try {
    return createHash("md5").update(readFileSync(path)).digest("hex");
  } catch {
    return undefined;
  }
}
