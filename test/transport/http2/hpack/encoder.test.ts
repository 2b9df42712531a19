import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DynamicTable } from '../../../../src/transport/http2/hpack/dynamic-table.ts'
import { HeaderEncoder, encodeHeaders } from '../../../../src/transport/http2/hpack/encoder.ts'
import { headerField, sizeOfField } from '../../../../src/transport/http2/hpack/header-list.ts'
import type { HeaderField } from '../../../../src/transport/http2/hpack/header-list.ts'
import { huffmanLength, readHuffman, writeHuffman } from '../../../../src/transport/http2/hpack/huffman.ts'
import { writeInteger } from '../../../../src/transport/http2/hpack/integer.ts'
import { LAST_STATIC, STATIC_TABLE } from '../../../../src/transport/http2/hpack/static-table.ts'
import { decode, decoder, octets, pairs } from './blocks.ts'

const latin1 = (most: number) =>
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: most }).map((codes) => String.fromCharCode(...codes))
const field: fc.Arbitrary<HeaderField> = fc
  .tuple(
    fc.oneof(fc.constantFrom(':path', ':method', 'te', 'x-a', 'content-type'), latin1(20)),
    fc.oneof(fc.constantFrom('GET', 'trailers', '1'), latin1(200)),
    fc.constantFrom('allowed' as const, 'without' as const, 'never' as const),
  )
  .map((parts) => headerField(...parts))

describe('Huffman’s code', () => {
  test('gives every text back', () => {
    const target = Buffer.alloc(20_000)
    const result = Buffer.alloc(20_000)
    fc.assert(
      fc.property(latin1(2000), (text) => {
        const end = writeHuffman(text, target, 3)
        assert.equal(end - 3, huffmanLength(text))
        const length = readHuffman(target, 3, end, result)
        assert.equal(result.toString('latin1', 0, length), text)
      }),
      { numRuns: 200 },
    )
  })

  test('never writes beyond the memory it is given', () => {
    const end = writeHuffman('a'.repeat(100), Buffer.alloc(100), 0)
    const source = Buffer.alloc(end)
    writeHuffman('a'.repeat(100), source, 0)
    for (let room = 0; room < 100; room++) assert.ok(readHuffman(source, 0, end, Buffer.alloc(room)) < 0)
    assert.equal(readHuffman(source, 0, end, Buffer.alloc(102)), 100)
  })
})

describe('an integer', () => {
  test('is written as in the examples of RFC 7541, C.1', () => {
    const written = (prefix: number, value: number) => {
      const target = Buffer.alloc(8)
      return target.subarray(0, writeInteger(target, 0, 0, prefix, value)).toString('hex')
    }
    assert.deepEqual([written(5, 10), written(5, 1337), written(8, 42)], ['0a', '1f9a0a', '2a'])
  })
})

describe('the static table', () => {
  test('has the entries of RFC 7541, Appendix A, where that has them', () => {
    assert.equal(LAST_STATIC, 61)
    const some = [1, 3, 8, 14, 16, 28, 31, 58, 61].map((index) => pairs([STATIC_TABLE[index]!])[0])
    assert.deepEqual(some, [
      [':authority', ''],
      [':method', 'POST'],
      [':status', '200'],
      [':status', '500'],
      ['accept-encoding', 'gzip, deflate'],
      ['content-length', ''],
      ['content-type', ''],
      ['user-agent', ''],
      ['www-authenticate', ''],
    ])
  })
})

describe('an encoder', () => {
  test('without a table writes what any decoder reads, again and again', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
        const by = decoder()
        const block = encodeHeaders(fields)
        for (let times = 0; times < 2; times++) {
          const list = decode(by, block)
          assert.deepEqual(pairs(list.fields), pairs(fields))
          assert.equal(by.tableSize, 0)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('with a table writes what a decoder reads, whatever the peer makes of the table', () => {
    const act = fc.oneof(fc.array(field, { maxLength: 8 }), fc.constantFrom(0, 40, 100, 4096, 2 ** 32 - 1))
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const by = decoder()
        const encoder = new HeaderEncoder()
        for (const act of acts) {
          if (typeof act === 'number') encoder.setTableSize(act)
          // The same array again: from the second time on it may be remembered.
          else
            for (let times = 0; times < 3; times++)
              assert.deepEqual(pairs(decode(by, encoder.encode(act)).fields), pairs(act))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('takes an octet a field when it sends the same again', () => {
    const encoder = new HeaderEncoder()
    const fields = [
      headerField(':method', 'POST'),
      headerField(':path', '/opentelemetry.proto.collector.trace.v1.TraceService/Export'),
      headerField('te', 'trailers'),
      headerField('x-tenant', 'a'),
    ]
    const first = encoder.encode(fields)
    const second = encoder.encode(fields)
    assert.ok(first.length > 60)
    assert.equal(second.length, 4)
    assert.equal(encoder.encode(fields), second)
  })

  test('says the smallest size that there was, and the last one', () => {
    const encoder = new HeaderEncoder()
    const fields = [headerField('x-a', 'b')]
    encoder.encode(fields)
    encoder.setTableSize(0)
    encoder.setTableSize(100)
    assert.deepEqual(encoder.encode(fields).subarray(0, 4), octets('203f45 40'))
    encoder.setTableSize(100)
    assert.equal(encoder.encode(fields)[0], 0xbe)
  })

  test('never puts a secret into the table, nor what varies, nor what has no room', () => {
    const by = decoder()
    const encoder = new HeaderEncoder()
    const fields = [
      headerField('authorization', 'secret', 'never'),
      headerField('grpc-timeout', '5S', 'without'),
      headerField('x-large', 'x'.repeat(5000)),
    ]
    const list = decode(by, encoder.encode(fields))
    assert.deepEqual(
      list.fields.map(({ indexing }) => indexing),
      ['never', 'without', 'without'],
    )
    assert.equal(by.tableSize, 0)
    assert.equal(decode(by, encodeHeaders([headerField(':method', 'GET', 'never')])).fields[0]?.indexing, 'never')
  })

  test('refuses a character that is not an octet, and is as it was', () => {
    const encoder = new HeaderEncoder()
    assert.throws(() => encoder.encode([headerField('x-a', 'b'), headerField('x-b', '€')]), RangeError)
    assert.deepEqual(pairs(decode(decoder(), encoder.encode([headerField('x-a', 'b')])).fields), [['x-a', 'b']])
  })
})

describe('a dynamic table', () => {
  test('holds the newest fields that fit', () => {
    const act = fc.oneof(
      fc.nat(120).map((length) => headerField('n', 'x'.repeat(length))),
      fc.nat(1000).map((capacity) => ({ capacity })),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 100 }), (acts) => {
        const table = new DynamicTable(1000)
        let model: HeaderField[] = []
        let capacity = 1000
        for (const act of acts) {
          if ('capacity' in act) table.resize((capacity = act.capacity))
          else table.insert(act)
          if (!('capacity' in act)) model.unshift(act)
          const sizes = model.map(({ name, value }) => sizeOfField(name, value))
          let size = 0
          const fitting = sizes.findIndex((each) => (size += each) > capacity)
          if (fitting >= 0) model = model.slice(0, fitting)
          assert.deepEqual(
            Array.from({ length: table.count }, (_, index) => table.get(index)),
            model,
          )
          assert.equal(
            table.size,
            model.reduce((sum, { name, value }) => sum + sizeOfField(name, value), 0),
          )
        }
      }),
      { numRuns: 100 },
    )
  })
})
