import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOfSlab, overdrawnSlab } from '../../../src/data/batch.ts'
import { ByteBudget, Overdrawn } from '../../../src/data/memory/byte-budget.ts'
import { SlabPool } from '../../../src/data/memory/slab-pool.ts'

describe('a byte budget', () => {
  test('refuses what does not fit, and takes it when room was given back', () => {
    const budget = new ByteBudget(100)
    assert.ok(budget.tryTake(60))
    assert.equal(budget.tryTake(41), false)
    assert.equal(budget.used, 60)
    budget.give(20)
    assert.ok(budget.tryTake(60))
    assert.equal(budget.peak, 100)
  })

  test('lets inside work overdraw by its bound, counted, and not by more', () => {
    const budget = new ByteBudget(100, 50)
    budget.overdraw(100)
    assert.equal(budget.overdrafts, 0)
    budget.overdraw(50)
    assert.equal(budget.overdrafts, 1)
    assert.throws(() => budget.overdraw(1), Overdrawn)
    assert.equal(budget.used, 150)
    assert.equal(budget.tryTake(1), false)
  })

  test('tells its watchers when something is given, until they leave', () => {
    const budget = new ByteBudget(100)
    let told = 0
    const leave = budget.onGiven(() => told++)
    budget.tryTake(10)
    budget.give(5)
    leave()
    budget.give(5)
    assert.equal(told, 1)
  })

  test('refuses to take back more than was taken', () => {
    assert.throws(() => new ByteBudget(100).give(1), RangeError)
  })
})

describe('a slab pool', () => {
  test('lends at least what was asked for, and at most a quarter more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000_000 }), (bytes) => {
        const capacity = SlabPool.capacity(bytes)
        assert.ok(capacity >= bytes)
        assert.ok(capacity <= Math.max(1024, bytes * 1.25 + 1), `${bytes} -> ${capacity}`)
        assert.equal(SlabPool.capacity(capacity), capacity)
      }),
    )
  })

  test('lends a returned buffer again', () => {
    const pool = new SlabPool()
    const first = pool.take(5000)
    const { buffer } = first
    first.release()
    assert.equal(pool.idleBytes, buffer.length)
    assert.equal(pool.take(5100).buffer, buffer)
    assert.equal(pool.idleBytes, 0)
  })

  test('keeps no more idle memory than its limit', () => {
    const pool = new SlabPool(10_000)
    const slabs = Array.from({ length: 5 }, () => pool.take(4096))
    for (const slab of slabs) slab.release()
    assert.equal(pool.idleBytes, 8192)
  })
})

describe('a slab', () => {
  test('carries one charge, given back by the last of all batches that share it', () => {
    const budget = new ByteBudget(1e6)
    const slab = overdrawnSlab(3000, budget)
    assert.equal(budget.used, slab.capacity)
    const one = batchOfSlab('logs', 1, slab.retain(), 10)
    const two = batchOfSlab('logs', 1, slab, 20)
    one.release()
    assert.equal(budget.used, slab.capacity)
    two.retain().release()
    two.release()
    assert.equal(budget.used, 0)
    assert.throws(() => two.release(), /released twice/)
    assert.throws(() => two.segments(), /released batch/)
    assert.throws(() => slab.retain(), /released slab/)
  })
})
