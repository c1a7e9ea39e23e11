// A recorder's state directory is its own: two that keep one set of marks would write every line twice, and acknowledge what the other lost.
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { reasonOf } from "../../base/system-reason.ts";
import { tryLock } from "../../linux/file-lock.ts";

/** Makes the directory, and has it until disposed, or until the process ends. @throws {Fault} code "in-use": another recorder has it; kind "cannot-create" */
export function lockState(state: string): Disposable {
  const fd = openLock(state);
  if (tryLock(fd)) return { [Symbol.dispose]: () => closeSync(fd) };
  closeSync(fd);
  throw new Fault(
    "temporary",
    "in-use",
    `cannot use ${state}: another logcat record runs with it; stop that, or give this one a directory of its own (--state)`,
  );
}

function openLock(state: string): number {
  try {
    mkdirSync(state, { recursive: true, mode: 0o755 });
    return openSync(join(state, "lock"), "a", 0o600);
  } catch (error) {
    const reason = reasonOf(error);
    throw new Fault("cannot-create", "state", `cannot use ${state}: ${reason}`, { cause: error });
  }
}
