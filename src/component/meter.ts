/** Labels of a measurement. */
export type Labels = Readonly<Record<string, string>>

/** How much Telegen tells of itself, as the Collector's `service::telemetry::metrics::level`: each level shows what the ones before it show. */
export const METRIC_LEVELS = ['none', 'basic', 'normal', 'detailed'] as const
export type MetricLevel = (typeof METRIC_LEVELS)[number]

export interface InstrumentOptions {
  /** UCUM, as the semantic conventions write it: `{span}`, `By`, `s`. */
  readonly unit: string
  readonly description: string
  /** The level from which on it is measured and shown; `basic` where nothing is said. */
  readonly level?: Exclude<MetricLevel, 'none'>
  /** Values are integers where nothing is said. */
  readonly value?: 'int' | 'double'
  /** What readings of a gauge by several processes amount to together: their sum, where nothing is said. */
  readonly across?: 'sum' | 'max'
  /** Upper bounds of a histogram's buckets, ascending; the last bucket, for all above, is not written. */
  readonly boundaries?: readonly number[]
  /** Labels that are shown at `detailed` alone: below, their series are one. */
  readonly detailedLabels?: readonly string[]
}

/** Counts up; one made by `upDownCounter` also down. */
export interface Counter {
  add(value: number, labels?: Labels): void
  /** The same under these labels alone, looked up once: for what every batch counts. Not shown until something is added. */
  bound(labels: Labels): BoundCounter
}

/** A counter with its labels. */
export interface BoundCounter {
  add(value: number): void
}

export interface Histogram {
  record(value: number, labels?: Labels): void
}

/** Takes a measurement that is read when somebody looks away again. */
export type Forget = () => void

/** Telegen's own metrics. Instruments are made once, in `create` or `start`; recording is cheap, with bound counters most of all, yet is done per batch, never per record. */
export interface Meter {
  counter(name: string, options: InstrumentOptions): Counter
  upDownCounter(name: string, options: InstrumentOptions): Counter
  histogram(name: string, options: InstrumentOptions): Histogram
  /** `read` is called when somebody looks, and must be fast. Returns how to take the gauge away. */
  gauge(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): Forget
  /** A counter that somebody else keeps: `read` gives its count until now, which never falls. */
  observableCounter(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): Forget
  /** A sum that somebody else keeps, and which may fall. */
  observableUpDownCounter(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): Forget
}
