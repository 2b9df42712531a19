import type { ExemplarFields, HistogramPoint } from '../../../plugin.ts'

/** Values that were recorded under the same attributes, since the series began. */
export class HistogramValue {
  readonly #boundaries: readonly number[]
  readonly #counts: number[]
  /** The latest of each bucket since the last collection: few buckets have any, and slow requests keep theirs. */
  #exemplars: (ExemplarFields | undefined)[] | undefined
  #count = 0
  #sum = 0
  #min = Infinity
  #max = -Infinity

  constructor(boundaries: readonly number[]) {
    this.#boundaries = boundaries
    this.#counts = Array.from({ length: boundaries.length + 1 }, () => 0)
  }

  record(value: number, exemplar: ExemplarFields | undefined): void {
    const bucket = bucketOf(this.#boundaries, value)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
    if (exemplar) (this.#exemplars ??= [])[bucket] = exemplar
  }

  /** Valid until the next value. */
  point(): HistogramPoint {
    const minMax = this.#count > 0 ? { min: this.#min, max: this.#max } : {}
    return { count: this.#count, sum: this.#sum, ...minMax, bounds: this.#boundaries, counts: this.#counts }
  }

  takeExemplars(): readonly ExemplarFields[] | undefined {
    const taken = this.#exemplars?.filter((exemplar) => exemplar !== undefined)
    this.#exemplars = undefined
    return taken
  }
}

/** The first bucket whose upper bound is not below `value`: bounds belong to their bucket. */
function bucketOf(boundaries: readonly number[], value: number): number {
  let low = 0
  let high = boundaries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (value <= (boundaries[middle] as number)) high = middle
    else low = middle + 1
  }
  return low
}
