/** What can be in a chain, in one at a time. The fields are the chain's own affair. */
export interface Linked<T extends Linked<T>> {
  chain: Chain<T> | undefined
  next: T | undefined
  previous: T | undefined
}

/**
 * A set, in the order in which things came, that is linked through the things themselves: for what every request is put into and taken out
 * of again. The table of a `Set` is made anew for every few that have come and gone, this takes no memory at all.
 */
export class Chain<T extends Linked<T>> implements Iterable<T> {
  #first: T | undefined
  #last: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Who has been here the longest. */
  get first(): T | undefined {
    return this.#first
  }

  has(one: T): boolean {
    return one.chain === this
  }

  /** Puts it at the end, unless it is here. It must be in no other. */
  add(one: T): void {
    if (one.chain === this) return
    if (one.chain !== undefined) throw new Error('it is in another chain')
    const last = this.#last
    one.chain = this
    one.previous = last
    if (last === undefined) this.#first = one
    else last.next = one
    this.#last = one
    this.#size++
  }

  /** Whether it was here. */
  delete(one: T): boolean {
    if (one.chain !== this) return false
    const { next, previous } = one
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    one.chain = one.next = one.previous = undefined
    this.#size--
    return true
  }

  /** All that are here now; those that have gone by the time it is their turn are left out. */
  *[Symbol.iterator](): Iterator<T> {
    const all: T[] = []
    for (let one = this.#first; one !== undefined; one = one.next) all.push(one)
    for (const one of all) if (one.chain === this) yield one
  }
}
