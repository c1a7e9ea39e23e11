// Who this recorder is to the senders that want acknowledgements: made once, and kept for as long as what it has recorded.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { isRecorderId } from "../../feed/ack.ts";
import { replaceFile } from "../../run/replaced-file.ts";

/** @throws {Fault} kind "cannot-create": the directory can't be made or written */
export async function recorderId(state: string): Promise<string> {
  const path = join(state, "recorder-id");
  try {
    mkdirSync(state, { recursive: true, mode: 0o755 });
    const found = readFileSync(path, "latin1").trim();
    if (isRecorderId(found)) return found;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code !== "ENOENT") {
      const reason = reasonOf(error);
      throw new Fault("cannot-create", "state", `cannot use ${state}: ${reason}`, { cause: error });
    }
  }
  const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => (byte % 36).toString(36)).join("");
  await replaceFile(path, `${id}\n`, 0o644);
  return id;
}
