import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MapSpec } from '../../../src/native/addon.ts'
import { summed, testbed, u32 } from './testbed.ts'

const bed = testbed()
const HASH: MapSpec = { type: 'hash', name: 'numbers', keySize: 4, valueSize: 8, maxEntries: 5000 }

describe('maps', { skip: bed.skip }, () => {
  if (bed.skip !== false) return
  const { addon } = bed
  const { maps } = addon

  function using(spec: MapSpec, use: (map: number) => void): void {
    const map = addon.createMap(spec)
    try {
      use(map)
    } finally {
      addon.closeDescriptor(map)
    }
  }

  function u64(value: number): Buffer {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    return bytes
  }

  /** What `read` gave, by key. */
  function entries(map: number, room: number, remove: boolean): Map<number, number> {
    const [keys, values] = [Buffer.alloc(4 * room), Buffer.alloc(8 * room)]
    const count = maps.read(map, keys, values, remove)
    const read = new Map<number, number>()
    for (let index = 0; index < count; index++)
      read.set(keys.readUInt32LE(4 * index), Number(values.readBigUInt64LE(8 * index)))
    assert.equal(read.size, count)
    return read
  }

  test('an entry is found once written, and gone once deleted', () =>
    using(HASH, (map) => {
      const value = Buffer.alloc(8)
      assert.equal(maps.lookup(map, u32(7), value), false)
      maps.update(map, u32(7), u64(49))
      assert.equal(maps.lookup(map, u32(7), value), true)
      assert.deepEqual(value, u64(49))
      assert.equal(maps.delete(map, u32(7)), true)
      assert.equal(maps.delete(map, u32(7)), false)
    }))

  test('all entries are read, with and without taking them out', () => {
    for (const type of ['hash', 'lru_hash'] as const)
      using({ ...HASH, type }, (map) => {
        for (let key = 0; key < 3000; key++) maps.update(map, u32(key), u64(key * key))
        const read = entries(map, 5000, false)
        assert.equal(read.size, 3000)
        for (const [key, value] of read) assert.equal(value, key * key)
        assert.equal(entries(map, 5000, true).size, 3000)
        assert.equal(entries(map, 5000, false).size, 0)
      })
  })

  test('reading into little room takes out what it gave, and no more', () =>
    using(HASH, (map) => {
      for (let key = 0; key < 1000; key++) maps.update(map, u32(key), u64(key))
      const seen = new Set<number>()
      for (let reads = 0; seen.size < 1000 && reads < 1000; reads++)
        for (const key of entries(map, reads % 2 ? 1 : 7, true).keys()) {
          assert.ok(!seen.has(key))
          seen.add(key)
        }
      assert.equal(seen.size, 1000)
      assert.equal(entries(map, 10, false).size, 0)
    }))

  test('reading into little room gives as many as fit, none twice', () =>
    using(HASH, (map) => {
      for (let key = 0; key < 5000; key++) maps.update(map, u32(key), u64(key))
      for (let room = 1; room < 50; room++) assert.equal(entries(map, room, false).size, room)
    }))

  test('an array is read too, though it has no entries to take out', () =>
    using({ ...HASH, type: 'array', maxEntries: 10 }, (map) => {
      maps.update(map, u32(3), u64(33))
      const read = entries(map, 20, false)
      assert.equal(read.size, 10)
      assert.equal(read.get(3), 33)
      assert.throws(() => entries(map, 20, true), { step: 'read' })
    }))

  test('a per-CPU map has a value for each possible CPU, rounded up to 8 bytes', () =>
    using({ ...HASH, type: 'percpu_array', valueSize: 4, maxEntries: 2 }, (map) => {
      const values = Buffer.alloc(8 * maps.possibleCpus)
      for (let cpu = 0; cpu < maps.possibleCpus; cpu++) values.writeUInt32LE(cpu + 1, 8 * cpu)
      maps.update(map, u32(1), values)
      assert.equal(summed(addon, map, 1), (maps.possibleCpus * (maps.possibleCpus + 1)) / 2)
      const [keys, all] = [Buffer.alloc(8), Buffer.alloc(16 * maps.possibleCpus)]
      assert.equal(maps.read(map, keys, all, false), 2)
      assert.deepEqual(all.subarray(8 * maps.possibleCpus), values)
      assert.equal(maps.info(map).valueSize, 4)
      assert.throws(() => maps.update(map, u32(1), Buffer.alloc(4)), TypeError)
    }))

  test('a map tells what it is', () =>
    using({ ...HASH, type: 'lru_hash', name: 'verdicts' }, (map) =>
      assert.deepEqual(maps.info(map), { type: 9, keySize: 4, valueSize: 8, maxEntries: 5000, name: 'verdicts' }),
    ))

  test('keys and values of other lengths never reach the kernel', () =>
    using(HASH, (map) => {
      for (const bytes of [Buffer.alloc(3), Buffer.alloc(5), 'abcd', undefined, new Uint16Array(2), [0, 0, 0, 0]])
        for (const call of [
          () => maps.lookup(map, bytes as never, Buffer.alloc(8)),
          () => maps.lookup(map, u32(1), bytes as never),
          () => maps.update(map, bytes as never, Buffer.alloc(8)),
          () => maps.update(map, u32(1), bytes as never),
          () => maps.delete(map, bytes as never),
        ])
          assert.throws(call, TypeError)
      assert.throws(() => maps.read(map, Buffer.alloc(3), Buffer.alloc(8), false), TypeError)
      assert.throws(() => maps.read(map, Buffer.alloc(4), Buffer.alloc(7), false), TypeError)
      assert.throws(() => maps.read(map, Buffer.alloc(4), Buffer.alloc(8), 1 as never), TypeError)
    }))

  test('a descriptor of something else is an error', () => {
    for (const other of [0, 1_000_000]) {
      assert.throws(() => maps.lookup(other, u32(1), u32(1)), { step: 'lookup' })
      assert.throws(() => maps.info(other), { step: 'info' })
    }
    for (const wrong of [-1, 1.5, '3', undefined, Number.NaN, Infinity])
      assert.throws(() => maps.info(wrong as never), TypeError)
  })

  test('a map that the kernel does not make says so', () => {
    assert.throws(() => addon.createMap({ ...HASH, keySize: 0 }), {
      code: 'EINVAL',
      step: 'create map',
      subject: 'numbers',
    })
    assert.throws(() => addon.createMap({ ...HASH, name: 'no such name' }), { code: 'EINVAL' })
    for (const wrong of [{ type: 'heap' }, { maxEntries: -1 }, { maxEntries: 2 ** 32 }, { keySize: 0.5 }, { name: '' }])
      assert.throws(() => addon.createMap({ ...HASH, ...wrong } as never), TypeError)
    assert.throws(() => addon.createMap(undefined as never), TypeError)
  })
})
