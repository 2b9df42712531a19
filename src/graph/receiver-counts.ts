import type { Labels, Meter } from '../component/meter.ts'
import { ITEM_UNITS, ITEMS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'

/** Transports of one receiver that are told apart. */
const MAX_TRANSPORTS = 16
const OTHER = 'other'

/** The Collector's counters of one receiver, signal and transport. */
export interface ReceiverCounts {
  /** Of what the sender was told that it was taken. */
  readonly accepted: (items: number) => void
  /** By the gate, or by something downstream. */
  readonly refused: (items: number) => void
  /** By the receiver itself. */
  readonly failed: (items: number) => void
}

/** Makes them as transports come. */
export function receiverCounts(
  meter: Meter,
  receiver: string,
  signal: Signal,
): (transport: string | undefined) => ReceiverCounts {
  const known = new Map<string, ReceiverCounts>()
  return (transport = '') => {
    const found = known.get(transport)
    if (found) return found
    const told = known.size < MAX_TRANSPORTS ? transport : OTHER
    const made = known.get(told) ?? countsOf(meter, { receiver, transport: told }, signal)
    known.set(told, made)
    return made
  }
}

function countsOf(meter: Meter, labels: Labels, signal: Signal): ReceiverCounts {
  const count = (name: string, description: string) => {
    const options = { unit: ITEM_UNITS[signal], description }
    const counter = meter.counter(`otelcol_receiver_${name}_${ITEMS[signal]}`, options).bound(labels)
    // All three are there from the first batch on, as the Collector's are: a rate needs a zero to start from.
    counter.add(0)
    return (items: number) => counter.add(items)
  }
  return {
    accepted: count('accepted', 'Items that were taken, and of which the sender was told so.'),
    refused: count('refused', 'Items that were not let in, or were handed back to their sender.'),
    failed: count('failed', 'Items that the receiver itself could not bring on their way.'),
  }
}
