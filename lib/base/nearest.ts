/**
 * The candidate that a mistyped word most likely meant, or `undefined` where none is near.
 *
 * Distance is Damerau-Levenshtein (optimal string alignment: a swap of neighbours costs one). Near is at most a third of the longer word's length, at least 1, and something is the same;
 * a candidate that begins with the word (of two letters or more), or with which the word begins (of four or more), is near as well.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const longer = Math.max(typed.length, known.length);
    const allowed = Math.max(1, Math.floor(longer / 3));
    let distance = editDistance(typed, known);
    if (distance === longer) continue;
    const isPart = (typed.length >= 2 && known.startsWith(typed)) || (known.length >= 4 && typed.startsWith(known));
    if (distance > allowed && isPart) distance = allowed;
    if (distance <= allowed && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + cost);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, beforeLast[column - 2]! + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
