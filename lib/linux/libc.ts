// Every function of libc that we call, in one table. Bun has no interface of its own for what stands here: unix datagrams, credentials, SIGIO.
//
// A call costs about 80 ns. Pointers are given as typed arrays, or as numbers made once by `address()`: array memory does not move. `errno` is only good
// right after the call that set it, before anything else runs.

import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";
import { readFileSync } from "node:fs";

// i32 is int, u32 is unsigned int and socklen_t, u64 is size_t.
/** long and ssize_t, as a number. */
const LONG = FFIType.i64_fast;

const SYMBOLS = {
  __errno_location: { args: [], returns: "ptr" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  mkfifo: { args: ["ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", LONG], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: LONG },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: LONG },
  write: { args: ["i32", "ptr", "u64"], returns: LONG },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  ioctl: { args: ["i32", LONG, "ptr"], returns: "i32" },
  mmap: { args: ["ptr", "u64", "i32", "i32", "i32", LONG], returns: LONG },
  munmap: { args: [LONG, "u64"], returns: "i32" },
  madvise: { args: [LONG, "u64", "i32"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  prctl: { args: ["i32", LONG, LONG, LONG, LONG], returns: "i32" },
  capset: { args: ["ptr", "ptr"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
} as const;

export type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

let opened: Libc | undefined;
let errnoAt: bigint | Pointer | undefined;

/** libc, loaded at the first call: a command that needs none of it starts without it. */
export function libc(): Libc {
  opened ??= dlopen(libcName(), SYMBOLS).symbols;
  return opened;
}

/** What the last call that failed left in `errno`. */
export function errno(): number {
  errnoAt ??= libc().__errno_location()!; // one place a thread: the same for good
  return read.i32(errnoAt);
}

/** Where the bytes of an array lie, as a number that stays right for as long as the array lives: keep the array. */
export function address(bytes: NodeJS.TypedArray): Pointer {
  return ptr(bytes);
}

/**
 * The libc that this process runs on already. A name that the loader does not find is also tried in the working directory, where anybody may have put a
 * file: so no guessing, but the name of what is mapped.
 */
function libcName(): string {
  const musl = /\/\S*\/ld-musl-\S+/.exec(readFileSync("/proc/self/maps", "latin1"));
  return musl === null ? "libc.so.6" : musl[0];
}
