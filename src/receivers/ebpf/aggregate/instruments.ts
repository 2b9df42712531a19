import type { Attributes, ExemplarFields, MetricsBuilder } from '../../../plugin.ts'
import type { Counter, Histogram, InstrumentAbout, Process } from '../tracer.ts'
import { HistogramValue } from './histogram-value.ts'
import { SeriesTable } from './series-table.ts'
import type { SeriesTableOptions } from './series-table.ts'

/** What a collection asks of an instrument. */
export interface Collected {
  /** Whose points there are. Asked once before `write`. */
  resources(): Iterable<Attributes>
  /** Writes the points of one resource, whose builder is `into`. */
  write(into: MetricsBuilder, resource: Attributes): void
  /** The collection, which was at `now`, is over. */
  collected(now: bigint): void
}

export type TableOptions = Omit<SeriesTableOptions<never>, 'make'>

const CUMULATIVE = { temporality: 'cumulative' } as const

/** Buckets with bounds of the tracer's, counting from the start. */
export class ExplicitHistogram implements Histogram, Collected {
  readonly #name: string
  readonly #about: InstrumentAbout
  readonly #table: SeriesTable<HistogramValue>

  constructor(
    name: string,
    about: InstrumentAbout & { readonly boundaries: readonly number[] },
    options: TableOptions,
    since: bigint,
  ) {
    this.#name = name
    this.#about = about
    const make = () => new HistogramValue(about.boundaries)
    this.#table = new SeriesTable({ ...options, make }, since)
  }

  record(process: Process, value: number, attributes: Attributes, exemplar?: ExemplarFields): void {
    if (process.traced && Number.isFinite(value)) this.#table.value(process, attributes).record(value, exemplar)
  }

  resources(): Iterable<Attributes> {
    return this.#table.resources
  }

  write(into: MetricsBuilder, resource: Attributes): void {
    const series = this.#table.series(resource)
    if (series.length === 0) return
    const { unit, description } = this.#about
    const metric = into.histogram(this.#name, unit, { ...CUMULATIVE, description })
    for (const { attributes, value, start } of series)
      metric.point(value.point(), attributes, { start, exemplars: value.takeExemplars() })
  }

  collected(now: bigint): void {
    this.#table.collected(now)
  }
}

/** A monotonic sum from the start. */
export class Sum implements Counter, Collected {
  readonly #name: string
  readonly #about: InstrumentAbout
  readonly #table: SeriesTable<{ sum: number }>

  constructor(name: string, about: InstrumentAbout, options: TableOptions, since: bigint) {
    this.#name = name
    this.#about = about
    this.#table = new SeriesTable({ ...options, make: () => ({ sum: 0 }) }, since)
  }

  /** What is negative or no number is not added: the sum never falls. */
  add(process: Process, value: number, attributes: Attributes): void {
    if (process.traced && value >= 0 && value < Infinity) this.#table.value(process, attributes).sum += value
  }

  resources(): Iterable<Attributes> {
    return this.#table.resources
  }

  write(into: MetricsBuilder, resource: Attributes): void {
    const series = this.#table.series(resource)
    if (series.length === 0) return
    const { unit, description, int } = this.#about
    const metric = into.sum(this.#name, unit, { ...CUMULATIVE, monotonic: true, description, int })
    for (const { attributes, value, start } of series) metric.point(value.sum, attributes, { start })
  }

  collected(now: bigint): void {
    this.#table.collected(now)
  }
}

type Read = (emit: (process: Process, value: number, attributes: Attributes) => void) => void

interface Reading {
  readonly value: number
  readonly attributes: Attributes
}

/** What is true at the moment of the collection. */
export class Gauge implements Collected {
  readonly #name: string
  readonly #about: InstrumentAbout
  readonly #read: Read
  readonly #limit: number
  readonly #beyond: (readings: number) => void
  #readings = new Map<Attributes, Reading[]>()

  /** `beyond` is told how many readings of a collection were left out. */
  constructor(name: string, about: InstrumentAbout, read: Read, limit: number, beyond: (readings: number) => void) {
    this.#name = name
    this.#about = about
    this.#read = read
    this.#limit = limit
    this.#beyond = beyond
  }

  resources(): Iterable<Attributes> {
    const readings = new Map<Attributes, Reading[]>()
    let count = 0
    this.#read(({ traced, resource }, value, attributes) => {
      if (!traced || !Number.isFinite(value) || count++ >= this.#limit) return
      const of = readings.get(resource)
      const reading = { value, attributes: { ...attributes } }
      if (of) of.push(reading)
      else readings.set(resource, [reading])
    })
    if (count > this.#limit) this.#beyond(count - this.#limit)
    this.#readings = readings
    return readings.keys()
  }

  write(into: MetricsBuilder, resource: Attributes): void {
    const readings = this.#readings.get(resource)
    if (!readings) return
    const { unit, description, int } = this.#about
    const metric = into.gauge(this.#name, unit, { description, int })
    for (const { value, attributes } of readings) metric.point(value, attributes)
  }

  collected(): void {
    this.#readings = new Map()
  }
}
