import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Metrics } from '../../src/graph/metrics.ts'

const about = { unit: '1', description: '' }

describe('the metrics', () => {
  test('a histogram counts a value in the first bucket whose bound is not below it', () => {
    const metrics = new Metrics()
    const histogram = metrics.histogram('h', { ...about, boundaries: [1, 10] })
    for (const value of [0, 1, 1.5, 10, 11]) histogram.record(value, { a: 'b' })
    const [measured] = metrics.collect()
    assert.deepEqual(measured?.points, [{ labels: { a: 'b' }, value: 23.5, count: 5, buckets: [2, 2, 1] }])
  })

  test('what is above the level is not there, and at none nothing is', () => {
    const measure = (metrics: Metrics) => {
      metrics.counter('basic', about).add(1)
      metrics.histogram('normal', { ...about, level: 'normal' }).record(1)
      metrics.gauge('detailed', { ...about, level: 'detailed' }, () => 1)
      metrics.observableCounter('observed', { ...about, level: 'detailed' }, () => 1)
      return metrics.collect().map(({ name }) => name)
    }
    assert.deepEqual(measure(new Metrics('none')), [])
    assert.deepEqual(measure(new Metrics('basic')), ['basic'])
    assert.deepEqual(measure(new Metrics('normal')), ['basic', 'normal'])
    assert.deepEqual(measure(new Metrics('detailed')), ['basic', 'normal', 'detailed', 'observed'])
  })

  test('a reading that throws is left out, and the others are there', () => {
    const metrics = new Metrics()
    metrics.gauge('broken', about, () => {
      throw new Error('no')
    })
    metrics.gauge('sound', about, () => 1)
    assert.deepEqual(
      metrics.collect().map(({ name }) => name),
      ['sound'],
    )
  })

  test('labels for details alone join their series below that level', () => {
    const points = (level: 'normal' | 'detailed') => {
      const metrics = new Metrics(level)
      const counter = metrics.counter('c', { ...about, detailedLabels: ['error.type'] })
      counter.add(1, { exporter: 'x', 'error.type': 'a' })
      counter.add(2, { exporter: 'x', 'error.type': 'b' })
      return metrics.collect()[0]?.points
    }
    assert.deepEqual(points('normal'), [{ labels: { exporter: 'x' }, value: 3 }])
    assert.equal(points('detailed')?.length, 2)
  })

  test('two readings with the same labels are one series, their sum; one that is no number is left out', () => {
    const metrics = new Metrics()
    const forget = metrics.observableUpDownCounter('u', about, () => 2, { processor: 'batch' })
    metrics.observableUpDownCounter('u', about, () => 3, { processor: 'batch' })
    metrics.gauge('g', about, () => NaN)
    assert.deepEqual(
      metrics.collect().map(({ name, points }) => [name, points]),
      [['u', [{ labels: { processor: 'batch' }, value: 5 }]]],
    )
    forget()
    assert.equal(metrics.total('u'), 3)
  })

  test('a bound counter is the series of its labels, and is not shown until something is added, were it zero', () => {
    const metrics = new Metrics()
    const counter = metrics.counter('c', { unit: '1', description: 'd' })
    const bound = counter.bound({ a: '1', b: '2' })
    assert.deepEqual(metrics.collect(), [])
    bound.add(0)
    assert.deepEqual(metrics.collect()[0]?.points, [{ labels: { a: '1', b: '2' }, value: 0 }])
    bound.add(2)
    counter.add(3, { b: '2', a: '1' })
    assert.deepEqual(metrics.collect()[0]?.points, [{ labels: { a: '1', b: '2' }, value: 5 }])
  })

  test('the order in which labels are written makes no other series', () => {
    const metrics = new Metrics()
    const counter = metrics.upDownCounter('c', about)
    counter.add(1, { a: '1', b: '2' })
    counter.add(-3, { b: '2', a: '1' })
    assert.deepEqual(metrics.collect()[0]?.points, [{ labels: { a: '1', b: '2' }, value: -2 }])
  })

  test('more label sets than there is room for are added up under one', () => {
    const metrics = new Metrics()
    const counter = metrics.counter('c', about)
    for (let index = 0; index < 2_100; index++) counter.add(1, { index: String(index) })
    assert.equal(metrics.total('c', { 'otel.metric.overflow': 'true' }), 100)
    assert.equal(metrics.collect()[0]?.points.length, 2_001)
  })
})
