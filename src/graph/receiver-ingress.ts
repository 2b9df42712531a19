import { Chain } from '../component/chain.ts'
import type { Delivery, Level, Origin } from '../component/delivery.ts'
import { UNKNOWN_ORIGIN } from '../component/delivery.ts'
import { rootDelivery } from '../component/delivery-node.ts'
import type { DeliveryNode, Holder, RootObserver } from '../component/delivery-node.ts'
import type { Body, EnterOptions, Ingress } from '../component/ingress.ts'
import type { Meter } from '../component/meter.ts'
import { Refused } from '../component/refused.ts'
import { WireBatch } from '../data/batch.ts'
import type { Batch } from '../data/batch.ts'
import { count } from '../data/kernels/count.ts'
import { validate } from '../data/kernels/validate.ts'
import { SlabPool, slabs } from '../data/memory/slab-pool.ts'
import type { Slab } from '../data/memory/slab.ts'
import { notes } from '../data/wire/notes.ts'
import type { Signal } from '../data/signal.ts'
import type { ByteBudget } from '../data/memory/byte-budget.ts'
import type { Room } from '../sending/sink.ts'
import type { Drops } from './drops.ts'
import { Gate } from './gate.ts'
import { receiverCounts } from './receiver-counts.ts'
import type { ReceiverCounts } from './receiver-counts.ts'

/** What is behind the gate of one signal. */
export interface Entrance {
  /** Queues that guard it. */
  readonly rooms: readonly Room[]
  /** Whether something inside opens or merges batches, so that their structure must be sound: a malformed one alone gets its own backend's verdict. */
  readonly validates: boolean
}

export interface ReceiverIngressOptions {
  readonly id: string
  readonly acknowledge: Level
  readonly signals: readonly Signal[]
  readonly budgets: Readonly<Record<Signal, ByteBudget>>
  readonly meter: Meter
  readonly drops: Drops
  /** Told when the gate refused. */
  readonly onGate: (refused: Refused) => void
  /** Told when the receiver misuses a delivery. */
  readonly onMisuse: (what: string) => void
}

/** One signal's gate with what is counted and heard there. */
interface Way {
  readonly gate: Gate
  readonly counts: (transport: string | undefined) => ReceiverCounts
  validates: boolean
  /** One for each transport that was seen lately: made once, not for every batch. */
  readonly observers: Map<string, RootObserver>
}

/** Most receivers have one or two; one that makes names up gets an observer for each batch. */
const MOST_OBSERVERS = 16

/** The engine's side of `Ingress`. Holds what was admitted until the receiver emits it. */
export class ReceiverIngress implements Ingress, Holder {
  readonly id: string
  readonly name: string
  readonly held = new Chain<DeliveryNode>()
  readonly signals: readonly Signal[]
  #acknowledge: Level
  readonly #options: ReceiverIngressOptions
  readonly #ways: ReadonlyMap<Signal, Way>
  #open = 0

  constructor(options: ReceiverIngressOptions) {
    const { id, signals, acknowledge, budgets, meter } = options
    this.id = id
    this.name = `receiver "${id}"`
    this.#options = options
    this.signals = signals
    this.#acknowledge = acknowledge
    const wayOf = (signal: Signal): Way => ({
      gate: new Gate(signal, budgets[signal]),
      counts: receiverCounts(meter, id, signal),
      validates: true,
      observers: new Map(),
    })
    this.#ways = new Map(signals.map((signal) => [signal, wayOf(signal)]))
  }

  get acknowledge(): Level {
    return this.#acknowledge
  }

  /** What is behind the gates from now on, and what senders are owed. What has entered keeps the promise that it entered with. */
  lead(acknowledge: Level, entrances: ReadonlyMap<Signal, Entrance>): void {
    const differs = acknowledge !== this.#acknowledge
    this.#acknowledge = acknowledge
    for (const [signal, { rooms, validates }] of entrances) {
      const way = this.#way(signal)
      way.validates = validates
      if (differs) way.observers.clear()
      way.gate.guard(rooms)
    }
  }

  /** Deliveries that have entered and not ended. */
  get open(): number {
    return this.#open
  }

  misuse(what: string): void {
    this.#options.onMisuse(what)
  }

  /** Nothing enters any more; what was admitted and never emitted is refused. */
  stop(): void {
    const refused = new Refused(`${this.id} has stopped`, { code: 'unavailable', retry: {} })
    for (const { gate } of this.#ways.values()) gate.stop(refused)
    for (const node of this.held) node.end(refused)
  }

  closed(signal: Signal, bytes = 1): Refused | undefined {
    const { gate } = this.#way(signal)
    return this.#shut(gate.closed({ bytes, items: 1 }, SlabPool.capacity(bytes)))
  }

  reserve(signal: Signal, bytes: number): Slab {
    const { gate } = this.#way(signal)
    this.#take(gate, { bytes, items: 1 }, SlabPool.capacity(bytes))
    return slabs.take(bytes, gate.budget)
  }

  admit(signal: Signal, body: Body, origin: Origin = UNKNOWN_ORIGIN): Delivery {
    const way = this.#ways.get(signal)
    if (way === undefined) {
      drop(body)
      throw this.#nowhere(signal)
    }
    const batch = this.#batch(way, signal, body, origin)
    const refused = way.gate.closed(batch, 0)
    if (refused) {
      way.counts(origin.transport).refused(batch.items)
      batch.release()
      throw this.#shut(refused)
    }
    this.#open++
    const delivery = rootDelivery(batch, origin, this.#observer(way, origin.transport))
    delivery.hold(this)
    return delivery
  }

  async enter(signal: Signal, body: Body, { origin, abort, wait = false }: EnterOptions = {}): Promise<Delivery> {
    const gate = this.#ways.get(signal)?.gate
    if (!gate || !(wait || gate.blocks)) return this.admit(signal, body, origin)
    const { size, charge } = measure(body)
    try {
      for (;;) {
        const shut = gate.closed(size, charge)
        const entered = shut?.retryable ? this.#shut(shut) : this.#tryAdmit(signal, keep(body), origin)
        if (!(entered instanceof Refused)) return entered
        await gate.changed(abort)
      }
    } finally {
      drop(body)
    }
  }

  waits(signal: Signal): boolean {
    return this.#way(signal).gate.blocks
  }

  async ready(signal: Signal, abort?: AbortSignal, bytes = 1): Promise<void> {
    const { gate } = this.#way(signal)
    for (;;) {
      const refused = gate.closed({ bytes, items: 1 }, SlabPool.capacity(bytes))
      if (!refused) return
      if (!refused.retryable) throw refused
      await gate.changed(abort)
    }
  }

  /** What could help by waiting comes back, the rest is thrown. */
  #tryAdmit(signal: Signal, body: Body, origin: Origin | undefined): Delivery | Refused {
    try {
      return this.admit(signal, body, origin)
    } catch (error) {
      if (error instanceof Refused && error.retryable) return error
      throw error
    }
  }

  #way(signal: Signal): Way {
    const way = this.#ways.get(signal)
    if (way) return way
    throw this.#nowhere(signal)
  }

  #nowhere(signal: Signal): Refused {
    return new Refused(`${this.id} stands in no pipeline for ${signal}`, {
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

  #batch(way: Way, signal: Signal, body: Body, { transport }: Origin): Batch {
    if ('slab' in body) return this.#read(way, signal, body.slab, body.length)
    if (Buffer.isBuffer(body)) {
      const slab = this.reserve(signal, body.length)
      body.copy(slab.buffer)
      return this.#read(way, signal, slab, body.length)
    }
    return this.#built(signal, body, transport)
  }

  /** Counts the items of raw bytes, and validates them where that is needed. */
  #read({ validates }: Way, signal: Signal, slab: Slab, length: number): Batch {
    const buffer = slab.buffer.subarray(0, length)
    try {
      const parts = [{ slab, buffer }]
      if (!validates) return new WireBatch(signal, count(signal, buffer), parts)
      const items = validate(signal, buffer)
      // Which are those of this validation.
      return new WireBatch(signal, items, parts, notes.generation)
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
  #built(signal: Signal, batch: Batch, transport: string | undefined): Batch {
    const slabsOf = uncharged(batch)
    try {
      const { gate } = this.#way(signal)
      // All at once: who has a part of it would wait for the rest while he keeps others waiting.
      this.#take(gate, batch, capacityOf(slabsOf))
      for (const slab of slabsOf) slab.charge(gate.budget)
      return batch
    } catch (error) {
      this.#ways.get(signal)?.counts(transport).refused(batch.items)
      batch.release()
      throw error
    }
  }

  #observer({ observers, counts }: Way, transport: string = ''): RootObserver {
    const known = observers.get(transport)
    if (known) return known
    const made = this.#observerOf(counts(transport))
    if (observers.size < MOST_OBSERVERS) observers.set(transport, made)
    return made
  }

  #observerOf({ accepted, refused: countRefused, failed }: ReceiverCounts): RootObserver {
    const { id, drops } = this.#options
    return {
      acknowledge: this.#acknowledge,
      acknowledged: accepted,
      ended: (outcome, items, acknowledged) => {
        this.#open--
        if (!(outcome instanceof Refused) || acknowledged) return
        if (outcome.component === id) failed(items)
        else countRefused(items)
      },
      lost: (part, refused) =>
        drops.count({
          component: refused.component ?? id,
          signal: part.signal,
          items: refused.items ?? part.items,
          reason: refused.reason,
          message: refused.message,
        }),
    }
  }
}

/** Memory of a builder's batch that nobody has charged yet. */
const uncharged = (batch: Batch): Slab[] =>
  batch instanceof WireBatch
    ? [...new Set(batch.parts.map(({ slab }) => slab))].filter(({ budget }) => budget === undefined)
    : []

const capacityOf = (of: readonly Slab[]): number => of.reduce((sum, { capacity }) => sum + capacity, 0)

/** What a body asks of the gate before it is read: of raw bytes the number of items is not known yet. */
function measure(body: Body): { size: { bytes: number; items: number }; charge: number } {
  if (Buffer.isBuffer(body)) return { size: { bytes: body.length, items: 1 }, charge: SlabPool.capacity(body.length) }
  if ('slab' in body) return { size: { bytes: body.length, items: 1 }, charge: 0 }
  return { size: body, charge: capacityOf(uncharged(body)) }
}

/** One more reference to what a body holds, for `admit` to take over while the caller may have to wait again. */
function keep(body: Body): Body {
  if (Buffer.isBuffer(body)) return body
  if ('slab' in body) body.slab.retain()
  else body.retain()
  return body
}

function drop(body: Body): void {
  if (!Buffer.isBuffer(body)) ('slab' in body ? body.slab : body).release()
}
