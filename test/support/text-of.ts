import { readFileSync } from "node:fs";

/** What a file holds; "" while there is none. Not by a look whether it is there: in the midst of a rotation it is, and then is not. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  }
}
