/** Empty places before the first that are left alone. */
const CUT = 32

/** First in, first out. */
export class Row<T> {
  #places: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#places.length - this.#head
  }

  push(one: T): void {
    this.#places.push(one)
  }

  /** These come first, in their order. */
  putBack(those: readonly T[]): void {
    this.#places = [...those, ...this.#places.slice(this.#head)]
    this.#head = 0
  }

  shift(): T | undefined {
    const next = this.#places[this.#head]
    if (next === undefined) return undefined
    // Or the array would keep it alive until it is cut.
    this.#places[this.#head++] = undefined
    if (this.#head > CUT && this.#head * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#head)
      this.#head = 0
    }
    return next
  }

  /** All of it, which then is gone. */
  clear(): T[] {
    const all = this.#places.slice(this.#head) as T[]
    this.#places = []
    this.#head = 0
    return all
  }
}
