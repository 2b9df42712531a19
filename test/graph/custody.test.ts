import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { filter, tap } from 'rxjs'
import { defineProcessor, Options, Refused } from '../../src/plugin.ts'
import type { Delivery, Processor } from '../../src/plugin.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { logsRequest } from './requests.ts'

const processor = (type: string, create: () => Processor) =>
  defineProcessor({ type, summary: 'For tests.', stability: { logs: 'development' }, config: Options({}), create })

const config = (processors: string, batch: string) => `
  receivers: { test_source: }
  processors: { batch: ${batch}, ${processors} }
  exporters: { test_sink: }
  service:
    pipelines: { logs: { receivers: [test_source], processors: [batch, ${processors}], exporters: [test_sink] } }`

const numbered = (count: number) => logsRequest(...Array.from({ length: count }, (_, index) => `${index}`))

describe('custody', () => {
  test('covers what a full batch leaves over, however long it waits for more', async () => {
    const clock = new TestClock()
    const bed = await TestBed.start(
      `
      receivers: { test_source: }
      processors: { batch: { timeout: 120s, send_batch_size: 4, send_batch_max_size: 4 } }
      exporters: { test_sink: }
      service: { pipelines: { logs: { receivers: [test_source], processors: [batch], exporters: [test_sink] } } }`,
      { clock },
    )
    await bed.send('logs', numbered(6))
    await clock.advance(60_000)
    assert.equal(bed.items(), 4)
    await clock.advance(70_000)
    assert.equal(bed.items(), 6)
    assert.equal(bed.metrics.total('telegen.dropped.items'), 0)
    await bed.stop()
  })

  test('ends with its holder: a stage that forgets what batch passed on is named', async () => {
    const clock = new TestClock()
    const forgets = processor('forgets', () => ({
      operator: filter<Delivery>(() => false),
    }))
    const bed = await TestBed.start(config('forgets', '{ timeout: 1s }'), { clock, definitions: [forgets] })
    await bed.send('logs', numbered(1))
    await clock.advance(60_000)
    assert.match(String(bed.status('forgets').reason), /forgot 1 deliveries/)
    assert.equal(bed.metrics.total('telegen.dropped.items', { component: 'forgets' }), 1)
    await bed.stop()
  })

  test('makes the stage that refuses answer for the loss', async () => {
    const clock = new TestClock()
    const refuses = processor('refuses', () => ({
      operator: (source) =>
        source.pipe(
          tap((delivery) => delivery.end(new Refused('no', { code: 'unavailable', retry: {} }))),
          filter(() => false),
        ),
    }))
    const bed = await TestBed.start(config('refuses', '{ timeout: 1s }'), { clock, definitions: [refuses] })
    await bed.send('logs', numbered(3))
    await clock.advance(2_000)
    assert.equal(bed.metrics.total('telegen.dropped.items', { component: 'refuses' }), 3)
    assert.equal(bed.metrics.total('telegen.dropped.items'), 3)
    await bed.stop()
  })

  test('keeps nothing of batches that are done, although each overlaps the next', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const seen: WeakRef<Delivery>[] = []
    const sees = processor('sees', () => ({ operator: tap((delivery) => void seen.push(new WeakRef(delivery))) }))
    const clock = new TestClock()
    const bed = await TestBed.start(config('sees', '{ timeout: 100s, send_batch_size: 10, send_batch_max_size: 10 }'), {
      clock,
      definitions: [sees],
    })
    await bed.send('logs', numbered(1))
    for (let count = 0; count < 200; count++) await bed.send('logs', numbered(10))
    for (let turn = 0; turn < 10; turn++) {
      await new Promise(setImmediate)
      gc()
    }
    assert.ok(seen.length > 100)
    const alive = seen.filter((each) => each.deref() !== undefined).length
    assert.ok(alive < 20, `${alive} of ${seen.length} batches that are done are still alive`)
    await bed.stop()
  })
})
