import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Metrics } from '../../src/graph/metrics.ts'
import { worstStatuses } from '../../src/graph/worst-statuses.ts'
import { lasting, mergedBudgets, mergedEdges, mergedMeasurements } from '../../src/service/workers/merge.ts'
import type { ComponentStatus } from '../../src/component/status.ts'

const about = { unit: '1', description: 'Something.' }

function measured(count: number, gauge: number, latency: number) {
  const metrics = new Metrics()
  metrics.counter('count', about).add(count, { receiver: 'otlp' })
  metrics.gauge('room', about, () => gauge, { exporter: 'a' })
  metrics.gauge('delay', { ...about, across: 'max' }, () => gauge)
  metrics.histogram('latency', { ...about, boundaries: [1, 10] }).record(latency)
  return metrics.collect()
}

const valueOf = (all: ReturnType<typeof measured>, name: string) =>
  all.find((each) => each.name === name)?.points.map(({ value }) => value)

describe('What several processes tell', () => {
  test('is added up, and of what cannot be added the largest', () => {
    const all = mergedMeasurements([measured(3, 5, 0.5), measured(4, 7, 20)])
    assert.deepEqual(valueOf(all, 'count'), [7])
    assert.deepEqual(valueOf(all, 'room'), [12])
    assert.deepEqual(valueOf(all, 'delay'), [7])
    const [latency] = all.find(({ name }) => name === 'latency')?.points ?? []
    assert.deepEqual(latency, { labels: {}, value: 20.5, count: 2, buckets: [1, 0, 1] })
  })

  test('keeps the counts of a process that has ended, and not its gauges', () => {
    const past = lasting(measured(3, 5, 0.5))
    const all = mergedMeasurements([measured(1, 1, 1), past])
    assert.deepEqual(valueOf(all, 'count'), [4])
    assert.deepEqual(valueOf(all, 'room'), [1])
    assert.deepEqual(valueOf(all, 'delay'), [1])
  })

  test('adds edges by their way, and budgets by their signal', () => {
    const edge = { pipeline: 'traces', signal: 'traces', from: 'otlp', to: 'nop', items: 2, bytes: 10 } as const
    assert.deepEqual(mergedEdges([[edge], [edge, { ...edge, to: 'batch' }]]), [
      { ...edge, items: 4, bytes: 20 },
      { ...edge, to: 'batch' },
    ])
    const budget = { signal: 'logs', used: 1, limit: 8 } as const
    assert.deepEqual(
      mergedBudgets([[budget], [budget]]).find(({ signal }) => signal === 'logs'),
      { signal: 'logs', used: 2, limit: 16 },
    )
  })

  test('is the worst status of a component', () => {
    const status = (state: ComponentStatus['state'], id = 'otlp_http'): ComponentStatus => ({
      kind: 'exporter',
      id,
      pipelines: [],
      state,
      reason: state === 'ok' ? undefined : `it is ${state}`,
      since: 1,
    })
    const own = [status('ok'), status('permanent_error', 'file')]
    assert.deepEqual(worstStatuses(own, []), own)
    const both = worstStatuses(own, [
      [status('recoverable_error')],
      [status('ok'), status('recoverable_error', 'file')],
    ])
    assert.deepEqual(
      both.map(({ state, reason }) => [state, reason]),
      [
        ['recoverable_error', 'it is recoverable_error'],
        ['permanent_error', 'it is permanent_error'],
      ],
    )
  })
})
