// Until when a name blocks: the only clocks behind the table, and each host's own. A wait that has run out changes no table; it lets the owner acquire, and the
// owner's delivered `acquired` takes the name out everywhere (the model, sections 3 and 5).
import type { CoverTable } from "./cover-table.ts";
import type { Member } from "./member.ts";
import type { Waited, WaitLeft } from "./message.ts";
import type { Pulse } from "./pulse.ts";
import { type Bounds, departedWaitMs, expelledWaitMs } from "./times.ts";

interface Wait {
  untilMs: number;
  departed: boolean;
}

export interface WaitContext {
  readonly nowMs: number;
  readonly viewMs: number;
  readonly bounds: Bounds;
  readonly clockBoundMs: number;
  readonly pulse: Pulse;
}

export class Waits {
  private readonly waits = new Map<Member, Wait>();

  /**
   * Sets the clocks for names that the table has newly begun to wait for.
   * @param told what others who know the names longer would still wait; it takes the place of a wait of our own from now
   */
  start(table: CoverTable, told: readonly WaitLeft[], context: WaitContext): void {
    for (const { waited, anew } of table.freshWaits) {
      if (waited.why === "kept") {
        this.waits.delete(waited.name); // one of before may have run out; this one lasts until it is back, or an operator gives it up
        continue;
      }
      const left = told.filter(({ name, departed }) => name === waited.name && (departed || waited.why !== "departed"));
      const untilMs =
        left.length > 0 && !anew
          ? context.nowMs + Math.max(...left.map(({ ms }) => ms))
          : ownMs(table, waited, context);
      this.lengthen(waited.name, untilMs, waited.why === "departed");
    }
    table.freshWaits.length = 0;
    // Of names I wait for already, the longest wait that anybody tells counts.
    for (const { name, ms, departed } of told)
      if (hasEnd(table, name)) this.lengthen(name, context.nowMs + ms, departed);
  }

  hasRunOut(name: Member, nowMs: number): boolean {
    const wait = this.waits.get(name);
    return wait !== undefined && nowMs >= wait.untilMs;
  }

  untilMs(name: Member): number {
    return this.waits.get(name)?.untilMs ?? Number.POSITIVE_INFINITY;
  }

  /** What is left of each, for others, rounded up. */
  left(table: CoverTable, nowMs: number): readonly WaitLeft[] {
    return [...table.waited.keys()].flatMap((name) => {
      const wait = this.waits.get(name);
      if (wait === undefined || !hasEnd(table, name)) return [];
      return [{ name, ms: Math.max(0, Math.ceil(wait.untilMs - nowMs)), departed: wait.departed }];
    });
  }

  private lengthen(name: Member, untilMs: number, departed: boolean): void {
    const wait = this.waits.get(name);
    if (wait === undefined) this.waits.set(name, { untilMs, departed });
    else {
      wait.untilMs = Math.max(wait.untilMs, untilMs);
      wait.departed ||= departed;
    }
  }
}

/** Whether it is waited for by a clock. */
function hasEnd(table: CoverTable, name: Member): boolean {
  const waited = table.waited.get(name);
  return waited !== undefined && waited.why !== "kept";
}

function ownMs({ rules }: CoverTable, { name, why }: Waited, context: WaitContext): number {
  const { bounds, clockBoundMs, viewMs, pulse } = context;
  if (why === "departed") return viewMs + (rules.waitForDeparted ? departedWaitMs(bounds, clockBoundMs) : 0);
  return (pulse.lastHeardMs(name) ?? viewMs) + (rules.waitForExpelled ? expelledWaitMs(bounds) : 0);
}
