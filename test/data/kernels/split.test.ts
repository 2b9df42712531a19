import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Batch, batchOf, batchOfSlab } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import type { JsonObject } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { join, merge } from '../../../src/data/kernels/merge.ts'
import { split, type SplitLimits } from '../../../src/data/kernels/split.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { ByteBudget, Overdrawn } from '../../../src/data/memory/byte-budget.ts'
import { SlabPool } from '../../../src/data/memory/slab-pool.ts'
import { requests } from '../generate.ts'
import { decode, type OracleSignal } from '../oracle.ts'
import { embed, fixed64, inRecord, number } from '../wire-bytes.ts'
import { type Item, itemsIn } from './items.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']

/** Items of all parts by the oracle; checks that each part is a valid request of the size that it says. */
function itemsOf(signal: OracleSignal, parts: readonly Batch[]): Item[] {
  return parts.flatMap((part) => {
    const bytes = join(part)
    const items = itemsIn(signal, decode(signal, bytes))
    assert.equal(bytes.length, part.bytes)
    assert.equal(items.length, part.items)
    assert.equal(validate(signal, bytes), part.items)
    return items
  })
}

for (const signal of SIGNALS) {
  const several = fc.array(requests(signal, { forOracle: true, most: 4 }), { minLength: 1, maxLength: 3 })
  const batchFrom = (all: readonly JsonObject[]) => merge(all.map((request) => fromObject(signal, request)))

  describe(`splitting ${signal}`, () => {
    test('by items keeps every item with all that describes it, in order, and fills each part', () => {
      fc.assert(
        fc.property(several, fc.integer({ min: 1, max: 9 }), (all, items) => {
          const batch = batchFrom(all)
          const parts = split(batch, { items })
          assert.deepEqual(itemsOf(signal, parts), itemsIn(signal, decode(signal, join(batch))))
          for (const part of parts.slice(0, -1)) assert.equal(part.items, items)
          assert.ok(parts.at(-1)!.items <= items)
        }),
        { numRuns: 60 },
      )
    })

    test('by bytes keeps every item and passes the limit only with a single one', () => {
      fc.assert(
        fc.property(several, fc.integer({ min: 20, max: 2000 }), (all, bytes) => {
          const batch = batchFrom(all)
          const parts = split(batch, { bytes })
          assert.deepEqual(itemsOf(signal, parts), itemsIn(signal, decode(signal, join(batch))))
          for (const part of parts) assert.ok(part.bytes <= bytes || part.items <= 1, `${part.items} in ${part.bytes}`)
        }),
        { numRuns: 60 },
      )
    })
  })
}

const logs = (count: number) => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'host.name', value: { stringValue: 'a' } }] },
      scopeLogs: [
        {
          scope: { name: 'test' },
          logRecords: Array.from({ length: count }, (_, index) => ({ severityText: `record ${index}` })),
          schemaUrl: 'scope',
        },
      ],
      schemaUrl: 'resource',
    },
  ],
})

test('a batch within the limits is its own only part', () => {
  const batch = fromObject('logs', logs(3))
  for (const limits of [{}, { items: 3 }, { bytes: batch.bytes }, { items: 3, bytes: batch.bytes }]) {
    const [part, ...others] = split(batch, limits)
    assert.equal(part, batch)
    assert.deepEqual(others, [])
    batch.release()
  }
  assert.ok(batch.segments())
})

test('the resource, the scope and their schema URLs are repeated in each part', () => {
  const parts = split(fromObject('logs', logs(5)), { items: 2 })
  const records = (from: number, to: number) => {
    const part = logs(5)
    const scope = part.resourceLogs[0]!.scopeLogs[0]!
    scope.logRecords = scope.logRecords.slice(from, to)
    return part
  }
  assert.deepEqual(
    parts.map((part) => toObject(part)),
    [records(0, 2), records(2, 4), records(4, 5)],
  )
})

test('by bytes each part is as full as it can be, lengths of one to three bytes counted exactly', () => {
  const batch = fromObject('logs', logs(4000))
  for (const bytes of [100, 170, 200, 300, 16_384, 16_600]) {
    const parts = split(batch, { bytes })
    parts.slice(0, -1).forEach((part, index) => {
      const [first] = itemsIn('logs', toObject(parts[index + 1]!))
      const text = first!.item['severityText'] as string
      // A record takes its text and four bytes; one more may lengthen the lengths of the resource and the scope by a
      // byte each.
      assert.ok(part.bytes + text.length + 4 + 2 > bytes, `${part.bytes} of ${bytes}`)
    })
  }
})

test('no byte more than the limit is in a part, at any limit', () => {
  const batch = fromObject('logs', logs(60))
  for (let bytes = 60; bytes < 400; bytes++) {
    for (const part of split(batch, { bytes })) assert.ok(part.bytes <= bytes || part.items === 1, `${part.bytes}`)
  }
})

test('the points of one metric come apart, and each part has its name, unit and temporality', () => {
  const metric = (points: number[]) => ({
    name: 'system.cpu.time',
    unit: 's',
    sum: { dataPoints: points.map((value) => ({ asDouble: value })), aggregationTemporality: 2, isMonotonic: true },
  })
  const request = (points: number[]) => ({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric(points)] }] }] })
  const parts = split(fromObject('metrics', request([1, 2, 3, 4, 5])), { items: 2 })
  assert.deepEqual(
    parts.map((part) => toObject(part)),
    [request([1, 2]), request([3, 4]), request([5])],
  )
})

test('unknown fields survive, beside records with the first part', () => {
  const record = (value: number) => embed(2, number(2, value), number(80, value))
  const bytes = Buffer.concat([
    embed(1, embed(2, number(70, 7), record(1), record(2), number(71, 8)), number(60, 6)),
    number(50, 5),
  ])
  const [first, second, ...others] = split(batchOf('logs', 2, bytes), { items: 1 })
  assert.deepEqual(others, [])
  assert.deepEqual(join(first!), embed(1, number(60, 6), embed(2, number(70, 7), number(71, 8), record(1))))
  assert.deepEqual(join(second!), Buffer.concat([embed(1, embed(2, record(2))), number(50, 5)]))
})

test('containers without records are kept, once', () => {
  const empty = { resource: { droppedAttributesCount: 1 }, scopeLogs: [{ schemaUrl: 'empty' }] }
  const request = { resourceLogs: [empty, ...logs(2).resourceLogs, empty] }
  const parts = split(fromObject('logs', request), { items: 1 })
  assert.equal(parts.length, 2)
  const kept = parts.flatMap((part) => toObject(part)['resourceLogs'] as JsonObject[])
  assert.deepEqual([kept[0], kept.at(-1), kept.length], [empty, empty, 4])
})

test('a metric whose data was written in pieces stays whole, and of two kinds of data the last counts', () => {
  const points = (kind: number, ...values: bigint[]) =>
    embed(kind, ...values.map((value) => embed(1, fixed64(3, value))))
  const pieces = inRecord(points(7, 1n, 2n), embed(7, number(2, 2)), points(7, 3n))
  const [whole, ...others] = split(batchOf('metrics', 3, pieces), { items: 2 })
  assert.deepEqual([whole!.items, others], [3, []])
  assert.deepEqual(toObject(whole!), toObject(pieces, 'metrics'))

  const kinds = inRecord(points(5, 1n, 2n, 3n), points(7, 4n, 5n))
  const parts = split(batchOf('metrics', 2, kinds), { items: 1 })
  const times = parts.map((part) => itemsIn('metrics', toObject(part)).map(({ item }) => item['timeUnixNano']))
  assert.deepEqual(times, [['4'], ['5']])
})

test('parts are charged to the budget of the batch, and none is kept where they do not fit', () => {
  const pool = new SlabPool()
  const bytes = join(fromObject('logs', logs(2000)))
  const charged = (budget: ByteBudget) => {
    const slab = pool.take(bytes.length)
    budget.overdraw(slab.capacity)
    slab.charge(budget)
    bytes.copy(slab.buffer)
    return batchOfSlab('logs', 2000, slab, bytes.length)
  }
  const wide = new ByteBudget(1_000_000)
  const batch = charged(wide)
  const before = wide.used
  const parts = split(batch, { items: 500 })
  assert.ok(wide.used > before + bytes.length)
  for (const part of parts) part.release()
  assert.equal(wide.used, before)
  batch.release()
  assert.equal(wide.used, 0)

  const narrow = new ByteBudget(SlabPool.capacity(bytes.length), 20_000)
  const stuck = charged(narrow)
  assert.throws(() => split(stuck, { items: 500 }), Overdrawn)
  assert.equal(narrow.used, SlabPool.capacity(bytes.length))
  stuck.release()
  assert.equal(narrow.used, 0)
})

test('limits below one are refused', () => {
  const batch = fromObject('logs', logs(2))
  for (const limits of [{ items: 0 }, { bytes: -1 }, { items: NaN }] satisfies SplitLimits[]) {
    assert.throws(() => split(batch, limits), RangeError)
  }
})
