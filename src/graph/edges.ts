import type { Delivery } from '../component/delivery.ts'
import type { Forget } from '../component/meter.ts'
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
  /** It leads into the pipeline: `from` is a receiver or connector. */
  readonly enters?: boolean
  /** It leads out of it: `to` is an exporter or connector. */
  readonly leaves?: boolean
}

/** Looks at what passes. The batch is borrowed; a throw is the listener's own affair and ends its looking. */
export type EdgeListener = (batch: Batch, edge: Edge) => void

/** What has passed on one edge, and who looks: a stage tells it what it takes. */
export class EdgeCount {
  readonly edge: Edge
  items = 0
  bytes = 0
  /** Undefined while nobody looks: all that a batch pays then is this test. */
  #listeners: Set<EdgeListener> | undefined

  constructor(edge: Edge) {
    this.edge = edge
  }

  count(batch: Batch): void {
    this.items += batch.items
    this.bytes += batch.bytes
    if (this.#listeners !== undefined) for (const listen of this.#listeners) listen(batch, this.edge)
  }

  listen(listener: EdgeListener): void {
    this.#listeners = (this.#listeners ?? new Set()).add(listener)
  }

  unlisten(listener: EdgeListener): void {
    this.#listeners?.delete(listener)
    if (this.#listeners?.size === 0) this.#listeners = undefined
  }
}

/** The edges of a graph. One that is asked for twice is one: its counts go on when the pipeline around it is wired anew. */
export class Edges {
  readonly #metrics: Metrics
  readonly #known = new Map<string, { readonly count: EdgeCount; readonly forget: readonly Forget[] }>()
  readonly #fused = new Map<string, readonly string[]>()
  #used: Set<string> | undefined
  #changed: () => void = () => {}

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  of(edge: Edge): EdgeCount {
    const key = keyOf(edge)
    this.#used?.add(key)
    const known = this.#known.get(key)
    if (known !== undefined) return known.count
    const count = new EdgeCount(edge)
    this.#known.set(key, { count, forget: this.#measure(count) })
    this.#changed()
    return count
  }

  /** The same sink, with what goes into it counted on each of `edges`. */
  counted(sink: Sink, edges: readonly Edge[]): Sink {
    return edges.length === 0
      ? sink
      : new CountedSink(
          sink,
          edges.map((edge) => this.of(edge)),
        )
  }

  /** These neighbours of a pipeline run in one visit: between them no batch can be seen. */
  fuse(pipeline: string, ids: readonly string[]): void {
    for (const id of ids) this.#fused.set(stageKey(pipeline, id), ids)
    this.#changed()
  }

  /** Those that run in one visit with `id`, itself among them. */
  fusedWith(pipeline: string, id: string): readonly string[] {
    return this.#fused.get(stageKey(pipeline, id)) ?? [id]
  }

  /** Runs `wire`, which asks for every edge that there shall be; the others are gone then. */
  renew(wire: () => void): void {
    const used = (this.#used = new Set<string>())
    this.#fused.clear()
    try {
      wire()
    } finally {
      this.#used = undefined
    }
    for (const [key, { forget }] of this.#known)
      if (!used.has(key)) {
        for (const each of forget) each()
        this.#known.delete(key)
      }
    this.#changed()
  }

  counts(): EdgeCount[] {
    return [...this.#known.values()].map(({ count }) => count)
  }

  /** Calls `run` whenever there are other edges. One caller: the taps. */
  onChange(run: () => void): void {
    this.#changed = run
  }

  /** Stops measuring: the graph is over. */
  dispose(): void {
    this.renew(() => {})
  }

  #measure(count: EdgeCount): Forget[] {
    const { pipeline, signal, from, to } = count.edge
    const labels = { 'otelcol.pipeline.id': pipeline, 'otel.signal': signal, from, to }
    const counter = (name: string, unit: string, description: string, read: () => number) =>
      this.#metrics.observableCounter(`telegen.edge.${name}`, { unit, level: LEVEL, description }, read, labels)
    return [
      counter('items', '{item}', 'Items that went from one component to the next.', () => count.items),
      counter('bytes', 'By', 'Bytes, as on the wire, that went from one component to the next.', () => count.bytes),
    ]
  }
}

const LEVEL = 'normal'

const keyOf = ({ pipeline, from, to }: Edge): string => JSON.stringify([pipeline, from, to])
const stageKey = (pipeline: string, id: string): string => JSON.stringify([pipeline, id])

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
