import { attributeValue } from '../../plugin.ts'
import type { Attributes, AttributesView, Metric, MetricsBuilder, Value } from '../../plugin.ts'
import { valueKey } from './value-key.ts'
import type { CountedMetric } from './options.ts'

/**
 * Combinations of attributes that one metric tells apart in one resource. What is beyond is counted together, under the attribute
 * that OpenTelemetry's SDKs use for it, so that the sum is right.
 */
export const MAX_COMBINATIONS = 2_000
const OVERFLOW = { 'otel.metric.overflow': true } as const

/** A metric that counts, made ready. */
export interface Definition {
  readonly name: string
  readonly description: string
  readonly attributes: readonly { readonly key: string; readonly otherwise: Value | undefined }[]
}

/** A key that is asked for twice is never there twice, so that such a metric counts nothing: as in the Collector. */
export const definitionsOf = (metrics: Readonly<Record<string, CountedMetric>>): Definition[] =>
  Object.entries(metrics)
    .filter(([, { attributes }]) => new Set(attributes.map(({ key }) => key)).size === attributes.length)
    .map(([name, { description, attributes }]) => ({
      name,
      description,
      attributes: attributes.map(({ key, default_value }) => ({
        key,
        otherwise: default_value === undefined || default_value === null ? undefined : attributeValue(default_value),
      })),
    }))

interface Combination {
  readonly attributes: Attributes
  count: number
}

/** Counts one kind of record in one resource. */
export class Counter {
  /** Records that went to the overflow. */
  overflowed = 0
  readonly #definitions: readonly Definition[]
  readonly #counts: readonly Map<string, Combination>[]
  /** Of the record that is looked at, in the order of the definition's attributes. */
  readonly #values: (Value | null)[] = []
  #first = 0n
  #last = 0n

  constructor(definitions: readonly Definition[]) {
    this.#definitions = definitions
    this.#counts = definitions.map(() => new Map())
  }

  /** `places`: where attributes are looked for, in this order. */
  count(...places: readonly AttributesView[]): void {
    for (let at = 0; at < this.#definitions.length; at++) this.#countFor(at, places)
  }

  /** Widens the time that the counts are for; 0 is no time. */
  at(time: bigint): void {
    if (time === 0n) return
    if (this.#first === 0n || time < this.#first) this.#first = time
    if (time > this.#last) this.#last = time
  }

  get isEmpty(): boolean {
    return this.#counts.every((combinations) => combinations.size === 0)
  }

  /** `now` stands for the time where no record had one. */
  write(builder: MetricsBuilder, now: bigint): void {
    const times = this.#first === 0n ? { start: now, time: now } : { start: this.#first, time: this.#last }
    for (const [at, { name, description }] of this.#definitions.entries()) {
      const options = { description, monotonic: true, temporality: 'delta', int: true } as const
      let metric: Metric<number | bigint> | undefined
      for (const { attributes, count } of this.#counts[at]!.values()) {
        metric ??= builder.sum(name, '', options)
        metric.point(count, attributes, times)
      }
    }
  }

  #countFor(at: number, places: readonly AttributesView[]): void {
    const definition = this.#definitions[at]!
    const { attributes } = definition
    const values = this.#values
    let key = ''
    for (let index = 0; index < attributes.length; index++) {
      const { key: name, otherwise } = attributes[index]!
      const inPlace = valueOf(name, places)
      const value = inPlace === undefined ? otherwise : inPlace
      if (value === undefined) return
      values[index] = value
      key += valueKey(value)
    }
    this.#increment(definition, this.#counts[at]!, key)
  }

  #increment(definition: Definition, combinations: Map<string, Combination>, key: string): void {
    const known = combinations.get(key)
    if (known !== undefined) known.count++
    else if (combinations.size < MAX_COMBINATIONS)
      combinations.set(key, { attributes: named(definition, this.#values), count: 1 })
    else {
      this.overflowed++
      const overflow = combinations.get(OVERFLOW_KEY)
      if (overflow !== undefined) overflow.count++
      else combinations.set(OVERFLOW_KEY, { attributes: OVERFLOW, count: 1 })
    }
  }
}

const OVERFLOW_KEY = 'overflow'

const named = ({ attributes }: Definition, values: readonly (Value | null)[]): Attributes =>
  Object.fromEntries(attributes.map(({ key }, index) => [key, values[index]]))

/** Null for an attribute that is there and has no value. */
function valueOf(key: string, places: readonly AttributesView[]): Value | null | undefined {
  for (const attributes of places) {
    const value = attributes.get(key)
    if (value !== undefined) return value
    if (attributes.has(key)) return null
  }
  return undefined
}
