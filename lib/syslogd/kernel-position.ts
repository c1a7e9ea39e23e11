// How far the kernel's messages have been read, kept over restarts: their numbers go on for as long as the host is up. Written as `BOOT NEXT`, a line.

export interface KernelPosition {
  /** Of /proc/sys/kernel/random/boot_id: the numbers of another life of the host mean nothing. */
  readonly bootId: string;
  /** The sequence number that comes next. */
  readonly next: number;
}

/** Reads what `formatKernelPosition` wrote; `undefined` where it is of another life of the host, or broken. */
export function tryKernelPosition(text: string, bootId: string): KernelPosition | undefined {
  const [, boot, digits] = /^(\S+) (\d{1,15})\n$/.exec(text) ?? [];
  return boot === bootId ? { bootId, next: Number(digits) } : undefined;
}

export function formatKernelPosition({ bootId, next }: KernelPosition): string {
  return `${bootId} ${next}\n`;
}

/** Tells what is new: each number once, and how many were overwritten before we could read them. */
export class KernelSequence {
  /** All that were missed. */
  missed = 0;

  /** @param next the number that comes next; -1 where nothing was ever read */
  constructor(public next: number) {}

  /** Takes the number of a record. @returns how many were missed right before it; -1 for one that was read before */
  take(sequence: number): number {
    if (sequence < this.next) return -1;
    const missed = this.next < 0 ? 0 : sequence - this.next;
    this.next = sequence + 1;
    this.missed += missed;
    return missed;
  }
}
