// One host's kernel and the queue of orders to it. Leases are the kernel's: they end, a little late, whatever becomes of the process.
import type { Random } from "../../lib/base/random.ts";
import type { Definition, VipId } from "../../lib/mole/definition.ts";
import { LATE_END_MS } from "../../lib/mole/times.ts";

interface Held {
  readonly definition: Definition;
  /** In true time; infinite under maintenance. */
  untilMs: number;
}

export class Kernel {
  private readonly held = new Map<VipId, Held>();

  constructor(private readonly random: Random) {}

  put(definition: Definition, nowMs: number, leaseMs: number): void {
    this.held.set(definition.id, { definition, untilMs: nowMs + leaseMs + this.random() * LATE_END_MS });
  }

  /** Lengthens a lease, or puts an address back whose lease has ended. */
  renew(definition: Definition, nowMs: number, leaseMs: number | undefined): void {
    if (leaseMs === undefined) this.held.set(definition.id, { definition, untilMs: Number.POSITIVE_INFINITY });
    else this.put(definition, nowMs, leaseMs);
  }

  remove(vip: VipId): void {
    this.held.delete(vip);
  }

  clear(): void {
    this.held.clear();
  }

  definitionsHeld(nowMs: number): readonly Definition[] {
    return [...this.held.values()].filter(({ untilMs }) => nowMs < untilMs).map(({ definition }) => definition);
  }

  hasAddress(address: string, nowMs: number): boolean {
    for (const { definition, untilMs } of this.held.values())
      if (nowMs < untilMs && definition.addresses.includes(address)) return true;
    return false;
  }
}
