// The flight recorder's last act: should the mole fail by a mistake of its own, what it knew is written down before the process ends. The guard takes care of the
// addresses.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateDirectory } from "../../run/private-directory.ts";

/** Older ones go. */
const KEPT = 5;

export function keepCrashDumps(directory: string, dump: () => unknown): Disposable {
  const write = (error: unknown) => {
    try {
      makePrivateDirectory(directory);
      const name = `crash-${new Date().toISOString().replaceAll(":", "")}.json`;
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      writeFileSync(join(directory, name), JSON.stringify({ error: what, ...(dump() as object) }), { mode: 0o600 });
      const old = readdirSync(directory)
        .filter((one) => /^crash-.*\.json$/.test(one))
        .sort()
        .slice(0, -KEPT);
      for (const one of old) rmSync(join(directory, one));
    } catch {
      // Told by whoever ends the process: the error itself is more to the point than that it could not be written down.
    }
  };
  process.prependListener("uncaughtException", write);
  process.prependListener("unhandledRejection", write);
  return {
    [Symbol.dispose]: () => {
      process.off("uncaughtException", write);
      process.off("unhandledRejection", write);
    },
  };
}
