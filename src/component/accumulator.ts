import type { Clock, Timer } from './clock.ts'
import { merge } from './compose.ts'
import { composeOutputs } from './compose-outputs.ts'
import type { Log } from './context.ts'
import type { Delivery, Origin } from './delivery.ts'

/** Why a batch goes: it is large enough, or has waited long enough. */
export type SendCause = 'size' | 'timeout'

export interface AccumulatorOptions {
  /** What sizes count. */
  readonly sizer: 'items' | 'bytes'
  /** Milliseconds that data waits at most for more of it. */
  readonly timeout: number
  /** What goes without waiting for the timeout; with 0 everything goes as it comes. */
  readonly size: number
  /** What batches are split to, Infinity where there is no limit. */
  readonly maxSize: number
  /** Metadata whose values keep batches apart, and are all that is kept of it where requests become one. */
  readonly keys: readonly string[]
  /** How many combinations of their values may wait at the same time. */
  readonly mostCombinations: number
  readonly clock: Clock
  readonly log: Log
  readonly send: (delivery: Delivery, cause: SendCause) => void
}

/** Deliveries that may go together, in the order in which they came. There is always at least one. */
interface Waiting {
  readonly origin: Origin | undefined
  readonly deliveries: Delivery[]
  size: number
  readonly timer: Timer | undefined
}

/** Holds deliveries until there are enough of them, or they have waited long enough, and passes them on as one. */
export class Accumulator {
  readonly #options: AccumulatorOptions
  readonly #keys: readonly string[]
  readonly #waiting = new Map<string, Waiting>()

  constructor(options: AccumulatorOptions) {
    this.#options = options
    this.#keys = options.keys.map((key) => key.toLowerCase())
  }

  /** Combinations of metadata values that wait. */
  get combinations(): number {
    return this.#waiting.size
  }

  /** Whether such a delivery would be one combination too many. */
  isFullFor({ origin }: Delivery): boolean {
    return this.#waiting.size >= this.#options.mostCombinations && !this.#waiting.has(this.#keyOf(origin))
  }

  take(delivery: Delivery): void {
    const key = this.#keyOf(delivery.origin)
    const waiting = this.#add(key, delivery, delivery.origin)
    if (waiting.size >= this.#options.size) this.#send(key, waiting, 'size')
  }

  /** Sends all that waits. */
  flush(): void {
    for (const [key, waiting] of this.#waiting) this.#send(key, waiting, 'timeout')
  }

  /** Sends the combination that began to wait first. */
  flushOldest(): void {
    for (const [key, waiting] of this.#waiting) return this.#send(key, waiting, 'timeout')
  }

  /** Gives back what waits, in the order in which it came as far as combinations allow, and holds nothing any more. */
  drain(): Delivery[] {
    const all = [...this.#waiting.values()].flatMap(({ deliveries }) => deliveries)
    this.dispose()
    return all
  }

  dispose(): void {
    for (const { timer } of this.#waiting.values()) timer?.cancel()
    this.#waiting.clear()
  }

  #add(key: string, delivery: Delivery, origin: Origin): Waiting {
    let waiting = this.#waiting.get(key)
    if (waiting === undefined) {
      waiting = { origin: this.#commonOf(origin), deliveries: [], size: 0, timer: this.#timerFor(key) }
      this.#waiting.set(key, waiting)
    }
    waiting.deliveries.push(delivery)
    waiting.size += delivery.batch[this.#options.sizer]
    return waiting
  }

  #timerFor(key: string): Timer | undefined {
    const { size, timeout, clock } = this.#options
    if (size === 0) return undefined
    return clock.after(timeout, () => {
      const due = this.#waiting.get(key)
      if (due) this.#send(key, due, 'timeout')
    })
  }

  #send(key: string, waiting: Waiting, cause: SendCause): void {
    const { sizer, size, maxSize, send } = this.#options
    waiting.timer?.cancel()
    this.#waiting.delete(key)
    const outputs = this.#compose(waiting)
    // What a full batch leaves over waits on, unless time was the cause.
    const left = cause === 'size' && waiting.size > maxSize && outputs.length > 1 ? outputs.at(-1) : undefined
    if (left && left.batch[sizer] < size) {
      outputs.pop()
      this.#add(key, left, waiting.origin ?? left.origin)
    }
    for (const output of outputs) send(output, cause)
  }

  #compose({ deliveries, origin }: Waiting): Delivery[] {
    const { log } = this.#options
    try {
      return composeOutputs(deliveries, this.#options, origin)
    } catch (error) {
      // They were accepted and cannot be handed back: of another size than wanted is better than lost.
      if (deliveries[0]?.batch.signal === 'profiles') {
        log.warn({ error }, 'Merging profiles failed; they go on as they came')
        return deliveries
      }
      log.warn({ error }, 'Splitting a batch failed; what was to be split goes on whole')
      return [merge(deliveries, undefined, origin)]
    }
  }

  #keyOf({ metadata }: Origin): string {
    return this.#keys.length === 0 ? '' : JSON.stringify(this.#keys.map((key) => metadata.get(key) ?? null))
  }

  #commonOf({ metadata }: Origin): Origin | undefined {
    if (this.#keys.length === 0) return undefined
    const kept = new Map<string, readonly string[]>()
    for (const key of this.#keys) {
      const values = metadata.get(key)
      if (values) kept.set(key, values)
    }
    return { metadata: kept }
  }
}
