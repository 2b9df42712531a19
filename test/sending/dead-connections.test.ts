import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AroundDisk, hangUntil, range } from './around-disk.ts'

const CONSUMERS = 3
/** Most that may be sent beside what hangs. */
const MOST_BESIDE = 6
/** As `otlp_http`'s by default, in milliseconds. */
const TIMEOUT = 30_000
/** As by default, without its chance. */
const RETRY = { initial_interval: 5_000, multiplier: 1.5, max_interval: 30_000, randomization_factor: 0 }

/** What begins while `isDead` is on a connection that is dead for ever, and hangs until its timeout. */
async function setUp(consumers = CONSUMERS) {
  const around = new AroundDisk()
  const backend = { isDead: true, tries: [] as number[], underWay: 0, most: 0 }
  around.send = async (_, { abort }) => {
    backend.tries.push(around.clock.monotonic())
    backend.most = Math.max(backend.most, ++backend.underWay)
    try {
      if (backend.isDead) await hangUntil(abort)
      else await around.clock.sleep(10)
    } finally {
      backend.underWay--
    }
  }
  const sender = await around.started({ queue: { num_consumers: consumers }, retry: RETRY, timeout: TIMEOUT })
  const take = (count: number) => {
    for (let index = 0; index < count; index++) around.take(sender)
  }
  /** Takes one every 100 ms. */
  const traffic = async (time: number) => {
    for (let passed = 0; passed < time; passed += 100) {
      take(1)
      await around.clock.advance(100)
    }
  }
  return { around, backend, take, traffic }
}

describe('a backend behind connections that are dead for ever', () => {
  test('is sent to from its first answer on, although what hangs takes all consumers until it times out', async () => {
    const { around, backend, take, traffic } = await setUp()
    take(20)
    await around.clock.advance(11_000)
    assert.equal(backend.tries.length, 5, 'three consumers, and one more every five seconds')
    backend.isDead = false
    await around.clock.advance(4_200)
    assert.deepEqual(around.sent, range(5, 20))
    await traffic(14_000)
    assert.equal(around.sent.length, 15 + 140, 'all that came meanwhile')
    assert.deepEqual(
      around.states.filter((state) => state !== 'ok'),
      Array.from({ length: 3 }, () => 'no answer for 5 s and more; 20 batches wait'),
    )
  })

  test('is not taken to be away again when what hung all the while times out', async () => {
    const { around, backend, take, traffic } = await setUp()
    take(5)
    await around.clock.advance(11_000)
    take(1)
    backend.isDead = false
    await traffic(15_000)
    const told = around.states.length
    const sent = around.sent.length
    await traffic(30_000)
    assert.deepEqual(
      around.states.slice(told).filter((state) => state !== 'ok'),
      [],
    )
    assert.equal(around.sent.length, sent + 300 + 5, 'none waited, and what hung went through at its next try')
    assert.deepEqual([around.onDisk(), around.lost, around.dropped], [[], [], []])
  })

  test('is asked every five seconds for as long as that lasts, and found within as many of its return', async () => {
    const { around, backend, take } = await setUp()
    take(40)
    await around.clock.advance(203_000)
    const late = backend.tries.filter((at) => at > 60_000)
    for (const [index, at] of late.entries())
      if (index > 0) assert.ok(at - (late[index - 1] as number) <= 5_300, `tries at ${late.join()}`)
    assert.ok(late.length >= 28 && late.length < 60, `${late.length} tries in 143 s`)
    backend.isDead = false
    await around.clock.advance(5_100)
    assert.equal(around.states.at(-1), 'ok')
  })

  test('has no more sends before it than there are consumers and a few more, however often it answers and is silent', async () => {
    const { around, backend, take, traffic } = await setUp()
    take(10)
    for (let round = 0; round < 20; round++) {
      backend.isDead = true
      await traffic(7_000)
      backend.isDead = false
      await traffic(3_000)
    }
    assert.equal(backend.most, CONSUMERS + MOST_BESIDE)
    await around.clock.advance(60_000)
    assert.equal(new Set(around.sent).size, around.outcomes.length)
    assert.deepEqual([around.onDisk(), around.lost, around.dropped], [[], [], []])
    backend.most = 0
    take(20)
    await around.clock.advance(5_000)
    assert.equal(backend.most, CONSUMERS, 'when nothing hangs any more')
  })
})
