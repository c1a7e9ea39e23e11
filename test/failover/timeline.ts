// What became of an address in a span of time, from three observers that share one clock: who held it (each host's kernel), whether a client was answered, and who could
// reach whom.

export interface HoldChange {
  readonly atMs: number;
  readonly host: string;
  readonly address: string;
  readonly holds: boolean;
}

export interface Outage {
  readonly address: string;
  readonly fromMs: number;
  /** Infinite: it was not over when the watch ended. */
  readonly toMs: number;
}

/** From then on hosts of one part reach each other; who is in none reaches nobody. */
export interface Reach {
  readonly atMs: number;
  readonly parts: readonly (readonly string[])[];
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Fate {
  readonly address: string;
  /** The longest time in which the client was not answered. */
  readonly gapMs: number;
  /** How long two hosts that reach each other both held it, in all. */
  readonly doubledMs: number;
  /** The longest time in which somebody the client reaches held it, and the client was not answered. */
  readonly darkMs: number;
  /** From the span's start until another host than at its start, which the client reaches, held it; `undefined`: nobody did. */
  readonly takenAfterMs: number | undefined;
  /** It was so still when the watch ended. */
  readonly staysDoubled: boolean;
  readonly staysOut: boolean;
}

export interface Story {
  readonly holds: readonly HoldChange[];
  readonly outages: readonly Outage[];
  readonly reach: readonly Reach[];
  readonly client: string;
}

/** One stretch in which nothing changes. */
interface Stretch extends Span {
  readonly holders: readonly string[];
  readonly parts: readonly (readonly string[])[];
  readonly isOut: boolean;
}

export function fateOf(address: string, story: Story, span: Span): Fate {
  const before = holdersAt(story, address, span.fromMs);
  let doubledMs = 0;
  let darkMs = 0;
  let longestDarkMs = 0;
  let takenAfterMs: number | undefined;
  let staysDoubled = false;
  let staysOut = false;
  for (const { fromMs, toMs, holders, parts, isOut } of stretches(address, story, span)) {
    const part = parts.find((hosts) => hosts.includes(story.client)) ?? [];
    const reached = holders.filter((host) => part.includes(host));
    staysDoubled = parts.some((hosts) => holders.filter((host) => hosts.includes(host)).length > 1);
    staysOut = isOut;
    if (staysDoubled) doubledMs += toMs - fromMs;
    darkMs = isOut && reached.length > 0 ? darkMs + toMs - fromMs : 0;
    longestDarkMs = Math.max(longestDarkMs, darkMs);
    if (takenAfterMs === undefined && reached.some((host) => !before.includes(host)))
      takenAfterMs = fromMs - span.fromMs;
  }
  const gaps = story.outages
    .filter((outage) => outage.address === address)
    .map(({ fromMs, toMs }) => Math.min(toMs, span.toMs) - Math.max(fromMs, span.fromMs));
  return {
    address,
    gapMs: Math.max(0, ...gaps),
    doubledMs,
    darkMs: longestDarkMs,
    takenAfterMs,
    staysDoubled,
    staysOut,
  };
}

/** Who held the address then. */
export function holdersAt({ holds }: Story, address: string, atMs: number): readonly string[] {
  const holders = new Set<string>();
  for (const change of holds) {
    if (change.atMs > atMs || change.address !== address) continue;
    if (change.holds) holders.add(change.host);
    else holders.delete(change.host);
  }
  return [...holders];
}

function* stretches(address: string, story: Story, { fromMs, toMs }: Span): Generator<Stretch> {
  const outages = story.outages.filter((outage) => outage.address === address);
  const edges = new Set([fromMs]);
  for (const { atMs, address: of } of story.holds) if (of === address) edges.add(atMs);
  for (const { atMs } of story.reach) edges.add(atMs);
  for (const outage of outages) edges.add(outage.fromMs).add(outage.toMs);
  const inside = [...edges].filter((atMs) => atMs >= fromMs && atMs < toMs).sort((a, b) => a - b);
  for (const [nth, atMs] of inside.entries())
    yield {
      fromMs: atMs,
      toMs: inside[nth + 1] ?? toMs,
      holders: holdersAt(story, address, atMs),
      parts: story.reach.findLast((reach) => reach.atMs <= atMs)?.parts ?? [],
      isOut: outages.some((outage) => outage.fromMs <= atMs && atMs < outage.toMs),
    };
}
