import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Drops } from '../../src/graph/drops.ts'
import { Metrics } from '../../src/graph/metrics.ts'
import { TestClock } from '../../src/testing.ts'

describe('What is dropped', () => {
  function start() {
    const clock = new TestClock()
    const told: number[] = []
    const silent = () => {}
    const warn = (fields: object) => void told.push((fields as { items: number }).items)
    const drops = new Drops(clock, { debug: silent, info: silent, warn, error: silent }, new Metrics())
    const drop = (items: number, reason = 'too_large') =>
      drops.count({ component: 'otlp_grpc', signal: 'logs', items, reason, message: 'no' })
    return { clock, told, drops, drop }
  }

  test('is told at once, and what follows in that minute when it is over', async () => {
    const { clock, told, drop } = start()
    drop(1)
    drop(2)
    await clock.advance(30_000)
    drop(3)
    assert.deepEqual(told, [1])
    await clock.advance(30_000)
    assert.deepEqual(told, [1, 5])
    drop(4)
    await clock.advance(59_000)
    assert.deepEqual(told, [1, 5], 'the next minute began when it was told')
    await clock.advance(1_000)
    assert.deepEqual(told, [1, 5, 4])
    await clock.advance(600_000)
    drop(7)
    assert.deepEqual(told, [1, 5, 4, 7])
  })

  test('is told for each cause by itself, and at the stop without waiting', async () => {
    const { clock, told, drops, drop } = start()
    drop(1)
    drop(2, 'partial_success')
    drop(3)
    drop(4, 'partial_success')
    drops.tell()
    assert.deepEqual(told, [1, 2, 3, 4])
    await clock.advance(600_000)
    assert.deepEqual(told, [1, 2, 3, 4])
  })

  test('is told in full of more causes than are kept apart', () => {
    const { told, drops, drop } = start()
    for (let cause = 0; cause < 3_000; cause++) for (let again = 0; again < 2; again++) drop(1, `cause ${cause}`)
    drops.tell()
    assert.equal(
      told.reduce((sum, items) => sum + items, 0),
      6_000,
    )
  })
})
