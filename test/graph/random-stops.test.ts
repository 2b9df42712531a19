import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergeMap } from 'rxjs'
import { defineProcessor, fromObject, Options, Refused } from '../../src/plugin.ts'
import type { Delivery } from '../../src/plugin.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { logsRequest } from './requests.ts'

const REQUEST = Buffer.concat(fromObject('logs', logsRequest('a', 'b', 'c')).segments())

/** Passes each delivery on half a second later. */
const late = defineProcessor({
  type: 'late',
  summary: 'For random stops.',
  stability: { logs: 'development' },
  config: Options({}),
  create: ({ clock }) => ({
    operator: mergeMap(async (delivery: Delivery) => {
      await clock.sleep(500)
      return delivery
    }),
  }),
})

const shape = fc.record({
  processors: fc.subarray(['late/1', 'batch', 'late/2'], { minLength: 0 }),
  on_full: fc.constantFrom('hold', 'drop_oldest'),
  queue_size: fc.integer({ min: 1, max: 4 }),
  blocks: fc.boolean(),
  script: fc.array(fc.constantFrom('ok', 'later', 'never', 'slow', 'hang'), { minLength: 1, maxLength: 5 }),
  /** Milliseconds between one send and the next. */
  sends: fc.array(fc.constantFrom(0, 10, 300, 2_000), { maxLength: 10 }),
  stopAfter: fc.integer({ min: 0, max: 3_000 }),
  /** How long what is left has to be sent. */
  drain: fc.constantFrom(0, 1, 400, 1_200, 20_000),
})

test('whenever it is stopped, every sender is answered, and what was acknowledged was sent or is counted', async () => {
  await fc.assert(
    fc.asyncProperty(shape, async ({ processors, on_full, queue_size, blocks, script, sends, stopAfter, drain }) => {
      const clock = new TestClock()
      let calls = 0
      const config = {
        receivers: { test_source: null },
        processors: {
          ...Object.fromEntries(processors.map((id) => [id, null])),
          ...(processors.includes('batch') && {
            batch: { timeout: '1s', send_batch_size: 3, send_batch_max_size: 4 },
          }),
        },
        exporters: {
          test_sink: {
            sending_queue: { on_full, queue_size, num_consumers: 2, block_on_overflow: blocks },
            retry_on_failure: { initial_interval: '1s', max_interval: '1s', max_elapsed_time: '3s' },
          },
        },
        service: { pipelines: { logs: { receivers: ['test_source'], processors, exporters: ['test_sink'] } } },
      }
      const bed = await TestBed.start(JSON.stringify(config), {
        clock,
        definitions: [late],
        onSend: async (_, { abort }) => {
          const outcome = script[calls++ % script.length]
          if (outcome === 'later') throw new Refused('later', { code: 'unavailable', retry: {} })
          if (outcome === 'never') throw new Refused('never', { code: 'invalid_argument', retry: 'never' })
          if (outcome === 'slow') await clock.sleep(700, abort)
          if (outcome === 'hang') await clock.sleep(1e9, abort)
        },
      })
      const { ingress, stream } = bed.source()
      let [answered, acknowledged] = [0, 0]
      const send = async () => {
        try {
          const delivery = await ingress.enter('logs', REQUEST)
          stream.next(delivery)
          await delivery.reached(ingress.acknowledge)
          acknowledged += 3
        } catch (error) {
          assert.ok(error instanceof Refused, String(error))
        }
        answered++
      }
      const sending: Promise<void>[] = []
      for (const pause of sends) {
        sending.push(send())
        await clock.advance(pause)
      }
      await clock.advance(stopAfter)
      const deadline = new AbortController()
      let ended = false
      const stopping = bed.stop(deadline.signal).finally(() => (ended = true))
      stopping.catch(() => {})
      await clock.advance(drain)
      deadline.abort(new Error('time is up'))
      for (let turn = 0; turn < 20 && !ended; turn++) await clock.advance(1_000)
      assert.ok(ended, 'the stop has ended')
      await stopping
      await Promise.all(sending)
      assert.equal(answered, sends.length)
      assert.equal(bed.items() + bed.metrics.total('telegen.dropped.items'), acknowledged)
    }),
    { numRuns: 100 },
  )
})
