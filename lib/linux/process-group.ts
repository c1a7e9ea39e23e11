// A program and all that it has started, where it was given a group of its own.

/** Signals the group that `pid` leads. Where it has ended, or leads none, that is no matter. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it has ended, or has no group of its own
  }
}
