import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Exporter, SendOptions } from '../../src/component/definition.ts'
import { UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import { batchOf } from '../../src/data/batch.ts'
import { UnderWay } from '../../src/sending/under-way.ts'
import { settle, TestClock } from '../../src/testing/test-clock.ts'

const TIMEOUT = 7_000

/** Attempts that hang until they are told to let go, or answered by the test. */
function setUp(send: Exporter['send'] = hanging, timeout = TIMEOUT) {
  const clock = new TestClock()
  const control = new AbortController()
  const ended: { index: number; thrown: unknown; at: number }[] = []
  const silences: number[] = []
  let stuck = 0
  const underWay = new UnderWay({
    exporter: { send },
    clock,
    timeout,
    abort: control.signal,
    onStuck: () => stuck++,
    onSilent: () => silences.push(clock.monotonic()),
  })
  let begun = 0
  const begin = () => {
    const index = begun++
    const delivery = rootDelivery(batchOf('logs', 1, Buffer.from([index])), UNKNOWN_ORIGIN)
    underWay.begin(delivery, (thrown) => ended.push({ index, thrown, at: clock.monotonic() }))
  }
  return { underWay, clock, control, ended, silences, begin, stuck: () => stuck }
}

const hanging = (_: unknown, { cancellation }: SendOptions): Promise<void> =>
  new Promise((_resolve, reject) => cancellation.addEventListener('abort', () => reject(new Error('let go'))))

describe('attempts under way', () => {
  test('each has its whole timeout, and one timer is enough for all of them', async () => {
    const { begin, clock, ended } = setUp()
    for (let index = 0; index < 4; index++) {
      begin()
      await clock.advance(1_000)
    }
    assert.equal(clock.waiting, 1)
    await clock.advance(20_000)
    assert.deepEqual(
      ended.map(({ index, at }) => [index, at]),
      [0, 1, 2, 3].map((index) => [index, TIMEOUT + index * 1_000]),
    )
    assert.ok(ended.every(({ thrown }) => thrown instanceof Refused && thrown.code === 'deadline_exceeded'))
    assert.equal(clock.waiting, 0)
  })

  test('one that begins when all others have ended is not cut short by what was set for them', async () => {
    let hangs = false
    const { begin, clock, ended } = setUp((batch, options) => (hangs ? hanging(batch, options) : Promise.resolve()))
    begin()
    await clock.advance(3_000)
    hangs = true
    begin()
    await clock.advance(TIMEOUT - 1)
    assert.deepEqual(
      ended.map(({ index }) => index),
      [0],
    )
    await clock.advance(1)
    assert.deepEqual(ended.at(-1)?.at, 3_000 + TIMEOUT)
  })

  test('an answer that is there when the timer comes late counts', async () => {
    const answer = Promise.withResolvers<void>()
    const { begin, clock, ended } = setUp(() => answer.promise)
    begin()
    clock.turn(TIMEOUT)
    answer.resolve()
    await settle()
    assert.deepEqual(ended, [{ index: 0, thrown: undefined, at: TIMEOUT }])
  })

  test('all are told to let go at the drain deadline, those too that begin after it; who does not is left behind', async () => {
    const { begin, clock, control, ended, stuck } = setUp(() => new Promise(() => {}))
    begin()
    control.abort()
    begin()
    await clock.advance(4_999)
    assert.deepEqual([ended, stuck()], [[], 0])
    await clock.advance(1)
    assert.deepEqual([ended.length, stuck()], [2, 2])
    assert.ok(ended.every(({ thrown }) => thrown instanceof Refused && thrown.retryable))
  })

  test('a backend is silent where the oldest has waited for 5 s without any answer', async () => {
    const { begin, clock, silences, underWay } = setUp()
    await clock.advance(60_000)
    begin()
    await clock.advance(3_000)
    underWay.answered()
    await clock.advance(2_000)
    assert.deepEqual(silences, [], 'there was an answer 2 s ago')
    begin()
    await clock.advance(5_000)
    assert.deepEqual(silences, [70_000])
  })

  test('a moment that rounds to just before what is due at it sets no timer for the same moment again', async () => {
    const { begin, clock, silences } = setUp(hanging, 0)
    const began = 1384.011
    assert.ok(began + 15_000 - began < 15_000, 'this one does')
    clock.turn(began)
    begin()
    await clock.advance(21_000)
    assert.equal(silences.length, 4)
  })

  test('one that does not let go when it is told to keeps no other from its timeout', async () => {
    let calls = 0
    const send: Exporter['send'] = (batch, options) => (calls++ === 0 ? new Promise(() => {}) : hanging(batch, options))
    const { begin, clock, ended } = setUp(send, 1_000)
    begin()
    await clock.advance(1_100)
    begin()
    await clock.advance(1_000)
    assert.deepEqual(
      ended.map(({ index, at }) => [index, at]),
      [[1, 2_100]],
    )
  })
})
