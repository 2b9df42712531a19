import type { ByteBudget } from '../data/memory/byte-budget.ts'
import { Overdrawn } from '../data/memory/byte-budget.ts'
import { SlabPool, slabs } from '../data/memory/slab-pool.ts'
import type { Slab } from '../data/memory/slab.ts'

export interface ReadMemoryOptions {
  /** Of the signal. */
  readonly budget: ByteBudget | undefined
  /** Whether what reads holds none of the budget at this moment. */
  readonly holdsNothing: () => boolean
  /** Whether the next record is read to be dropped. */
  readonly isMakingRoom: () => boolean
}

/**
 * Memory for what is read back from disk. It is charged to the signal's budget as what enters is, and waits for room there.
 *
 * The wait ends, whoever has the memory. Where that is the reader itself, its sends end some time and give it back. Where others have all
 * of it, and may keep it for as long as their backends are away, the reader has none of it, and then one record may overdraw the budget: so
 * each queue on disk gets on with at least one record at a time, and holds up to that above the limit. One that is larger than the budget with
 * what it may be overdrawn by (the limits were larger when it came) is read outside of it, on the same condition. So is one that is read to be
 * dropped: what waits for its room may be what has all the memory.
 */
export class ReadMemory {
  readonly #options: ReadMemoryOptions
  #unwatch: (() => void) | undefined
  #cancel: ((reason: Error) => void) | undefined
  #look: (() => void) | undefined

  constructor(options: ReadMemoryOptions) {
    this.#options = options
  }

  /** One call at a time. Rejects after `cancel`. */
  take(bytes: number): Slab | Promise<Slab> {
    const { budget } = this.#options
    return (
      this.#try(bytes) ??
      new Promise((resolve, reject) => {
        this.#cancel = reject
        this.#look = () => {
          const slab = this.#try(bytes)
          if (slab === undefined) return
          this.#end()
          resolve(slab)
        }
        this.#unwatch = budget?.onGiven(this.#look)
      })
    )
  }

  /** Who waits looks again: the reader's own records may have ended and given nothing back, since others share their memory. */
  again(): void {
    this.#look?.()
  }

  cancel(): void {
    const cancel = this.#cancel
    this.#end()
    cancel?.(new Error('nothing is read any more'))
  }

  #end(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#cancel = undefined
    this.#look = undefined
  }

  #try(bytes: number): Slab | undefined {
    const { budget, holdsNothing, isMakingRoom } = this.#options
    const charge = SlabPool.capacity(bytes)
    if (budget === undefined || budget.tryTake(charge)) return slabs.take(bytes, budget)
    if (isMakingRoom()) return slabs.take(bytes)
    if (!holdsNothing()) return undefined
    try {
      budget.overdraw(charge)
      return slabs.take(bytes, budget)
    } catch (error) {
      if (!(error instanceof Overdrawn)) throw error
      return charge > budget.limit + budget.overdraftLimit ? slabs.take(bytes) : undefined
    }
  }
}
