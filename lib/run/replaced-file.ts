import { open, rename } from "node:fs/promises";
import { Fault } from "../base/fault.ts";
import { reasonOf } from "../base/system-reason.ts";

/**
 * Writes another file with `text` and puts it in the place of the one at `path`: whoever reads it, after a crash too, gets the old one or the new one.
 * @throws {Fault} kind "cannot-create"
 */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const beside = `${path}.new`;
  try {
    const file = await open(beside, "w", mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    const reason = reasonOf(error);
    throw new Fault("cannot-create", "replace", `cannot write ${path}: ${reason}`, { cause: error });
  }
}
