// A disk that is soon full: a tmpfs of a few KiB, mounted for one test.
import { temporaryDirectory } from "../support/temporary.ts";

/** The mounted directory, or `undefined` where this user may not mount; then it says so. */
export function smallDisk(kibibytes: number): { readonly path: string; [Symbol.dispose](): void } | undefined {
  const scratch = temporaryDirectory();
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", scratch.path]);
  if (mounted.exitCode !== 0) {
    scratch[Symbol.dispose]();
    process.stderr.write("SKIP: may not mount a tmpfs, a full disk is not tried\n");
    return undefined;
  }
  return {
    path: scratch.path,
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", "-l", scratch.path]);
      scratch[Symbol.dispose]();
    },
  };
}
