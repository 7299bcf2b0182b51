/** Fewer points, same picture: of each bucket the smallest and the largest value stay. */

/**
 * The indexes to keep, ascending: at most `limit`, always the first and the last.
 *
 * @param values null for a gap; a gap is kept when its bucket has nothing else.
 */
export function keepIndexes(values: readonly (number | null)[], limit: number): number[] {
  const n = values.length;
  if (n <= limit || limit < 4) {
    return Array.from({ length: n }, (_, index) => index);
  }
  const buckets = Math.floor((limit - 2) / 2);
  const kept = [0];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = 1 + Math.floor((bucket * (n - 2)) / buckets);
    const to = 1 + Math.floor(((bucket + 1) * (n - 2)) / buckets);
    kept.push(...extremes(values, from, to));
  }
  kept.push(n - 1);
  return kept;
}

function extremes(values: readonly (number | null)[], from: number, to: number): number[] {
  let low = -1;
  let high = -1;
  let lowest = Infinity;
  let highest = -Infinity;
  for (let index = from; index < to; index++) {
    const value = values[index] ?? null;
    if (value === null) {
      continue;
    }
    if (value < lowest) {
      lowest = value;
      low = index;
    }
    if (value > highest) {
      highest = value;
      high = index;
    }
  }
  if (low === -1) {
    return from < to ? [from] : [];
  }
  if (low === high) {
    return [low];
  }
  return low < high ? [low, high] : [high, low];
}
