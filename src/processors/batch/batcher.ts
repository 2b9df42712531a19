import { Observable } from 'rxjs'
import type { OperatorFunction, Subscriber } from 'rxjs'
import { Accumulator, DISCARDED, Refused } from '../../plugin.ts'
import type { Delivery, ProcessorContext } from '../../plugin.ts'
import { sizesFor } from './options.ts'
import type { BatchConfig } from './options.ts'
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

class Batcher {
  readonly #accumulator: Accumulator
  /** Whether anything ever waits here, so that there is something to answer for. */
  readonly #holds: boolean
  readonly #telemetry: BatchTelemetry

  constructor(context: ProcessorContext<BatchConfig>, output: Subscriber<Delivery>) {
    const { config, signal, clock, log } = context
    const sizes = sizesFor(config, signal)
    this.#holds = sizes.size > 0
    this.#accumulator = new Accumulator({
      ...sizes,
      sizer: 'items',
      keys: config.metadata_keys,
      mostCombinations: config.metadata_cardinality_limit,
      clock,
      log,
      send: (delivery, cause) => {
        this.#telemetry.sent(delivery.batch.items, delivery.batch.bytes, cause)
        output.next(delivery)
      },
    })
    this.#telemetry = batchTelemetry(context, () => this.#accumulator.combinations)
  }

  take(delivery: Delivery): void {
    if (delivery.batch.items === 0) return delivery.end(DISCARDED)
    if (this.#accumulator.isFullFor(delivery)) return delivery.end(tooMany())
    if (this.#holds) delivery.reach('accepted')
    this.#accumulator.take(delivery)
  }

  flush(): void {
    this.#accumulator.flush()
  }

  dispose(): void {
    this.#accumulator.dispose()
    this.#telemetry.dispose()
  }
}

/** Unlike the Collector's, where a combination stays for good, room comes back with the next flush. */
const tooMany = (): Refused =>
  new Refused('too many batcher metadata-value combinations', { code: 'resource_exhausted', retry: {} })
