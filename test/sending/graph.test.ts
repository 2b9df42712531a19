import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../src/component/refused.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { settle } from '../../src/testing/test-clock.ts'
import { logsRequest } from '../graph/requests.ts'
import { FakeStorage, testStorage } from './fake-storage.ts'

const FAST = '{ initial_interval: 100ms, max_interval: 100ms, randomization_factor: 0 }'
const away = () => new Refused('away', { code: 'unavailable', retry: {} })

/** Three branches: on disk, in memory, and one that drops. */
const THREE = `
  extensions: { test_storage: }
  receivers: { test_source: }
  exporters:
    test_sink/disk: { sending_queue: { storage: test_storage, num_consumers: 1 }, retry_on_failure: ${FAST} }
    test_sink/hold: { sending_queue: { queue_size: 5, num_consumers: 1 }, retry_on_failure: ${FAST} }
    test_sink/drop: { sending_queue: { queue_size: 5, num_consumers: 1, on_full: drop_oldest }, retry_on_failure: ${FAST} }
  service:
    extensions: [test_storage]
    pipelines: { logs: { receivers: [test_source], exporters: [test_sink/disk, test_sink/hold, test_sink/drop] } }`

describe('a fan-out', () => {
  test('never sends twice to one branch because another is dead, and stops for a queue that is full and holds', async () => {
    const clock = new TestClock()
    const dead = new Set<string>()
    const bed = await TestBed.start(THREE, {
      clock,
      definitions: [testStorage(new FakeStorage())],
      onSend: async (_, { exporter }) => {
        if (dead.has(exporter)) throw away()
      },
    })
    const send = async (count: number) => {
      for (let index = 0; index < count; index++) {
        await bed.send('logs', logsRequest('one'))
        await settle()
      }
    }
    dead.add('test_sink/disk')
    dead.add('test_sink/drop')
    await send(20)
    await clock.advance(1_000)
    assert.deepEqual([bed.items('test_sink/hold'), bed.items('test_sink/disk')], [20, 0])
    assert.equal(bed.metrics.total('telegen.dropped.items', { component: 'test_sink/drop', reason: 'displaced' }), 15)
    dead.clear()
    await clock.advance(10_000)
    assert.deepEqual(
      ['disk', 'hold', 'drop'].map((name) => bed.items(`test_sink/${name}`)),
      [20, 20, 5],
    )
    dead.add('test_sink/hold')
    await send(5)
    await assert.rejects(send(1), /sending queue is full: test_sink\/hold/)
    dead.clear()
    await clock.advance(10_000)
    await send(1)
    await clock.advance(1_000)
    assert.deepEqual(
      ['disk', 'hold', 'drop'].map((name) => bed.items(`test_sink/${name}`)),
      [26, 26, 11],
    )
    await bed.stop()
  })
})

describe('a graph with a queue on disk', () => {
  test('delivers after its next start what a dead backend did not take, and loses nothing at the stop', async () => {
    const storage = new FakeStorage()
    const yaml = THREE.replaceAll(/, test_sink\/(hold|drop)(?=[,\]])/g, '')
    const first = await TestBed.start(yaml, {
      definitions: [testStorage(storage)],
      onSend: async () => {
        throw away()
      },
    })
    for (let index = 0; index < 10; index++) await first.send('logs', logsRequest('one'))
    await first.stop()
    assert.equal(first.metrics.total('telegen.dropped.items'), 0)
    const second = await TestBed.start(yaml, { definitions: [testStorage(storage)] })
    await second.requests(10, 'test_sink/disk')
    await second.stop()
    assert.equal(storage.contents('exporter/test_sink/disk/logs').length, 0)
  })

  test('does not start where the extension has nothing to keep it in', async () => {
    const yaml = THREE.replaceAll(/, test_sink\/(hold|drop)(?=[,\]])/g, '').replaceAll('test_storage', 'health_check')
    await assert.rejects(TestBed.start(yaml), /does not offer storage/)
  })
})
