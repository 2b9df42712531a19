import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { queryObjects } from 'node:v8'
import { Sender } from '../../src/sending/sender.ts'
import { settle } from '../../src/testing/test-clock.ts'
import { AroundDisk, away, never, range, SLAB } from './around-disk.ts'

const arrays = () => queryObjects(Array, { format: 'count' })

describe('the memory of a queue on disk', () => {
  test('does not grow with what was ever written', async () => {
    const around = new AroundDisk()
    const sender = await around.started()
    const write = async (count: number) => {
      for (let index = 0; index < count; index++) {
        around.take(sender)
        if (index % 50 === 0) await settle()
      }
      await settle()
      around.requests.length = 0
    }
    await write(100)
    const before = arrays()
    await write(1_000)
    assert.ok(arrays() - before < 500, `${arrays() - before} more arrays after 1,000 batches`)
  })

  test('goes to the oldest that must be dropped, although all of it waits for the room of that one', async () => {
    const around = new AroundDisk(20 * SLAB)
    around.send = () => Promise.reject(away())
    const sender = await around.started({
      share: 100,
      queue: { on_full: 'drop_oldest', queue_size: 10, sizer: 'items' },
    })
    for (let index = 0; index < 10; index++) {
      around.take(sender)
      await settle()
    }
    const { budget } = around
    let left = 60
    const enter = () => {
      for (; left > 0 && budget.used + SLAB <= budget.limit; left--) around.take(sender)
    }
    enter()
    budget.onGiven(enter)
    await around.clock.advance(10_000)
    assert.deepEqual([left, around.acknowledged.size, sender.queue?.used], [0, 70, 10])
    assert.deepEqual(around.onDisk(), [0, ...range(61, 70)], 'the first is under way')
  })

  test('is enough for one record at a time, although siblings have all of it and share what has been sent', async () => {
    const around = new AroundDisk(12 * SLAB)
    const gate = Promise.withResolvers<void>()
    around.send = () => gate.promise
    const sender = await around.started({ share: 100 })
    for (let index = 0; index < 10; index++) {
      const delivery = around.deliver()
      delivery.batch.retain()
      sender.take(delivery)
      await settle()
    }
    while (around.budget.tryTake(SLAB));
    gate.resolve()
    await around.clock.advance(10_000)
    assert.deepEqual(around.sent, range(0, 10))
  })

  test('does not keep the senders that had it before', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const first = await around.started()
    let sender = first
    around.take(sender)
    await settle()
    for (let times = 0; times < 20; times++) {
      const leftover = await sender.handOver(never)
      sender = around.sender()
      await sender.adopt(leftover)
      await around.clock.advance(5_000)
    }
    const senders = queryObjects(Sender, { format: 'count' })
    assert.ok(senders < 10, `${senders} senders are in memory`)
    around.take(first)
    await settle()
    assert.deepEqual(around.onDisk(), [0, 1], 'what comes to the first goes to the last')
    await sender.stop(AbortSignal.abort())
  })
})
