import { metrics } from '../../../plugin.ts'
import type { Attributes, Batch, MetricsBuilder, ScopeFields } from '../../../plugin.ts'
import type { Tally } from '../tally.ts'
import type { Counter, Histogram, InstrumentAbout, Process, TracerContext } from '../tracer.ts'
import { ExplicitHistogram, Gauge, Sum } from './instruments.ts'
import type { Collected, TableOptions } from './instruments.ts'

/** A collection larger than this is sent in several requests. */
const BATCH_BYTES = 512 * 1024

export interface AggregatesOptions {
  /** Series of one instrument. */
  readonly series: number
  readonly host: Process
  readonly isGone: (process: Process) => boolean
  /** When it began: nanoseconds since 1970. */
  readonly since: bigint
}

/** What is counted over time, by tracer, and shown whenever it is collected. */
export class Aggregates {
  readonly #options: AggregatesOptions
  readonly #tracers: InstrumentsOfTracer[] = []
  /** Of the last collection. */
  #latest: bigint

  constructor(options: AggregatesOptions) {
    this.#options = options
    this.#latest = options.since
  }

  /** Where one tracer makes its instruments. */
  tracer(scope: ScopeFields, tally: Tally): Instruments {
    const made = new InstrumentsOfTracer(scope, tally, this.#options, () => this.#latest)
    this.#tracers.push(made)
    return made
  }

  /** Everything that is true at `now`. An instrument that throws is left out and counted. */
  collect(now: bigint): Batch[] {
    const writer = new RequestWriter(now)
    for (const tracer of this.#tracers) tracer.write(writer)
    for (const tracer of this.#tracers) tracer.collected(now)
    this.#latest = now
    return writer.finish()
  }
}

export type Instruments = Pick<TracerContext, 'histogram' | 'counter' | 'gauge'>

class InstrumentsOfTracer implements Instruments {
  readonly #scope: ScopeFields
  readonly #tally: Tally
  readonly #table: TableOptions
  readonly #latest: () => bigint
  readonly #made = new Map<string, Collected>()

  constructor(scope: ScopeFields, tally: Tally, options: AggregatesOptions, latest: () => bigint) {
    const { series, host, isGone } = options
    this.#scope = scope
    this.#tally = tally
    this.#table = { limit: series, host, isGone }
    this.#latest = latest
  }

  histogram(name: string, about: InstrumentAbout & { readonly boundaries: readonly number[] }): Histogram {
    return this.#once(name, () => new ExplicitHistogram(name, about, this.#table, this.#latest()))
  }

  counter(name: string, about: InstrumentAbout): Counter {
    return this.#once(name, () => new Sum(name, about, this.#table, this.#latest()))
  }

  gauge: TracerContext['gauge'] = (name, about, read) => {
    const beyond = (readings: number) => this.#tally.drop('series_limit', readings)
    this.#once(name, () => new Gauge(name, about, read, this.#table.limit, beyond))
  }

  write(into: RequestWriter): void {
    const asked = [...this.#made.values()].flatMap((one) => {
      const resources = this.#guarded(() => [...one.resources()])
      return resources ? [{ one, resources }] : []
    })
    const resources = new Set(asked.flatMap((each) => each.resources))
    for (const resource of resources)
      for (const { one } of asked) this.#guarded(() => one.write(into.of(resource, this.#scope), resource))
  }

  collected(now: bigint): void {
    for (const one of this.#made.values()) one.collected(now)
  }

  #once<C extends Collected>(name: string, make: () => C): C {
    const known = this.#made.get(name)
    if (known) return known as C
    const made = make()
    this.#made.set(name, made)
    return made
  }

  #guarded<T>(run: () => T): T | undefined {
    try {
      return run()
    } catch {
      this.#tally.drop('metric')
      return undefined
    }
  }
}

/** Requests of bounded size, one resource after the other. */
class RequestWriter {
  readonly #now: bigint
  readonly #finished: Batch[] = []
  #builder: MetricsBuilder | undefined
  #resource: Attributes | undefined
  #scope: ScopeFields | undefined

  constructor(now: bigint) {
    this.#now = now
  }

  /** The builder, at this resource and scope. */
  of(resource: Attributes, scope: ScopeFields): MetricsBuilder {
    if (this.#builder && this.#resource === resource && this.#scope === scope) return this.#builder
    this.#resource = resource
    this.#scope = scope
    if (this.#builder) {
      this.#builder.resource(resource, {}, scope)
      if (this.#builder.bytes < BATCH_BYTES) return this.#builder
      this.#finished.push(this.#builder.finish())
    }
    return (this.#builder = metrics(resource, scope).at({ time: this.#now }))
  }

  finish(): Batch[] {
    if (this.#builder) this.#finished.push(this.#builder.finish())
    this.#builder = undefined
    return this.#finished.filter((batch) => {
      if (batch.items === 0) batch.release()
      return batch.items > 0
    })
  }
}
