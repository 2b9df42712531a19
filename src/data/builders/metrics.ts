import type { Batch } from '../batch.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { giveWriter, takeWriter } from '../wire/writer-pool.ts'
import { type Attributes, writeAttributes } from './attributes.ts'
import {
  type ExponentialHistogramPoint,
  type HistogramPoint,
  type Point,
  type PointOptions,
  type SummaryPoint,
  type Times,
  writeExponentialHistogramPoint,
  writeHistogramPoint,
  writeIntegerPoint,
  writeNumberPoint,
  writeSummaryPoint,
} from './points.ts'
import { Request, type ResourceFields, type ScopeFields } from './request.ts'

/** Whether a value counts from the start (`cumulative`) or from the point before (`delta`). */
export type Temporality = 'delta' | 'cumulative'

export interface MetricOptions {
  readonly description?: string | undefined
  readonly metadata?: Attributes | undefined
}

export interface NumberOptions extends MetricOptions {
  /** Numbers are written as integers. Bigints are in any case, and numbers as doubles otherwise. */
  readonly int?: boolean | undefined
}

export interface SumOptions extends NumberOptions {
  readonly monotonic: boolean
  readonly temporality: Temporality
}

export interface HistogramOptions extends MetricOptions {
  readonly temporality: Temporality
}

/** A metric that takes points. */
export interface Metric<P> {
  point(value: P, attributes?: Attributes, options?: PointOptions): Metric<P>
}

/**
 * Metrics may be written in turn; each becomes one metric on the wire with all of its points. Asking for one again,
 * by the same name, unit and kind, gives the same one.
 */
export interface MetricsBuilder {
  /** Time, and start of accumulation, of the points that come without. */
  at(times: Times): MetricsBuilder
  /** Metrics from now on belong to another resource. */
  resource(attributes: Attributes, fields?: ResourceFields, scope?: ScopeFields): MetricsBuilder
  /** Metrics from now on belong to another scope of the same resource. */
  scope(scope: ScopeFields): MetricsBuilder
  gauge(name: string, unit: string, options?: NumberOptions): Metric<number | bigint>
  sum(name: string, unit: string, options: SumOptions): Metric<number | bigint>
  histogram(name: string, unit: string, options: HistogramOptions): Metric<HistogramPoint>
  exponentialHistogram(name: string, unit: string, options: HistogramOptions): Metric<ExponentialHistogramPoint>
  summary(name: string, unit: string, options?: MetricOptions): Metric<SummaryPoint>
  /** Bytes of what was written for the scopes before the current one: no budget knows of them before the batch is charged. */
  readonly bytes: number
  /** The batch, not charged to any budget; the builder is of no more use. */
  finish(): Batch<'metrics'>
}

/**
 * Builds a batch of data points as wire bytes.
 *
 * ```ts
 * const host = metrics({ 'host.name': 'a' }).at({ time })
 * host.gauge('system.cpu.utilization', '1').point(0.42, { 'cpu.mode': 'user' })
 * host.sum('system.cpu.time', 's', { monotonic: true, temporality: 'cumulative' }).point(12.5, { 'cpu.mode': 'user' })
 * const batch = host.finish()
 * ```
 *
 * Without `at`, points have the wall clock's time at the builder's creation.
 */
export function metrics(resource: Attributes, scope: ScopeFields = {}): MetricsBuilder {
  const request = new Request('metrics', resource, scope)
  const points = new ScopePoints(request)
  const builder: MetricsBuilder = {
    at(times) {
      points.at(times)
      return builder
    },
    resource(attributes, fields = {}, scope = {}) {
      points.flush()
      request.resource(attributes, fields, scope)
      return builder
    },
    scope(scope) {
      points.flush()
      request.scope(scope)
      return builder
    },
    gauge: (name, unit, options = {}) => points.metric(options.int ? INTEGER_GAUGE : GAUGE, name, unit, options),
    sum: (name, unit, options) => points.metric(options.int ? INTEGER_SUM : SUM, name, unit, options),
    histogram: (name, unit, options) => points.metric(HISTOGRAM, name, unit, options),
    exponentialHistogram: (name, unit, options) => points.metric(EXPONENTIAL_HISTOGRAM, name, unit, options),
    summary: (name, unit, options = {}) => points.metric(SUMMARY, name, unit, options),
    get bytes() {
      return request.bytes
    },
    finish() {
      points.flush()
      points.close()
      return request.finish()
    },
  }
  return builder
}

/** A kind of metric: its member of the oneof `data`, and how its points are written. */
interface Kind<P> {
  readonly field: number
  readonly write: (writer: WireWriter, point: Point<P>) => void
}

const GAUGE: Kind<number | bigint> = { field: 5, write: writeNumberPoint }
const INTEGER_GAUGE: Kind<number | bigint> = { field: 5, write: writeIntegerPoint }
const SUM: Kind<number | bigint> = { field: 7, write: writeNumberPoint }
const INTEGER_SUM: Kind<number | bigint> = { field: 7, write: writeIntegerPoint }
const HISTOGRAM: Kind<HistogramPoint> = { field: 9, write: writeHistogramPoint }
const EXPONENTIAL_HISTOGRAM: Kind<ExponentialHistogramPoint> = { field: 10, write: writeExponentialHistogramPoint }
const SUMMARY: Kind<SummaryPoint> = { field: 11, write: writeSummaryPoint }

type AnyOptions = MetricOptions & Partial<SumOptions>
const NO_OPTIONS: PointOptions = {}

/**
 * The points of one scope in the order in which they came, in one piece of memory, and which of them belongs to which
 * metric. `flush` gathers them by metric.
 */
class ScopePoints {
  readonly #request: Request<'metrics'>
  #writer: WireWriter | undefined = takeWriter()
  #metrics = new Map<string, PointsOfMetric<never>>()
  #time = BigInt(Date.now()) * 1_000_000n
  #start = 0n

  constructor(request: Request<'metrics'>) {
    this.#request = request
  }

  at({ time, start }: Times): void {
    if (time !== undefined) this.#time = time
    if (start !== undefined) this.#start = start
  }

  metric<P>(kind: Kind<P>, name: string, unit: string, options: AnyOptions): Metric<P> {
    if (name === '') throw new RangeError('a metric needs a name')
    const key = `${kind.field} ${unit} ${name}`
    const known = this.#metrics.get(key) as PointsOfMetric<P> | undefined
    if (known !== undefined) return known
    const made = new PointsOfMetric<P>(this, kind, name, unit, options)
    this.#metrics.set(key, made)
    return made
  }

  add<P>(metric: PointsOfMetric<P>, value: P, attributes: Attributes | undefined, options = NO_OPTIONS): void {
    if (metric.isWritten) throw new Error(`a point came to ${metric.name} after its scope had ended`)
    const writer = this.#open()
    const { length, depth } = writer
    const { time = this.#time, start = this.#start } = options
    try {
      metric.kind.write(writer, { value, time, start, attributes, options })
    } catch (error) {
      writer.rewind(length, depth)
      throw error
    }
    metric.took(length, writer.length)
  }

  /** Writes the metrics that got points to the request, and begins anew. */
  flush(): void {
    const from = this.#open()
    for (const metric of this.#metrics.values()) {
      metric.isWritten = true
      if (metric.points > 0) this.#request.record(writeMetric, { metric, from }, metric.points)
    }
    this.#metrics = new Map()
    from.clear()
  }

  close(): void {
    giveWriter(this.#open())
    this.#writer = undefined
  }

  #open(): WireWriter {
    if (this.#writer === undefined) throw new Error('a builder was used after it had finished')
    return this.#writer
  }
}

class PointsOfMetric<P> implements Metric<P> {
  readonly kind: Kind<P>
  readonly name: string
  readonly unit: string
  readonly options: AnyOptions
  /** Starts and ends of pieces in the scope's memory. */
  readonly pieces: number[] = []
  readonly #scope: ScopePoints
  points = 0
  isWritten = false

  constructor(scope: ScopePoints, kind: Kind<P>, name: string, unit: string, options: AnyOptions) {
    this.#scope = scope
    this.kind = kind
    this.name = name
    this.unit = unit
    this.options = options
  }

  point(value: P, attributes?: Attributes, options?: PointOptions): this {
    this.#scope.add(this, value, attributes, options)
    return this
  }

  took(start: number, end: number): void {
    this.points++
    const { pieces } = this
    if (pieces[pieces.length - 1] === start) pieces[pieces.length - 1] = end
    else pieces.push(start, end)
  }
}

const RECORDS = 2
const TEMPORALITIES: Readonly<Record<Temporality, number>> = { delta: 1, cumulative: 2 }

function writeMetric(writer: WireWriter, source: { metric: PointsOfMetric<never>; from: WireWriter }): void {
  const { kind, name, unit, options, pieces } = source.metric
  writer.open(RECORDS)
  writer.string(1, name)
  if (options.description) writer.string(2, options.description)
  if (unit !== '') writer.string(3, unit)
  writer.open(kind.field)
  for (let index = 0; index < pieces.length; index += 2) {
    writer.raw(source.from.buffer, pieces[index]!, pieces[index + 1]!)
  }
  if (options.temporality !== undefined) writer.int(2, TEMPORALITIES[options.temporality])
  if (options.monotonic) writer.int(3, 1)
  writer.close()
  if (options.metadata !== undefined) writeAttributes(writer, 12, options.metadata)
  writer.close()
}
