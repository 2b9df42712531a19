import type { Body, EnterOptions, Ingress } from '../../src/component/ingress.ts'
import type { Delivery, Level, Origin } from '../../src/component/delivery.ts'
import { UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import { batchOfSlab } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import { validate } from '../../src/data/kernels/validate.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import { SlabPool } from '../../src/data/memory/slab-pool.ts'
import type { Slab } from '../../src/data/memory/slab.ts'
import type { Signal } from '../../src/data/signal.ts'

/** An ingress with one budget for all signals, whose gate a test opens and closes. */
export class FakeIngress implements Ingress {
  readonly signals: readonly Signal[]
  readonly acknowledge: Level
  readonly budget: ByteBudget
  readonly #pool = new SlabPool(0)
  blocks = false
  #gate: Refused | undefined
  #waiters: (() => void)[] = []

  constructor(options: { signals?: readonly Signal[]; acknowledge?: Level; limit?: number } = {}) {
    this.signals = options.signals ?? ['traces', 'metrics', 'logs']
    this.acknowledge = options.acknowledge ?? 'accepted'
    this.budget = new ByteBudget(options.limit ?? 256 * 2 ** 20)
  }

  set gate(refused: Refused | undefined) {
    this.#gate = refused
    if (!refused) for (const enter of this.#waiters.splice(0)) enter()
  }

  get waiting(): number {
    return this.#waiters.length
  }

  closed(_signal: Signal, bytes = 1): Refused | undefined {
    if (this.#gate) return this.#gate
    return this.budget.used + SlabPool.capacity(bytes) > this.budget.limit ? FULL : undefined
  }

  waits(): boolean {
    return this.blocks
  }

  reserve(signal: Signal, bytes: number): Slab {
    const refused = this.closed(signal, bytes)
    if (refused) throw refused
    this.budget.tryTake(SlabPool.capacity(bytes))
    return this.#pool.take(bytes, this.budget)
  }

  admit(signal: Signal, body: Body, origin: Origin = UNKNOWN_ORIGIN): Delivery {
    return rootDelivery(this.#batch(signal, body), origin)
  }

  async enter(signal: Signal, body: Body, { origin, abort }: EnterOptions = {}): Promise<Delivery> {
    if (this.blocks) await this.ready(signal, abort)
    return this.admit(signal, body, origin)
  }

  ready(_signal: Signal, abort?: AbortSignal): Promise<void> {
    if (!this.#gate) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push(resolve)
      abort?.addEventListener('abort', () => reject(abort.reason as Error), { once: true })
    })
  }

  #batch(signal: Signal, body: Body): Batch {
    if (Buffer.isBuffer(body)) {
      const slab = this.reserve(signal, body.length)
      body.copy(slab.buffer)
      return this.#read(signal, slab, body.length)
    }
    return 'slab' in body ? this.#read(signal, body.slab, body.length) : body
  }

  #read(signal: Signal, slab: Slab, length: number): Batch {
    try {
      return batchOfSlab(signal, validate(signal, slab.buffer.subarray(0, length)), slab, length)
    } catch (cause) {
      slab.release()
      throw new Refused((cause as Error).message, { code: 'invalid_argument', retry: 'never', cause })
    }
  }
}

const FULL = new Refused('the budget is full', { code: 'resource_exhausted', retry: { after: 1500 } })
