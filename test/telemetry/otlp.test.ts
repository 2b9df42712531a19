import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ValueType } from '@opentelemetry/api'
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics'
import { Metrics } from '../../src/graph/metrics.ts'
import { since } from '../../src/telemetry/deltas.ts'
import { encode, POINT_TYPES, TEMPORALITIES, VALUE_TYPES } from '../../src/telemetry/otlp.ts'
import { decode } from '../data/oracle.ts'

describe('own metrics as OTLP', () => {
  test("are described by the values of the SDK's own enums", () => {
    assert.deepEqual(POINT_TYPES, {
      histogram: DataPointType.HISTOGRAM,
      gauge: DataPointType.GAUGE,
      sum: DataPointType.SUM,
    })
    assert.deepEqual(TEMPORALITIES, {
      delta: AggregationTemporality.DELTA,
      cumulative: AggregationTemporality.CUMULATIVE,
    })
    assert.deepEqual(VALUE_TYPES, { int: ValueType.INT, double: ValueType.DOUBLE })
  })

  test('are what an independent decoder reads', async () => {
    const metrics = new Metrics()
    metrics.counter('c', { unit: '{span}', description: 'd' }).add(3, { exporter: 'x' })
    metrics.upDownCounter('u', { unit: '1', description: '' }).add(-2)
    metrics.gauge('g', { unit: 's', description: '', value: 'double' }, () => 0.5)
    metrics.histogram('h', { unit: 'By', description: '', boundaries: [1, 10] }).record(5)
    const batch = await encode({
      measured: metrics.collect(),
      resource: { 'service.name': 'telegen' },
      version: '1',
      time: 2_500,
      counted: () => ({ since: 1_000, temporality: 'cumulative' }),
    })
    assert.equal(batch.items, 4)
    const times = { startTimeUnixNano: '1000000000', timeUnixNano: '2500000000' }
    const [{ resource, scopeMetrics }] = (
      decode('metrics', batch.segments()[0]!) as { resourceMetrics: [{ resource: object; scopeMetrics: [never] }] }
    ).resourceMetrics
    const [{ scope, metrics: written }] = scopeMetrics as [{ scope: object; metrics: { name: string }[] }]
    assert.deepEqual(resource, {
      attributes: [{ key: 'service.name', value: { stringValue: 'telegen' } }],
      droppedAttributesCount: 0,
    })
    assert.deepEqual(scope, { name: 'telegen', version: '1' })
    const of = (wanted: string) => written.find(({ name }) => name === wanted)
    assert.deepEqual(of('c'), {
      name: 'c',
      description: 'd',
      unit: '{span}',
      sum: {
        dataPoints: [{ ...times, asInt: '3', attributes: [{ key: 'exporter', value: { stringValue: 'x' } }] }],
        aggregationTemporality: 2,
        isMonotonic: true,
      },
    })
    assert.deepEqual((of('u') as unknown as { sum: { dataPoints: object[]; isMonotonic?: boolean } }).sum.dataPoints, [
      { ...times, asInt: '-2' },
    ])
    assert.deepEqual((of('g') as unknown as { gauge: object }).gauge, { dataPoints: [{ ...times, asDouble: 0.5 }] })
    const { histogram } = of('h') as unknown as { histogram: { dataPoints: [object] } }
    assert.deepEqual(histogram.dataPoints, [
      { ...times, count: '1', sum: 5, bucketCounts: ['0', '1', '0'], explicitBounds: [1, 10] },
    ])
    batch.release()
  })

  test('as deltas have what came on top, in sums that only grow and in buckets', () => {
    const metrics = new Metrics()
    const counter = metrics.counter('c', { unit: '1', description: '' })
    const level = metrics.upDownCounter('u', { unit: '1', description: '' })
    const histogram = metrics.histogram('h', { unit: '1', description: '', boundaries: [1] })
    counter.add(2, { a: 'x' })
    level.add(5)
    histogram.record(1)
    const before = metrics.collect()
    counter.add(3, { a: 'x' })
    counter.add(1, { a: 'y' })
    histogram.record(4)
    const points = Object.fromEntries(since(before, metrics.collect()).map((each) => [each.name, each.points]))
    assert.deepEqual(points['c'], [
      { labels: { a: 'x' }, value: 3 },
      { labels: { a: 'y' }, value: 1 },
    ])
    assert.deepEqual(points['u'], [{ labels: {}, value: 5 }])
    assert.deepEqual(points['h'], [{ labels: {}, value: 4, count: 1, buckets: [0, 1] }])
  })
})
