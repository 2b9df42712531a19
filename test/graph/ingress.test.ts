import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { map, Subject } from 'rxjs'
import { batchOf, defineConnector, defineProcessor, defineReceiver, Options, replace } from '../../src/plugin.ts'
import type { Batch, Delivery, Ingress } from '../../src/plugin.ts'
import { metrics } from '../../src/data/builders/metrics.ts'
import { logs } from '../../src/data/builders/logs.ts'
import { WireBatch } from '../../src/data/batch.ts'
import { slabs } from '../../src/data/memory/slab-pool.ts'
import { TestBed, TestClock } from '../../src/testing.ts'
import { logsRequest } from './requests.ts'

const KIB = 1024
const batch = (body = 'a') => logs({}).record({ body }).finish()

/** A batch in as many pieces of memory as there are sizes, in bytes. */
function pieces(...sizes: number[]): Batch<'logs'> {
  const parts = sizes.map((size) => {
    const slab = slabs.take(size)
    return { slab, buffer: slab.buffer.subarray(0, 0) }
  })
  return new WireBatch('logs', 1, parts)
}

/** `blocks`: senders wait at the gate. */
const oneByOne = (blocks: boolean) => `
  receivers: { test_source: }
  exporters: { test_sink: { sending_queue: { queue_size: 1, num_consumers: 1, block_on_overflow: ${blocks} } } }
  service: { pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } } }`

describe('an ingress', () => {
  test('lets those who wait enter one by one, although all are woken at once', async () => {
    const gates: PromiseWithResolvers<void>[] = []
    const clock = new TestClock()
    const bed = await TestBed.start(oneByOne(true), {
      clock,
      onSend: () => (gates[gates.push(Promise.withResolvers<void>()) - 1] as PromiseWithResolvers<void>).promise,
    })
    const { ingress, stream } = bed.source()
    const entered: number[] = []
    stream.next(ingress.admit('logs', batch()))
    const entering = Array.from({ length: 4 }, async (_, index) => {
      stream.next(await ingress.enter('logs', batch()))
      entered.push(index)
    })
    for (let done = 0; done < 5; done++) {
      await bed.until(() => gates.length > done, 'a send')
      await clock.advance(10)
      assert.equal(entered.length, done)
      gates[done]?.resolve()
    }
    await Promise.all(entering)
    await bed.stop()
  })

  test('lets a batch in many pieces wait without keeping a part of the budget', async () => {
    const bed = await TestBed.start(`
      receivers: { test_source: }
      exporters: { test_sink: }
      service:
        limits: { logs: 1MiB }
        pipelines: { logs: { receivers: [test_source], exporters: [test_sink] } }`)
    const { ingress, stream } = bed.source()
    const { logs: budget } = bed.graph.budgets
    const first = ingress.admit('logs', pieces(256 * KIB))
    const waiting = [pieces(512 * KIB, 512 * KIB), pieces(512 * KIB, 512 * KIB)].map(async (each) => {
      const delivery = await ingress.enter('logs', each, { wait: true })
      stream.next(delivery)
      await delivery.reached('delivered')
    })
    await new Promise(setImmediate)
    assert.equal(budget.used, 256 * KIB)
    stream.next(first)
    await Promise.all(waiting)
    await bed.stop()
  })

  test('gives a body back whose signal nobody takes', async () => {
    const bed = await TestBed.start(oneByOne(false))
    const { ingress } = bed.source()
    const idle = slabs.idleBytes
    for (const enter of [
      (body: Batch) => ingress.admit('metrics', body),
      (body: Batch) => ingress.enter('metrics', body),
      (body: Batch) => ingress.enter('metrics', body, { wait: true }),
    ]) {
      const builder = metrics({})
      builder.gauge('m', '1').point(1)
      const body = builder.finish()
      await assert.rejects(async () => enter(body), /stands in no pipeline for metrics/)
      assert.throws(() => body.segments(), /released/)
    }
    assert.ok(slabs.idleBytes >= idle)
    await bed.stop()
  })
})

/** A receiver that emits what the test says, however wrong. */
async function withReceiver(clock: TestClock) {
  const stream = new Subject<Delivery>()
  let made: Ingress | undefined
  const bad = defineReceiver({
    type: 'bad',
    summary: 'Misbehaves.',
    stability: { logs: 'development' },
    config: Options({}),
    create({ ingress }) {
      made = ingress
      return { open: async () => stream, close: async () => {} }
    },
  })
  const bed = await TestBed.start(
    `
    receivers: { bad: }
    processors: { batch: { timeout: 1s } }
    exporters: { test_sink: }
    service: { pipelines: { logs: { receivers: [bad], processors: [batch], exporters: [test_sink] } } }`,
    { definitions: [bad], clock },
  )
  return { bed, stream, ingress: made as Ingress }
}

describe('a receiver', () => {
  test('that emits a delivery twice is named, and its data goes on once', async () => {
    const clock = new TestClock()
    const { bed, stream, ingress } = await withReceiver(clock)
    const delivery = ingress.admit('logs', batch())
    stream.next(delivery)
    stream.next(delivery)
    assert.match(String(bed.status('bad').reason), /emitted already/)
    await clock.advance(1_000)
    assert.equal(bed.items(), 1)
    stream.next(ingress.admit('logs', batch()))
    assert.equal(bed.status('bad').state, 'ok')
    await bed.stop()
  })

  test('that forgets what it let in is named, and sender and memory are free again', async () => {
    const clock = new TestClock()
    const { bed, ingress } = await withReceiver(clock)
    const forgotten = ingress.admit('logs', batch())
    const rejected = assert.rejects(forgotten.reached('accepted'), /receiver "bad" forgot a delivery/)
    await clock.advance(40_000)
    await rejected
    assert.equal(bed.graph.budgets.logs.used, 0)
    assert.match(String(bed.status('bad').reason), /forgot 1 deliveries/)
    await bed.stop()
  })
})

describe('a stage', () => {
  const asMetrics = map((delivery: Delivery) => replace(delivery, batchOf('metrics', 1, Buffer.alloc(0))) as Delivery)

  test('that emits another signal than is due is named, and what it emitted refused', async () => {
    const wrong = defineProcessor({
      type: 'wrong',
      summary: 'Makes metrics of logs.',
      stability: { logs: 'development' },
      config: Options({}),
      create: () => ({ operator: asMetrics }),
    })
    const right = defineConnector({
      type: 'right',
      summary: 'Makes metrics of logs.',
      stability: [{ from: 'logs', to: 'metrics', level: 'development' }],
      config: Options({}),
      create: () => ({ operator: asMetrics }),
    })
    const bed = await TestBed.start(
      `
      receivers: { test_source: , test_source/other: }
      processors: { wrong: }
      connectors: { right: }
      exporters: { test_direct: }
      service:
        pipelines:
          logs: { receivers: [test_source], processors: [wrong], exporters: [test_direct] }
          logs/other: { receivers: [test_source/other], exporters: [right] }
          metrics: { receivers: [right], exporters: [test_direct] }`,
      { definitions: [wrong, right] },
    )
    await assert.rejects(bed.send('logs', logsRequest('a')), /"wrong".* emitted metrics where logs are due/)
    assert.match(String(bed.status('wrong').reason), /emitted metrics/)
    await bed.send('logs', logsRequest('a'), { source: 'test_source/other' })
    assert.deepEqual(
      bed.sent.map(({ signal }) => signal),
      ['metrics'],
    )
    await bed.stop()
  })
})
