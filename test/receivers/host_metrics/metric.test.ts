import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { metrics } from '../../../src/plugin.ts'
import type { MetricTable } from '../../../src/receivers/host_metrics/metric.ts'
import { enabledMetrics, Recorder, unknownMetrics } from '../../../src/receivers/host_metrics/metric.ts'
import { pointsOf } from './host.ts'

const TABLE = {
  on: { kind: 'gauge', unit: '1', value: 'double', enabled: true, description: '' },
  off: { kind: 'counter', unit: 'By', value: 'int', enabled: false, description: '', formerly: 'old' },
} satisfies MetricTable

describe('metrics of a scraper', () => {
  test('are on as their switches say, under either name, and else by default', () => {
    assert.deepEqual([...enabledMetrics(TABLE, {})], ['on'])
    assert.deepEqual([...enabledMetrics(TABLE, { on: { enabled: false }, off: { enabled: true } })], ['off'])
    assert.deepEqual([...enabledMetrics(TABLE, { off: { enabled: false }, old: { enabled: true } })], ['on', 'off'])
  })

  test('are unknown where they are switched on and there is none of the name', () => {
    assert.deepEqual(unknownMetrics(TABLE, { old: { enabled: true }, a: { enabled: true }, b: { enabled: false } }), [
      'a',
    ])
  })

  test('take finite values only, and integers of 64 bits', () => {
    const builder = metrics({})
    const recorder = new Recorder(TABLE, new Set(['on', 'off']), builder, { time: 2n, boot: 1n })
    for (const value of [NaN, Infinity, 0.5]) recorder.add('on', value)
    for (const value of [2n ** 63n, 2n ** 63n - 1n]) recorder.add('off', value)
    assert.deepEqual(
      pointsOf(builder.finish()).map(({ metric, value, start }) => [metric, value, start]),
      [
        ['on', 0.5, undefined],
        ['off', 2n ** 63n - 1n, 1n],
      ],
    )
    assert.deepEqual(
      recorder.faults.map(({ message }) => message),
      ['on: NaN', 'on: Infinity', 'off: 9223372036854775808'].map(
        (what) => `${what} is no value that a metric can have`,
      ),
    )
  })
})
