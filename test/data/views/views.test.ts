import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf, type Batch } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import type { JsonObject } from '../../../src/data/codec/json.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { Double, type RecordLevel } from '../../../src/data/steps/step.ts'
import type { DataPoint } from '../../../src/data/views/data-point.ts'
import type { RecordView } from '../../../src/data/views/record-view.ts'
import { dataPoints, logRecords, records, spans } from '../../../src/data/views/records.ts'
import { requests } from '../generate.ts'
import { golden, goldenObject } from '../golden.ts'
import { encode, type OracleSignal } from '../oracle.ts'
import { LEVELS } from '../steps/arbitrary-steps.ts'
import { mapOf } from '../steps/json-value.ts'
import { at } from '../steps/model.ts'
import { list, recordsIn, type Found } from '../steps/records.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']
const RUNS = 150

/** Properties of views, and the fields that they read. */
const FIELDS: Readonly<Record<RecordLevel, Readonly<Record<string, string>>>> = {
  resource: { droppedAttributesCount: 'dropped_attributes_count' },
  scope: { name: 'name', version: 'version', droppedAttributesCount: 'dropped_attributes_count' },
  span: {
    traceId: 'trace_id',
    spanId: 'span_id',
    parentSpanId: 'parent_span_id',
    traceState: 'trace_state',
    name: 'name',
    kind: 'kind',
    startTime: 'start_time_unix_nano',
    endTime: 'end_time_unix_nano',
    flags: 'flags',
    statusCode: 'status.code',
    statusMessage: 'status.message',
    droppedAttributesCount: 'dropped_attributes_count',
    droppedEventsCount: 'dropped_events_count',
    droppedLinksCount: 'dropped_links_count',
  },
  spanEvent: { time: 'time_unix_nano', name: 'name', droppedAttributesCount: 'dropped_attributes_count' },
  spanLink: {
    traceId: 'trace_id',
    spanId: 'span_id',
    traceState: 'trace_state',
    flags: 'flags',
    droppedAttributesCount: 'dropped_attributes_count',
  },
  metric: { name: 'name', description: 'description', unit: 'unit', type: 'type' },
  dataPoint: {
    startTime: 'start_time_unix_nano',
    time: 'time_unix_nano',
    flags: 'flags',
    number: 'value',
    count: 'count',
    sum: 'sum',
    min: 'min',
    max: 'max',
    scale: 'scale',
    zeroCount: 'zero_count',
    zeroThreshold: 'zero_threshold',
  },
  exemplar: { time: 'time_unix_nano', value: 'value', traceId: 'trace_id', spanId: 'span_id' },
  logRecord: {
    time: 'time_unix_nano',
    observedTime: 'observed_time_unix_nano',
    severityNumber: 'severity_number',
    severityText: 'severity_text',
    body: 'body',
    flags: 'flags',
    traceId: 'trace_id',
    spanId: 'span_id',
    eventName: 'event_name',
    droppedAttributesCount: 'dropped_attributes_count',
  },
  profile: {},
  sample: {},
}
const ATTRIBUTES: Partial<Record<RecordLevel, string>> = { exemplar: 'filteredAttributes', metric: 'metadata' }

for (const signal of SIGNALS) {
  test(`any ${signal} read by views are what the oracle wrote`, () => {
    fc.assert(
      fc.property(requests(signal), (request) => {
        const bytes = encode(signal, request)
        check(signal, batchOf(signal, count(signal, bytes), bytes), request)
      }),
      { numRuns: RUNS },
    )
  })

  test(`any ${signal} with the fields that the oracle does not know are read by views`, () => {
    fc.assert(
      fc.property(requests(signal, { forOracle: false }), (request) =>
        check(signal, fromObject(signal, request), request),
      ),
      { numRuns: RUNS },
    )
  })

  test(`${signal} written by another protobuf library are read by views`, () => {
    const bytes = golden(signal)
    check(signal, batchOf(signal, count(signal, bytes), bytes), goldenObject(signal))
  })
}

function check(signal: OracleSignal, batch: Batch, request: JsonObject): void {
  for (const level of LEVELS[signal]) {
    const expected = recordsIn(signal, request, level)
    let index = 0
    for (const view of records(batch, level)) {
      const found = expected[index++]
      assert.ok(found, `a ${level} that is not there`)
      checkRecord(view, found)
    }
    assert.equal(index, expected.length, level)
  }
}

function checkRecord(view: RecordView, found: Found): void {
  const { level } = found
  const record = found.around[level]!
  assert.equal(view.level, level)
  const all = mapOf(list(record, ATTRIBUTES[level] ?? 'attributes'))
  assert.deepEqual(new Map(Object.entries(view.attributes.toObject())), new Map([...all].sort(numericKeysFirst(all))))
  for (const [key, value] of all) assert.deepEqual(view.attributes.get(key), value)
  for (const [property, field] of Object.entries(FIELDS[level])) {
    const { value, exists } = at({ field }, found)
    const seen = (view as unknown as Record<string, unknown>)[property]
    assert.deepEqual(seen, expectedOf(value, exists, seen), `${level} ${property}`)
  }
  if (level === 'dataPoint') checkLists(view as DataPoint, record)
}

/** Objects put keys that look like numbers first; the order does not matter here. */
const numericKeysFirst = (all: ReadonlyMap<string, unknown>) => {
  const order = Object.keys(Object.fromEntries(all))
  return ([a]: [string, unknown], [b]: [string, unknown]) => order.indexOf(a) - order.indexOf(b)
}

/** Fields other than values and times are plain numbers in views. */
function expectedOf(value: unknown, exists: boolean, seen: unknown): unknown {
  if (typeof seen === 'number' && value instanceof Double) return value.value
  if (typeof seen === 'number' && typeof value === 'bigint') return Number(value)
  return value === undefined && !exists ? undefined : value
}

function checkLists(point: DataPoint, record: JsonObject): void {
  const numbers = (value: unknown) => ((value ?? []) as string[]).map(Number)
  if (point.kind === 'histogram') {
    assert.deepEqual(point.bucketCounts, numbers(record['bucketCounts']))
    assert.deepEqual(point.explicitBounds, numbers(record['explicitBounds']))
  }
  if (point.kind === 'exponential_histogram') {
    for (const side of ['positive', 'negative'] as const) {
      const buckets = record[side] as JsonObject | undefined
      const expected = buckets && { offset: buckets['offset'] ?? 0, counts: numbers(buckets['bucketCounts']) }
      assert.deepEqual(point[side], expected)
    }
  }
  if (point.kind === 'summary') {
    const expected = list(record, 'quantileValues').map((each) => ({
      quantile: Number(each['quantile'] ?? 0),
      value: Number(each['value'] ?? 0),
    }))
    assert.deepEqual(point.quantiles, expected)
  }
}

describe('a view', () => {
  test('of a span shows its events and links, its scope and its resource', () => {
    const batch = fromObject('traces', {
      resourceSpans: [
        {
          schemaUrl: 'of the resource',
          resource: {
            attributes: [{ key: 'r', value: { stringValue: '1' } }],
            entityRefs: [{ type: 'host', idKeys: ['host.id'], descriptionKeys: ['host.name'], schemaUrl: 'e' }],
          },
          scopeSpans: [
            {
              schemaUrl: 'of the scope',
              scope: { name: 's' },
              spans: [{ events: [{ name: 'a' }, { name: 'b' }], links: [{ traceState: 't' }] }],
            },
          ],
        },
      ],
    })
    for (const span of spans(batch)) {
      assert.deepEqual(
        [...span.events].map((event) => event === [...span.events][0]),
        [true, true],
      )
      const names: string[] = []
      for (const event of span.events) names.push(event.name)
      assert.deepEqual(names, ['a', 'b'])
      for (const link of span.links) assert.equal(link.traceState, 't')
      assert.equal(span.scope.name, 's')
      assert.equal(span.scope.schemaUrl, 'of the scope')
      assert.equal(span.resource.attributes.get('r'), '1')
      assert.equal(span.resource.schemaUrl, 'of the resource')
      assert.deepEqual(span.resource.entityRefs, [
        { schemaUrl: 'e', type: 'host', idKeys: ['host.id'], descriptionKeys: ['host.name'] },
      ])
    }
  })

  test('of a data point shows its metric and its exemplars', () => {
    const batch = fromObject('metrics', {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                {
                  name: 'm',
                  sum: {
                    isMonotonic: true,
                    aggregationTemporality: 2,
                    dataPoints: [{ asInt: '5', exemplars: [{ asDouble: 0.5 }] }],
                  },
                },
              ],
            },
          ],
        },
      ],
    })
    for (const point of dataPoints(batch)) {
      assert.equal(point.metric.name, 'm')
      assert.equal(point.metric.type, 'sum')
      assert.equal(point.metric.isMonotonic, true)
      assert.equal(point.metric.aggregationTemporality, 2)
      assert.equal(point.value, 5)
      for (const exemplar of point.exemplars) assert.equal(exemplar.value, 0.5)
    }
    for (const metric of records(batch, 'metric')) for (const point of metric.points) assert.equal(point.value, 5)
  })

  test('of a log record reads invalid UTF-8 as U+FFFD', () => {
    const bytes = Buffer.from('0a0a120812061a0461ff62c3', 'hex')
    for (const record of logRecords(batchOf('logs', 1, bytes))) assert.equal(record.severityText, 'a\ufffdb\ufffd')
  })

  test('that only looks refuses to change anything', () => {
    const batch = fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText: 'x' }] }] }] })
    for (const record of logRecords(batch)) {
      assert.throws(() => (record.severityText = 'y'), /only looked at/)
      assert.throws(() => record.attributes.set('k', 1), /only looked at/)
      assert.equal(record.severityText, 'x')
    }
  })

  test('says whether an attribute equals a literal, by kind', () => {
    const attributes = Object.entries({ text: '1', int: 1, half: 0.5, yes: true }).map(([key, value]) => ({
      key,
      value:
        typeof value === 'string'
          ? { stringValue: value }
          : typeof value === 'boolean'
            ? { boolValue: value }
            : value === 1
              ? { intValue: '1' }
              : { doubleValue: value },
    }))
    const batch = fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes }] }] }] })
    for (const { attributes: all } of logRecords(batch)) {
      assert.deepEqual(
        [all.is('text', '1'), all.is('text', 1), all.is('text', '2'), all.is('none', '1')],
        [true, false, false, false],
      )
      assert.deepEqual(
        [all.is('int', 1), all.is('int', '1'), all.is('half', 0.5), all.is('yes', true), all.is('yes', false)],
        [true, false, true, true, false],
      )
      assert.deepEqual([...all.keys()], ['text', 'int', 'half', 'yes'])
      assert.deepEqual([all.has('text'), all.has('none')], [true, false])
    }
  })
})
