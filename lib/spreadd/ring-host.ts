import type { MonotonicMs } from "../base/brand.ts";
import type { Host } from "./engine.ts";
import type { Seat } from "./ring-message.ts";

/** A host of the view at hand. */
export class RingHost {
  /** How many batches of the view it has been delivered, by its own word. */
  delivered = 0;
  /** When a batch of it was last delivered. */
  heardAt = 0 as MonotonicMs;
  /** Its daemon or its ring has gone: nobody waits for it. */
  isLost = false;

  /** @param place among the view's hosts; those of hosts behind one that goes move up */
  constructor(
    readonly host: Host,
    readonly seat: Seat,
    public place: number,
  ) {}
}
