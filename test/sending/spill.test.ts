import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settle } from '../../src/testing/test-clock.ts'
import { AroundDisk, away, hangUntil, never, range } from './around-disk.ts'

/** Room for about ten of the deliveries here. */
const SHARE = 300

describe('a queue that spills', () => {
  test('takes in memory, goes to disk while that is full, and sends all in order', async () => {
    const around = new AroundDisk()
    let isAway = true
    around.send = () => (isAway ? Promise.reject(away()) : Promise.resolve())
    const sender = await around.started({ queue: { spill: true }, share: SHARE })
    for (let index = 0; index < 40; index++) {
      around.take(sender, 1, { acknowledge: 'accepted' })
      assert.ok(around.acknowledged.has(index))
    }
    await settle()
    const spilled = around.onDisk()
    assert.ok(spilled.length > 20 && spilled.length < 38)
    assert.deepEqual(spilled, range(40 - spilled.length, 40))
    isAway = false
    await around.clock.advance(10_000)
    assert.deepEqual(around.sent, range(0, 40))
    around.take(sender, 1, { acknowledge: 'accepted' })
    await settle()
    assert.deepEqual([around.onDisk(), around.budget.used, sender.queue?.used], [[], 0, 0])
  })

  test('brings what is in memory to disk at the stop, where the next one finds it', async () => {
    for (const backend of [
      () => Promise.reject(away()),
      (_: unknown, { abort }: { abort: AbortSignal }) => hangUntil(abort),
    ]) {
      const around = new AroundDisk()
      around.send = backend
      const sender = await around.started({ queue: { spill: true, num_consumers: 2 }, share: SHARE })
      for (let index = 0; index < 20; index++) around.take(sender, 1, { acknowledge: 'accepted' })
      await settle()
      const stopping = sender.stop(never)
      await around.clock.advance(3_100)
      await stopping
      assert.deepEqual(
        around.onDisk().toSorted((a, b) => a - b),
        range(0, 20),
      )
      assert.deepEqual([around.lost, around.dropped, around.budget.used, around.warnings], [[], [], 0, []])
    }
  })

  test('counts and names what the disk does not take either at the stop', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const sender = await around.started({ queue: { spill: true } })
    for (let index = 0; index < 5; index++) around.take(sender, 2, { acknowledge: 'accepted' })
    await settle()
    around.storage.fill(true)
    await sender.stop(never)
    assert.equal(
      around.lost.reduce((sum, { items }) => sum + items, 0),
      10,
    )
    assert.deepEqual(around.warnings, [
      {
        fields: { signal: 'logs', items: 10 },
        message: 'exporter "test/out" stopped before everything could be sent; the rest is lost',
      },
    ])
    assert.equal(around.budget.used, 0)
  })

  test('has room as long as memory or disk has', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const sender = await around.started({ queue: { spill: true }, share: SHARE })
    around.storage.fill(true)
    assert.equal(sender.room?.full({ bytes: 100, items: 1 }), undefined)
    assert.equal(sender.room?.full({ bytes: 1000, items: 1 })?.retryable, true)
    around.storage.fill(false)
    assert.equal(sender.room?.full({ bytes: 1000, items: 1 }), undefined)
  })
})
