import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Batch, batchOf, batchOfSlab } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { compact, join, merge } from '../../../src/data/kernels/merge.ts'
import { ByteBudget } from '../../../src/data/memory/byte-budget.ts'
import { SlabPool } from '../../../src/data/memory/slab-pool.ts'
import { requests } from '../generate.ts'
import { decode, encode, type OracleSignal } from '../oracle.ts'

const LISTS: Readonly<Record<OracleSignal, string>> = {
  traces: 'resourceSpans',
  metrics: 'resourceMetrics',
  logs: 'resourceLogs',
}

for (const signal of Object.keys(LISTS) as OracleSignal[]) {
  test(`merged ${signal} decode to the records of all, one after another`, () => {
    fc.assert(
      fc.property(fc.array(requests(signal), { minLength: 1, maxLength: 5 }), (all) => {
        const batches = all.map((request) => fromObject(signal, request))
        const merged = merge(batches)
        const list = LISTS[signal]
        const expected = all.flatMap((request) => decode(signal, encode(signal, request))[list] ?? [])
        assert.deepEqual(decode(signal, join(merged))[list] ?? [], expected)
        assert.equal(
          merged.items,
          batches.reduce((sum, batch) => sum + batch.items, 0),
        )
        assert.equal(merged.bytes, join(merged).length)
      }),
      { numRuns: 60 },
    )
  })
}

test('a merged batch shares the memory of its inputs and outlives them', () => {
  const budget = new ByteBudget(10_000)
  const pool = new SlabPool()
  const inputs: Batch<'logs'>[] = []
  for (const text of ['a', 'b']) {
    assert.ok(budget.tryTake(1024))
    const slab = pool.take(10, budget)
    slab.buffer.fill(text)
    inputs.push(batchOfSlab('logs', 1, slab, 4))
  }
  const merged = merge(inputs)
  assert.equal(merged.segments()[0], inputs[0]!.segments()[0])
  for (const input of inputs) input.release()
  assert.equal(budget.used, 2048)
  assert.equal(join(merged).toString(), 'aaaabbbb')
  merged.release()
  assert.equal(budget.used, 0)
})

test('joining or compacting one segment copies nothing', () => {
  const bytes = Buffer.from('x')
  const batch = batchOf('logs', 0, bytes)
  assert.equal(join(batch), bytes)
  assert.equal(compact(batch), batch)
  batch.release()
  assert.equal(batch.segments()[0], bytes)
})

test('a compacted batch has all bytes in one segment, charged to the budget until it is released', () => {
  const budget = new ByteBudget(10_000)
  const pool = new SlabPool()
  const inputs = ['a', 'b', 'c'].map((text) => {
    budget.overdraw(1024)
    const slab = pool.take(10, budget)
    slab.buffer.fill(text)
    return batchOfSlab('logs', 1, slab, 2)
  })
  const compacted = compact(merge(inputs))
  assert.equal(compacted.segments().length, 1)
  assert.equal(compacted.segments()[0]!.toString(), 'aabbcc')
  assert.deepEqual([compacted.items, compacted.bytes, budget.used], [3, 6, 4096])
  compacted.release()
  assert.equal(budget.used, 3072)
})

test('mixed signals, nothing at all and released batches are not merged', () => {
  const mixed: Batch[] = [batchOf('logs', 1, Buffer.alloc(2)), batchOf('traces', 1, Buffer.alloc(2))]
  assert.throws(() => merge(mixed), /traces cannot be merged with logs/)
  assert.throws(() => merge([]), /nothing to merge/)
  const released = batchOf('logs', 1, Buffer.alloc(2))
  released.release()
  assert.throws(() => merge([released]), /released/)
})
