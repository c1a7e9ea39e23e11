// Parts of root's power (capabilities(7)), kept by a process that is root no more. They are a thread's own: only calls that the main thread makes itself have
// them, as binding an address, and none that the runtime makes on others, as opening files by name.
import { libc } from "./libc.ts";

/** Bind ports below 1024; read /dev/kmsg. */
export const CAPABILITIES = { netBindService: 10, syslog: 34 } as const;
export type Capability = (typeof CAPABILITIES)[keyof typeof CAPABILITIES];

const PR_SET_KEEPCAPS = 8;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const VERSION_3 = 0x20080522;

/** What a change of the user takes away otherwise is kept; then `keepOnly` says what of it. */
export function keepThroughUserChange(keeps: boolean): void {
  libc().prctl(PR_SET_KEEPCAPS, keeps ? 1 : 0, 0, 0, 0);
}

/** Has these, and gives them to no program that it starts. @returns false where the system does not let us have them */
export function keepOnly(capabilities: readonly Capability[]): boolean {
  return setCapabilities(capabilities, []);
}

/** Has the program that this process becomes have them too. */
export function passOn(capabilities: readonly Capability[]): void {
  if (!setCapabilities(capabilities, capabilities)) return;
  for (const one of capabilities) libc().prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, one, 0, 0);
}

function setCapabilities(own: readonly Capability[], inheritable: readonly Capability[]): boolean {
  const header = Uint32Array.of(VERSION_3, 0);
  // Two halves, each of effective, permitted, inheritable.
  const sets = new Uint32Array(6);
  for (const one of own) {
    const half = one >= 32 ? 3 : 0;
    sets[half]! |= 1 << (one & 31);
    sets[half + 1]! |= 1 << (one & 31);
  }
  for (const one of inheritable) sets[(one >= 32 ? 3 : 0) + 2]! |= 1 << (one & 31);
  return libc().capset(header, sets) === 0;
}
