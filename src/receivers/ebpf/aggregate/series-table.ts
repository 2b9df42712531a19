import type { Attributes } from '../../../plugin.ts'
import type { Process } from '../tracer.ts'
import { attributesKey, sortedKey } from './attributes-key.ts'

/** Keys by which the series of one process are found, for each of its series: attributes come in few orders. */
const KEYS_PER_SERIES = 4
/** What the semantic conventions call all that is beyond the limit. */
const OVERFLOW: Attributes = { 'otel.metric.overflow': true }

export interface SeriesTableOptions<V> {
  readonly limit: number
  /** Whose the series is that takes what is beyond the limit. */
  readonly host: Process
  readonly make: () => V
  /** Whether a process has ended. */
  readonly isGone: (process: Process) => boolean
}

export interface Series<V> {
  readonly attributes: Attributes
  readonly value: V
  /** When it began to count: nanoseconds since 1970. */
  readonly start: bigint
}

interface OfResource<V> {
  process: Process
  /** A first collection has found it gone: the next one forgets it. */
  isEnding: boolean
  readonly byKey: Map<string, Series<V>>
  /** By the object itself, where it is frozen: to make its key costs more than all else that is done for a value. */
  readonly byFrozen: WeakMap<Attributes, Series<V>>
  readonly all: Series<V>[]
}

/**
 * The series of one instrument: by process, by attributes. Bounded: beyond the limit all goes to one series, `otel.metric.overflow`. Those of a process
 * that has ended are shown once more and then forgotten.
 */
export class SeriesTable<V> {
  readonly #options: SeriesTableOptions<V>
  readonly #byResource = new Map<Attributes, OfResource<V>>()
  /** From when on a series counts that is new: nobody has seen it before. */
  #since: bigint
  #size = 0
  #overflow: Series<V> | undefined

  constructor(options: SeriesTableOptions<V>, since: bigint) {
    this.#options = options
    this.#since = since
  }

  get size(): number {
    return this.#size
  }

  /** The value to be changed. */
  value(process: Process, attributes: Attributes): V {
    const of = this.#of(process)
    const frozen = of?.byFrozen.get(attributes)
    if (frozen) return frozen.value
    const found = of?.byKey.get(attributesKey(attributes)) ?? this.#find(process, attributes)
    if (found !== this.#overflow && Object.isFrozen(attributes)) this.#of(process)?.byFrozen.set(attributes, found)
    return found.value
  }

  get resources(): Iterable<Attributes> {
    return this.#byResource.keys()
  }

  series(resource: Attributes): readonly Series<V>[] {
    return this.#byResource.get(resource)?.all ?? []
  }

  /** Called after each collection, which was at `now`. */
  collected(now: bigint): void {
    this.#since = now
    for (const [resource, of] of this.#byResource) {
      if (of.isEnding) {
        this.#byResource.delete(resource)
        this.#size -= of.all.length
        if (this.#overflow && of.all.includes(this.#overflow)) this.#overflow = undefined
      } else if (of.process.resource !== resource || this.#options.isGone(of.process)) of.isEnding = true
    }
  }

  #find(process: Process, attributes: Attributes): Series<V> {
    const of = this.#of(process)
    const sorted = sortedKey(attributes)
    const known = of?.byKey.get(sorted)
    if (known) return this.#alias(of as OfResource<V>, attributes, known)
    // One of the limit is the overflow's.
    if (this.#size >= this.#options.limit - 1) return this.#overflowing()
    const made = this.#add(of ?? this.#begin(process), attributes, sorted)
    return this.#alias(this.#of(process) as OfResource<V>, attributes, made)
  }

  #of(process: Process): OfResource<V> | undefined {
    const of = this.#byResource.get(process.resource)
    if (of === undefined || of.process === process) return of
    // It goes on as another: renamed, or another program of which the same is told.
    of.process = process
    of.isEnding = false
    return of
  }

  #begin(process: Process): OfResource<V> {
    const of: OfResource<V> = { process, isEnding: false, byKey: new Map(), byFrozen: new WeakMap(), all: [] }
    this.#byResource.set(process.resource, of)
    return of
  }

  #add(of: OfResource<V>, attributes: Attributes, sorted: string): Series<V> {
    // Copied: the caller may use its object again.
    const series = { attributes: { ...attributes }, value: this.#options.make(), start: this.#since }
    of.byKey.set(sorted, series)
    of.all.push(series)
    this.#size++
    return series
  }

  #alias({ byKey, all }: OfResource<V>, attributes: Attributes, series: Series<V>): Series<V> {
    if (byKey.size < all.length * KEYS_PER_SERIES) byKey.set(attributesKey(attributes), series)
    return series
  }

  #overflowing(): Series<V> {
    const { host } = this.#options
    return (this.#overflow ??= this.#add(this.#of(host) ?? this.#begin(host), OVERFLOW, sortedKey(OVERFLOW)))
  }
}
