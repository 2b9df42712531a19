import type { Delivery, Level, Origin, Outcome } from '../component/delivery.ts'
import { UNKNOWN_ORIGIN } from '../component/delivery.ts'
import { rootDelivery } from '../component/delivery-node.ts'
import type { RootObserver } from '../component/delivery-node.ts'
import type { Body, EnterOptions, Ingress } from '../component/ingress.ts'
import type { Counter, Meter } from '../component/meter.ts'
import { Refused } from '../component/refused.ts'
import { batchOfSlab, WireBatch } from '../data/batch.ts'
import type { Batch } from '../data/batch.ts'
import { count } from '../data/kernels/count.ts'
import { validate } from '../data/kernels/validate.ts'
import { SlabPool, slabs } from '../data/memory/slab-pool.ts'
import type { Slab } from '../data/memory/slab.ts'
import { ITEMS } from '../data/signal.ts'
import type { Signal } from '../data/signal.ts'
import type { Drops } from './drops.ts'
import type { Gate } from './gate.ts'

/** What is behind the gate of one signal. */
export interface Entrance {
  readonly gate: Gate
  /** Whether something inside opens or merges batches, so that their structure must be sound: a malformed one alone gets its own backend's verdict. */
  readonly validates: boolean
}

export interface ReceiverIngressOptions {
  readonly id: string
  readonly acknowledge: Level
  readonly entrances: ReadonlyMap<Signal, Entrance>
  readonly meter: Meter
  readonly drops: Drops
  /** Told when the gate refused, and when it took. */
  readonly onGate: (refused: Refused | undefined) => void
}

interface Counters {
  readonly accepted: Counter
  readonly refused: Counter
}

/** The engine's side of `Ingress`. */
export class ReceiverIngress implements Ingress {
  readonly signals: readonly Signal[]
  readonly acknowledge: Level
  readonly #options: ReceiverIngressOptions
  readonly #counters: ReadonlyMap<Signal, Counters>
  #open = 0

  constructor(options: ReceiverIngressOptions) {
    this.#options = options
    this.signals = [...options.entrances.keys()]
    this.acknowledge = options.acknowledge
    const counter = (name: string, signal: Signal, description: string) =>
      options.meter.counter(`otelcol_receiver_${name}_${ITEMS[signal]}`, { unit: '{item}', description })
    this.#counters = new Map(
      this.signals.map((signal) => [
        signal,
        {
          accepted: counter('accepted', signal, 'Items that entered.'),
          refused: counter('refused', signal, 'Items that were not let in, or were handed back to their sender.'),
        },
      ]),
    )
  }

  /** Deliveries that have entered and not ended. */
  get open(): number {
    return this.#open
  }

  closed(signal: Signal, bytes = 1): Refused | undefined {
    const { gate } = this.#entrance(signal)
    return this.#shut(gate.closed({ bytes, items: 1 }, SlabPool.capacity(bytes)))
  }

  reserve(signal: Signal, bytes: number): Slab {
    const { gate } = this.#entrance(signal)
    this.#take(gate, { bytes, items: 1 }, SlabPool.capacity(bytes))
    return slabs.take(bytes, gate.budget)
  }

  admit(signal: Signal, body: Body, origin: Origin = UNKNOWN_ORIGIN): Delivery {
    const batch = this.#batch(signal, body)
    const refused = this.#options.entrances.get(signal)?.gate.closed(batch, 0)
    if (refused) {
      this.#counters.get(signal)?.refused.add(batch.items, { receiver: this.#options.id })
      batch.release()
      throw this.#shut(refused)
    }
    this.#options.onGate(undefined)
    this.#counters.get(signal)?.accepted.add(batch.items, { receiver: this.#options.id })
    this.#open++
    return rootDelivery(batch, origin, this.#observer(batch))
  }

  async enter(signal: Signal, body: Body, { origin, abort, wait = false }: EnterOptions = {}): Promise<Delivery> {
    const { gate } = this.#entrance(signal)
    for (;;) {
      try {
        const delivery = this.admit(signal, keep(body), origin)
        drop(body)
        return delivery
      } catch (error) {
        if (!(error instanceof Refused) || !error.retryable || !(wait || gate.blocks)) {
          drop(body)
          throw error
        }
        await gate.changed(abort).catch((reason: unknown) => {
          drop(body)
          throw reason
        })
      }
    }
  }

  waits(signal: Signal): boolean {
    return this.#entrance(signal).gate.blocks
  }

  async ready(signal: Signal, abort?: AbortSignal, bytes = 1): Promise<void> {
    const { gate } = this.#entrance(signal)
    for (;;) {
      const refused = gate.closed({ bytes, items: 1 }, SlabPool.capacity(bytes))
      if (!refused) return
      if (!refused.retryable) throw refused
      await gate.changed(abort)
    }
  }

  #entrance(signal: Signal): Entrance {
    const entrance = this.#options.entrances.get(signal)
    if (entrance) return entrance
    throw new Refused(`${this.#options.id} stands in no pipeline for ${signal}`, {
      code: 'unimplemented',
      retry: 'never',
    })
  }

  #shut<R extends Refused | undefined>(refused: R): R {
    if (refused?.retryable) this.#options.onGate(refused)
    return refused
  }

  /** Charges, or throws and reports why the gate is closed. */
  #take(gate: Gate, size: { readonly bytes: number; readonly items: number }, charge: number): void {
    try {
      gate.take(size, charge)
    } catch (error) {
      throw this.#shut(error as Refused)
    }
  }

  #batch(signal: Signal, body: Body): Batch {
    if (Buffer.isBuffer(body)) {
      const slab = this.reserve(signal, body.length)
      body.copy(slab.buffer)
      return this.#read(signal, slab, body.length)
    }
    if ('slab' in body) return this.#read(signal, body.slab, body.length)
    return this.#built(signal, body)
  }

  /** Counts the items of raw bytes, and validates them where that is needed. */
  #read(signal: Signal, slab: Slab, length: number): Batch {
    const bytes = slab.buffer.subarray(0, length)
    try {
      const items = this.#entrance(signal).validates ? validate(signal, bytes) : count(signal, bytes)
      return batchOfSlab(signal, items, slab, length)
    } catch (error) {
      slab.release()
      if (error instanceof Refused) throw error
      throw new Refused(`malformed ${signal}: ${(error as Error).message}`, {
        code: 'invalid_argument',
        retry: 'never',
        cause: error,
      })
    }
  }

  /** A builder's batch is outside every budget until now. */
  #built(signal: Signal, batch: Batch): Batch {
    const { gate } = this.#entrance(signal)
    const parts = batch instanceof WireBatch ? batch.parts : []
    try {
      for (const { slab } of parts) {
        if (slab.budget) continue
        this.#take(gate, batch, slab.capacity)
        slab.charge(gate.budget)
      }
      return batch
    } catch (error) {
      this.#counters.get(signal)?.refused.add(batch.items, { receiver: this.#options.id })
      batch.release()
      throw error
    }
  }

  #observer({ signal, items }: Batch): RootObserver {
    const { id, acknowledge, drops } = this.#options
    return {
      acknowledge,
      ended: (outcome: Outcome) => {
        this.#open--
        if (outcome instanceof Refused) this.#counters.get(signal)?.refused.add(items, { receiver: id })
      },
      lost: (part, refused) =>
        drops.count({
          component: refused.component ?? id,
          signal: part.signal,
          items: refused.items ?? part.items,
          reason: refused.code,
          message: refused.message,
        }),
    }
  }
}

/** One more reference to what a body holds, for `admit` to take over while the caller still waits. */
function keep(body: Body): Body {
  if (Buffer.isBuffer(body)) return body
  if ('slab' in body) body.slab.retain()
  else body.retain()
  return body
}

function drop(body: Body): void {
  if (!Buffer.isBuffer(body)) ('slab' in body ? body.slab : body).release()
}
