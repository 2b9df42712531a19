import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { Sizer } from '../component/sending-options.ts'
import type { Room } from './sink.ts'

export interface QueueOptions {
  /** The exporter's id, for messages. */
  readonly id: string
  readonly sizer: Sizer
  /** In what `sizer` counts. Counts what is in flight as well as what waits. */
  readonly capacity: number
  readonly onFull: 'hold' | 'drop_oldest'
  readonly blocks: boolean
  /** Told of items that were thrown out to make room. */
  readonly onDisplaced: (items: number) => void
}

/** How long a sender that was refused should wait, in milliseconds. */
const COME_BACK = 1_000
/** Empty places before the first delivery that are left alone. */
const CUT = 32

/**
 * Deliveries that wait for a consumer, in order. It takes whatever comes: the gate at ingress has asked `full` before. With
 * `drop_oldest` it never is; it makes room by refusing what has waited longest. What a delivery uses is in use until it ends.
 */
export class MemoryQueue implements Room {
  readonly blocks: boolean
  readonly #options: QueueOptions
  #waiting: (Delivery | undefined)[] = []
  #head = 0
  #used = 0
  readonly #watchers = new Set<() => void>()

  constructor(options: QueueOptions) {
    this.#options = options
    this.blocks = options.blocks
  }

  /** Used capacity, in what the sizer counts. */
  get used(): number {
    return this.#used
  }

  get capacity(): number {
    return this.#options.capacity
  }

  /** Deliveries that wait for a consumer. */
  get length(): number {
    return this.#waiting.length - this.#head
  }

  full(size: { readonly bytes: number; readonly items: number }): Refused | undefined {
    const { id, sizer, capacity, onFull } = this.#options
    const wanted = sizer === 'requests' ? 1 : size[sizer]
    if (wanted > capacity)
      return new Refused(`element size too large: ${wanted} ${sizer}, and the queue of ${id} holds ${capacity}`, {
        code: 'invalid_argument',
        retry: 'never',
      })
    if (onFull === 'drop_oldest' || this.#used + wanted <= capacity) return undefined
    return new Refused(`sending queue is full: ${id}`, { code: 'resource_exhausted', retry: { after: COME_BACK } })
  }

  push(delivery: Delivery): void {
    const size = this.#size(delivery)
    this.#used += size
    ;(delivery as DeliveryNode).whenEnded(() => this.#settle(size))
    this.#waiting.push(delivery)
    if (this.#options.onFull === 'drop_oldest') this.#dropOldest()
  }

  /** The next to be sent. */
  shift(): Delivery | undefined {
    const next = this.#waiting[this.#head]
    if (next === undefined) return undefined
    // Or the array would keep its bytes until it is cut.
    this.#waiting[this.#head++] = undefined
    if (this.#head > CUT && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    return next
  }

  onRoom(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #dropOldest(): void {
    while (this.#used > this.#options.capacity && this.length > 1) {
      const oldest = this.shift() as Delivery
      const refused = new Refused(`dropped from the full queue of ${this.#options.id} to make room`, {
        code: 'resource_exhausted',
        retry: 'never',
      })
      this.#options.onDisplaced(oldest.batch.items)
      oldest.end(refused)
    }
  }

  #settle(size: number): void {
    this.#used -= size
    for (const watcher of this.#watchers) watcher()
  }

  #size({ batch }: Delivery): number {
    return this.#options.sizer === 'requests' ? 1 : batch[this.#options.sizer]
  }
}
