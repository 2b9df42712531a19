/** Whole numbers as ascending ranges that do not touch: what is settled takes memory for its gaps alone. */
export class KeyRanges {
  readonly #starts: number[] = []
  /** Exclusive. */
  readonly #ends: number[] = []

  get ranges(): number {
    return this.#starts.length
  }

  /** Adds `from` up to and without `to`. */
  add(from: number, to = from + 1): void {
    if (from >= to) return
    // Ranges that it touches: from `first` up to and without `last`.
    const first = lowerBound(this.#ends, from)
    let last = first
    while (last < this.#starts.length && (this.#starts[last] as number) <= to) last++
    const start = last > first ? Math.min(from, this.#starts[first] as number) : from
    const end = last > first ? Math.max(to, this.#ends[last - 1] as number) : to
    if (last - first === 1) {
      this.#starts[first] = start
      this.#ends[first] = end
      return
    }
    this.#starts.splice(first, last - first, start)
    this.#ends.splice(first, last - first, end)
  }

  has(key: number): boolean {
    const index = lowerBound(this.#ends, key + 1)
    return index < this.#starts.length && (this.#starts[index] as number) <= key
  }

  /** How many there are from `from` up to and without `to`. */
  count(from: number, to: number): number {
    let count = 0
    for (let index = lowerBound(this.#ends, from); index < this.#starts.length; index++) {
      const start = Math.max(from, this.#starts[index] as number)
      if (start >= to) break
      count += Math.max(0, Math.min(to, this.#ends[index] as number) - start)
    }
    return count
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number]> {
    for (let index = 0; index < this.#starts.length; index++)
      yield [this.#starts[index] as number, this.#ends[index] as number]
  }
}

/** The first index whose value is not below `value`. */
function lowerBound(values: readonly number[], value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
