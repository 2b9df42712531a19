import { Chain } from '../component/chain.ts'
import type { Linked } from '../component/chain.ts'
import type { Clock } from '../component/clock.ts'
import type { Delivery } from '../component/delivery.ts'
import type { DeliveryNode } from '../component/delivery-node.ts'
import { Refused } from '../component/refused.ts'
import type { Sizer } from '../component/sending-options.ts'
import { Row } from './row.ts'
import type { Room, Size } from './sink.ts'

/** What a sender takes from. It takes whatever comes: the gate at ingress has asked `full` before. */
export interface SendingQueue extends Room {
  /** Used capacity, in what the sizer counts: what waits and what is in flight. */
  readonly used: number
  /** Infinity where nothing but the storage bounds it. */
  readonly capacity: number
  /** Deliveries that wait for a consumer. */
  readonly length: number
  /** Deliveries, of those that wait, that are not in memory. */
  readonly unread: number
  /** When the oldest that has not ended was taken, milliseconds since the Unix epoch; undefined where there is none. */
  readonly oldest: number | undefined
  push(delivery: Delivery): void
  /** The next to be sent, of what is in memory. */
  shift(): Delivery | undefined
  /** Taken by `shift`, as it was or made into something else, and not sent: these come first again. */
  putBack(deliveries: readonly Delivery[]): void
}

export interface QueueOptions {
  /** The exporter's id, for messages. */
  readonly id: string
  readonly sizer: Sizer
  /** In what `sizer` counts. Counts what is in flight as well as what waits. */
  readonly capacity: number
  readonly onFull: 'hold' | 'drop_oldest'
  readonly blocks: boolean
  readonly clock: Clock
  /** Told of items that were thrown out to make room. */
  readonly onDisplaced: (items: number) => void
}

/** How long a sender that was refused should wait, in milliseconds. */
export const COME_BACK = 1_000

export const sizeIn = (sizer: Sizer, size: Size): number => (sizer === 'requests' ? 1 : size[sizer])

export const tooLargeFor = (id: string, wanted: number, sizer: Sizer, capacity: number): Refused =>
  new Refused(`element size too large: ${wanted} ${sizer}, and the queue of ${id} holds ${capacity}`, {
    code: 'invalid_argument',
    retry: 'never',
    reason: 'too_large',
  })

export const queueIsFull = (id: string): Refused =>
  new Refused(`sending queue is full: ${id}`, { code: 'resource_exhausted', retry: { after: COME_BACK } })

export const displaced = (id: string): Refused =>
  new Refused(`dropped from the full queue of ${id} to make room`, {
    code: 'resource_exhausted',
    retry: 'never',
    reason: 'displaced',
  })

/** What one delivery uses, until it ends. */
class Taken implements Linked<Taken> {
  readonly size: number
  readonly at: number
  chain: Chain<Taken> | undefined
  next: Taken | undefined
  previous: Taken | undefined

  constructor(size: number, at: number) {
    this.size = size
    this.at = at
  }
}

/**
 * Deliveries that wait for a consumer, in order. With `drop_oldest` it is never full; it makes room by refusing what has waited
 * longest. What a delivery uses is in use until it ends.
 */
export class MemoryQueue implements SendingQueue {
  readonly blocks: boolean
  readonly #options: QueueOptions
  readonly #waiting = new Row<Delivery>()
  /** All that have not ended, in the order in which they came. */
  readonly #open = new Chain<Taken>()
  readonly #watchers = new Set<() => void>()
  #capacity: number
  #used = 0

  constructor(options: QueueOptions) {
    this.#options = options
    this.#capacity = options.capacity
    this.blocks = options.blocks
  }

  get used(): number {
    return this.#used
  }

  get capacity(): number {
    return this.#capacity
  }

  get length(): number {
    return this.#waiting.length
  }

  get unread(): number {
    return 0
  }

  get oldest(): number | undefined {
    return this.#open.first?.at
  }

  full(size: Size): Refused | undefined {
    const { id, sizer, onFull } = this.#options
    const wanted = sizeIn(sizer, size)
    if (wanted > this.#capacity) return tooLargeFor(id, wanted, sizer, this.#capacity)
    return onFull === 'drop_oldest' || this.#used + wanted <= this.#capacity ? undefined : queueIsFull(id)
  }

  push(delivery: Delivery): void {
    this.#count(delivery)
    this.#waiting.push(delivery)
    if (this.#options.onFull === 'drop_oldest') this.#dropOldest()
  }

  shift(): Delivery | undefined {
    return this.#waiting.shift()
  }

  putBack(deliveries: readonly Delivery[]): void {
    this.#waiting.putBack(deliveries)
  }

  /** What another queue had: it comes first, and from now on uses room here. */
  takeOver(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#count(delivery)
    this.#waiting.putBack(deliveries)
  }

  resize(capacity: number): void {
    this.#capacity = capacity
    this.#tell()
  }

  /** All that waits, which then is the caller's. */
  clear(): Delivery[] {
    return this.#waiting.clear()
  }

  onRoom(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #count(delivery: Delivery): void {
    const size = sizeIn(this.#options.sizer, delivery.batch)
    this.#used += size
    const taken = new Taken(size, this.#options.clock.now())
    this.#open.add(taken)
    ;(delivery as DeliveryNode).whenEnded(() => this.#settle(taken))
  }

  #dropOldest(): void {
    while (this.#used > this.#capacity && this.length > 1) {
      const oldest = this.shift() as Delivery
      this.#options.onDisplaced(oldest.batch.items)
      oldest.end(displaced(this.#options.id))
    }
  }

  #settle(taken: Taken): void {
    this.#used -= taken.size
    this.#open.delete(taken)
    this.#tell()
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher()
  }
}
