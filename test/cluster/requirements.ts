// What a cluster in namespaces needs of the machine. Where it is missing, tests say so loudly, once, and skip.
import { existsSync } from "node:fs";

/** `true` where we may make namespaces and cables between them. */
export const canMakeHosts =
  process.getuid?.() === 0 &&
  ["ip", "unshare", "nsenter", "mount"].every((program) => Bun.which(program, { PATH: systemPath() }) !== null) &&
  Bun.spawnSync(["unshare", "-m", "-n", "-u", "true"], { stderr: "ignore" }).exitCode === 0;
if (!canMakeHosts) process.stderr.write("SKIP: no cluster, it needs root, iproute2 and namespaces\n");

export const COROSYNC = "/usr/sbin/corosync";

/** `true` where hosts can have a corosync and the library to talk to it. */
export const hasCorosync =
  canMakeHosts && existsSync(COROSYNC) && new Bun.Glob("*/libcpg.so.4").scanSync("/usr/lib").next().done === false;
if (canMakeHosts && !hasCorosync)
  process.stderr.write("SKIP: no corosync (Debian: apt-get install corosync libcpg4; scripts/packages does)\n");

/** Root's programs are not on everybody's PATH. */
export function systemPath(): string {
  return `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;
}
