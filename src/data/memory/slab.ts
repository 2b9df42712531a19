import type { ByteBudget } from './byte-budget.ts'

/** Where a slab's memory goes at its last release. */
interface Home {
  put(buffer: Buffer): void
}

/**
 * A reference-counted piece of memory. Batches are slices of slabs, and a slab carries its budget charge once, however
 * many batches share it. It begins with one reference, its maker's; the last release gives the charge back to the
 * budget and the memory back to the pool.
 */
export class Slab {
  readonly buffer: Buffer
  readonly #pool: Home | undefined
  #budget: ByteBudget | undefined
  #references = 1

  /** Use `SlabPool.take` for pooled memory; without a pool the buffer is left to the garbage collector. */
  constructor(buffer: Buffer, budget?: ByteBudget, pool?: Home) {
    this.buffer = buffer
    this.#budget = budget
    this.#pool = pool
  }

  /** Where the slab's bytes are charged; undefined where nobody has charged them yet. */
  get budget(): ByteBudget | undefined {
    return this.#budget
  }

  /** Bytes that the slab occupies, and is charged for: the whole buffer, not the part in use. */
  get capacity(): number {
    return this.buffer.length
  }

  /** Hands the slab a charge of `capacity` bytes that the caller has just taken from `budget`. */
  charge(budget: ByteBudget): void {
    if (this.#budget !== undefined) throw new Error('a slab is charged once')
    this.#budget = budget
  }

  retain(): this {
    if (this.#references === 0) throw new Error('a released slab was retained')
    this.#references++
    return this
  }

  release(): void {
    if (this.#references === 0) throw new Error('a slab was released twice')
    if (--this.#references > 0) return
    this.#pool?.put(this.buffer)
    this.#budget?.give(this.capacity)
  }
}
