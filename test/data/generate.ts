/**
 * Arbitrary requests for property tests, as canonical OTLP/JSON: every field may be there or not, never with a default
 * that would mean the same as its absence.
 */
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/data/codec/json.ts'
import type { OracleSignal } from './oracle.ts'

type Fields = Record<string, fc.Arbitrary<JsonValue>>

export interface GenerateOptions {
  /** Leave out the fields that the oracle does not know. */
  readonly forOracle: boolean
  /** The most elements of each list. */
  readonly most?: number
}

/** Requests of a signal. `for the oracle` by default. */
export function requests(
  signal: OracleSignal,
  options: GenerateOptions = { forOracle: true },
): fc.Arbitrary<JsonObject> {
  const generate = new Messages(options)
  if (signal === 'traces') return generate.request('Spans', 'spans', generate.span())
  if (signal === 'logs') return generate.request('Logs', 'logRecords', generate.logRecord())
  return generate.request('Metrics', 'metrics', generate.metric())
}

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed()),
  },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(127), 'y'.repeat(128), 'ü'.repeat(64), 'z'.repeat(20_000)) },
)
const key = fc.oneof(fc.constantFrom('host.name', 'k', '__proto__', 'constructor'), text)
const double = fc
  .oneof(fc.double(), fc.constantFrom(0, 0.5, -1, 1e300))
  .map((value): JsonValue => (Number.isFinite(value) ? value : String(value)))
const filledDouble = double.filter((value) => !Object.is(value, 0))
const unsigned64 = fc.oneof(fc.bigInt(1n, 300n), fc.bigInt(1n, 2n ** 64n - 1n)).map(String)
const signed64 = fc.oneof(fc.bigInt(-5n, 300n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)).map(String)
const time = fc.bigInt(1_700_000_000_000_000_000n, 1_900_000_000_000_000_000n).map(String)
const unsigned32 = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }))
const signed32 = fc.integer({ min: -1000, max: 1000 }).filter((value) => value !== 0)
const bytes = fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value).toString('base64'))
const traceId = identifier(16)
const spanId = identifier(8)

function identifier(length: number): fc.Arbitrary<JsonValue> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map((value) => Buffer.from(value).toString('hex'))
}

/** Any of the fields, or none. */
function some(fields: Fields): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>
}

/** At most one of the fields. */
function oneOf(fields: Fields): fc.Arbitrary<JsonObject> {
  const choices = Object.entries(fields).map(([name, value]) => fc.record({ [name]: value }, { noNullPrototype: true }))
  return fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, ...choices.map((arbitrary) => ({ weight: 3, arbitrary })))
}

function both(one: fc.Arbitrary<JsonObject>, other: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  return fc.tuple(one, other).map(([left, right]) => ({ ...left, ...right }))
}

class Messages {
  readonly #forOracle: boolean
  readonly #most: number
  readonly #anyValue: fc.Arbitrary<JsonObject>
  readonly #attributes: fc.Arbitrary<JsonValue>

  constructor({ forOracle, most = 3 }: GenerateOptions) {
    this.#forOracle = forOracle
    this.#most = most
    this.#anyValue = this.#values()
    this.#attributes = this.#list(this.#keyValue(this.#anyValue))
  }

  request(suffix: string, records: string, record: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
    const attributes = { attributes: this.#attributes, droppedAttributesCount: unsigned32 }
    const entity = some({
      schemaUrl: text,
      type: text,
      idKeys: this.#list(text),
      descriptionKeys: this.#list(text),
    })
    const resource = some({ ...attributes, ...this.#later({ entityRefs: this.#list(entity) }) })
    const scope = some({ ...attributes, name: text, version: text })
    const scopes = some({ scope, schemaUrl: text, [records]: this.#list(record) })
    const resources = some({ resource, schemaUrl: text, [`scope${suffix}`]: this.#list(scopes) })
    return some({ [`resource${suffix}`]: this.#list(resources) })
  }

  span(): fc.Arbitrary<JsonObject> {
    const dropped = { attributes: this.#attributes, droppedAttributesCount: unsigned32 }
    const flags = this.#later({ flags: unsigned32 })
    const event = some({ ...dropped, timeUnixNano: time, name: text })
    const link = some({ ...dropped, ...flags, traceId, spanId, traceState: text })
    return some({
      ...dropped,
      ...flags,
      traceId,
      spanId,
      parentSpanId: spanId,
      traceState: text,
      name: text,
      kind: fc.integer({ min: 1, max: 5 }),
      startTimeUnixNano: time,
      endTimeUnixNano: time,
      events: this.#list(event),
      droppedEventsCount: unsigned32,
      links: this.#list(link),
      droppedLinksCount: unsigned32,
      status: some({ message: text, code: fc.integer({ min: 1, max: 2 }) }),
    })
  }

  logRecord(): fc.Arbitrary<JsonObject> {
    return some({
      ...this.#later({ eventName: text }),
      timeUnixNano: time,
      observedTimeUnixNano: time,
      severityNumber: fc.integer({ min: 1, max: 24 }),
      severityText: text,
      body: this.#anyValue,
      attributes: this.#attributes,
      droppedAttributesCount: unsigned32,
      flags: unsigned32,
      traceId,
      spanId,
    })
  }

  metric(): fc.Arbitrary<JsonObject> {
    const temporality = { aggregationTemporality: fc.integer({ min: 1, max: 2 }) }
    const points = { dataPoints: this.#list(this.#numberPoint()) }
    const data = oneOf({
      gauge: some(points),
      sum: some({ ...points, ...temporality, isMonotonic: fc.constant(true) }),
      histogram: some({ ...temporality, dataPoints: this.#list(this.#histogramPoint()) }),
      exponentialHistogram: some({ ...temporality, dataPoints: this.#list(this.#exponentialPoint()) }),
      summary: some({ dataPoints: this.#list(this.#summaryPoint()) }),
    })
    const metadata = this.#later({ metadata: this.#attributes })
    return both(some({ name: text, description: text, unit: text, ...metadata }), data)
  }

  #numberPoint(): fc.Arbitrary<JsonObject> {
    return both(some({ ...this.#point(), exemplars: this.#exemplars() }), oneOf({ asDouble: double, asInt: signed64 }))
  }

  #histogramPoint(): fc.Arbitrary<JsonObject> {
    return some({
      ...this.#point(),
      count: unsigned64,
      sum: double,
      min: double,
      max: double,
      bucketCounts: this.#list(unsigned64),
      explicitBounds: this.#list(double),
      exemplars: this.#exemplars(),
    })
  }

  #exponentialPoint(): fc.Arbitrary<JsonObject> {
    const buckets = some({ offset: signed32, bucketCounts: this.#list(unsigned64) })
    return some({
      ...this.#point(),
      count: unsigned64,
      sum: double,
      min: double,
      max: double,
      scale: signed32,
      zeroCount: unsigned64,
      zeroThreshold: filledDouble,
      positive: buckets,
      negative: buckets,
      exemplars: this.#exemplars(),
    })
  }

  #summaryPoint(): fc.Arbitrary<JsonObject> {
    const quantile = some({ quantile: filledDouble, value: filledDouble })
    return some({ ...this.#point(), count: unsigned64, sum: filledDouble, quantileValues: this.#list(quantile) })
  }

  #point(): Fields {
    return { attributes: this.#attributes, startTimeUnixNano: time, timeUnixNano: time, flags: unsigned32 }
  }

  #exemplars(): fc.Arbitrary<JsonValue> {
    const fields = some({ timeUnixNano: time, spanId, traceId, filteredAttributes: this.#attributes })
    return this.#list(both(fields, oneOf({ asDouble: double, asInt: signed64 })))
  }

  #values(): fc.Arbitrary<JsonObject> {
    const { value } = fc.letrec<{ value: JsonObject }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        oneOf({
          stringValue: fc.oneof(text, fc.constant('')),
          boolValue: fc.boolean(),
          intValue: signed64,
          doubleValue: double,
          bytesValue: bytes,
          ...this.#later({ stringValueStrindex: signed32 }),
        }),
        some({ values: this.#list(tie('value')) }).map((arrayValue) => ({ arrayValue })),
        some({ values: this.#list(this.#keyValue(tie('value'))) }).map((kvlistValue) => ({ kvlistValue })),
      ),
    }))
    return value
  }

  #keyValue(value: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
    return some({ key, value, ...this.#later({ keyStrindex: signed32 }) })
  }

  #list(element: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonValue> {
    return fc.array(element, { minLength: 1, maxLength: this.#most })
  }

  /** Fields that OTLP got after the oracle was generated. */
  #later(fields: Fields): Fields {
    return this.#forOracle ? {} : fields
  }
}
