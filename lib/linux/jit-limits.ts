// What takes the JIT compiler from us without a word, so that everything runs twenty times slower: memory that may not be both written and executed
// (MemoryDenyWriteExecute= of a unit), and a limit on the address space (LimitAS=, ulimit -v). Measured with a loop: 63 ms, 1,300 ms, 1,340 ms at 2 GiB.
import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";

const PAGE_BYTES = 4_096;
const PROT_READ_WRITE_EXEC = 7;
const MAP_PRIVATE_ANONYMOUS = 0x22;
/** With 8 GiB it was as fast as without a limit. */
const ADDRESS_SPACE_BYTES_MIN = 8 * 1024 ** 3;

/** A line for each setting that is in the way, with what to do. */
export function jitObstacles(): readonly string[] {
  const found: string[] = [];
  if (!mayWriteAndExecute())
    found.push(
      "memory may not be written and executed, so everything is about 20 times slower: leave MemoryDenyWriteExecute= out of the unit",
    );
  const bytes = addressSpaceLimit(readFileSync("/proc/self/limits", "latin1"));
  if (bytes < ADDRESS_SPACE_BYTES_MIN)
    found.push(
      `the address space is limited to ${bytes} bytes, so everything is about 20 times slower: leave LimitAS= (ulimit -v) out, MemoryMax= bounds memory`,
    );
  return found;
}

/** The soft limit in the text of /proc/PID/limits; Infinity where there is none. */
export function addressSpaceLimit(limits: string): number {
  const found = /^Max address space\s+(\d+)/m.exec(limits);
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]);
}

function mayWriteAndExecute(): boolean {
  const at = libc().mmap(null, PAGE_BYTES, PROT_READ_WRITE_EXEC, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (at === -1) return false;
  libc().munmap(at, PAGE_BYTES);
  return true;
}
