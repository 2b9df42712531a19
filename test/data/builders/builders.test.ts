import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Batch } from '../../../src/data/batch.ts'
import { EncodedAttributes } from '../../../src/data/builders/attributes.ts'
import type { Identifier } from '../../../src/data/builders/identifiers.ts'
import { logs } from '../../../src/data/builders/logs.ts'
import { metrics } from '../../../src/data/builders/metrics.ts'
import { traces } from '../../../src/data/builders/traces.ts'
import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { double, type Value } from '../../../src/data/steps/step.ts'
import { encode } from '../oracle.ts'

const TRACE = '000102030405060708090a0b0c0d0e0f'
const SPAN = '0001020304050607'
const time = 1_760_000_000_000_000_001n
const start = 1_750_000_000_000_000_003n
const at = { startTimeUnixNano: String(start), timeUnixNano: String(time) }
const SPAN_FIELDS = { traceId: TRACE, spanId: SPAN, name: 'GET /', start, end: time }
const attributes = [{ key: 'k', value: { stringValue: 'v' } }]

test('a log record has all fields that it was given, in canonical bytes', () => {
  const batch = logs({ 'host.name': 'a', missing: undefined })
    .record({
      time,
      observedTime: start,
      severity: 9,
      severityText: 'INFO',
      body: 'text',
      attributes: { k: 'v' },
      droppedAttributes: 3,
      flags: 1,
      traceId: TRACE,
      spanId: Buffer.from(SPAN, 'hex'),
      eventName: 'event',
    })
    .finish()
  const record = {
    timeUnixNano: String(time),
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: 'text' },
    attributes,
    droppedAttributesCount: 3,
    flags: 1,
    traceId: TRACE,
    spanId: SPAN,
    observedTimeUnixNano: String(start),
    eventName: 'event',
  }
  const resource = { attributes: [{ key: 'host.name', value: { stringValue: 'a' } }] }
  const request = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record] }] }] }
  assert.deepEqual(toObject(batch), request)
  assert.deepEqual(join(batch), join(fromObject('logs', request)))
  assert.equal(batch.items, validate('logs', join(batch)))
})

test('a span has all fields that it was given, in canonical bytes', () => {
  const batch = traces(
    {},
    { name: 'scope', version: '1', attributes: { k: 'v' }, droppedAttributes: 2, schemaUrl: 'u' },
  )
    .span({
      traceId: TRACE,
      spanId: SPAN,
      parentSpanId: SPAN,
      traceState: 'a=b',
      flags: 257,
      name: 'GET /',
      kind: 2,
      start,
      end: time,
      attributes: { k: 'v' },
      droppedAttributes: 1,
      events: [{ time, name: 'event', attributes: { k: 'v' }, droppedAttributes: 4 }],
      droppedEvents: 2,
      links: [
        { traceId: TRACE, spanId: SPAN, traceState: 'c', attributes: { k: 'v' }, droppedAttributes: 5, flags: 1 },
      ],
      droppedLinks: 3,
      status: { code: 2, message: 'failed' },
    })
    .finish()
  const span = {
    traceId: TRACE,
    spanId: SPAN,
    traceState: 'a=b',
    parentSpanId: SPAN,
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(time),
    attributes,
    droppedAttributesCount: 1,
    events: [{ timeUnixNano: String(time), name: 'event', attributes, droppedAttributesCount: 4 }],
    droppedEventsCount: 2,
    links: [{ traceId: TRACE, spanId: SPAN, traceState: 'c', attributes, droppedAttributesCount: 5, flags: 1 }],
    droppedLinksCount: 3,
    status: { message: 'failed', code: 2 },
    flags: 257,
  }
  const scope = { name: 'scope', version: '1', attributes, droppedAttributesCount: 2 }
  const request = { resourceSpans: [{ resource: {}, scopeSpans: [{ scope, spans: [span], schemaUrl: 'u' }] }] }
  assert.deepEqual(toObject(batch), request)
  assert.deepEqual(join(batch), join(fromObject('traces', request)))
  assert.equal(batch.items, validate('traces', join(batch)))
})

test('what spans share is encoded once, and stands in each before what is its own', () => {
  const shared = new EncodedAttributes({ port: 80, 'not seen': undefined, name: 'nginx' })
  const both = traces({})
    .span({ ...SPAN_FIELDS, encoded: [shared], attributes: { own: 1 } })
    .span({ ...SPAN_FIELDS, encoded: [shared, new EncodedAttributes({})] })
  const plain = traces({})
    .span({ ...SPAN_FIELDS, attributes: { port: 80, name: 'nginx', own: 1 } })
    .span({ ...SPAN_FIELDS, attributes: { port: 80, name: 'nginx' } })
  assert.deepEqual(join(both.finish()), join(plain.finish()))
})

test('an identifier is hexadecimal in either case, and nothing else', () => {
  const id = (spanId: string) =>
    traces({})
      .span({ ...SPAN_FIELDS, spanId })
      .finish()
  assert.deepEqual(join(id('00ffAFaf90190000')), join(id('00FFafAF90190000')))
  for (const wrong of ['g', '/', ':', '@', 'G', '`', ' ', '\u0130', '\uff11'])
    for (const spanId of [`${wrong}${'0'.repeat(15)}`, `${'0'.repeat(15)}${wrong}`])
      assert.throws(() => id(spanId), /hexadecimal/, spanId)
})

test('each kind of metric has all fields that it was given, in canonical bytes', () => {
  const builder = metrics({}).at({ time, start })
  const exemplars = [{ value: 2n, time, spanId: SPAN, traceId: TRACE, attributes: { k: 'v' } }, { value: 0.5 }]
  builder.gauge('g', '1', { description: 'd', metadata: { k: 'v' } }).point(0.5, { k: 'v' }, { exemplars, flags: 1 })
  builder.sum('s', '', { monotonic: true, temporality: 'cumulative', int: true }).point(-5_000_000_000)
  builder
    .histogram('h', 'ms', { temporality: 'delta' })
    .point({ sum: 4, min: 0, max: 3, bounds: [1, 2], counts: [1, 2n, 3] }, { k: 'v' }, { exemplars, flags: 1 })
  builder.exponentialHistogram('e', 'ms', { temporality: 'delta' }).point({
    count: 9n,
    sum: 4,
    min: -1,
    max: 3,
    scale: -2,
    zeroCount: 2,
    zeroThreshold: 0.25,
    positive: { offset: -3, counts: [1, 300n] },
    negative: { offset: 3, counts: [5] },
  })
  builder.summary('q', 'ms').point(
    {
      count: 4,
      sum: 1.5,
      quantiles: [
        [0, 1],
        [0.5, 2],
      ],
    },
    { k: 'v' },
    { flags: 1 },
  )
  const batch = builder.finish()

  const written = [
    { timeUnixNano: String(time), spanId: SPAN, traceId: TRACE, asInt: '2', filteredAttributes: attributes },
    { asDouble: 0.5 },
  ]
  const list = [
    {
      name: 'g',
      description: 'd',
      unit: '1',
      gauge: { dataPoints: [{ ...at, asDouble: 0.5, exemplars: written, attributes, flags: 1 }] },
      metadata: attributes,
    },
    {
      name: 's',
      sum: { dataPoints: [{ ...at, asInt: '-5000000000' }], aggregationTemporality: 2, isMonotonic: true },
    },
    {
      name: 'h',
      unit: 'ms',
      histogram: {
        dataPoints: [
          {
            ...at,
            count: '6',
            sum: 4,
            bucketCounts: ['1', '2', '3'],
            explicitBounds: [1, 2],
            exemplars: written,
            attributes,
            flags: 1,
            min: 0,
            max: 3,
          },
        ],
        aggregationTemporality: 1,
      },
    },
    {
      name: 'e',
      unit: 'ms',
      exponentialHistogram: {
        dataPoints: [
          {
            ...at,
            count: '9',
            sum: 4,
            scale: -2,
            zeroCount: '2',
            positive: { offset: -3, bucketCounts: ['1', '300'] },
            negative: { offset: 3, bucketCounts: ['5'] },
            min: -1,
            max: 3,
            zeroThreshold: 0.25,
          },
        ],
        aggregationTemporality: 1,
      },
    },
    {
      name: 'q',
      unit: 'ms',
      summary: {
        dataPoints: [
          {
            ...at,
            count: '4',
            sum: 1.5,
            quantileValues: [{ value: 1 }, { quantile: 0.5, value: 2 }],
            attributes,
            flags: 1,
          },
        ],
      },
    },
  ]
  const request = { resourceMetrics: [{ resource: {}, scopeMetrics: [{ metrics: list }] }] }
  assert.deepEqual(toObject(batch), request)
  assert.deepEqual(join(batch), join(fromObject('metrics', request)))
  assert.equal(batch.items, validate('metrics', join(batch)))
})

test('metrics written in turn become one metric each, and a name asked for again is the same metric', () => {
  const builder = metrics({}).at({ time })
  const user = builder.gauge('user', '1')
  const system = builder.gauge('system', '1', { int: true })
  for (const value of [1, 2, 3]) {
    user.point(value)
    system.point(value * 10)
  }
  builder.gauge('user', '1').point(4)
  builder.gauge('user', 's').point(5)
  builder.gauge('never', '1')
  const batch = builder.finish()
  const points = (name: string, unit: string, values: JsonObject[]) => ({
    name,
    unit,
    gauge: { dataPoints: values.map((value) => ({ timeUnixNano: String(time), ...value })) },
  })
  const written = metricsOf(batch)
  assert.deepEqual(written, [
    points(
      'user',
      '1',
      [1, 2, 3, 4].map((asDouble) => ({ asDouble })),
    ),
    points(
      'system',
      '1',
      ['10', '20', '30'].map((asInt) => ({ asInt })),
    ),
    points('user', 's', [{ asDouble: 5 }]),
  ])
  assert.equal(batch.items, 8)
})

test('a number is a double, a bigint an int; where ints are asked for a fraction is refused', () => {
  const builder = metrics({}).at({ time: 0n })
  builder.gauge('mixed', '').point(1).point(1n)
  const ints = builder.gauge('ints', '', { int: true })
  for (const value of [0, -1, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1]) ints.point(value)
  assert.throws(() => ints.point(0.5), RangeError)
  assert.throws(() => ints.point(NaN), RangeError)
  const [mixed, whole] = metricsOf(builder.finish()) as { gauge: { dataPoints: JsonObject[] } }[]
  assert.deepEqual(mixed!.gauge.dataPoints, [{ asDouble: 1 }, { asInt: '1' }])
  const values = whole!.gauge.dataPoints.map(({ asInt }) => asInt)
  assert.deepEqual(values, ['0', '-1', '-4294967296', '9007199254740991', '-9007199254740991'])
})

test('several resources and scopes stand in one request, none of them empty', () => {
  const builder = logs({ r: 1 }, { name: 'a' })
  builder
    .record({ severity: 1 })
    .scope({ name: 'unused' })
    .scope({ name: 'b', schemaUrl: 'sb' })
    .record({ severity: 2 })
  builder.resource({ r: 2 }, { schemaUrl: 'unused' })
  builder.resource({ r: 3 }, { schemaUrl: 'r3', droppedAttributes: 1 }, { name: 'c' }).record({ severity: 3 })
  const resource = (value: number) => ({ attributes: [{ key: 'r', value: { intValue: String(value) } }] })
  assert.deepEqual(toObject(builder.finish()), {
    resourceLogs: [
      {
        resource: resource(1),
        scopeLogs: [
          { scope: { name: 'a' }, logRecords: [{ severityNumber: 1 }] },
          { scope: { name: 'b' }, logRecords: [{ severityNumber: 2 }], schemaUrl: 'sb' },
        ],
      },
      {
        resource: { ...resource(3), droppedAttributesCount: 1 },
        scopeLogs: [{ scope: { name: 'c' }, logRecords: [{ severityNumber: 3 }] }],
        schemaUrl: 'r3',
      },
    ],
  })
  const points = metrics({ r: 1 }).at({ time })
  points.gauge('a', '').point(1)
  points.scope({ name: 'b' }).gauge('a', '').point(2)
  points.resource({ r: 2 }).gauge('a', '').point(3)
  assert.equal(points.finish().items, 3)
})

test('an id is the same as digits, as bytes, and as words with a sign or without', () => {
  const made = (traceId: Identifier, spanId: Identifier) =>
    join(traces({}).span({ traceId, spanId, name: 'x', start, end: time }).finish())
  const [trace, span] = ['f0e1d2c3b4a5968778695a4b3c2d1e0f', 'f0e1d2c300000001']
  const bytes = (id: string) => Buffer.from(id, 'hex')
  const words = (id: string) => id.match(/.{8}/g)!.map((word) => Number.parseInt(word, 16))
  const expected = made(trace, span)
  assert.deepEqual(made(bytes(trace), bytes(span)), expected)
  assert.deepEqual(made(words(trace), words(span)), expected)
  const signed = (id: string) => words(id).map((word) => word | 0)
  assert.deepEqual(made(signed(trace), signed(span)), expected)
})

test('a record that cannot be written leaves the builder as it was', () => {
  const builder = traces({ a: 1 })
  const span = { traceId: TRACE, spanId: SPAN, name: 'x', start, end: time }
  assert.throws(() => builder.span({ ...span, spanId: '00' }), /a span id has 16 hexadecimal digits, got "00"/)
  assert.throws(() => builder.span({ ...span, traceId: 'x'.repeat(32) }), /a trace id has 32/)
  assert.throws(() => builder.span({ ...span, traceId: Buffer.alloc(15) }), /16 bytes, got 15/)
  assert.throws(() => builder.span({ ...span, spanId: [1, 2, 3] }), /a span id has 2 words, got 3/)
  assert.throws(() => builder.span({ ...span, attributes: { bad: {} as Value } }), /cannot hold/)
  const batch = builder.span(span).finish()
  assert.deepEqual(join(batch), join(traces({ a: 1 }).span(span).finish()))

  const points = metrics({}).at({ time })
  const histogram = points.histogram('h', '', { temporality: 'delta' })
  assert.throws(() => histogram.point({ bounds: [1], counts: [1] }), /a histogram of 1 bounds has 2 counts, got 1/)
  assert.throws(() => points.gauge('', ''), /needs a name/)
  assert.throws(() => points.gauge('g', '').point(2n ** 63n), /64 bits/)
  assert.throws(() => points.gauge('g', '').point(1, { big: 2n ** 63n }), /64 bits/)
  assert.throws(() => points.gauge('g', '').point(1, { bad: {} as Value }), /cannot hold/)
  assert.equal(points.finish().bytes, 0)
})

test('a value that holds itself is refused, not followed for ever', () => {
  const endless: Value[] = []
  endless.push(endless)
  assert.throws(() => logs({}).record({ body: endless }), /nested more than 128/)
})

test('a finished builder is of no more use, and its metrics neither', () => {
  const builder = metrics({}).at({ time })
  const gauge = builder.gauge('g', '').point(1)
  builder.finish()
  assert.throws(() => gauge.point(2), /after its scope had ended/)
  assert.throws(() => builder.gauge('other', '').point(1), /after it had finished/)
  assert.throws(() => builder.finish(), /after it had finished/)
  const other = logs({})
  other.finish()
  assert.throws(() => other.record({}), /after it had finished/)
  assert.throws(() => other.finish(), /after it had finished/)
})

test('lengths take as few bytes as they can, around every size where one more is needed', () => {
  for (const around of [128, 16_384, 2_097_152]) {
    for (let length = around - 12; length < around + 4; length++) {
      const body = 'x'.repeat(length)
      const bytes = join(logs({}).record({ body }).finish())
      const request = {
        resourceLogs: [{ resource: {}, scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }] }],
      }
      assert.ok(bytes.equals(encode('logs', request)))
    }
  }
})

test('builders that work side by side do not meet', () => {
  const many = Array.from({ length: 20 }, (_, index) => logs({ index }).record({ severityText: 'a' }))
  for (const builder of many) builder.record({ severityText: 'b'.repeat(10_000) })
  const written = many.map((builder) => builder.finish())
  written.forEach((batch, index) => {
    assert.deepEqual(
      join(batch),
      join(
        logs({ index })
          .record({ severityText: 'a' })
          .record({ severityText: 'b'.repeat(10_000) })
          .finish(),
      ),
    )
  })
})

const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => text.isWellFormed()),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.double(),
    fc.integer().map(double),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(fc.string({ minLength: 1 }), tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  ),
}))

test('any value is written as the kind that it stands for', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const batch = logs({}).record({ body: value, attributes: { value } }).finish()
      validate('logs', join(batch))
      const { resourceLogs } = toObject(batch) as { resourceLogs: { scopeLogs: { logRecords: JsonObject[] }[] }[] }
      const { body, attributes } = resourceLogs[0]!.scopeLogs[0]!.logRecords[0]!
      assert.deepEqual(body, jsonOf(value))
      assert.deepEqual(attributes, [{ key: 'value', value: jsonOf(value) }])
    }),
    { numRuns: 300 },
  )
})

function jsonOf(value: Value): JsonObject {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return { intValue: String(BigInt(value as number)) }
  if (typeof value === 'number') return { doubleValue: Number.isFinite(value) ? value : String(value) }
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return { arrayValue: values(value.map(jsonOf)) }
  if (value instanceof Map) {
    return { kvlistValue: values([...value].map(([key, inner]) => ({ key, value: jsonOf(inner as Value) }))) }
  }
  return { doubleValue: (value as { value: number }).value }
}

function values(list: JsonValue[]): JsonObject {
  return list.length === 0 ? {} : { values: list }
}

function metricsOf(batch: Batch): unknown[] {
  const { resourceMetrics } = toObject(batch) as { resourceMetrics: { scopeMetrics: { metrics: unknown[] }[] }[] }
  return resourceMetrics[0]!.scopeMetrics[0]!.metrics
}
