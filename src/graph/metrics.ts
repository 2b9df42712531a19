import { METRIC_LEVELS } from '../component/meter.ts'
import type { Counter, Forget, Histogram, InstrumentOptions, Labels, Meter, MetricLevel } from '../component/meter.ts'
import { findSeries, Series, seriesKey } from './series.ts'

const NONE: Labels = {}

export type MetricKind = 'counter' | 'up_down_counter' | 'gauge' | 'histogram'

/** One series as it is when somebody looks. */
export interface Measurement extends MeasuredPoint {
  readonly name: string
  readonly kind: MetricKind
  readonly options: InstrumentOptions
}

/** One instrument with all its series. */
export interface Measured {
  readonly name: string
  readonly kind: MetricKind
  readonly options: InstrumentOptions
  readonly points: readonly MeasuredPoint[]
  /** Whether somebody else keeps it, and it is read when one looks. */
  readonly observed: boolean
}

export interface MeasuredPoint {
  readonly labels: Labels
  /** A histogram's sum. */
  readonly value: number
  /** Recorded values, of a histogram. */
  readonly count?: number
  /** Recorded values in each bucket, of a histogram: one more than it has boundaries. */
  readonly buckets?: readonly number[]
}

interface Instrument {
  readonly name: string
  readonly kind: MetricKind
  readonly options: InstrumentOptions
  readonly series: Map<string, Series>
  readonly readings: Set<Reading>
}

interface Reading {
  readonly labels: Labels
  readonly read: () => number
}

/** Telegen's own metrics, in memory: instruments of the same name are one. What is above `level` costs nothing and is not there. */
export class Metrics implements Meter {
  readonly level: MetricLevel
  readonly #instruments = new Map<string, Instrument>()

  constructor(level: MetricLevel = 'detailed') {
    this.level = level
  }

  /** Whether instruments of that level are measured. */
  shows(level: MetricLevel = 'basic'): boolean {
    return METRIC_LEVELS.indexOf(level) <= METRIC_LEVELS.indexOf(this.level)
  }

  counter(name: string, options: InstrumentOptions): Counter {
    return this.#sum(name, 'counter', options)
  }

  upDownCounter(name: string, options: InstrumentOptions): Counter {
    return this.#sum(name, 'up_down_counter', options)
  }

  histogram(name: string, options: InstrumentOptions): Histogram {
    if (!this.shows(options.level)) return NOTHING
    const { boundaries = [] } = options
    const find = this.#finder(this.#instrument(name, 'histogram', options))
    return {
      record(value, labels = NONE) {
        const series = find(labels)
        series.add(value)
        series.buckets[bucketOf(value, boundaries)]!++
      },
    }
  }

  gauge(name: string, options: InstrumentOptions, read: () => number, labels: Labels = NONE): Forget {
    return this.#observe(name, 'gauge', options, { read, labels })
  }

  observableCounter(name: string, options: InstrumentOptions, read: () => number, labels: Labels = NONE): Forget {
    return this.#observe(name, 'counter', options, { read, labels })
  }

  observableUpDownCounter(name: string, options: InstrumentOptions, read: () => number, labels: Labels = NONE): Forget {
    return this.#observe(name, 'up_down_counter', options, { read, labels })
  }

  /** What has been measured until now, gauges read now. Instruments without a series are left out. */
  collect(): Measured[] {
    return [...this.#instruments.values()]
      .map(({ name, kind, options, series, readings }) => {
        const points: MeasuredPoint[] = [...series.values()]
          .filter(({ count }) => count > 0)
          .map(({ labels, value, count, buckets }) =>
            kind === 'histogram' ? { labels, value, count, buckets: [...buckets] } : { labels, value },
          )
        return { name, kind, options, points: [...points, ...read(readings)], observed: series.size === 0 }
      })
      .filter(({ points }) => points.length > 0)
  }

  /** The same in one row. */
  measurements(): Measurement[] {
    return this.collect().flatMap(({ name, kind, options, points }) =>
      points.map((point) => ({ name, kind, options, ...point })),
    )
  }

  /** The sum over all series of `name` that carry at least `labels`. */
  total(name: string, labels: Labels = {}): number {
    const wanted = Object.entries(labels)
    return this.measurements()
      .filter((each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value))
      .reduce((sum, each) => sum + each.value, 0)
  }

  #sum(name: string, kind: 'counter' | 'up_down_counter', options: InstrumentOptions): Counter {
    if (!this.shows(options.level)) return NOTHING
    const find = this.#finder(this.#instrument(name, kind, options))
    return {
      add(value, labels = NONE) {
        find(labels).add(value)
      },
      bound: find,
    }
  }

  #observe(name: string, kind: MetricKind, options: InstrumentOptions, reading: Reading): Forget {
    if (!this.shows(options.level)) return () => {}
    const { readings } = this.#instrument(name, kind, options)
    readings.add(reading)
    return () => void readings.delete(reading)
  }

  /** Finds series; at once where the labels are the same object as the last time, as they are on the way of every batch. */
  #finder({ series, options }: Instrument): (labels: Labels) => Series {
    const { boundaries = [], detailedLabels = [] } = options
    const hidden = this.shows('detailed') ? [] : detailedLabels
    const make = (labels: Labels) => new Series(labels, boundaries.length + 1)
    let last: { readonly labels: Labels; readonly series: Series } | undefined
    return (labels) => {
      if (last?.labels !== labels) last = { labels, series: findSeries(series, without(labels, hidden), make) }
      return last.series
    }
  }

  #instrument(name: string, kind: MetricKind, options: InstrumentOptions): Instrument {
    const known = this.#instruments.get(name)
    if (known) {
      if (known.kind !== kind) throw new Error(`metric "${name}" is a ${known.kind}, not a ${kind}`)
      return known
    }
    const instrument = { name, kind, options, series: new Map<string, Series>(), readings: new Set<Reading>() }
    this.#instruments.set(name, instrument)
    return instrument
  }
}

/** Two that give the same labels, as one processor in two pipelines does, are one series: their sum. What cannot be read is left out. */
function read(readings: Iterable<Reading>): MeasuredPoint[] {
  const points = new Map<string, { labels: Labels; value: number }>()
  for (const reading of readings) {
    const value = valueOf(reading)
    if (!Number.isFinite(value)) continue
    const key = seriesKey(reading.labels)
    const known = points.get(key)
    if (known) known.value += value
    else points.set(key, { labels: reading.labels, value })
  }
  return [...points.values()]
}

/** A plugin whose reading throws does not take everybody else's away: a series that is missing says so. */
function valueOf({ read }: Reading): number {
  try {
    return read()
  } catch {
    return NaN
  }
}

const NOTHING: Counter & Histogram = { add() {}, record() {}, bound: () => NOTHING }

/** The first bucket whose upper bound, which belongs to it, is not below `value`. */
function bucketOf(value: number, boundaries: readonly number[]): number {
  let index = 0
  while (index < boundaries.length && value > boundaries[index]!) index++
  return index
}

const without = (labels: Labels, hidden: readonly string[]): Labels =>
  hidden.length === 0 ? labels : Object.fromEntries(Object.entries(labels).filter(([key]) => !hidden.includes(key)))
