import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Exporter } from '../../src/component/definition.ts'
import { UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import type { Outcome } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import type { SendingOptions } from '../../src/component/sending-options.ts'
import { batchOfSlab } from '../../src/data/batch.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import { Slab } from '../../src/data/memory/slab.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { Sender } from '../../src/sending/sender.ts'
import { settle, TestClock } from '../../src/testing/test-clock.ts'

/** Timers of the successor, for attempts that hang; it keeps one while more may come. */
const OF_ATTEMPTS = 1
const QUEUE: NonNullable<SendingOptions['queue']> = {
  enabled: true,
  num_consumers: 2,
  block_on_overflow: false,
  wait_for_result: false,
  spill: false,
  on_full: 'hold',
}
const BATCH: NonNullable<(typeof QUEUE)['batch']> = {
  enabled: true,
  flush_timeout: 200,
  min_size: 3,
  max_size: 3,
  partition: { metadata_keys: [] },
}
const RETRY: NonNullable<SendingOptions['retry']> = {
  enabled: true,
  initial_interval: 1000,
  randomization_factor: 0,
  multiplier: 2,
  max_interval: 4000,
  max_elapsed_time: 60_000,
}
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const away = () => new Refused('away', { code: 'unavailable', retry: {} })
const never = new AbortController().signal

/** Senders of one exporter, one after the other, and deliveries that are numbered by their first byte. */
function around() {
  const clock = new TestClock()
  const budget = new ByteBudget(1e6)
  const metrics = new Metrics()
  const outcomes: (Outcome | undefined)[] = []
  const sender = (send: Exporter['send'], queue: SendingOptions['queue'] = QUEUE) =>
    new Sender({
      id: 'test/out',
      signal: 'logs',
      exporter: { send },
      sending: { timeout: 0, queue, retry: RETRY },
      share: 1000,
      clock,
      log: silent,
      meter: metrics,
      status: { ok() {}, recoverable() {}, permanent() {} },
      onDropped() {},
    })
  const deliver = (to: Sender) => {
    const index = outcomes.push(undefined) - 1
    const slab = new Slab(Buffer.alloc(10, index))
    budget.overdraw(10)
    slab.charge(budget)
    to.take(
      rootDelivery(batchOfSlab('logs', 1, slab, 10), UNKNOWN_ORIGIN, {
        acknowledge: 'accepted',
        ended: (outcome) => (outcomes[index] = outcome),
        lost() {},
      }),
    )
  }
  const sent: number[] = []
  const sends: Exporter['send'] = async (batch) => void sent.push(...batch.segments().map((each) => each[0] as number))
  const allDelivered = () => outcomes.every((outcome) => !(outcome instanceof Refused) && outcome?.kind === 'delivered')
  return { clock, budget, metrics, outcomes, sender, deliver, sends, sent, allDelivered }
}

describe('a sender that hands over', () => {
  test('gives its successor what waits, what was between two tries and what came meanwhile, in order', async () => {
    const { sender, deliver, sends, sent, clock, allDelivered, budget } = around()
    const old = sender(() => Promise.reject(away()))
    const fresh = sender(sends, { ...QUEUE, num_consumers: 1 })
    await old.start()
    for (let index = 0; index < 5; index++) deliver(old)
    await clock.advance(500)
    const leftover = await old.handOver(never)
    deliver(old)
    deliver(fresh)
    await settle()
    assert.deepEqual(sent, [], 'nothing is sent before the successor has it all')
    await fresh.adopt(leftover)
    deliver(old)
    await settle()
    assert.deepEqual(sent, [0, 1, 2, 3, 4, 5, 6, 7])
    assert.ok(allDelivered())
    assert.deepEqual(
      [budget.used, old.held.size, fresh.held.size, fresh.queue?.used, clock.waiting],
      [0, 0, 0, 0, OF_ATTEMPTS],
    )
  })

  test('lets attempts under way end, and only the deadline ends those that hang; they are not lost', async () => {
    const { sender, deliver, sends, sent, outcomes, allDelivered } = around()
    const slow = Promise.withResolvers<void>()
    let calls = 0
    const old = sender((_, { abort }) =>
      calls++ === 0
        ? slow.promise
        : new Promise((_resolve, reject) => abort.addEventListener('abort', () => reject(abort.reason as Error))),
    )
    await old.start()
    for (let index = 0; index < 3; index++) deliver(old)
    const deadline = new AbortController()
    const handing = old.handOver(deadline.signal)
    slow.resolve()
    await settle()
    assert.equal(outcomes.filter((outcome) => outcome !== undefined).length, 1)
    deadline.abort(new Error('time is up'))
    const fresh = sender(sends)
    await fresh.adopt(await handing)
    await settle()
    assert.deepEqual(sent, [1, 2])
    assert.ok(allDelivered())
  })

  test('gives back what it has put together, too, for a successor with limits of its own', async () => {
    const { sender, deliver, sends, sent, clock, allDelivered, budget } = around()
    const old = sender(() => Promise.reject(away()), { ...QUEUE, num_consumers: 1, batch: BATCH })
    const fresh = sender(sends, { ...QUEUE, num_consumers: 1, batch: { ...BATCH, min_size: 2, max_size: 2 } })
    await old.start()
    for (let index = 0; index < 8; index++) deliver(old)
    await clock.advance(500)
    await fresh.adopt(await old.handOver(never))
    await clock.advance(200)
    assert.deepEqual(sent, [0, 1, 2, 3, 4, 5, 6, 7])
    assert.ok(allDelivered())
    assert.deepEqual([budget.used, clock.waiting], [0, OF_ATTEMPTS])
  })

  test('keeps what it took and what came meanwhile where there is no queue, on either side', async () => {
    for (const [before, after] of [
      [undefined, QUEUE],
      [undefined, undefined],
      [QUEUE, undefined],
    ]) {
      const { sender, deliver, sends, sent, clock, allDelivered } = around()
      const old = sender(() => Promise.reject(away()), before)
      const fresh = sender(sends, after)
      await old.start()
      for (let index = 0; index < 3; index++) deliver(old)
      await clock.advance(500)
      const leftover = await old.handOver(never)
      deliver(old)
      deliver(fresh)
      await fresh.adopt(leftover)
      deliver(old)
      await settle()
      assert.deepEqual(sent, [0, 1, 2, 3, 4, 5])
      assert.ok(allDelivered())
    }
  })

  test('is measured no more, and its successor counts what it took over', async () => {
    const { sender, deliver, metrics } = around()
    const hang = () => new Promise<void>(() => {})
    const old = sender(() => Promise.reject(away()), { ...QUEUE, queue_size: 10 })
    const fresh = sender(hang, { ...QUEUE, queue_size: 4 })
    await old.start()
    for (let index = 0; index < 4; index++) deliver(old)
    await settle()
    await fresh.adopt(await old.handOver(never))
    const labels = { exporter: 'test/out' }
    assert.equal(metrics.total('otelcol_exporter_queue_size', labels), 4)
    assert.equal(metrics.total('otelcol_exporter_queue_capacity', labels), 4)
    assert.equal(fresh.room?.full({ bytes: 1, items: 1 })?.retryable, true)
  })

  test('may be followed by one of its own kind again, when the successor did not start', async () => {
    const { sender, deliver, sends, sent, allDelivered } = around()
    const old = sender(() => Promise.reject(away()))
    await old.start()
    deliver(old)
    await settle()
    const back = sender(sends)
    await back.adopt(await old.handOver(never))
    deliver(back)
    await settle()
    assert.deepEqual(sent, [0, 1])
    assert.ok(allDelivered())
  })
})

describe('a sender', () => {
  test('sends nothing before its start, and takes all the same', async () => {
    const { sender, deliver, sends, sent } = around()
    for (const queue of [QUEUE, undefined]) {
      const one = sender(sends, queue)
      sent.length = 0
      deliver(one)
      await settle()
      assert.deepEqual(sent, [])
      await one.start()
      await settle()
      assert.equal(sent.length, 1)
    }
  })

  test('has another capacity when its share is another, where none is written', async () => {
    const { sender, deliver } = around()
    const one = sender(() => new Promise<void>(() => {}))
    const written = sender(() => new Promise<void>(() => {}), { ...QUEUE, sizer: 'bytes', queue_size: 10 })
    let told = 0
    one.room?.onRoom(() => told++)
    one.resize(10)
    written.resize(1000)
    deliver(one)
    deliver(written)
    assert.ok(one.room?.full({ bytes: 10, items: 1 })?.retryable)
    assert.ok(written.room?.full({ bytes: 10, items: 1 })?.retryable)
    one.resize(30)
    assert.deepEqual([one.room?.full({ bytes: 10, items: 1 }), told], [undefined, 2])
  })
})
