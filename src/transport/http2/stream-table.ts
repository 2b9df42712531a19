/** What has a stream identifier, and room for the table's own link. */
export interface Tabled {
  readonly id: number
  /** The next in the same bucket; the table's own. */
  chained: Tabled | undefined
}

const FIRST_BUCKETS = 64

/**
 * The open streams of a connection, by their identifiers. A `Map` of what comes and goes leaves a chain of its old tables behind, each holding
 * what was there when it was left: once the first of them is old, half of all streams outlive their young years, and a quarter of the time
 * goes into collecting them.
 */
export class StreamTable<T extends Tabled> {
  #buckets: (T | undefined)[] = emptied(FIRST_BUCKETS)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): T | undefined {
    let found = this.#buckets[this.#indexOf(id)]
    while (found !== undefined && found.id !== id) found = found.chained as T | undefined
    return found
  }

  /** `stream` is not there yet. */
  add(stream: T): void {
    if (this.#size >= this.#buckets.length * 2) this.#grow()
    const index = this.#indexOf(stream.id)
    stream.chained = this.#buckets[index]
    this.#buckets[index] = stream
    this.#size++
  }

  /** Whether it was there. */
  delete(stream: T): boolean {
    const index = this.#indexOf(stream.id)
    let before: T | undefined
    for (let each = this.#buckets[index]; each !== undefined; each = each.chained as T | undefined) {
      if (each !== stream) {
        before = each
        continue
      }
      if (before === undefined) this.#buckets[index] = stream.chained as T | undefined
      else before.chained = stream.chained
      stream.chained = undefined
      this.#size--
      return true
    }
    return false
  }

  /** All of them, as they are now. */
  all(): T[] {
    const all: T[] = []
    for (const first of this.#buckets)
      for (let each = first; each !== undefined; each = each.chained as T | undefined) all.push(each)
    return all
  }

  clear(): void {
    this.#buckets.fill(undefined)
    this.#size = 0
  }

  /** Streams of one side have numbers that are all odd, or all even. */
  #indexOf(id: number): number {
    return (id >>> 1) & (this.#buckets.length - 1)
  }

  #grow(): void {
    const all = this.all()
    this.#buckets = emptied(this.#buckets.length * 2)
    this.#size = 0
    for (const stream of all) this.add(stream)
  }
}

const emptied = (length: number): undefined[] => Array.from({ length }, () => undefined)
