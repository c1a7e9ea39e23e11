// What the start of a service leaves in memory and nobody needs again: objects and bytecode of reading the command line and the configuration, and pages of the
// executable. All of it stays while memory is plenty, and the heap grows from there in the first flood: over TCP, 50 MiB of its own, instead of 41.
import { forgetCodePages } from "../linux/executable-pages.ts";

/**
 * Gives it back. Holds up the event loop for one collection of a heap that is small still: 20 ms, some more on a busy machine.
 * @returns when that is done
 */
export async function forgetStart(): Promise<void> {
  // More than a full collection (`Bun.gc`, which left 7 to 10 MiB more): code that ran is thrown away too. It is done when the event loop is entered again.
  Bun.shrink();
  await new Promise((done) => setImmediate(done));
  forgetCodePages();
}
