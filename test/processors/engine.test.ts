import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../src/plugin.ts'
import { TestBed } from '../../src/testing/bed.ts'
import { TestClock } from '../../src/testing/test-clock.ts'

const bodies = (...texts: string[]) => ({
  resourceLogs: [{ scopeLogs: [{ logRecords: texts.map((stringValue) => ({ body: { stringValue } })) }] }],
})

const yaml = (processors: object, exporter = 'test_sink') =>
  JSON.stringify({
    receivers: { test_source: null },
    processors,
    exporters: { [exporter]: null },
    service: {
      pipelines: { logs: { receivers: ['test_source'], processors: Object.keys(processors), exporters: [exporter] } },
    },
  })

describe('processors in the engine', () => {
  test('a batch acknowledges at once, waits for its timeout, and merges what came', async () => {
    const clock = new TestClock()
    const bed = await TestBed.start(yaml({ batch: { timeout: '200ms' } }), { clock })
    await bed.send('logs', bodies('a'))
    await bed.send('logs', bodies('b', 'c'))
    assert.equal(bed.sent.length, 0)
    await clock.advance(200)
    await bed.requests(1)
    assert.deepEqual(
      bed.sent.map(({ items }) => items),
      [3],
    )
    await bed.stop()
  })

  test('a batch sends what it holds when the engine stops', async () => {
    const bed = await TestBed.start(yaml({ batch: { timeout: '1h' } }))
    await bed.send('logs', bodies('a'))
    await bed.stop()
    assert.equal(bed.items(), 1)
  })

  test('a batch that is refused after it was acknowledged leaves no byte behind, and is counted', async () => {
    const onSend = () => {
      throw new Refused('full', { code: 'resource_exhausted', retry: {} })
    }
    const bed = await TestBed.start(yaml({ batch: { timeout: '1h', send_batch_size: 2 } }, 'test_direct'), { onSend })
    await bed.send('logs', bodies('a'))
    await bed.send('logs', bodies('b'))
    await bed.stop()
    const drop = bed.logs.find(({ message }) => message === 'Dropping data.')
    assert.deepEqual([drop?.fields['reason'], drop?.fields['items']], ['resource_exhausted', 2])
  })

  test('processors that run in one visit are counted each by itself, and filter tells what it dropped', async () => {
    const processors = {
      attributes: { actions: [{ key: 'a', value: 1, action: 'insert' }] },
      filter: { logs: { exclude: { match_type: 'strict', bodies: ['drop'] } } },
      'filter/2': { logs: { exclude: { match_type: 'strict', bodies: ['drop', 'too'] } } },
    }
    const bed = await TestBed.start(yaml(processors))
    await bed.send('logs', bodies('drop', 'drop', 'too', 'keep'))
    const counts = (processor: string) =>
      ['incoming', 'outgoing'].map((way) => bed.metrics.total(`otelcol_processor_${way}_items`, { processor }))
    assert.deepEqual(Object.keys(processors).map(counts), [
      [4, 4],
      [4, 2],
      [2, 1],
    ])
    const filtered = (filter: string) => bed.metrics.total('otelcol_processor_filter_logs.filtered', { filter })
    assert.deepEqual([filtered('filter'), filtered('filter/2')], [2, 1])
    await bed.stop()
  })

  test('chains of steps before and after a batch do what they do alone', async () => {
    const processors = {
      filter: { logs: { exclude: { match_type: 'strict', bodies: ['drop'] } } },
      attributes: { actions: [{ key: 'before', value: true, action: 'insert' }] },
      batch: { timeout: '1h', send_batch_size: 2, send_batch_max_size: 2 },
      resource: { attributes: [{ key: 'after', value: 1, action: 'insert' }] },
    }
    const bed = await TestBed.start(yaml(processors))
    await bed.send('logs', bodies('a', 'drop', 'b', 'c'))
    await bed.send('logs', bodies('drop'))
    await bed.stop()
    const requests = await bed.requests(2)
    const attribute = (key: string, value: object) => [{ key, value }]
    const wanted = (...texts: string[]) => ({
      resourceLogs: [
        {
          resource: { attributes: attribute('after', { intValue: '1' }) },
          scopeLogs: [
            {
              logRecords: texts.map((stringValue) => ({
                body: { stringValue },
                attributes: attribute('before', { boolValue: true }),
              })),
            },
          ],
        },
      ],
    })
    assert.deepEqual(requests, [wanted('a', 'b'), wanted('c')])
  })

  test('a memory limiter above its limit refuses the sender retryably, and says so in its status', async () => {
    const bed = await TestBed.start(yaml({ memory_limiter: { check_interval: '1h', limit_mib: 1 } }))
    await assert.rejects(
      bed.send('logs', bodies('a')),
      (error: unknown) =>
        error instanceof Refused && error.retryable && /data refused due to high memory usage/.test(error.message),
    )
    assert.equal(bed.status('memory_limiter').state, 'recoverable_error')
    assert.match(bed.status('memory_limiter').reason ?? '', /memory usage of \d+ MiB is above the soft limit of 1 MiB/)
    await bed.stop()
  })
})
