// What the start of a process leaves in memory and nobody needs again: the pages of its own executable that loading, compiling and opening everything went through.
//
// They are clean pages of a file, which the kernel can have back at any time; while there is memory to spare it just does not ask, so a service shows some 30 MiB more than it works with.
// What is needed after all comes from the page cache, 64 KiB at a fault.
import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";

const MADV_DONTNEED = 4;

/**
 * Unmaps the pages of this executable's code and constants until they are needed again. Only of mappings that nobody could ever write: nothing but the file is in them.
 * Does nothing where the kernel says no.
 */
export function forgetCodePages(): void {
  for (const { start, bytes } of fileMappings(readFileSync("/proc/self/maps", "latin1"), process.execPath))
    libc().madvise(start, bytes, MADV_DONTNEED);
}

/**
 * Where a file is mapped as code, or from its begin as constants. Another mapping that can only be read is not what it looks: the loader has written addresses
 * there before it was protected (RELRO), and the file's bytes in their place end the process.
 * @param maps as in /proc/PID/maps: "00200000-01a39000 r--p 00000000 fe:00 161301   /usr/local/bin/spreadbox"
 */
export function fileMappings(maps: string, path: string): { readonly start: number; readonly bytes: number }[] {
  return maps.split("\n").flatMap((line) => {
    const found = /^([0-9a-f]+)-([0-9a-f]+) (?:r-xp \S+|r--p 0+) \S+ \S+ +(\S.*)$/.exec(line);
    if (found === null || found[3] !== path) return [];
    const start = Number.parseInt(found[1]!, 16);
    return [{ start, bytes: Number.parseInt(found[2]!, 16) - start }];
  });
}
