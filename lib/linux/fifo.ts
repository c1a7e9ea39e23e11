import { constants, fstatSync, lstatSync, openSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { address, libc } from "./libc.ts";
import { checked } from "./system-error.ts";

/**
 * Opens the FIFO at `path` to read from, without blocking; made, for its owner and group, where there is none. Its end is never seen: we are a writer too.
 * @throws {Fault} "not-a-fifo": something else stands there
 */
export function openFifo(path: string): number {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    const name = new TextEncoder().encode(`${path}\0`);
    checked(libc().mkfifo(address(name), 0o620), `make the FIFO ${path}`);
  }
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  if (fstatSync(fd).isFIFO()) return fd;
  libc().close(fd);
  throw new Fault(
    "cannot-create",
    "not-a-fifo",
    `cannot read from ${path}: it is no FIFO; remove it, or choose another path`,
  );
}
