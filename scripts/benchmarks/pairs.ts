// Pairs in turn: ours, theirs, ours, theirs ... Each pair gives one ratio; the median of the ratios is the figure to quote.

/** One run of one program: figures by name, such as messages a second or CPU seconds. */
export type Figures = Readonly<Record<string, number>>;

export interface Contest {
  readonly name: string;
  readonly ours: () => Promise<Figures>;
  readonly theirs: () => Promise<Figures>;
  /** What the median ratio ours/theirs should reach: at least for rates, at most for costs. */
  readonly goals: Readonly<Record<string, { readonly ratio: number; readonly better: "more" | "less" }>>;
  /** Figures that are told without a goal. */
  readonly told?: readonly string[];
  /** What a figure of ours may be at most in any run, whatever theirs is: records lost, memory. */
  readonly most?: Readonly<Record<string, number>>;
}

/** Runs a contest `pairs` times, after one pair that is not counted, and prints a row a figure. */
export async function hold(contest: Contest, pairs: number): Promise<void> {
  await contest.ours();
  await contest.theirs();
  const runs: { ours: Figures; theirs: Figures }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    // Who goes first changes, so that neither always finds the caches that the other left.
    const oursFirst = pair % 2 === 0;
    const first = oursFirst ? await contest.ours() : await contest.theirs();
    const second = oursFirst ? await contest.theirs() : await contest.ours();
    runs.push(oursFirst ? { ours: first, theirs: second } : { ours: second, theirs: first });
  }
  for (const [figure, most] of Object.entries(contest.most ?? {})) tellMost(contest.name, figure, most, runs);
  for (const figure of [...Object.keys(contest.goals), ...(contest.told ?? [])]) {
    const goal = contest.goals[figure];
    const ours = spread(runs.map((run) => run.ours[figure] ?? Number.NaN));
    const theirs = spread(runs.map((run) => run.theirs[figure] ?? Number.NaN));
    const ratio = spread(runs.map((run) => (run.ours[figure] ?? Number.NaN) / (run.theirs[figure] ?? Number.NaN)));
    console.log(
      [
        contest.name.padEnd(46),
        figure.padEnd(22),
        `ours ${show(ours.median)}`.padEnd(18),
        `theirs ${show(theirs.median)}`.padEnd(20),
        `ratio ${ratio.least.toFixed(2)} / ${ratio.median.toFixed(2)} / ${ratio.most.toFixed(2)}`.padEnd(26),
        goal === undefined ? "" : judged(goal, ratio.median),
      ].join(" "),
    );
  }
}

function judged({ ratio, better }: Contest["goals"][string], found: number): string {
  const isReached = better === "more" ? found >= ratio : found <= ratio;
  return `goal ${better === "more" ? ">=" : "<="} ${ratio} ${isReached ? "reached" : "NOT reached"}`;
}

/** Of each side the median and the worst. */
function tellMost(
  name: string,
  figure: string,
  most: number,
  runs: readonly { readonly ours: Figures; readonly theirs: Figures }[],
): void {
  const ours = spread(runs.map((run) => run.ours[figure] ?? Number.NaN));
  const theirs = spread(runs.map((run) => run.theirs[figure] ?? Number.NaN));
  const both = ({ median, most: worst }: ReturnType<typeof spread>) => `${show(median)} (worst ${show(worst)})`;
  console.log(
    [
      name.padEnd(46),
      figure.padEnd(22),
      `ours ${both(ours)}`.padEnd(30),
      `theirs ${both(theirs)}`.padEnd(30),
      `goal ours <= ${most} ${ours.most <= most ? "reached" : "NOT reached"}`,
    ].join(" "),
  );
}

function spread(values: readonly number[]): { least: number; median: number; most: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { least: sorted[0]!, median, most: sorted.at(-1)! };
}

function show(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
