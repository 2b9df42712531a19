import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refused } from '../../src/component/refused.ts'
import { Circuit } from '../../src/sending/circuit.ts'
import { settle, TestClock } from '../../src/testing/test-clock.ts'
import { AroundDisk, away, hangUntil, never, range } from './around-disk.ts'

/** As by default. */
const DEFAULT = { initial_interval: 5000, multiplier: 1.5, max_interval: 30_000, randomization_factor: 0.5 }
const OPEN = 'telegen.exporter.circuit_open'

describe('a backend that is away', () => {
  test('is asked by one batch every five seconds at most, and all go on when it is back', async () => {
    const around = new AroundDisk()
    const at: number[] = []
    let isAway = true
    around.send = async () => {
      at.push(around.clock.monotonic())
      if (isAway) throw away()
    }
    const sender = await around.started({ queue: { num_consumers: 10 }, retry: DEFAULT })
    for (let index = 0; index < 30; index++) around.take(sender)
    await around.clock.advance(60_000)
    assert.equal(around.metrics.total(OPEN), 1)
    const later = at.filter((time) => time > 12_000)
    assert.ok(later.length >= 8, `${later.length} tries in 48 s`)
    for (const [index, time] of later.entries()) assert.ok(index === 0 || time - (later[index - 1] as number) >= 4_999)
    isAway = false
    await around.clock.advance(5_000)
    assert.deepEqual(
      around.sent.toSorted((a, b) => a - b),
      range(0, 30),
    )
    assert.equal(around.metrics.total(OPEN), 0)
  })

  test('is asked when that is due, whatever else times out meanwhile, unless it wants to be left alone', async () => {
    const clock = new TestClock()
    const circuit = new Circuit(clock)
    const failed = (wait: number, asked = 0) => circuit.failed(clock.monotonic(), wait, asked)
    /** When somebody may try, while what began before anything else times out every second. */
    const triedAt = async () => {
      let at: number | undefined
      void circuit.enter(never).then(() => (at = clock.monotonic()))
      for (let second = 0; second < 100 && at === undefined; second++) {
        await clock.advance(1_000)
        if (at === undefined) circuit.failed(-10_000, 5_000, 0)
      }
      return at
    }
    for (let index = 0; index < 3; index++) failed(5_000)
    assert.equal(await triedAt(), 5_000)
    failed(5_000)
    assert.equal(await triedAt(), 10_000)
    failed(5_000, 20_000)
    failed(5_000)
    assert.equal(await triedAt(), 30_000)
    failed(5_000, 60_000)
    circuit.answered()
    for (let index = 0; index < 3; index++) failed(5_000)
    assert.equal(await triedAt(), 35_000, 'what it asked for before its answer is over')
  })

  test('is asked again at once where the attempt that asked it hung for as long as others wait, but not before it ends', async () => {
    const clock = new TestClock()
    const circuit = new Circuit(clock)
    for (let index = 0; index < 3; index++) circuit.failed(0, 5_000, 0)
    const tries: number[] = []
    const enter = () => void circuit.enter(never).then(() => tries.push(clock.monotonic()))
    for (let index = 0; index < 4; index++) enter()
    await clock.advance(10_000)
    circuit.silent()
    await clock.advance(1)
    assert.deepEqual(tries, [5_000])
    circuit.failed(5_000, 5_000, 0)
    await clock.advance(4_000)
    circuit.silent()
    await clock.advance(2_000)
    assert.deepEqual(tries, [5_000, 10_001, 15_001])
  })

  test('is left alone for as long as it asked', async () => {
    const around = new AroundDisk()
    const at: number[] = []
    around.send = async () => {
      at.push(around.clock.monotonic())
      throw away(20_000)
    }
    const sender = await around.started({ queue: { num_consumers: 4 } })
    for (let index = 0; index < 8; index++) around.take(sender)
    await around.clock.advance(65_000)
    assert.deepEqual(
      at.filter((time) => time > 0),
      [20_000, 40_000, 60_000],
    )
  })

  test('shows in the status, since when and how much waits', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const sender = await around.started()
    for (let index = 0; index < 4; index++) around.take(sender)
    await around.clock.advance(8_000)
    assert.equal(around.states[0], 'sending failed: away')
    assert.equal(
      around.states.at(-1),
      'sending failed: away; nothing gets through since 2026-01-01T00:00:00.000Z, 4 batches wait',
    )
  })

  test('shows within seconds where it takes connections and never answers', async () => {
    const around = new AroundDisk()
    around.send = (_, { abort }) => hangUntil(abort)
    const sender = await around.started({ queue: { num_consumers: 2 } })
    for (let index = 0; index < 2; index++) around.take(sender)
    await around.clock.advance(4_999)
    assert.deepEqual(around.states, [])
    await around.clock.advance(1)
    assert.match(String(around.states.at(-1)), /^no answer for 5 s and more; 2 batches wait/)
  })

  test('shows where its last answer came shortly before what hangs had waited so long', async () => {
    const around = new AroundDisk()
    let tries = 0
    around.send = async (_, { abort }) => {
      if (++tries === 1) return hangUntil(abort)
      await around.clock.sleep(4_000)
    }
    const sender = await around.started({ queue: { num_consumers: 2 }, timeout: 30_000 })
    for (let index = 0; index < 2; index++) around.take(sender)
    await around.clock.advance(8_999)
    assert.deepEqual(around.states, ['ok'])
    await around.clock.advance(1)
    assert.match(String(around.states.at(-1)), /^no answer for 5 s and more/)
  })

  test('is found to be back although all consumers hang on connections that are dead', async () => {
    const around = new AroundDisk()
    let isBack = false
    let tries = 0
    around.send = (_, { abort }) => {
      tries++
      return isBack ? Promise.resolve() : hangUntil(abort)
    }
    const sender = await around.started({ queue: { num_consumers: 3 }, timeout: 30_000 })
    for (let index = 0; index < 20; index++) around.take(sender)
    await around.clock.advance(4_999)
    assert.equal(tries, 3)
    await around.clock.advance(5_001)
    assert.equal(tries, 5, 'one more every five seconds')
    isBack = true
    await around.clock.advance(5_000)
    assert.equal(around.states.at(-1), 'ok')
    assert.ok(around.sent.length >= 1)
    await around.clock.advance(30_000)
    assert.deepEqual(
      around.sent.toSorted((a, b) => a - b),
      range(0, 20),
    )
    assert.deepEqual([around.onDisk(), around.lost], [[], []])
  })

  test('that refuses a batch for good is there: the others go on', async () => {
    const around = new AroundDisk()
    let isAway = true
    around.send = async (batch) => {
      if (isAway) throw away()
      if (batch.segments()[0]?.includes('record 0.'))
        throw new Refused('forbidden', { code: 'permission_denied', retry: 'never' })
    }
    const sender = await around.started({ queue: { num_consumers: 3 } })
    for (let index = 0; index < 6; index++) around.take(sender)
    await around.clock.advance(6_000)
    isAway = false
    await around.clock.advance(5_000)
    assert.deepEqual(
      around.sent.toSorted((a, b) => a - b),
      range(1, 6),
    )
  })

  test('does not keep a batch for longer than max_elapsed_time after its first try, although others try', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const sender = await around.started({ queue: { num_consumers: 3 }, retry: { max_elapsed_time: 30_000 } })
    for (let index = 0; index < 5; index++) around.take(sender)
    await around.clock.advance(31_000)
    assert.deepEqual([...around.lost, ...around.dropped].length, 3, 'those that had been tried')
    assert.ok(around.lost.every(({ reason }) => reason === 'retries_exhausted'))
    await sender.stop(never)
    assert.deepEqual(around.onDisk(), [3, 4])
  })
})

describe('a batch that the backend finds too large', () => {
  const tooLarge = () =>
    new Refused('larger than max', { code: 'resource_exhausted', retry: 'never', reason: 'too_large' })

  test('goes in halves, down to the record that is too large alone, which is set aside and counted', async () => {
    const around = new AroundDisk()
    around.send = async (batch) => {
      const isLarge = batch.segments().some((each) => each.includes('record 5.'))
      if (batch.items > 4 || isLarge) throw tooLarge()
    }
    const sender = await around.started()
    around.take(sender, 13)
    await settle()
    await settle()
    assert.deepEqual(
      around.sent,
      range(0, 13).filter((index) => index !== 5),
    )
    assert.deepEqual([around.lost, around.onDisk(), around.budget.used], [[{ items: 1, reason: 'too_large' }], [], 0])
  })

  test('is in order and whole after a stop in the middle', async () => {
    const around = new AroundDisk()
    let calls = 0
    around.send = async (batch, { abort }) => {
      if (batch.items > 2) throw tooLarge()
      if (calls++ === 1) await hangUntil(abort)
    }
    const sender = await around.started()
    around.take(sender, 8)
    await settle()
    const stopping = sender.stop(never)
    await around.clock.advance(3_100)
    await stopping
    assert.deepEqual([around.sent, around.onDisk(), around.lost], [[0, 1], range(0, 8), []])
  })
})
