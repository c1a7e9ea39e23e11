// The compiled executable under test. `scripts/test` builds it first; a stale one is refused, since a test of yesterday's binary tests nothing.
import { existsSync } from "node:fs";
import { join } from "node:path";

export const projectRoot = join(import.meta.dir, "../..");
const built = join(projectRoot, "dist/spreadbox");

/** Path of dist/spreadbox. @throws where it has not been built */
export function binary(): string {
  if (!existsSync(built)) throw new Error("dist/spreadbox is missing: run scripts/build (scripts/test does)");
  return built;
}
