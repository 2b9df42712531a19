import type { Clock } from '../component/clock.ts'
import { rootDelivery } from '../component/delivery-node.ts'
import type { DeliveryNode, RootObserver } from '../component/delivery-node.ts'
import type { ReadRecord, StoredKey, StoredQueue } from '../component/storage.ts'
import { WireBatch } from '../data/batch.ts'
import { count } from '../data/kernels/count.ts'
import { validate } from '../data/kernels/validate.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Signal } from '../data/signal.ts'
import { ReadMemory } from './read-memory.ts'
import { decodeRecord } from './record.ts'

/** How long a disk that could not be read is left alone, in milliseconds. */
const PAUSE = 1_000
/** Made once: an error keeps what called when it was made. */
const CANCELLED = new Error('nothing is read any more')

export interface ReadBackOptions {
  readonly store: StoredQueue
  readonly signal: Signal
  readonly budget: ByteBudget | undefined
  /** Whether batches are merged, so that what is read must be sound. */
  readonly merges: () => boolean
  readonly clock: Clock
  readonly holdsNothing: () => boolean
  readonly isMakingRoom: () => boolean
  readonly onTrouble: (error: unknown) => void
}

/** A record that was read. */
export type Read = { readonly key: StoredKey; readonly items: number } & (
  { readonly damage: string } | { readonly at: number; readonly delivery: (observer: RootObserver) => DeliveryNode }
)

/** Reads the records of one queue, one after the other, and makes deliveries of them. */
export class ReadBack {
  readonly #options: ReadBackOptions
  readonly #memory: ReadMemory
  readonly #stop = new AbortController()
  #isBusy = false
  #running: Promise<void> = Promise.resolve()

  constructor(options: ReadBackOptions) {
    this.#options = options
    this.#memory = new ReadMemory(options)
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Resolves when nothing is being read. */
  get idle(): Promise<void> {
    return this.#running
  }

  /** Reads while `wants`; `take` gets each, undefined where there is none. To be called whenever what it asks may have another answer. */
  run(wants: () => boolean, take: (read: Read | undefined) => void): void {
    if (this.#isBusy) return this.#memory.again()
    if (!wants()) return
    this.#isBusy = true
    this.#running = this.#run(wants, take)
  }

  /** Nothing is read any more, and nobody waits for memory. */
  cancel(): void {
    this.#stop.abort(CANCELLED)
    this.#memory.cancel()
  }

  async #run(wants: () => boolean, take: (read: Read | undefined) => void): Promise<void> {
    const { store, clock, onTrouble } = this.#options
    while (!this.#stop.signal.aborted && wants()) {
      try {
        const record = await store.next((bytes) => this.#memory.take(bytes))
        if (this.#stop.signal.aborted) {
          record?.slab.release()
          break
        }
        take(record && this.#open(record))
        // Whoever appends asks again.
        if (record === undefined) break
      } catch (error) {
        if (this.#stop.signal.aborted) break
        onTrouble(error)
        await clock.sleep(PAUSE, this.#stop.signal).catch(() => {})
      }
    }
    // At once: who asks from now on must not be told that somebody reads.
    this.#isBusy = false
  }

  #open({ key, items, slab, length }: ReadRecord): Read {
    const { signal, merges } = this.#options
    try {
      const record = slab.buffer.subarray(0, length)
      const { origin, at, start } = decodeRecord(record, signal)
      const buffer = record.subarray(start)
      const found = merges() ? validate(signal, buffer) : count(signal, buffer)
      if (found !== items) throw new Error(`it has ${found} items where ${items} were written`)
      const delivery = (observer: RootObserver) =>
        rootDelivery(new WireBatch(signal, items, [{ slab, buffer }]), origin, observer)
      return { key, items, at, delivery }
    } catch (error) {
      slab.release()
      return { key, items, damage: `a record on disk cannot be read: ${(error as Error).message}` }
    }
  }
}
