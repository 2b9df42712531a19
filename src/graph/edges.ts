import { map } from 'rxjs'
import type { OperatorFunction } from 'rxjs'
import type { Delivery } from '../component/delivery.ts'
import type { Meter } from '../component/meter.ts'
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

type Count = (delivery: Delivery) => void

/** The same sink, with what goes into it counted on each of `edges`. */
export function counted(sink: Sink, edges: readonly Edge[], metrics: Metrics): Sink {
  if (edges.length === 0 || !metrics.shows(LEVEL)) return sink
  const counts = edges.map((edge) => counterOf(edge, metrics))
  return {
    take(delivery) {
      for (const count of counts) count(delivery)
      sink.take(delivery)
    },
  }
}

/** A stage that counts what passes on `edge`; none where nobody will see it. */
export function countedStage(edge: Edge, metrics: Metrics): OperatorFunction<Delivery, Delivery> | undefined {
  if (!metrics.shows(LEVEL)) return undefined
  const count = counterOf(edge, metrics)
  // `tap` would do, at several times the price.
  return map((delivery) => {
    count(delivery)
    return delivery
  })
}

const LEVEL = 'normal'

function counterOf({ pipeline, signal, from, to }: Edge, meter: Meter): Count {
  const labels = { 'otelcol.pipeline.id': pipeline, 'otel.signal': signal, from, to }
  const counter = (name: string, unit: string, description: string) =>
    meter.counter(`telegen.edge.${name}`, { unit, level: LEVEL, description })
  const items = counter('items', '{item}', 'Items that went from one component to the next.')
  const bytes = counter('bytes', 'By', 'Bytes, as on the wire, that went from one component to the next.')
  return ({ batch }) => {
    items.add(batch.items, labels)
    bytes.add(batch.bytes, labels)
  }
}
