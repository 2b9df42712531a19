import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Exporter } from '../../src/component/definition.ts'
import type { Outcome } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import type { QueueBatch, SendingOptions } from '../../src/component/sending-options.ts'
import { batchOfSlab, overdrawnSlab } from '../../src/data/batch.ts'
import type { Batch } from '../../src/data/batch.ts'
import { fromObject } from '../../src/data/codec/from-object.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import type { Signal } from '../../src/data/signal.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { Sender } from '../../src/sending/sender.ts'
import { settle, TestClock } from '../../src/testing/test-clock.ts'
import { logsRequest, metricsRequest, profilesRequest, spansRequest } from '../graph/requests.ts'

/** Timers of the sender, for attempts that hang; it keeps one while more may come. */
const OF_ATTEMPTS = 1
const QUEUE: NonNullable<SendingOptions['queue']> = {
  enabled: true,
  num_consumers: 1,
  block_on_overflow: false,
  wait_for_result: false,
  spill: false,
  on_full: 'hold',
}
const BATCH: QueueBatch = {
  enabled: true,
  flush_timeout: 200,
  min_size: 10,
  max_size: 0,
  partition: { metadata_keys: [] },
}
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const never = () => new Refused('never', { code: 'invalid_argument', retry: 'never' })

/** Requests of each signal, of so many items. */
const REQUESTS: Record<Signal, (items: number) => object> = {
  logs: (items) => logsRequest(...names(items)),
  traces: (items) => spansRequest(...names(items)),
  metrics: (items) => metricsRequest(...names(items)),
  profiles: (items) => profilesRequest(items),
}
let serial = 0
const names = (items: number) => Array.from({ length: items }, () => `record ${serial++}.`)

interface Seen {
  readonly items: number
  readonly bytes: number
  readonly metadata: Record<string, readonly string[]>
}

interface Around {
  readonly signal?: Signal
  readonly send?: Exporter['send']
  readonly queue?: Partial<typeof QUEUE>
  readonly share?: number
}

/** A sender that batches, before a scripted exporter. */
function setUp(
  batch: Partial<QueueBatch> = {},
  { signal = 'logs', send = async () => {}, queue = {}, share = 1e6 }: Around = {},
) {
  const clock = new TestClock()
  const budget = new ByteBudget(1e9)
  const metrics = new Metrics()
  const seen: Seen[] = []
  const bodies: string[] = []
  const sender = new Sender({
    id: 'test/out',
    signal,
    exporter: {
      send(request, options) {
        seen.push({
          items: request.items,
          bytes: request.bytes,
          metadata: Object.fromEntries(options.origin.metadata),
        })
        bodies.push(
          ...(Buffer.concat(request.segments())
            .toString('latin1')
            .match(/record \d+\./g) ?? []),
        )
        return send(request, options)
      },
    },
    sending: { timeout: 0, queue: { ...QUEUE, ...queue, batch: { ...BATCH, ...batch } }, retry: undefined },
    share,
    clock,
    log: silent,
    meter: metrics,
    status: { ok() {}, recoverable() {}, permanent() {} },
    onDropped() {},
  })
  void sender.start()
  const outcomes: (Outcome | undefined)[] = []
  const accepted: number[] = []
  const lost: number[] = []
  const take = (items: number, metadata: Record<string, string[]> = {}) => {
    const index = outcomes.push(undefined) - 1
    const origin = { metadata: new Map(Object.entries(metadata)) }
    const delivery = rootDelivery(charged(fromObject(signal, REQUESTS[signal](items)), budget), origin, {
      acknowledge: 'accepted',
      acknowledged: () => accepted.push(index),
      ended: (outcome) => (outcomes[index] = outcome),
      lost: (part) => lost.push(part.items),
    })
    sender.take(delivery)
    return delivery.batch.bytes
  }
  const sizes = () => seen.map(({ items }) => items)
  return { sender, clock, budget, metrics, seen, bodies, sizes, outcomes, accepted, lost, take }
}

function charged<S extends Signal>(plain: Batch<S>, budget: ByteBudget): Batch<S> {
  const [bytes] = plain.segments()
  const slab = overdrawnSlab(plain.bytes, budget)
  slab.buffer.set(bytes as Buffer)
  return batchOfSlab(plain.signal, plain.items, slab, plain.bytes)
}

const kinds = (outcomes: readonly (Outcome | undefined)[]) =>
  outcomes.map((outcome) => (outcome instanceof Refused ? outcome.message : outcome?.kind))

describe('a queue that batches', () => {
  test('sends what has come by the flush timeout as one request, accepted on taking', async () => {
    const { take, clock, sizes, accepted, outcomes, budget, sender } = setUp()
    take(3)
    take(4)
    await clock.advance(199)
    assert.deepEqual([sizes(), accepted], [[], [0, 1]])
    await clock.advance(1)
    assert.deepEqual(sizes(), [7])
    assert.deepEqual(kinds(outcomes), ['delivered', 'delivered'])
    assert.deepEqual([budget.used, sender.queue?.used, clock.waiting], [0, 0, OF_ATTEMPTS])
  })

  test('sends at once what has min_size', async () => {
    const { take, sizes, clock } = setUp()
    take(4)
    take(6)
    take(12)
    await settle()
    assert.deepEqual([sizes(), clock.waiting], [[10, 12], OF_ATTEMPTS])
  })

  test('without a min_size waits for nothing', async () => {
    const { take, sizes } = setUp({ min_size: 0 })
    take(1)
    take(2)
    await settle()
    assert.deepEqual(sizes(), [1, 2])
  })

  test('splits to max_size; what is left over waits for more, and its delivery for all of its parts', async () => {
    const { take, clock, sizes, outcomes, sender } = setUp({ max_size: 10 })
    const bytes = take(25)
    await settle()
    assert.deepEqual(sizes(), [10, 10])
    assert.deepEqual([kinds(outcomes), sender.queue?.used], [[undefined], bytes])
    await clock.advance(200)
    assert.deepEqual(sizes(), [10, 10, 5])
    assert.deepEqual([kinds(outcomes), sender.queue?.used], [['delivered'], 0])
  })

  test('never sends more bytes than max_size: a record that has more alone is set aside, counted, and what came with it goes on', async () => {
    const { take, clock, seen } = setUp({ sizer: 'bytes', min_size: 0, max_size: 120 })
    for (const items of [1, 7, 3]) take(items)
    await clock.advance(200)
    assert.ok(seen.every(({ bytes }) => bytes <= 120) && seen.length > 3, JSON.stringify(seen))
    const alone = setUp({ sizer: 'bytes', min_size: 0, max_size: 20 })
    alone.take(3)
    await alone.clock.advance(200)
    assert.deepEqual([alone.sizes(), alone.lost, alone.budget.used], [[], [1, 1, 1], 0])
    assert.match(String(kinds(alone.outcomes)[0]), /^a single record of \d+ bytes is larger than `max_size` \(20\)/)
    assert.ok(alone.outcomes[0] instanceof Refused && alone.outcomes[0].reason === 'too_large')
  })

  test('counts what the queue counts where the batch does not say', async () => {
    const { take, sizes } = setUp({ min_size: 100 }, { queue: { sizer: 'bytes' } })
    take(8)
    await settle()
    assert.deepEqual(sizes(), [8])
  })

  test('keeps values of metadata keys apart, and hands on those alone; no value is not an empty one', async () => {
    const { take, clock, seen } = setUp({ partition: { metadata_keys: ['X-Tenant'] } })
    take(1, { 'x-tenant': ['acme'], other: ['1'] })
    take(2, { 'x-tenant': ['acme'], other: ['2'] })
    take(3, { 'x-tenant': [''] })
    take(4)
    take(1)
    await clock.advance(200)
    assert.deepEqual(
      seen.map(({ items, metadata }) => [items, metadata]),
      [
        [3, { 'x-tenant': ['acme'] }],
        [3, { 'x-tenant': [''] }],
        [5, {}],
      ],
    )
  })

  test('sends the combination that has waited longest where ten thousand wait', async () => {
    const { take, seen } = setUp({ partition: { metadata_keys: ['tenant'] } }, { share: 1e9 })
    for (let tenant = 0; tenant < 10_001; tenant++) take(1, { tenant: [`${tenant}`] })
    await settle()
    assert.deepEqual(
      seen.map(({ metadata }) => metadata),
      [{ tenant: ['0'] }],
    )
  })

  test('with wait_for_result accepts nothing before the request is at the backend', async () => {
    const { take, clock, accepted } = setUp({}, { queue: { wait_for_result: true } })
    take(3)
    await clock.advance(199)
    assert.deepEqual(accepted, [])
    await clock.advance(1)
    assert.deepEqual(accepted, [0])
  })

  test('refuses every delivery of a request that is refused, and no other', async () => {
    let calls = 0
    const send = async () => {
      if (calls++ === 0) throw never()
    }
    const { take, clock, outcomes, lost, metrics } = setUp({ max_size: 10 }, { send })
    take(4)
    take(9)
    take(1)
    await clock.advance(200)
    assert.deepEqual(kinds(outcomes), ['never', 'never', 'delivered'])
    assert.equal(metrics.total('otelcol_exporter_send_failed_log_records', { exporter: 'test/out' }), 10)
    assert.equal(metrics.total('otelcol_exporter_sent_log_records', { exporter: 'test/out' }), 4)
    assert.deepEqual(lost, [10], 'once, whosever they were')
  })

  test('leaves in the queue what comes while its consumers are busy, and puts it together when one is free', async () => {
    const gate = Promise.withResolvers<void>()
    const { take, clock, sizes, sender } = setUp({ min_size: 2 }, { send: () => gate.promise })
    take(2)
    for (let index = 0; index < 4; index++) take(1)
    await clock.advance(1_000)
    assert.deepEqual([sizes(), sender.queue?.length], [[2], 4])
    gate.resolve()
    await clock.advance(0)
    assert.deepEqual(sizes(), [2, 2, 2])
  })

  test('is full by what waits for more too, and then waits no longer', async () => {
    const gate = Promise.withResolvers<void>()
    const { take, sizes, sender } = setUp({ min_size: 100 }, { send: () => gate.promise, queue: { queue_size: 3 } })
    take(1)
    take(1)
    await settle()
    assert.deepEqual([sizes(), sender.queue?.used], [[], 2])
    take(1)
    await settle()
    assert.deepEqual([sizes(), sender.queue?.used], [[3], 3])
    assert.ok(sender.room?.full({ bytes: 1, items: 1 }))
    gate.resolve()
    await settle()
    assert.equal(sender.room?.full({ bytes: 1, items: 1 }), undefined)
  })

  test('with drop_oldest drops what waits in the queue, not what is in a request already', async () => {
    const gate = Promise.withResolvers<void>()
    const { take, clock, outcomes, sizes } = setUp(
      { min_size: 2 },
      { send: () => gate.promise, queue: { queue_size: 4, on_full: 'drop_oldest' } },
    )
    for (let index = 0; index < 7; index++) take(1)
    await settle()
    assert.deepEqual(
      outcomes.map((outcome) => outcome instanceof Refused),
      [false, false, true, true, true, false, false],
    )
    gate.resolve()
    await clock.advance(200)
    assert.deepEqual(sizes(), [2, 2])
  })

  test('sends at once what waits when it stops', async () => {
    const { take, sender, sizes, outcomes, clock } = setUp({ max_size: 10 }, { send: () => settle() })
    for (let index = 0; index < 4; index++) take(6)
    await sender.stop(new AbortController().signal)
    assert.deepEqual(sizes(), [10, 10, 4])
    assert.deepEqual(kinds(outcomes), ['delivered', 'delivered', 'delivered', 'delivered'])
    assert.equal(clock.waiting, 0)
  })

  test('refuses what it could not send by the deadline, waiting or in flight', async () => {
    const { take, sender, outcomes, budget } = setUp(
      { max_size: 10 },
      {
        send: (_, { abort }) =>
          new Promise((_resolve, reject) => abort.addEventListener('abort', () => reject(never()))),
      },
    )
    for (let index = 0; index < 5; index++) take(6)
    const deadline = new AbortController()
    const stopping = sender.stop(deadline.signal)
    deadline.abort(new Error('time is up'))
    await stopping
    assert.ok(outcomes.every((outcome) => outcome instanceof Refused))
    assert.deepEqual([budget.used, sender.queue?.used], [0, 0])
  })

  for (const signal of ['traces', 'metrics', 'logs', 'profiles'] as const)
    test(`puts ${signal} together`, async () => {
      const { take, clock, sizes, outcomes, budget, metrics } = setUp({ min_size: 100 }, { signal })
      take(2)
      take(3)
      await clock.advance(200)
      assert.deepEqual([sizes(), kinds(outcomes), budget.used], [[5], ['delivered', 'delivered'], 0])
      assert.equal(metrics.total('otelcol_exporter_in_flight_requests'), 0)
    })

  test('whatever comes and whatever becomes of it: all records in order, none above the limit, each delivery one end, and all room back', async () => {
    const sizer = fc.constantFrom('items' as const, 'bytes' as const)
    const step = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant('turn' as const))
    await fc.assert(
      fc.asyncProperty(
        sizer,
        fc.nat(20),
        fc.integer({ min: 1, max: 30 }),
        fc.array(step, { maxLength: 20 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
        async (counted, least, most, steps, script) => {
          const unit = counted === 'bytes' ? 80 : 1
          const limits = { sizer: counted, min_size: Math.min(least, most) * unit, max_size: most * unit }
          let calls = 0
          const { take, clock, sender, seen, bodies, outcomes, budget } = setUp(limits, {
            send: async () => {
              await settle()
              if (!script[calls++ % script.length]) throw never()
            },
          })
          for (const each of steps) {
            if (each === 'turn') await clock.advance(150)
            else take(each)
          }
          await sender.stop(new AbortController().signal)
          const numbers = bodies.map((body) => Number.parseInt(body.slice('record '.length), 10))
          assert.deepEqual(
            numbers,
            numbers.toSorted((a, b) => a - b),
          )
          assert.equal(
            numbers.length,
            steps.reduce<number>((sum, each) => sum + (each === 'turn' ? 0 : each), 0),
          )
          assert.ok(seen.every((request) => request.items === 1 || request[counted] <= limits.max_size))
          assert.ok(outcomes.every((outcome) => outcome !== undefined))
          assert.deepEqual([budget.used, sender.queue?.used, sender.held.size], [0, 0, 0])
        },
      ),
      { numRuns: 100 },
    )
  })
})
