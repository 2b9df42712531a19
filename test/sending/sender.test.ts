import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Exporter } from '../../src/component/definition.ts'
import type { Level, Outcome } from '../../src/component/delivery.ts'
import { LEVELS, UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import type { SendingOptions } from '../../src/component/sending-options.ts'
import { WireBatch } from '../../src/data/batch.ts'
import { ByteBudget } from '../../src/data/memory/byte-budget.ts'
import { Slab } from '../../src/data/memory/slab.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { Sender } from '../../src/sending/sender.ts'
import { settle, TestClock } from '../../src/testing/test-clock.ts'

const QUEUE: NonNullable<SendingOptions['queue']> = {
  enabled: true,
  num_consumers: 1,
  block_on_overflow: false,
  wait_for_result: false,
  spill: false,
  on_full: 'hold',
}
const RETRY: NonNullable<SendingOptions['retry']> = {
  enabled: true,
  initial_interval: 1000,
  randomization_factor: 0,
  multiplier: 2,
  max_interval: 4000,
  max_elapsed_time: 60_000,
}
const later = (after?: number) =>
  new Refused('later', { code: 'unavailable', retry: after === undefined ? {} : { after } })
const never = () => new Refused('never', { code: 'invalid_argument', retry: 'never' })
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** A sender before a scripted exporter. */
function setUp(send: Exporter['send'], sending: Partial<SendingOptions> = {}) {
  const clock = new TestClock()
  const budget = new ByteBudget(1e9)
  const metrics = new Metrics()
  const states: string[] = []
  const rejected: { items: number; reason: string }[] = []
  const sender = new Sender({
    id: 'test/out',
    signal: 'logs',
    exporter: { send },
    sending: { timeout: 0, queue: QUEUE, retry: RETRY, ...sending },
    share: 1000,
    clock,
    log: silent,
    meter: metrics,
    status: {
      ok: () => states.push('ok'),
      recoverable: (reason) => states.push(reason),
      permanent: () => states.push('permanent'),
    },
    onDropped: (items, _, reason) => rejected.push({ items, reason }),
  })
  void sender.start()
  const outcomes: (Outcome | undefined)[] = []
  const levels: Set<Level>[] = []
  const lost: number[] = []
  const take = (bytes = 100) => {
    const slab = new Slab(Buffer.alloc(bytes, outcomes.length))
    budget.overdraw(bytes)
    slab.charge(budget)
    const index = outcomes.push(undefined) - 1
    const reached = new Set<Level>()
    levels.push(reached)
    const batch = new WireBatch('logs', 1, [{ slab, buffer: slab.buffer }])
    const delivery = rootDelivery(batch, UNKNOWN_ORIGIN, {
      acknowledge: 'accepted',
      ended: (outcome) => (outcomes[index] = outcome),
      lost: (part) => lost.push(part.items),
    })
    for (const level of LEVELS)
      delivery.reached(level).then(
        () => reached.add(level),
        () => {},
      )
    sender.take(delivery)
  }
  return { sender, clock, budget, metrics, states, rejected, outcomes, levels, lost, take }
}

const kinds = (outcomes: readonly (Outcome | undefined)[]) =>
  outcomes.map((outcome) => (outcome instanceof Refused ? outcome.message : outcome?.kind))

describe('a sender', () => {
  test('announces custody on taking, and delivery when the exporter resolves', async () => {
    const gate = Promise.withResolvers<void>()
    const { take, levels, outcomes, budget } = setUp(() => gate.promise)
    take()
    await settle()
    assert.deepEqual([...(levels[0] ?? [])], ['accepted'])
    gate.resolve()
    await settle()
    assert.deepEqual([...(levels[0] ?? [])], ['accepted', 'durable', 'delivered'])
    assert.deepEqual(kinds(outcomes), ['delivered'])
    assert.equal(budget.used, 0)
  })

  test('with wait_for_result announces nothing before the backend has it', async () => {
    const gate = Promise.withResolvers<void>()
    const { take, levels } = setUp(() => gate.promise, { queue: { ...QUEUE, wait_for_result: true } })
    take()
    await settle()
    assert.equal(levels[0]?.size, 0)
    gate.resolve()
    await settle()
    assert.equal(levels[0]?.size, 3)
  })

  test('without a queue hands the refusal back to the sender, and nothing counts as lost', async () => {
    const { take, outcomes, lost } = setUp(() => Promise.reject(never()), { queue: undefined })
    take()
    await settle()
    assert.deepEqual(kinds(outcomes), ['never'])
    assert.deepEqual(lost, [])
  })

  test('tries again after 1, 2, 4, 4 seconds, in order, and tells its status', async () => {
    let failures = 4
    const sent: number[] = []
    const { take, clock, outcomes, states } = setUp(async (batch) => {
      sent.push(Number(batch.segments()[0]?.[0]))
      if (failures-- > 0) throw later()
    })
    take()
    take()
    const at: number[] = []
    for (let second = 0; second <= 12; second++) {
      await clock.advance(1000)
      at.push(sent.length)
    }
    assert.deepEqual(at.slice(0, 11), [2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 6])
    assert.deepEqual(sent, [0, 0, 0, 0, 0, 1])
    assert.deepEqual(kinds(outcomes), ['delivered', 'delivered'])
    assert.equal(states[0], 'sending failed: later')
    assert.equal(states.at(-1), 'ok')
  })

  test('waits as long as the backend says when that is longer', async () => {
    let tries = 0
    const { take, clock } = setUp(async () => {
      tries++
      throw later(30_000)
    })
    take()
    await clock.advance(29_000)
    assert.equal(tries, 1)
    await clock.advance(1_500)
    assert.equal(tries, 2)
  })

  test('gives up after max_elapsed_time: the items are lost, and counted', async () => {
    const { take, clock, outcomes, lost, metrics, budget } = setUp(() => Promise.reject(later()), {
      retry: { ...RETRY, max_elapsed_time: 5000 },
    })
    take()
    await clock.advance(10_000)
    assert.deepEqual(kinds(outcomes), ['no more retries left: later'])
    assert.deepEqual(lost, [1])
    assert.equal(metrics.total('otelcol_exporter_send_failed_log_records', { exporter: 'test/out' }), 1)
    assert.equal(budget.used, 0)
  })

  test('hands what nobody took custody of back as retryable when its own retries are used up', async () => {
    const { take, clock, outcomes, lost } = setUp(() => Promise.reject(later()), {
      queue: { ...QUEUE, wait_for_result: true },
      retry: { ...RETRY, max_elapsed_time: 5000 },
    })
    take()
    await clock.advance(10_000)
    assert.deepEqual(
      outcomes.map((outcome) => outcome instanceof Refused && outcome.retryable),
      [true],
    )
    assert.deepEqual(lost, [])
  })

  test('drops what must not be tried again at once, and goes on with the next', async () => {
    let first = true
    const { take, outcomes } = setUp(async () => {
      if (!first) return
      first = false
      throw never()
    })
    take()
    take()
    await settle()
    assert.deepEqual(kinds(outcomes), ['never', 'delivered'])
  })

  test('takes anything else that is thrown as permanent, even before the first await', async () => {
    const { take, outcomes } = setUp(() => {
      throw new TypeError('a bug')
    })
    take()
    await settle()
    assert.deepEqual(kinds(outcomes), ['a bug'])
  })

  test('aborts an attempt at its timeout and tries again', async () => {
    const aborted: boolean[] = []
    const { take, clock } = setUp(
      (_, { abort }) =>
        new Promise((_resolve, reject) =>
          abort.addEventListener('abort', () => {
            aborted.push(true)
            reject(new Error('aborted'))
          }),
        ),
      { timeout: 5000 },
    )
    take()
    await clock.advance(4999)
    assert.equal(aborted.length, 0)
    await clock.advance(1)
    assert.equal(aborted.length, 1)
    await clock.advance(1000 + 5000)
    assert.equal(aborted.length, 2)
  })

  test('leaves behind a send that never lets go, but keeps its bytes until it does', async () => {
    const never = Promise.withResolvers<void>()
    let calls = 0
    const { take, clock, budget, states, outcomes } = setUp(() => (calls++ === 0 ? never.promise : Promise.resolve()), {
      timeout: 1000,
    })
    take()
    await clock.advance(1000 + 5000 + 1000)
    assert.deepEqual(kinds(outcomes), ['delivered'])
    assert.ok(states.includes('a send has not ended although it was told to'))
    assert.equal(budget.used, 100)
    never.resolve()
    await settle()
    assert.equal(budget.used, 0)
  })

  test('counts what the other side took and did not keep, and does not send it again', async () => {
    const { take, rejected, outcomes, metrics } = setUp(async () => ({ rejected: 1, reason: 'too old' }))
    take()
    await settle()
    assert.deepEqual(rejected, [{ items: 1, reason: 'too old' }])
    assert.deepEqual(kinds(outcomes), ['delivered'])
    assert.equal(metrics.total('otelcol_exporter_sent_log_records'), 0)
  })

  test('sends as many at once as it has consumers', async () => {
    let open = 0
    let most = 0
    const { take } = setUp(
      async () => {
        most = Math.max(most, ++open)
        await settle()
        open--
      },
      { queue: { ...QUEUE, num_consumers: 3 } },
    )
    for (let index = 0; index < 10; index++) take()
    for (let turn = 0; turn < 10; turn++) await settle()
    assert.equal(most, 3)
  })

  test('is full when what waits and what is in flight fill the share, or the size that is written in requests', () => {
    const hang = () => new Promise<void>(() => {})
    const bySize = setUp(hang)
    for (let index = 0; index < 9; index++) bySize.take()
    assert.equal(bySize.sender.room?.full({ bytes: 100, items: 1 }), undefined)
    bySize.take()
    const refused = bySize.sender.room?.full({ bytes: 100, items: 1 })
    assert.match(String(refused?.message), /sending queue is full: test\/out/)
    assert.equal(refused?.retryable, true)
    assert.equal(bySize.sender.room?.full({ bytes: 1001, items: 1 })?.retryable, false, 'never fits')
    const byRequests = setUp(hang, { queue: { ...QUEUE, queue_size: 2 } })
    byRequests.take(5000)
    assert.equal(byRequests.sender.room?.full({ bytes: 5000, items: 1 }), undefined)
    byRequests.take(5000)
    assert.ok(byRequests.sender.room?.full({ bytes: 1, items: 1 }))
  })

  test('with drop_oldest never is; what has waited longest makes room, counted', () => {
    const { sender, take, outcomes, lost } = setUp(() => new Promise<void>(() => {}), {
      queue: { ...QUEUE, queue_size: 3, on_full: 'drop_oldest' },
    })
    for (let index = 0; index < 5; index++) take()
    assert.equal(sender.room?.full({ bytes: 1, items: 1 }), undefined)
    assert.deepEqual(
      outcomes.map((outcome) => outcome !== undefined),
      [false, true, true, false, false],
    )
    assert.deepEqual(lost, [1, 1])
  })

  test('sends what is left before it stops', async () => {
    const { sender, take, outcomes } = setUp(async () => settle())
    for (let index = 0; index < 5; index++) take()
    await sender.stop(new AbortController().signal)
    assert.deepEqual(
      kinds(outcomes),
      Array.from({ length: 5 }, () => 'delivered'),
    )
  })

  test('counts what it could not send by the deadline, in flight, waiting, or between two tries', async () => {
    for (const send of [
      () => Promise.reject(later()),
      (_: unknown, { abort }: { abort: AbortSignal }) => hangUntil(abort),
    ]) {
      const { sender, take, outcomes, lost, budget } = setUp(send)
      for (let index = 0; index < 3; index++) take()
      await settle()
      const deadline = new AbortController()
      const stopping = sender.stop(deadline.signal)
      deadline.abort(new Error('time is up'))
      await stopping
      assert.equal(outcomes.filter((outcome) => outcome instanceof Refused && outcome.retryable).length, 3)
      assert.deepEqual(lost, [1, 1, 1])
      assert.equal(budget.used, 0)
    }
  })

  test('refuses what comes after its stop, and asks nothing of the exporter any more', async () => {
    let sends = 0
    const { sender, take, outcomes } = setUp(async () => void sends++)
    await sender.stop(new AbortController().signal)
    take()
    await settle()
    assert.deepEqual(kinds(outcomes), ['exporter "test/out" has stopped'])
    assert.equal(sends, 0)
  })

  test('stops in time although a send does not settle and others wait, and gives their room back', async () => {
    const { sender, take, clock, outcomes } = setUp(() => new Promise<void>(() => {}))
    for (let index = 0; index < 3; index++) take()
    const deadline = new AbortController()
    let ended = false
    void sender.stop(deadline.signal).then(() => (ended = true))
    await clock.advance(1_000)
    assert.equal(ended, false)
    deadline.abort(new Error('time is up'))
    await clock.advance(6_000)
    assert.equal(ended, true)
    assert.equal(sender.queue?.used, 0)
    assert.ok(outcomes.every((outcome) => outcome instanceof Refused))
  })
})

const hangUntil = (abort: AbortSignal) =>
  new Promise<void>((_, reject) => abort.addEventListener('abort', () => reject(abort.reason as Error)))
