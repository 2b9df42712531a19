/** A line of which mostly one is there, and seldom two: the first has a place of its own. */
export class Waiting<X> {
  oldest: X | undefined
  readonly #later: X[] = []

  get length(): number {
    return this.oldest === undefined ? 0 : 1 + this.#later.length
  }

  push(one: X): void {
    if (this.oldest === undefined) this.oldest = one
    else this.#later.push(one)
  }

  shift(): void {
    this.oldest = this.#later.length === 0 ? undefined : this.#later.shift()
  }

  /** All of them, the oldest first; nobody is left. */
  take(): X[] {
    if (this.oldest === undefined) return []
    const all = [this.oldest, ...this.#later]
    this.oldest = undefined
    this.#later.length = 0
    return all
  }
}
