import type { Counter, Forget, Histogram, InstrumentOptions, Labels, Meter } from '../component/meter.ts'

/** A meter for one component: what is read from it is forgotten with it, whether or not it remembers to say so. Counters go on where a successor counts. */
export class ScopedMeter implements Meter {
  readonly #meter: Meter
  readonly #observed = new Set<Forget>()

  constructor(meter: Meter) {
    this.#meter = meter
  }

  counter(name: string, options: InstrumentOptions): Counter {
    return this.#meter.counter(name, options)
  }

  upDownCounter(name: string, options: InstrumentOptions): Counter {
    return this.#meter.upDownCounter(name, options)
  }

  histogram(name: string, options: InstrumentOptions): Histogram {
    return this.#meter.histogram(name, options)
  }

  gauge(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): Forget {
    return this.#observe(this.#meter.gauge(name, options, read, labels))
  }

  observableCounter(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): Forget {
    return this.#observe(this.#meter.observableCounter(name, options, read, labels))
  }

  observableUpDownCounter(name: string, options: InstrumentOptions, read: () => number, labels?: Labels): Forget {
    return this.#observe(this.#meter.observableUpDownCounter(name, options, read, labels))
  }

  forget(): void {
    for (const forget of this.#observed) forget()
    this.#observed.clear()
  }

  #observe(forget: Forget): Forget {
    this.#observed.add(forget)
    return () => {
      this.#observed.delete(forget)
      forget()
    }
  }
}
