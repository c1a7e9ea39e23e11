// True time, and what is to happen when. One heap; what falls on one moment happens in the order it was asked for.

type Happening = () => void;

export class Clockwork {
  nowMs = 0;
  private readonly atMs: number[] = [];
  private readonly order: number[] = [];
  private readonly what: Happening[] = [];
  private count = 0;

  at(atMs: number, happening: Happening): void {
    const { atMs: times, order, what } = this;
    let at = times.length;
    const due = Math.max(atMs, this.nowMs);
    const nth = this.count++;
    times.push(due);
    order.push(nth);
    what.push(happening);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! < due || (times[parent] === due && order[parent]! < nth)) break;
      times[at] = times[parent]!;
      order[at] = order[parent]!;
      what[at] = what[parent]!;
      at = parent;
    }
    times[at] = due;
    order[at] = nth;
    what[at] = happening;
  }

  after(ms: number, happening: Happening): void {
    this.at(this.nowMs + ms, happening);
  }

  /** Lets everything happen that is due up to then. */
  runUntil(untilMs: number): void {
    while (this.atMs.length > 0 && this.atMs[0]! <= untilMs) {
      this.nowMs = this.atMs[0]!;
      this.pop()();
    }
    this.nowMs = untilMs;
  }

  private pop(): Happening {
    const { atMs, order, what } = this;
    const first = what[0]!;
    const dueMs = atMs.pop()!;
    const nth = order.pop()!;
    const last = what.pop()!;
    const length = atMs.length;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && isBefore(atMs, order, child + 1, child)) child += 1;
      if (dueMs < atMs[child]! || (dueMs === atMs[child] && nth < order[child]!)) break;
      atMs[at] = atMs[child]!;
      order[at] = order[child]!;
      what[at] = what[child]!;
      at = child;
    }
    atMs[at] = dueMs;
    order[at] = nth;
    what[at] = last;
    return first;
  }
}

function isBefore(atMs: readonly number[], order: readonly number[], a: number, b: number): boolean {
  return atMs[a]! < atMs[b]! || (atMs[a] === atMs[b] && order[a]! < order[b]!);
}
