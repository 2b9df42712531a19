import { Observable } from 'rxjs'
import type { OperatorFunction, Subscriber } from 'rxjs'
import { DISCARDED, merge, Refused } from '../../plugin.ts'
import type { Delivery, Origin, ProcessorContext, Timer } from '../../plugin.ts'
import { composeOutputs, itemsOf } from './compose-outputs.ts'
import { sizesFor } from './options.ts'
import type { BatchConfig, Sizes } from './options.ts'
import { batchTelemetry } from './telemetry.ts'
import type { BatchTelemetry } from './telemetry.ts'

/** Holds deliveries until there are enough of them, or they have waited long enough, and passes them on as one. */
export function batching(context: ProcessorContext<BatchConfig>): OperatorFunction<Delivery, Delivery> {
  return (source) =>
    new Observable<Delivery>((output) => {
      const batcher = new Batcher(context, output)
      const feeding = source.subscribe({
        next: (delivery) => batcher.take(delivery),
        error: (error: unknown) => output.error(error),
        complete: () => {
          batcher.flush()
          output.complete()
        },
      })
      return () => {
        feeding.unsubscribe()
        batcher.dispose()
      }
    })
}

/** Deliveries that may go together, in the order in which they came. There is always at least one. */
interface Waiting {
  readonly origin: Origin | undefined
  deliveries: Delivery[]
  items: number
  readonly timer: Timer | undefined
}

class Batcher {
  readonly #context: ProcessorContext<BatchConfig>
  readonly #output: Subscriber<Delivery>
  readonly #sizes: Sizes
  readonly #keys: readonly string[]
  readonly #telemetry: BatchTelemetry
  readonly #waiting = new Map<string, Waiting>()

  constructor(context: ProcessorContext<BatchConfig>, output: Subscriber<Delivery>) {
    this.#context = context
    this.#output = output
    this.#sizes = sizesFor(context.config, context.signal)
    this.#keys = context.config.metadata_keys.map((key) => key.toLowerCase())
    this.#telemetry = batchTelemetry(context, () => this.#waiting.size)
  }

  take(delivery: Delivery): void {
    if (delivery.batch.items === 0) return delivery.end(DISCARDED)
    const key = this.#keyOf(delivery.origin)
    if (!this.#waiting.has(key) && this.#waiting.size >= this.#context.config.metadata_cardinality_limit)
      return delivery.end(tooMany())
    if (this.#sizes.size > 0) delivery.reach('accepted')
    const waiting = this.#add(key, [delivery], delivery.origin)
    if (waiting.items >= this.#sizes.size) this.#send(key, waiting, 'size')
  }

  flush(): void {
    for (const [key, waiting] of this.#waiting) this.#send(key, waiting, 'timeout')
  }

  dispose(): void {
    for (const { timer } of this.#waiting.values()) timer?.cancel()
    this.#waiting.clear()
    this.#telemetry.dispose()
  }

  #add(key: string, deliveries: readonly Delivery[], origin: Origin): Waiting {
    let waiting = this.#waiting.get(key)
    if (waiting === undefined) {
      waiting = { origin: this.#commonOf(origin), deliveries: [], items: 0, timer: this.#timerFor(key) }
      this.#waiting.set(key, waiting)
    }
    waiting.deliveries.push(...deliveries)
    waiting.items += itemsOf(deliveries)
    return waiting
  }

  #timerFor(key: string): Timer | undefined {
    if (this.#sizes.size === 0) return undefined
    return this.#context.clock.after(this.#sizes.timeout, () => {
      const due = this.#waiting.get(key)
      if (due) this.#send(key, due, 'timeout')
    })
  }

  #send(key: string, waiting: Waiting, cause: 'size' | 'timeout'): void {
    waiting.timer?.cancel()
    this.#waiting.delete(key)
    const outputs = this.#compose(waiting)
    // What a full batch leaves over waits on, unless time was the cause.
    const left = cause === 'size' && waiting.items > this.#sizes.maxSize ? outputs.at(-1) : undefined
    if (left && left.batch.items < this.#sizes.size) {
      outputs.pop()
      this.#add(key, [left], waiting.origin ?? left.origin)
    }
    for (const output of outputs) {
      this.#telemetry.sent(output.batch.items, output.batch.bytes, cause)
      this.#output.next(output)
    }
  }

  #compose({ deliveries, origin }: Waiting): Delivery[] {
    try {
      return composeOutputs(deliveries, this.#sizes.maxSize, origin)
    } catch (error) {
      // They were accepted and cannot be handed back: of another size than wanted is better than lost.
      if (this.#context.signal === 'profiles') {
        this.#context.log.warn({ error }, 'Merging profiles failed; they go on as they came')
        return [...deliveries]
      }
      this.#context.log.warn({ error }, 'Splitting a batch failed; what was to be split goes on whole')
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

/** Unlike the Collector's, where a combination stays for good, room comes back with the next flush. */
const tooMany = (): Refused =>
  new Refused('too many batcher metadata-value combinations', { code: 'resource_exhausted', retry: {} })
