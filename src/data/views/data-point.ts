import type { Node } from '../steps/node.ts'
import type { Value } from '../steps/step.ts'
import type { Accessor } from '../wire/accessor.ts'
import { accessor, known } from '../wire/fields.ts'
import type { Message } from '../wire/message.ts'
import type { MessageName } from '../wire/schema.ts'
import { FIXED64 } from '../wire/varint.ts'
import { Attributes } from './attributes.ts'
import { bucketsOf, quantilesOf, type Buckets, type Quantile } from './buckets.ts'
import { Exemplar } from './exemplar.ts'
import { double, fixed64, numberOf, numbersOf, optionalNumberOf, setField, timeOf, valueOf } from './fields.ts'
import { each } from './inner.ts'
import type { MetricDescription } from './metric-description.ts'
import type { RecordView } from './record-view.ts'
import type { Resource } from './resource.ts'
import type { Scope } from './scope.ts'

/** `number` points are those of gauges and sums. */
export type PointKind = 'number' | 'histogram' | 'exponential_histogram' | 'summary'

interface PointFields {
  readonly kind: PointKind
  readonly start: Accessor
  readonly time: Accessor
  readonly flags: Accessor
  /** The rest, as far as this kind of point has it. */
  readonly has: (name: string) => Accessor | undefined
}

/**
 * A data point of any kind. What its kind does not have reads as undefined, or as an empty list. Counts beyond 2^53 are
 * rounded.
 */
export class DataPoint implements RecordView {
  readonly level = 'dataPoint'
  readonly kind: PointKind
  readonly attributes: Attributes
  readonly metric: MetricDescription
  readonly #message: Message
  readonly #node: Node
  readonly #fields: PointFields
  #exemplar: Exemplar | undefined

  constructor(node: Node, metric: MetricDescription) {
    this.attributes = new Attributes(node.subject)
    this.metric = metric
    this.#message = node.message
    this.#node = node
    this.#fields = fieldsOf(node.name)
    this.kind = this.#fields.kind
  }

  get resource(): Resource {
    return this.metric.resource
  }

  get scope(): Scope {
    return this.metric.scope
  }

  get startTime(): bigint {
    return timeOf(this.#message, this.#fields.start)
  }
  set startTime(value: bigint) {
    setField(this.#message, this.#fields.start, value)
  }

  get time(): bigint {
    return timeOf(this.#message, this.#fields.time)
  }
  set time(value: bigint) {
    setField(this.#message, this.#fields.time, value)
  }

  /** Bit 0: no value was recorded. */
  get flags(): number {
    return numberOf(this.#message, this.#fields.flags)
  }
  set flags(value: number) {
    setField(this.#message, this.#fields.flags, value)
  }

  /** Of a number point: an int, or a double, as attributes hold them. */
  get value(): Value | undefined {
    const field = this.#fields.has('value')
    return field && valueOf(this.#message, field)
  }
  set value(value: Value | undefined) {
    this.#set('value', value)
  }

  /** The value as a plain number, rounded where an int is beyond 2^53. */
  get number(): number | undefined {
    return this.#optional('value')
  }

  get count(): number | undefined {
    const field = this.#fields.has('count')
    return field && numberOf(this.#message, field)
  }
  set count(value: number | undefined) {
    this.#set('count', value)
  }

  get sum(): number | undefined {
    const field = this.#fields.has('sum')
    // A summary's sum is 0 where it is absent, a histogram's is unknown.
    if (this.kind === 'summary' && field !== undefined) return numberOf(this.#message, field)
    return this.#optional('sum')
  }
  set sum(value: number | undefined) {
    this.#set('sum', value)
  }

  get min(): number | undefined {
    return this.#optional('min')
  }
  set min(value: number | undefined) {
    this.#set('min', value)
  }

  get max(): number | undefined {
    return this.#optional('max')
  }
  set max(value: number | undefined) {
    this.#set('max', value)
  }

  get bucketCounts(): number[] {
    return this.kind === 'histogram' ? numbersOf(this.#message, 6, FIXED64, fixed64) : []
  }

  get explicitBounds(): number[] {
    return this.kind === 'histogram' ? numbersOf(this.#message, 7, FIXED64, double) : []
  }

  get scale(): number | undefined {
    const field = this.#fields.has('scale')
    return field && numberOf(this.#message, field)
  }

  get zeroCount(): number | undefined {
    const field = this.#fields.has('zero_count')
    return field && numberOf(this.#message, field)
  }

  get zeroThreshold(): number | undefined {
    const field = this.#fields.has('zero_threshold')
    return field && numberOf(this.#message, field)
  }

  get positive(): Buckets | undefined {
    return this.kind === 'exponential_histogram' ? bucketsOf(this.#message, 8) : undefined
  }

  get negative(): Buckets | undefined {
    return this.kind === 'exponential_histogram' ? bucketsOf(this.#message, 9) : undefined
  }

  get quantiles(): Quantile[] {
    return this.kind === 'summary' ? quantilesOf(this.#message, 6) : []
  }

  /** To look at; steps on `exemplar` change them. The same view again and again. */
  get exemplars(): Iterable<Exemplar> {
    const [exemplars] = this.#node.inner
    if (exemplars === undefined) return []
    this.#exemplar ??= new Exemplar(exemplars)
    return each(this.#node, exemplars, this.#exemplar)
  }

  #optional(name: string): number | undefined {
    const field = this.#fields.has(name)
    return field && optionalNumberOf(this.#message, field)
  }

  #set(name: string, value: Value | undefined): void {
    const field = this.#fields.has(name)
    if (field === undefined) throw new TypeError(`a ${this.kind} point has no ${name}`)
    // A count may be given as any number; sums, minima and maxima are doubles whether or not they are integral.
    setField(this.#message, field, value)
  }
}

const KINDS: Partial<Record<MessageName, PointKind>> = {
  NumberDataPoint: 'number',
  HistogramDataPoint: 'histogram',
  ExponentialHistogramDataPoint: 'exponential_histogram',
  SummaryDataPoint: 'summary',
}

const remembered = new Map<MessageName, PointFields>()

function fieldsOf(name: MessageName): PointFields {
  let fields = remembered.get(name)
  if (fields !== undefined) return fields
  const names = ['value', 'count', 'sum', 'min', 'max', 'scale', 'zero_count', 'zero_threshold']
  const all = new Map(names.map((each) => [each, accessor(name, each)]))
  fields = {
    kind: KINDS[name]!,
    start: known(name, 'start_time_unix_nano'),
    time: known(name, 'time_unix_nano'),
    flags: known(name, 'flags'),
    has: (each) => all.get(each),
  }
  remembered.set(name, fields)
  return fields
}
