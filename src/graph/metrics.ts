import type { Counter, Histogram, InstrumentOptions, Labels, Meter } from '../component/meter.ts'

/** Label sets that one instrument keeps apart; more are added up under `otel.metric.overflow`. */
const MAX_SERIES = 2_000
const NONE: Labels = {}
const OVERFLOW: Labels = { 'otel.metric.overflow': 'true' }

export interface Measurement {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly options: InstrumentOptions
  readonly labels: Labels
  /** A histogram's sum. */
  readonly value: number
  /** Recorded values, of a histogram. */
  readonly count?: number
}

interface Series {
  readonly labels: Labels
  value: number
  count: number
}

interface Instrument {
  readonly kind: Measurement['kind']
  readonly options: InstrumentOptions
  readonly series: Map<string, Series>
}

interface Gauge {
  readonly name: string
  readonly options: InstrumentOptions
  readonly labels: Labels
  readonly read: () => number
}

/** Telegen's own metrics, in memory: instruments of the same name are one. */
export class Metrics implements Meter {
  readonly #instruments = new Map<string, Instrument>()
  readonly #gauges = new Set<Gauge>()

  counter(name: string, options: InstrumentOptions): Counter {
    const find = finder(this.#instrument(name, 'counter', options))
    return {
      add(value, labels = NONE) {
        find(labels).value += value
      },
    }
  }

  histogram(name: string, options: InstrumentOptions): Histogram {
    const find = finder(this.#instrument(name, 'histogram', options))
    return {
      record(value, labels = NONE) {
        const series = find(labels)
        series.value += value
        series.count++
      },
    }
  }

  gauge(name: string, options: InstrumentOptions, read: () => number, labels: Labels = {}): () => void {
    const gauge = { name, options, labels, read }
    this.#gauges.add(gauge)
    return () => this.#gauges.delete(gauge)
  }

  /** What has been measured until now, gauges read now. */
  measurements(): Measurement[] {
    const found: Measurement[] = []
    for (const [name, { kind, options, series }] of this.#instruments)
      for (const { labels, value, count } of series.values())
        found.push({ name, kind, options, labels, value, ...(kind === 'histogram' && { count }) })
    for (const { name, options, labels, read } of this.#gauges)
      found.push({ name, kind: 'gauge', options, labels, value: read() })
    return found
  }

  /** The sum over all series of `name` that carry at least `labels`. */
  total(name: string, labels: Labels = {}): number {
    const wanted = Object.entries(labels)
    return this.measurements()
      .filter((each) => each.name === name && wanted.every(([key, value]) => each.labels[key] === value))
      .reduce((sum, each) => sum + each.value, 0)
  }

  #instrument(name: string, kind: Measurement['kind'], options: InstrumentOptions): Instrument {
    const known = this.#instruments.get(name)
    if (known) {
      if (known.kind !== kind) throw new Error(`metric "${name}" is a ${known.kind}, not a ${kind}`)
      return known
    }
    const instrument = { kind, options, series: new Map<string, Series>() }
    this.#instruments.set(name, instrument)
    return instrument
  }
}

/** Finds series; at once where the labels are the same object as the last time, as they are on the way of every batch. */
function finder(instrument: Instrument): (labels: Labels) => Series {
  let last: { readonly labels: Labels; readonly series: Series } | undefined
  return (labels) => {
    if (last?.labels !== labels) last = { labels, series: seriesOf(instrument, labels) }
    return last.series
  }
}

function seriesOf({ series }: Instrument, labels: Labels): Series {
  const key = JSON.stringify(labels)
  const known = series.get(key)
  if (known) return known
  if (series.size >= MAX_SERIES && labels !== OVERFLOW) return seriesOf({ series } as Instrument, OVERFLOW)
  const made = { labels, value: 0, count: 0 }
  series.set(key, made)
  return made
}
