// Whether the life before ended in order: a file that is there while we run. Who finds one of a process that is no more knows that it was killed, or that the
// host was; then what it had received and not written is lost, and somebody should be told.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { reasonOf } from "../../base/system-reason.ts";
import { makePrivateDirectory } from "../../run/private-directory.ts";

const NAME = "running";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

type Say = (severity: "warning" | "notice", text: string) => void;

/** Leaves the mark until it is disposed of. @param directory "": nowhere, and nobody will know */
export function markLife(directory: string, say: Say): Disposable {
  if (directory === "") return { [Symbol.dispose]() {} };
  const path = join(directory, NAME);
  const bootId = readFileSync(BOOT_ID, "latin1").trim();
  const before = whoWasKilled(path, bootId);
  if (before !== undefined)
    say(
      "warning",
      `the syslogd before (${before}) did not end in order: what it had received and not written is lost, one batch of each source at most where its sinks kept up; its connections ended with it, and what nobody had read of them is lost too`,
    );
  try {
    makePrivateDirectory(dirname(path));
    writeFileSync(path, `${process.pid} ${bootId}\n`, { mode: 0o600 });
  } catch (error) {
    const why = reasonOf(error);
    say("notice", `${path}: the next start will not know whether this one ended in order: ${why}`);
    return { [Symbol.dispose]() {} };
  }
  return { [Symbol.dispose]: () => removeMark(path) };
}

function removeMark(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // a directory that is not ours any more: the next start will think us killed
  }
}

/** `undefined` where nobody was; a process that runs still has not been, and this one was another before (exec). */
function whoWasKilled(path: string, bootId: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
  const [, pid, boot] = /^(\d{1,10}) (\S+)\n$/.exec(text) ?? [];
  if (pid === undefined) return "nobody knows which";
  if (boot !== bootId) return `process ${pid}, before the host's last start`;
  return isAlive(Number(pid)) ? undefined : `process ${pid}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
