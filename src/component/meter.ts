/** Labels of a measurement. */
export type Labels = Readonly<Record<string, string>>

export interface InstrumentOptions {
  /** UCUM, as the semantic conventions write it: `{span}`, `By`, `s`. */
  readonly unit: string
  readonly description: string
}

export interface Counter {
  add(value: number, labels?: Labels): void
}

export interface Histogram {
  record(value: number, labels?: Labels): void
}

/** Telegen's own metrics. Instruments are made once, in `create` or `start`; recording is cheap, yet is done per batch, never per record. */
export interface Meter {
  counter(name: string, options: InstrumentOptions): Counter
  histogram(name: string, options: InstrumentOptions): Histogram
  /** `read` is called when somebody looks, and must be fast. Returns how to take the gauge away. */
  gauge(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): () => void
}
