import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settle } from '../../src/testing/test-clock.ts'
import { AroundDisk, away, never, range } from './around-disk.ts'
import type { AroundOptions } from './around-disk.ts'
import { FakeStorage } from './fake-storage.ts'

/** Twenty records before the old sender, of which some are in its memory, and two that come meanwhile. */
async function handed(before: AroundOptions, after: AroundOptions) {
  const around = new AroundDisk()
  let isAway = true
  around.send = () => (isAway ? Promise.reject(away()) : Promise.resolve())
  const old = await around.started({ share: 1e4, ...before })
  for (let index = 0; index < 20; index++) around.take(old)
  await around.clock.advance(3_000)
  const leftover = await old.handOver(never)
  around.take(old)
  await settle()
  isAway = false
  const fresh = around.sender(after)
  await fresh.adopt(leftover)
  around.take(old)
  await around.clock.advance(5_000)
  return { around, fresh, leftover }
}

/** In memory. */
const withoutStorage = { queue: { storage: undefined as never } }

describe('a queue on disk that is handed over', () => {
  test('goes on with all of it in order, on the same storage', async () => {
    for (const share of [100, 1e4, 1e6]) {
      const { around, fresh } = await handed({ share }, {})
      assert.deepEqual(around.sent, range(0, 22))
      assert.deepEqual([around.lost, around.onDisk(), around.budget.used], [[], [], 0])
      assert.deepEqual([fresh.queue?.used, around.storage.open], [0, 1])
      await fresh.stop(never)
      assert.equal(around.storage.open, 0)
    }
  })

  test('is emptied by a successor that keeps its own elsewhere, or in memory, and then let go of', async () => {
    for (const after of [{ storage: new FakeStorage() }, withoutStorage]) {
      const { around, fresh } = await handed({ share: 100 }, after)
      assert.deepEqual(around.sent, range(0, 22))
      assert.deepEqual([around.lost, around.onDisk(), around.budget.used, around.storage.open], [[], [], 0, 0])
      await fresh.stop(never)
    }
  })

  test('takes over what was in memory, on disk', async () => {
    const { around } = await handed(withoutStorage, {})
    assert.deepEqual(around.sent, range(0, 22))
    assert.deepEqual([around.lost, around.onDisk(), around.budget.used], [[], [], 0])
  })

  test('is let go of where the storage itself is changed, and found again', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const old = await around.started({ share: 1e4 })
    for (let index = 0; index < 20; index++) around.take(old)
    await settle()
    const leftover = await old.handOver(never)
    await leftover.close()
    assert.equal(around.storage.open, 0)
    around.take(old)
    around.send = async () => {}
    const fresh = around.sender()
    await fresh.adopt(leftover)
    await around.clock.advance(5_000)
    assert.deepEqual(around.sent, range(0, 21))
    assert.deepEqual([around.lost, around.onDisk(), around.budget.used], [[], [], 0])
  })

  test('stays where it is when its storage stops before it is empty, and what comes after it is sent', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const old = await around.started({ share: 100 })
    for (let index = 0; index < 20; index++) around.take(old, 1, { acknowledge: 'delivered' })
    await settle()
    const fresh = around.sender(withoutStorage)
    await fresh.adopt(await old.handOver(never))
    await around.storage.stop()
    around.send = async () => {}
    around.take(fresh)
    await around.clock.advance(10_000)
    const left = around.onDisk()
    assert.ok(left.length > 10, 'most of it had not been read')
    assert.ok(around.sent.includes(20), 'what came later does not wait for it')
    assert.deepEqual(new Set([...around.sent, ...left]), new Set(range(0, 21)))
    assert.equal(new Set(around.sent).size, around.sent.length)
    assert.deepEqual([around.lost, around.dropped, around.budget.used], [[], [], 0])
    assert.ok(left.every((each) => around.sent.includes(each) || around.kinds()[each] === 'stored'))
    await fresh.stop(never)
  })

  test('may be adopted by another one where the successor could not open its own', async () => {
    const around = new AroundDisk()
    around.send = () => Promise.reject(away())
    const old = await around.started()
    for (let index = 0; index < 5; index++) around.take(old)
    await settle()
    const leftover = await old.handOver(never)
    const broken = new FakeStorage()
    await broken.queue('exporter/test/out/logs')
    await assert.rejects(around.sender({ storage: broken }).adopt(leftover), /is open already/)
    around.send = async () => {}
    await around.sender().adopt(leftover)
    await settle()
    assert.deepEqual(around.sent, range(0, 5))
  })
})
