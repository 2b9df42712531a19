import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_COMBINATIONS } from '../../../src/connectors/count/counter.ts'
import { valueKey } from '../../../src/connectors/count/value-key.ts'
import { Refused } from '../../../src/component/refused.ts'
import { double } from '../../../src/plugin.ts'
import type { Value } from '../../../src/plugin.ts'
import { TestBed } from '../../../src/testing/bed.ts'
import type { OnSend } from '../../../src/testing.ts'
import { spansRequest } from '../../graph/requests.ts'

const started = (count: string, onSend?: OnSend, limits = '{}') =>
  TestBed.start(
    `
    receivers: { test_source: }
    connectors: { count: ${count} }
    exporters: { test_direct: }
    service:
      limits: ${limits}
      pipelines:
        traces: { receivers: [test_source], exporters: [count] }
        metrics: { receivers: [count], exporters: [test_direct] }`,
    onSend ? { onSend } : {},
  )

interface Counts {
  resourceMetrics: {
    scopeMetrics: { metrics: { sum: { dataPoints: { asInt: string; attributes?: object[] }[] } }[] }[]
  }[]
}

test('count adds up what is beyond the combinations that it tells apart, and counts it', async () => {
  const bed = await started('{ spans: { by.id: { attributes: [{ key: id }] } } }')
  const over = 25
  const request = spansRequest(...Array.from({ length: MAX_COMBINATIONS + over }, (_, index) => `${index}`))
  request.resourceSpans[0]!.scopeSpans[0]!.spans.forEach((span, index) =>
    Object.assign(span, { attributes: [{ key: 'id', value: { intValue: `${index}` } }] }),
  )
  await bed.send('traces', request)
  await bed.stop()
  const [counts] = (await bed.requests(1)) as Counts[]
  const points = counts!.resourceMetrics[0]!.scopeMetrics[0]!.metrics[0]!.sum.dataPoints
  assert.equal(points.length, MAX_COMBINATIONS + 1)
  assert.deepEqual(points.at(-1)?.attributes, [{ key: 'otel.metric.overflow', value: { boolValue: true } }])
  assert.equal(points.at(-1)?.asInt, String(over))
  assert.equal(bed.metrics.total('telegen.connector.count.overflow', { connector: 'count' }), over)
})

test('count hands the refusal of its counts back to the sender of what it counted', async () => {
  const bed = await started('{}', () => {
    throw new Refused('come again', { code: 'unavailable', retry: {} })
  })
  const refused = await bed.send('traces', spansRequest('a')).catch((error: unknown) => error)
  await bed.stop()
  assert.ok(refused instanceof Refused && refused.retryable)
})

test('count stops at the first resource for which the budget has no room any more', async () => {
  const bed = await started('{}', undefined, '{ traces: 1MiB }')
  const resource = { scopeSpans: [{ spans: [{}] }] }
  const request = { resourceSpans: Array.from({ length: 20_000 }, () => resource) }
  const refused = (await bed.send('traces', request).catch((error: unknown) => error)) as Refused
  await bed.stop()
  const [, bytes] = /^(\d+) more bytes would overdraw/.exec(refused.message) ?? []
  assert.ok(Number(bytes) < 1.6 * 2 ** 20, refused.message)
  assert.equal(refused.retry, 'never', 'it would find no more room when it comes again')
})

test('count asks to come again where the room is taken by others, and only for now', async () => {
  const bed = await started('{}', undefined, '{ traces: 1MiB }')
  const { traces } = bed.graph.budgets
  const others = traces.limit + traces.overdraftLimit - 8 * 1024
  traces.overdraw(others)
  const resource = { scopeSpans: [{ spans: [{}] }] }
  const refused = await bed
    .send('traces', { resourceSpans: Array.from({ length: 40 }, () => resource) })
    .catch((error: unknown) => error)
  traces.give(others)
  await bed.stop()
  assert.ok(refused instanceof Refused && refused.retryable, String(refused))
})

test('count discards a batch in which nothing is counted', async () => {
  const bed = await started('{ spans: { a: { attributes: [{ key: missing }] } } }')
  await bed.send('traces', spansRequest('a'))
  await bed.stop()
  assert.deepEqual(bed.sent, [])
})

test('count says what is wrong with its options', async () => {
  const faults: Record<string, RegExp> = {
    '{ spans: { a: { conditions: ["true"] } } }': /"spans.a": conditions in OTTL are not built yet/,
    '{ metrics: { a: { attributes: [{ key: b }] } } }': /metrics attributes not supported: metric "a"/,
    '{ logs: { a: { attributes: [{ default_value: b }] } } }': /logs attributes: metric "a": attribute key missing/,
    '{ spans: { "": } }': /spans: metric name missing/,
    '{ spans: { a: { unit: s } } }': /unit/,
  }
  for (const [count, message] of Object.entries(faults)) await assert.rejects(started(count), message)
})

test('values have the same key where they are the same, of the same kind, also in a row', () => {
  const leaf: fc.Arbitrary<Value> = fc.oneof(
    fc.string(), fc.integer(), fc.boolean(), fc.double({ noNaN: true }).map(double), fc.uint8Array(), fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
  ) // prettier-ignore
  const any = fc.oneof(
    leaf,
    fc.array(leaf),
    fc.array(fc.tuple(fc.string(), leaf)).map((pairs) => new Map(pairs)),
  )
  fc.assert(fc.property(any, (value) => valueKey(value) === valueKey(structuredCopy(value))))
  const different: Value[] = [
    '1',
    1,
    double(1),
    true,
    'true',
    [1],
    ['1'],
    [['1']],
    new Map([['a', 1]]),
    '["int","1"]',
    1n << 60n,
    new Uint8Array([1]),
  ]
  assert.equal(new Set(different.map((value) => valueKey(value))).size, different.length)
  const rows = [
    ['a', 'bc'],
    ['ab', 'c'],
    ['abc', ''],
    ['', 'abc'],
    ['a', 's2:bc'],
  ]
  assert.equal(new Set(rows.map((row) => row.map(valueKey).join(''))).size, rows.length)
})

/** Equal, and another object; a map in another order. */
function structuredCopy(value: Value): Value {
  if (Array.isArray(value)) return value.map(structuredCopy)
  if (value instanceof Map) return new Map([...(value as ReadonlyMap<string, Value>)].toReversed())
  return value instanceof Uint8Array ? Uint8Array.from(value) : value
}
