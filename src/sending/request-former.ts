import { Accumulator } from '../component/accumulator.ts'
import type { Clock } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import { DISCARDED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { QueueBatch, Sizer } from '../component/sending-options.ts'

/** Combinations of metadata values that wait at the same time; the next one sends the oldest. As the Collector's. */
const MOST_COMBINATIONS = 10_000

/** Where deliveries come from: a queue. */
export interface Source {
  isEmpty(): boolean
  /** Whether nothing more can come before something has ended. */
  isFull(): boolean
  shift(): Delivery | undefined
}

export interface FormerOptions {
  readonly source: Source
  readonly batch: QueueBatch
  /** `requests` has been refused by the check of the configuration. */
  readonly sizer: Sizer
  readonly clock: Clock
  readonly log: Log
  /** Told when a request is ready although nobody has asked: it has waited long enough. */
  readonly onReady: () => void
  /** Told of a single record that is larger than a request may be; it ends it. */
  readonly onOversize: (request: Delivery) => void
}

/**
 * Makes requests of what waits in a queue (`sending_queue::batch`). It takes out of the queue only when it is asked for a
 * request, so that what waits for a consumer stays in the queue; the queue's room is taken until each delivery has ended.
 */
export class RequestFormer {
  readonly #options: FormerOptions
  readonly #accumulator: Accumulator
  #ready: Delivery[] = []
  #isAsked = false
  #isHurried = false

  constructor(options: FormerOptions) {
    const { batch, sizer, clock, log } = options
    this.#options = options
    this.#accumulator = new Accumulator({
      sizer: sizer === 'bytes' ? 'bytes' : 'items',
      timeout: batch.flush_timeout,
      size: batch.min_size,
      maxSize: batch.max_size || Infinity,
      keys: batch.partition.metadata_keys,
      mostCombinations: MOST_COMBINATIONS,
      clock,
      log,
      send: (request) => this.#add(request),
    })
  }

  /** The next request, if there is enough for one. */
  shift(): Delivery | undefined {
    this.#isAsked = true
    try {
      while (this.#ready.length === 0 && this.#takeOne());
    } finally {
      this.#isAsked = false
    }
    return this.#ready.shift()
  }

  /** Gives back what it has, in order. */
  drain(): Delivery[] {
    return [...this.#ready.splice(0), ...this.#accumulator.drain()]
  }

  /** From now on nothing waits for more. */
  hurry(): void {
    this.#isHurried = true
  }

  /** Whether there was something to take: out of the queue, or, at the end, what waits for more. */
  #takeOne(): boolean {
    const { source } = this.#options
    const delivery = source.shift()
    if (delivery) this.#take(delivery)
    // A full queue has no room for the rest of a batch.
    const mustGo = source.isEmpty() && (this.#isHurried || source.isFull())
    if (mustGo) this.#accumulator.flush()
    return delivery !== undefined || this.#ready.length > 0
  }

  #take(delivery: Delivery): void {
    if (delivery.batch.items === 0) return delivery.end(DISCARDED)
    if (this.#accumulator.isFullFor(delivery)) this.#accumulator.flushOldest()
    this.#accumulator.take(delivery)
  }

  /** A record cannot be split; whatever else is too large, the backend has the last word on. */
  #add(request: Delivery): void {
    const { batch, sizer, onOversize } = this.#options
    const { items, bytes } = request.batch
    if (sizer === 'bytes' && items === 1 && batch.max_size > 0 && bytes > batch.max_size) return onOversize(request)
    this.#ready.push(request)
    if (!this.#isAsked) this.#options.onReady()
  }
}
