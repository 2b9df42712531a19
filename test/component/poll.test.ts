import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { metrics } from '../../src/data/builders/metrics.ts'
import { batchOf, defineReceiver, Options, poll, Refused, scraperOptions } from '../../src/plugin.ts'
import type { Scraped } from '../../src/plugin.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import type { OnSend } from '../../src/testing.ts'

function one(): Scraped {
  const builder = metrics({})
  builder.gauge('m', '1').point(1)
  return { batches: [builder.finish()] }
}

/** More than all that the budget of metrics may hold. */
const large = (): Scraped => ({ batches: [batchOf('metrics', 1, Buffer.alloc(129 * 2 ** 20))] })

const ONE_BY_ONE = { sending_queue: { queue_size: 1, num_consumers: 1 } }

async function setUp(scrape: (abort: AbortSignal) => Promise<Scraped>, onSend?: OnSend, sink: object = ONE_BY_ONE) {
  const clock = new TestClock()
  const polls = defineReceiver({
    type: 'polls',
    summary: 'Polls for a test.',
    stability: { metrics: 'development' },
    config: Options(scraperOptions('10s')),
    create: (context) => poll(context, context.config, scrape),
  })
  const bed = await TestBed.start(
    `
    receivers: { polls: }
    exporters: { test_sink: ${JSON.stringify(sink)} }
    service: { pipelines: { metrics: { receivers: [polls], exporters: [test_sink] } } }`,
    { definitions: [polls], clock, ...(onSend && { onSend }) },
  )
  return { bed, clock }
}

describe('a poll', () => {
  test('scrapes after its initial delay, then at its interval', async () => {
    const { bed, clock } = await setUp(async () => one())
    await clock.advance(900)
    assert.equal(bed.sent.length, 0)
    await clock.advance(1_000)
    assert.equal(bed.sent.length, 1)
    await clock.advance(30_000)
    assert.equal(bed.sent.length, 4)
    await bed.stop()
  })

  test('says so where a scrape does not end although it was told to, and is well again when it does', async () => {
    const gate = Promise.withResolvers<Scraped>()
    const { bed, clock } = await setUp(() => gate.promise)
    await clock.advance(14_000)
    assert.equal(bed.status('polls').state, 'ok')
    await clock.advance(3_000)
    assert.equal(bed.status('polls').state, 'recoverable_error')
    assert.ok(bed.logs.some(({ level, message }) => level === 'error' && message.startsWith('A scrape does not end')))
    gate.resolve(one())
    await clock.advance(0)
    assert.equal(bed.status('polls').state, 'ok')
    await bed.stop()
  })

  test('never overlaps itself, and makes up for no tick that it missed', async () => {
    let open = 0
    let most = 0
    const { bed, clock } = await setUp(async () => {
      most = Math.max(most, ++open)
      await clock.sleep(25_000)
      open--
      return one()
    })
    await clock.advance(100_000)
    assert.equal(most, 1)
    assert.ok(bed.sent.length >= 3 && bed.sent.length <= 4, `${bed.sent.length} scrapes of 25 s in 100 s`)
    await bed.stop()
  })

  test('sends what it could read, and tells what it could not', async () => {
    let errors = [new Error('no such disk'), new Error('no such fan')]
    const { bed, clock } = await setUp(async () => ({ ...one(), errors }))
    await clock.advance(2_000)
    assert.equal(bed.sent.length, 1)
    assert.equal(bed.status('polls').reason, 'scraping failed: no such disk; no such fan')
    errors = []
    await clock.advance(11_000)
    assert.equal(bed.status('polls').state, 'ok')
    await bed.stop()
  })

  test('is in trouble when a scrape fails, and well after the next one', async () => {
    let broken = true
    const { bed, clock } = await setUp(async () => {
      if (broken) throw new Error('timed out')
      return one()
    })
    await clock.advance(2_000)
    assert.equal(bed.status('polls').state, 'recoverable_error')
    broken = false
    await clock.advance(11_000)
    assert.equal(bed.status('polls').state, 'ok')
    await bed.stop()
  })

  test("takes a scraper's own refusal for a failure, and says when a batch is too large for any gate", async () => {
    const failures = [
      () => Promise.reject(new Refused('the device is busy', { code: 'unavailable', retry: {} })),
      async () => ({ batches: [...large().batches, ...one().batches] }),
    ]
    for (const [index, scrape] of failures.entries()) {
      const { bed, clock } = await setUp(scrape)
      await clock.advance(2_000)
      assert.match(
        String(bed.status('polls').reason),
        [/the device is busy/, /more than the whole budget/][index] as RegExp,
      )
      assert.equal(bed.metrics.total('telegen.scraper.skipped'), 0)
      assert.equal(bed.sent.length, index, 'the one that fits goes on')
      await bed.stop()
    }
  })

  test('counts as dropped what is handed back to it', async () => {
    const sending_queue = { wait_for_result: true }
    const { bed, clock } = await setUp(
      async () => one(),
      () => {
        throw new Refused('never', { code: 'permission_denied', retry: 'never' })
      },
      { sending_queue },
    )
    await clock.advance(2_000)
    const labels = { component: 'test_sink', reason: 'permission_denied' }
    assert.equal(bed.metrics.total('telegen.dropped.items', labels), 1)
    assert.equal(bed.metrics.total('telegen.dropped.items'), 1)
    await bed.stop()
  })

  test('leaves a scrape out while the gate is closed, and counts it', async () => {
    let scrapes = 0
    const gate = Promise.withResolvers<void>()
    const { bed, clock } = await setUp(
      async () => {
        scrapes++
        return one()
      },
      () => gate.promise,
    )
    await clock.advance(32_000)
    assert.equal(scrapes, 1)
    assert.equal(bed.metrics.total('telegen.scraper.skipped', { receiver: 'polls' }), 3)
    gate.resolve()
    await clock.advance(11_000)
    assert.equal(scrapes, 2)
    await bed.stop()
  })
})
