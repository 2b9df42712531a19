import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import * as read from '../../../src/data/wire/varint.ts'
import * as write from '../../../src/data/wire/write.ts'

const PADDING = 3
const room = (): Buffer => Buffer.alloc(32, 0xee)

describe('varints', () => {
  test('any number up to 2^53 reads back, forward and backward, in the size that was foretold', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const buffer = room()
        const end = write.writeVarint(buffer, PADDING, value)
        assert.equal(end - PADDING, write.varintSize(value))
        assert.equal(read.readVarint(buffer, PADDING, end), value)
        assert.equal(read.cursor.at, end)
        assert.equal(read.skip(buffer, PADDING, end, read.VARINT), end)
        const start = write.writeVarintBefore(buffer, 30, value)
        assert.equal(read.readVarint(buffer, start, 30), value)
        assert.equal(read.cursor.at, 30)
      }),
    )
  })

  test('the borders of every length take the right size', () => {
    for (let bits = 1; bits < 53; bits++) {
      for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        const buffer = room()
        const end = write.writeVarint(buffer, 0, value)
        assert.equal(end, write.varint64Size(BigInt(value)))
        assert.equal(end, write.varintSize(value))
        assert.equal(read.readVarint(buffer, 0, end), value)
      }
    }
  })

  test('any 64 bits read back as signed and as unsigned', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), (value) => {
        const buffer = room()
        const end = write.writeVarint64(buffer, 0, value)
        assert.equal(end, write.varint64Size(value))
        assert.equal(read.readInt64(buffer, 0, end), BigInt.asIntN(64, value))
        assert.equal(read.readUint64(buffer, 0, end), BigInt.asUintN(64, value))
        write.writeFixed64(buffer, 0, value)
        assert.equal(read.readSignedFixed64(buffer, 0, 8), BigInt.asIntN(64, value))
        assert.equal(read.readFixed64(buffer, 0, 8), BigInt.asUintN(64, value))
      }),
    )
  })

  test('an int32 keeps its sign through the ten bytes that a negative one takes', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const buffer = room()
        const end = write.writeInt(buffer, 0, value)
        assert.equal(read.readInt32(buffer, 0, end), value)
      }),
    )
  })

  test('a double and a fixed32 read back', () => {
    fc.assert(
      fc.property(fc.double(), fc.nat(), (double, nat) => {
        const buffer = room()
        write.writeDouble(buffer, 1, double)
        assert.ok(Object.is(read.readDouble(buffer, 1, 9), double))
        write.writeFixed32(buffer, 1, nat)
        assert.equal(read.readFixed32(buffer, 1, 5), nat)
      }),
    )
  })

  test('zigzag numbers read as signed', () => {
    for (const [encoded, value] of [
      [0, 0],
      [1, -1],
      [2, 1],
      [4294967295, -2147483648],
    ] as const) {
      const buffer = room()
      assert.equal(read.readZigzag(buffer, 0, write.writeVarint(buffer, 0, encoded)), value)
    }
  })

  test('a non-minimal varint is accepted', () => {
    assert.equal(read.readVarint(Buffer.from([0x85, 0x80, 0x80, 0x00]), 0, 4), 5)
    assert.equal(read.readLength(Buffer.from([0x81, 0x80, 0x00, 0x07]), 0, 4), 1)
  })

  test('a varint that does not end before the end is refused, whatever follows', () => {
    const buffer = Buffer.from([0x80, 0x80, 0x01])
    for (const reader of [
      read.readVarint,
      read.readInt64,
      read.readInt32,
      read.readTag,
      read.readLength,
      read.readBool,
    ]) {
      assert.throws(() => reader(buffer, 0, 2), Malformed)
      assert.throws(() => reader(buffer, 2, 2), Malformed)
    }
    assert.throws(() => read.skip(buffer, 0, 2, read.VARINT), Malformed)
  })

  test('a varint of eleven bytes is refused', () => {
    const buffer = Buffer.alloc(12, 0x80)
    buffer[10] = 1
    assert.throws(() => read.readVarint(buffer, 0, 12), Malformed)
    assert.throws(() => read.skip(buffer, 0, 12, read.VARINT), Malformed)
  })

  test('a length beyond its parent, or of 2^31, is refused', () => {
    assert.throws(() => read.readLength(Buffer.from([3, 0, 0]), 0, 3), Malformed)
    const buffer = room()
    const end = write.writeVarint(buffer, 0, 2 ** 31)
    assert.throws(() => read.readLength(buffer, 0, end), /a length of 2147483648 bytes/)
  })

  test('groups, unknown wire types and field number 0 are refused', () => {
    const buffer = room()
    for (const wireType of [3, 4, 6, 7]) assert.throws(() => read.skip(buffer, 0, 32, wireType), Malformed)
    assert.throws(() => read.readTag(Buffer.from([0x02]), 0, 1), /field number 0/)
    assert.throws(() => read.readTag(Buffer.from([0x82, 0x00]), 0, 2), /field number 0/)
  })

  test('the largest field number is read, a larger one is refused', () => {
    const buffer = room()
    const end = write.writeTag(buffer, 0, 2 ** 29 - 1, read.LENGTH)
    assert.equal(read.readTag(buffer, 0, end) >>> 3, 2 ** 29 - 1)
    const beyond = write.writeVarint(buffer, 0, 2 ** 32)
    assert.throws(() => read.readTag(buffer, 0, beyond), Malformed)
  })
})
