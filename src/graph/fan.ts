import { fanOut } from '../component/compose.ts'
import { DISCARDED } from '../component/delivery.ts'
import type { Delivery } from '../component/delivery.ts'
import type { Sink } from '../sending/sink.ts'

/** Gives each of `sinks` the same bytes; every branch then goes at its own pace. */
export function fan(sinks: readonly Sink[]): Sink {
  const [only] = sinks
  if (only !== undefined && sinks.length === 1) return only
  return {
    take(delivery: Delivery) {
      if (sinks.length === 0) return delivery.end(DISCARDED)
      fanOut(delivery, sinks.length).forEach((branch, index) => (sinks[index] as Sink).take(branch))
    },
  }
}
