/** Differences of pairs: what a machine that others use does to one half, it most often does to the other, too. */

export interface Difference {
  readonly median: number
  /** The interval that holds the true median with 95 % certainty, whatever the distribution (by the sign test). */
  readonly low: number
  readonly high: number
  readonly pairs: number
}

/** One thing measured with and without. */
export interface Pairs {
  readonly without: number[]
  readonly with: number[]
}

const DOUBT = 0.05

export function difference(pairs: Pairs): Difference {
  const sorted = pairs.with.map((value, round) => value - pairs.without[round]!).sort((left, right) => left - right)
  const rank = rankOf(sorted.length)
  return {
    median: median(sorted),
    low: sorted[rank] ?? Number.NaN,
    high: sorted[sorted.length - 1 - rank] ?? Number.NaN,
    pairs: sorted.length,
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** How many at either end may be left out: as many as heads of so many tosses are seen with a chance of half the doubt at most. */
function rankOf(count: number): number {
  let chance = 0.5 ** count
  let sum = 0
  for (let heads = 0; heads < count / 2; heads++) {
    sum += chance
    if (sum > DOUBT / 2) return Math.max(0, heads - 1)
    chance *= (count - heads) / (heads + 1)
  }
  return 0
}
