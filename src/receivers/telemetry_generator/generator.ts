import { batchOfSlab, Observable, receive } from '../../plugin.ts'
import type { Counter, Delivery, Receiver, ReceiverContext, Refused, Signal } from '../../plugin.ts'
import type { GeneratorConfig } from './options.ts'
import { Pace } from './pace.ts'
import { Random } from './random.ts'
import { Template } from './template.ts'

type Emit = (delivery: Delivery) => void

/** Makes telemetry up for as long as it is subscribed to, each signal at its own pace. */
export function generating(context: ReceiverContext<GeneratorConfig>): Receiver {
  const { ingress, meter } = context
  const skipped = meter.counter('telegen.generator.skipped.items', {
    unit: '{item}',
    description: 'Items that were not made: the gate was closed, or the process was too late for them.',
  })
  const lost = meter.counter('telegen.dropped.items', {
    unit: '{item}',
    description: 'Items that were lost, by component and reason.',
  })
  const made = ingress.signals.map((signal, index) => new Source(context, signal, index, skipped, lost))
  return receive({
    open: async () => {},
    deliveries: () =>
      new Observable((subscriber) => {
        const stop = new AbortController()
        for (const source of made)
          source
            .run((delivery) => subscriber.next(delivery), stop.signal)
            .catch((error: unknown) => {
              if (!stop.signal.aborted) subscriber.error(error)
            })
        return () => stop.abort(new Error('stopped'))
      }),
  })
}

/** One signal. Numbers go on where they were when it is run again. */
class Source {
  readonly #context: ReceiverContext<GeneratorConfig>
  readonly #signal: Signal
  readonly #items: number
  readonly #random: Random
  readonly #skipped: (items: number, reason: 'gate' | 'late') => void
  readonly #lost: Counter
  #template: Template | undefined
  #next = 0

  constructor(
    context: ReceiverContext<GeneratorConfig>,
    signal: Signal,
    index: number,
    skipped: Counter,
    lost: Counter,
  ) {
    const { rate, items_per_request, seed } = context.config
    this.#context = context
    this.#signal = signal
    this.#items = rate === 0 ? items_per_request : Math.min(items_per_request, Math.max(1, Math.floor(rate)))
    this.#random = new Random(seed + index)
    this.#skipped = (items, reason) => skipped.add(items, { receiver: context.id, 'otel.signal': signal, reason })
    this.#lost = lost
  }

  async run(emit: Emit, stop: AbortSignal): Promise<void> {
    const { clock, config, log } = this.#context
    const end = config.duration === 0 ? Infinity : clock.monotonic() + config.duration
    const pace = config.rate === 0 ? undefined : new Pace(clock, config.rate / this.#items)
    for (let items = this.#due(); items > 0 && !stop.aborted; items = this.#due()) {
      if (pace) this.#late(await pace.next(stop))
      if (clock.monotonic() >= end) break
      if (pace) this.#ifOpen(items, emit)
      else await this.#onceOpen(items, emit, stop)
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (!stop.aborted) log.info({ signal: this.#signal, items: this.#next }, 'All made-up telemetry has been made')
  }

  /** Items in the next request; 0 when all are made. */
  #due(): number {
    const { total } = this.#context.config
    return total === 0 ? this.#items : Math.min(this.#items, total - this.#next)
  }

  #late(requests: number): void {
    if (requests > 0) this.#skipped(requests * this.#items, 'late')
  }

  /** A request that is due while the gate is closed is never made. */
  #ifOpen(items: number, emit: Emit): void {
    const { bytes } = this.#templateFor(items)
    const refused = this.#context.ingress.closed(this.#signal, bytes.length)
    if (!refused) this.#make(items, emit)
    else if (refused.retryable) this.#skipped(items, 'gate')
    else throw refused
  }

  async #onceOpen(items: number, emit: Emit, stop: AbortSignal): Promise<void> {
    const { bytes } = this.#templateFor(items)
    await this.#context.ingress.ready(this.#signal, stop, bytes.length)
    // Another receiver may have taken the room meanwhile: the next turn waits again.
    if (!this.#context.ingress.closed(this.#signal, bytes.length)) this.#make(items, emit)
  }

  #make(items: number, emit: Emit): void {
    const { ingress, clock } = this.#context
    const template = this.#templateFor(items)
    const { length } = template.bytes
    const slab = ingress.reserve(this.#signal, length)
    template.write(slab.buffer, this.#next, clock.nowNano(), this.#random)
    const delivery = ingress.admit(this.#signal, batchOfSlab(this.#signal, items, slab, length))
    this.#next += items
    delivery.reached(ingress.acknowledge).catch((refused: Refused) => this.#refused(items, refused))
    emit(delivery)
  }

  /** It is not made a second time. */
  #refused(items: number, refused: Refused): void {
    const component = refused.component ?? this.#context.id
    this.#lost.add(items, { component, signal: this.#signal, reason: refused.code })
  }

  #templateFor(items: number): Template {
    if (this.#template?.fits(this.#next, items)) return this.#template
    const { resources, attributes, attribute_size } = this.#context.config
    const shape = { first: this.#next, items, resources, attributes, attributeSize: attribute_size }
    return (this.#template = new Template(this.#signal, shape))
  }
}
