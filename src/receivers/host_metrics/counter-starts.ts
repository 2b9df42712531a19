import type { Count } from './count.ts'

interface Series {
  value: Count
  /** Undefined: since boot. */
  start: bigint | undefined
  generation: number
}

/**
 * When counters began to count. At boot, as a rule; but a device that comes later, or comes back, or a counter that wraps
 * (some of the kernel's have 32 bits), begins anew. It then counts from some time after the scrape before, and saying so
 * keeps a backend from taking the fall for a gigantic rise. Counters that a scrape does not see are forgotten.
 */
export class CounterStarts {
  readonly #series = new Map<string, Series>()
  #generation = 0
  #time: bigint | undefined
  #previous: bigint | undefined

  /** A scrape that read at `time` follows. */
  begin(time: bigint): void {
    for (const [name, series] of this.#series) if (series.generation !== this.#generation) this.#series.delete(name)
    this.#generation++
    this.#previous = this.#time
    this.#time = time
  }

  /** When the counter began, given what it says now; undefined for the boot. */
  start(name: string, value: Count): bigint | undefined {
    const known = this.#series.get(name)
    if (known === undefined) {
      this.#series.set(name, { value, start: this.#previous, generation: this.#generation })
      return this.#previous
    }
    if (value < known.value) known.start = this.#previous
    known.value = value
    known.generation = this.#generation
    return known.start
  }
}
