// From a record to the outlets that want it. Rules are values and hold nothing; outlets have the queues, and outlive a change of rules.
//
// What most rules ask is the PRI alone, of which there are 192: for these the answers are worked out once, and a record costs one look at a table. Where a
// rule asks for more, or stops, the rules that the PRI leaves are tried in their order.
import type { Outlet } from "../sink/sink.ts";
import type { RecordView } from "../syslog/record.ts";
import { matches, type Rule } from "../syslog/rule.ts";

/** A rule, and where it sends what it takes. */
export interface Route {
  readonly rule: Rule;
  /** `undefined`: nowhere. */
  readonly outlet: Outlet | undefined;
}

const PRI_COUNT = 192;
const NO_OUTLETS: readonly Outlet[] = [];

/** What becomes of records of one PRI: either the same for all, or a matter of trying. */
interface Plan {
  readonly always: readonly Outlet[] | undefined;
  readonly tries: readonly Route[];
}

export class Router {
  readonly #plans: readonly Plan[];
  readonly #taken = new Set<Outlet>();

  /** @param routes in the order of the rules. An outlet that several of them name gets a record once */
  constructor(routes: readonly Route[]) {
    this.#plans = Array.from({ length: PRI_COUNT }, (_, pri) => planFor(pri, routes));
  }

  /** Gives a record to all outlets that want it, and returns how many they are. */
  route(record: RecordView): number {
    const plan = this.#plans[record.pri]!;
    const outlets = plan.always ?? this.#tryAll(plan.tries, record);
    for (let index = 0; index < outlets.length; index++) outlets[index]!.take(record);
    return outlets.length;
  }

  /** The outlets that want a record. */
  outlets(record: RecordView): readonly Outlet[] {
    const plan = this.#plans[record.pri]!;
    return plan.always ?? this.#tryAll(plan.tries, record);
  }

  #tryAll(tries: readonly Route[], record: RecordView): readonly Outlet[] {
    const taken = this.#taken;
    taken.clear();
    for (let index = 0; index < tries.length; index++) {
      const { rule, outlet } = tries[index]!;
      if (!matches(rule, record)) continue;
      if (outlet !== undefined) taken.add(outlet);
      if (rule.stop) break;
    }
    return taken.size === 0 ? NO_OUTLETS : [...taken];
  }
}

function planFor(pri: number, routes: readonly Route[]): Plan {
  const tries: Route[] = [];
  for (const route of routes) {
    if (!route.rule.selector.matches(pri)) continue;
    tries.push(route);
    if (route.rule.stop && asksOnlyPri(route.rule)) break; // what stands behind it is never reached
  }
  const isPlain = tries.every((route) => asksOnlyPri(route.rule));
  return { always: isPlain ? [...new Set(tries.flatMap((route) => route.outlet ?? []))] : undefined, tries };
}

function asksOnlyPri({ program, host, match, properties }: Rule): boolean {
  return program === undefined && host === undefined && match === undefined && properties.length === 0;
}
