// The cursor file on the disk: read once, replaced as a whole.
import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { replaceFile } from "../../run/replaced-file.ts";
import { parseCursor } from "../cursor.ts";
import type { StreamState } from "../gaps.ts";

export class CursorFile {
  #saving: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  /**
   * What the last run left; nothing where there was none.
   * @throws {Fault} kind "data": it is damaged; kind "no-input": it can't be read
   */
  read(): readonly StreamState[] {
    try {
      return parseCursor(readFileSync(this.path, "utf8"));
    } catch (error) {
      if (error instanceof Fault)
        throw new Fault(error.kind, error.code, `cannot read ${this.path}: ${error.message}`, { cause: error });
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (code === "ENOENT") return [];
      throw new Fault("no-input", code, `cannot read ${this.path}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * Writes another file with `text` and puts it in the place of this one: whoever reads it, after a crash too, gets the old one or the new one.
   * @throws {Fault} kind "cannot-create"
   */
  async save(text: string): Promise<void> {
    this.#saving = this.#saving.catch(() => {}).then(() => replaceFile(this.path, text, 0o640));
    await this.#saving;
  }
}
