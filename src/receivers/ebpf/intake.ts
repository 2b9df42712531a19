import { batchOfSlab, Observable, Refused } from '../../plugin.ts'
import type { Delivery, ReceiverContext, Signal } from '../../plugin.ts'
import type { BatchMessage } from './messages.ts'

type Context = Pick<ReceiverContext, 'id' | 'ingress' | 'meter'>

/**
 * Lets what the worker sends into the pipelines. While the gate is closed it waits, and its crate with it: the worker, without crates, stops reading,
 * the ring fills, and the kernel counts what it has no room for.
 */
export class Intake {
  readonly #context: Context
  readonly #dropped: (signal: Signal, items: number, refused: Refused) => void
  readonly #stop = new AbortController()
  #emit: ((delivery: Delivery) => void) | undefined
  /** Resolves when the engine listens for the first time: the worker begins a little before. */
  readonly #listening: Promise<void>
  #begin: () => void = () => {}
  readonly #entering = new Set<Promise<void>>()

  constructor(context: Context) {
    this.#context = context
    const dropped = context.meter.counter('telegen.dropped.items', {
      unit: '{item}',
      description: 'Items that were lost, by component and reason.',
    })
    this.#listening = new Promise((resolve) => (this.#begin = resolve))
    this.#dropped = (signal, items, { component = context.id, reason }) =>
      dropped.add(items, { component, signal, reason })
  }

  readonly deliveries = new Observable<Delivery>((subscriber) => {
    this.#emit = (delivery) => subscriber.next(delivery)
    this.#begin()
    return () => (this.#emit = undefined)
  })

  /** `emptied` is called when the crate is of no more use here. */
  take(message: BatchMessage, emptied: () => void): void {
    const entering = this.#enter(message)
      .catch((thrown: unknown) => this.#dropped(message.signal, message.items, Refused.from(thrown)))
      .finally(() => {
        this.#entering.delete(entering)
        emptied()
      })
    this.#entering.add(entering)
  }

  /** Resolves when all that was sent has entered, or will not: what still waits at the deadline is lost, counted. */
  async end(deadline: AbortSignal): Promise<void> {
    this.#begin()
    const giveUp = () =>
      this.#stop.abort(new Refused('the receiver is stopping', { code: 'unavailable', retry: {}, reason: 'stopped' }))
    if (deadline.aborted) giveUp()
    deadline.addEventListener('abort', giveUp, { once: true })
    await Promise.all(this.#entering)
    deadline.removeEventListener('abort', giveUp)
  }

  async #enter({ signal, items, bytes, crate }: BatchMessage): Promise<void> {
    const { ingress } = this.#context
    if (!this.#emit) await this.#listening
    // What is open at once is let in at once; who had to wait may find that another was quicker.
    for (let refused = ingress.closed(signal, bytes); refused; refused = ingress.closed(signal, bytes)) {
      if (!refused.retryable) throw refused
      await ingress.ready(signal, this.#stop.signal, bytes)
    }
    const emit = this.#emit
    if (!emit) throw new Refused('the receiver is starting or stopping', { code: 'unavailable', retry: {} })
    const slab = ingress.reserve(signal, bytes)
    slab.buffer.set(new Uint8Array(crate, 0, bytes))
    const delivery = ingress.admit(signal, batchOfSlab(signal, items, slab, bytes))
    delivery.reached(ingress.acknowledge).catch((refused: Refused) => this.#dropped(signal, items, refused))
    emit(delivery)
  }
}
