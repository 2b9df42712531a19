import type { Delivery } from '../component/delivery.ts'
import type { BoundCounter } from '../component/meter.ts'
import type { Batch } from '../data/batch.ts'
import type { Signal } from '../data/signal.ts'
import type { Sink } from '../sending/sink.ts'
import type { Metrics } from './metrics.ts'

/** From one component to the next in a pipeline. */
export interface Edge {
  readonly pipeline: string
  readonly signal: Signal
  readonly from: string
  readonly to: string
}

/** What counts on one edge: a stage tells it what it takes. */
export class EdgeCount {
  readonly #items: BoundCounter
  readonly #bytes: BoundCounter

  constructor({ pipeline, signal, from, to }: Edge, metrics: Metrics) {
    const labels = { 'otelcol.pipeline.id': pipeline, 'otel.signal': signal, from, to }
    const counter = (name: string, unit: string, description: string) =>
      metrics.counter(`telegen.edge.${name}`, { unit, level: LEVEL, description }).bound(labels)
    this.#items = counter('items', '{item}', 'Items that went from one component to the next.')
    this.#bytes = counter('bytes', 'By', 'Bytes, as on the wire, that went from one component to the next.')
  }

  count({ items, bytes }: Batch): void {
    this.#items.add(items)
    this.#bytes.add(bytes)
  }
}

/** Undefined where nobody will see it. */
export const edgeCount = (edge: Edge, metrics: Metrics): EdgeCount | undefined =>
  metrics.shows(LEVEL) ? new EdgeCount(edge, metrics) : undefined

/** The same sink, with what goes into it counted on each of `edges`. */
export function counted(sink: Sink, edges: readonly Edge[], metrics: Metrics): Sink {
  const counts = edges.flatMap((edge) => edgeCount(edge, metrics) ?? [])
  return counts.length === 0 ? sink : new CountedSink(sink, counts)
}

const LEVEL = 'normal'

class CountedSink implements Sink {
  readonly #sink: Sink
  readonly #counts: readonly EdgeCount[]

  constructor(sink: Sink, counts: readonly EdgeCount[]) {
    this.#sink = sink
    this.#counts = counts
  }

  take(delivery: Delivery): void {
    for (const each of this.#counts) each.count(delivery.batch)
    this.#sink.take(delivery)
  }
}
