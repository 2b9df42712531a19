import { Chain } from '../component/chain.ts'
import type { Log } from '../component/context.ts'
import type { DeliveryNode, Holder } from '../component/delivery-node.ts'
import type { BoundCounter, Histogram, Labels, Meter } from '../component/meter.ts'
import type { StatusReporter } from '../component/status.ts'
import type { Signal } from '../data/signal.ts'
import type { Drops } from './drops.ts'

/** Calls that keep the event loop to themselves for longer than this are named, in milliseconds. */
const SLOW = 250
/** Upper bounds of the buckets of a stage's time, in seconds. */
const DURATIONS = [0.00001, 0.0001, 0.001, 0.01, 0.1, 1]

export interface StageOwnerOptions {
  readonly id: string
  /** `processor "x" in pipeline "traces/in"`. */
  readonly name: string
  readonly signal: Signal
  /** What comes out, where it is another. */
  readonly emits?: Signal
  readonly log: Log
  readonly meter: Meter
  readonly status: StatusReporter
  readonly drops: Drops
}

/** One processor or connector as the engine sees it: what it holds, and what is said about it when it misbehaves. */
export class StageOwner implements Holder {
  readonly id: string
  readonly name: string
  readonly emits: Signal
  readonly held = new Chain<DeliveryNode>()
  readonly #options: StageOwnerOptions
  readonly #incoming: BoundCounter
  readonly #outgoing: BoundCounter
  readonly #duration: Histogram
  readonly #labels: Labels
  #troubled = false
  #troubles = 0

  constructor(options: StageOwnerOptions) {
    this.id = options.id
    this.name = options.name
    this.emits = options.emits ?? options.signal
    this.#options = options
    const { meter } = options
    this.#labels = { processor: options.id, 'otel.signal': options.signal }
    const counter = (what: string, description: string) =>
      meter.counter(`otelcol_processor_${what}_items`, { unit: '{item}', description }).bound(this.#labels)
    this.#incoming = counter('incoming', 'Items that came to a processor.')
    this.#outgoing = counter('outgoing', 'Items that left a processor.')
    this.#duration = meter.histogram('otelcol_processor_internal_duration', {
      unit: 's',
      value: 'double',
      level: 'detailed',
      description: 'Time that a processor took for a batch; steps that run in one visit each have its whole time.',
      boundaries: DURATIONS,
    })
  }

  /** How often there was trouble until now. */
  get troubles(): number {
    return this.#troubles
  }

  /** After each batch: `took` in milliseconds. A batch that went well, with no more than the `troubles` before it, takes those back. */
  worked(took: number, incoming: number, outgoing: number, troubles = this.#troubles): void {
    this.#incoming.add(incoming)
    this.#outgoing.add(outgoing)
    this.#duration.record(took / 1_000, this.#labels)
    if (took > SLOW) return this.#slow(took)
    if (!this.#troubled || troubles !== this.#troubles) return
    this.#troubled = false
    this.#options.status.ok()
  }

  left(outgoing: number): void {
    this.#outgoing.add(outgoing)
  }

  failed(message: string, error: unknown): void {
    this.#trouble(message)
    this.#options.drops.warn(
      `${this.name} failed`,
      'A component failed on a batch',
      { component: this.id, stage: this.name, error },
      0,
    )
  }

  misuse(what: string): void {
    this.#trouble(what)
    this.#options.drops.warn(`${this.name} ${what}`, `${this.name} ${what}`, { component: this.id }, 0)
  }

  #slow(took: number): void {
    const what = `kept the event loop for ${Math.round(took)} ms`
    this.#trouble(what)
    this.#options.drops.warn(`${this.name} slow`, `${this.name} ${what}`, { component: this.id }, 0)
  }

  #trouble(reason: string): void {
    this.#troubled = true
    this.#troubles++
    this.#options.status.recoverable(reason)
  }
}
