import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { COMPRESSION_ERROR, ConnectionError } from '../../../../src/transport/http2/frames.ts'
import { HeaderEncoder, encodeHeaders } from '../../../../src/transport/http2/hpack/encoder.ts'
import { headerField } from '../../../../src/transport/http2/hpack/header-list.ts'
import { decode, decoder, literal, octets, pairs, text } from './blocks.ts'

/** What is wrong with a block: one that comes first on a connection. */
const MALFORMED: Readonly<Record<string, Buffer>> = {
  'an index of 0': octets('80'),
  'an index beyond the static table': octets('be'),
  'an index far beyond it': octets('ffffff7f'),
  'a name of an index beyond the table': octets('7f00 0161'),
  'an integer without its end': octets('ff'),
  'an integer whose next octet is missing': octets('ff80'),
  'an integer of more than 28 bits': octets('ff 8080 8080 01'),
  'an integer with zeros without end': octets('ff 8080 8080 8080 8080 8080 00'),
  'a length of more than 2^31': octets('00 7f ffff ffff 7f'),
  'no name': octets('40'),
  'no value': octets('04'),
  'a name that is cut off': octets('00 0561 62'),
  'a value that is cut off': octets('04 0561 62'),
  'a resize after a field': octets('82 20'),
  'a table that is larger than allowed': octets('3fe2 1f'),
  'padding of a whole octet': octets('04 82 07ff'),
  'padding of an octet alone': octets('04 81 ff'),
  'padding that is not ones': octets('04 81 18'),
  'the end of a string within it': octets('04 84 ffff ffff'),
  'the end of a string behind a symbol': octets('04 85 1fff ffff ff'),
}

const failed = (error: unknown): boolean => error instanceof ConnectionError && error.code === COMPRESSION_ERROR

describe('a header decoder', () => {
  for (const [name, block] of Object.entries(MALFORMED))
    test(`ends the connection for ${name}`, () => {
      assert.throws(() => decode(decoder(), block), failed)
    })

  test('gives the same list for an equal block, while the table stands', () => {
    const by = decoder()
    const block = Buffer.concat([octets('82 86'), text('').subarray(1)])
    const first = decode(by, Buffer.concat([block, literal(0x40, 'x', 'one')]))
    const again = Buffer.concat([block, octets('be')])
    const second = decode(by, again)
    assert.deepEqual(pairs(second.fields), pairs(first.fields))
    assert.equal(decode(by, Buffer.concat([octets('ffff'), again, octets('ff')]).subarray(2, 2 + again.length)), second)
    decode(by, literal(0x40, 'x', 'two'))
    assert.deepEqual(pairs(decode(by, again).fields).at(-1), ['x', 'two'])
  })

  test('gives the same list for a block of literals, whatever becomes of the table', () => {
    const by = decoder()
    const block = literal(0, 'te', 'trailers')
    const list = decode(by, block)
    decode(by, literal(0x40, 'x', 'one'))
    assert.equal(decode(by, block), list)
  })

  test('does a resize again that it did before', () => {
    const by = decoder()
    const large = octets('3fe11f 82')
    decode(by, large)
    decode(by, octets('20 82'))
    decode(by, large)
    decode(by, literal(0x40, 'x', 'one'))
    assert.equal(by.tableSize, 36)
  })

  test('remembers again what a peer repeats after it said something else each time', () => {
    const by = decoder()
    for (let count = 0; count < 5000; count++) decode(by, literal(0, 'grpc-timeout', `${count}u`))
    const block = literal(0, 'te', 'trailers')
    const seen = new Set(Array.from({ length: 1000 }, () => decode(by, block)))
    assert.ok(seen.size < 600, `${seen.size}`)
  })

  test('keeps the table right behind a list that is too large', () => {
    const by = decoder({ listSize: 100 })
    const block = Buffer.concat([
      literal(0, 'small', 'x'),
      literal(0, 'large', 'x'.repeat(100)),
      literal(0x40, 'kept', 'one'),
      literal(0, 'small', 'y'),
    ])
    const list = decode(by, block)
    assert.equal(list.isTooLarge, true)
    assert.deepEqual(pairs(list.fields), [['small', 'x']])
    assert.deepEqual(pairs(decode(by, octets('be')).fields), [['kept', 'one']])
  })

  test('takes a list of exactly what is allowed', () => {
    const by = decoder({ listSize: 40 })
    assert.equal(decode(by, literal(0, 'abc', 'defgh')).isTooLarge, false)
    assert.equal(decode(by, literal(0, 'abc', 'defghi')).isTooLarge, true)
  })

  test('is emptied by a field that is larger than its table', () => {
    for (const length of [4096, 50_000]) {
      const by = decoder({ listSize: 8192 })
      decode(by, literal(0x40, 'x', 'one'))
      decode(by, literal(0x40, 'y', 'z'.repeat(length)))
      assert.equal(by.tableSize, 0)
      assert.throws(() => decode(by, octets('be')), failed)
    }
  })

  test('evicts the oldest when the table is full, and keeps as many as fit', () => {
    const by = decoder()
    for (let count = 0; count < 1000; count++) decode(by, literal(0x40, 'n', `${1000 + count}`))
    assert.equal(by.tableSize, 37 * Math.floor(4096 / 37))
    assert.deepEqual(pairs(decode(by, octets('be')).fields), [['n', '1999']])
    assert.deepEqual(pairs(decode(by, octets(`ff${(61 + 110 - 127).toString(16)}`)).fields), [['n', '1890']])
    assert.throws(() => decode(by, octets(`ff${(62 + 110 - 127).toString(16)}`)), failed)
  })

  test('wants a smaller table from the first block after the settings were acknowledged', () => {
    const by = decoder({ tableSize: 256 })
    decode(by, octets('3fe11f 82'))
    by.acknowledged()
    assert.throws(() => decode(by, octets('82')), failed)
    const other = decoder({ tableSize: 256 })
    other.acknowledged()
    assert.throws(() => decode(other, octets('3fe201 82')), failed)
    decode(other, octets('20 3fe101 82'))
    decode(other, octets('82'))
  })

  test('does not give more for a bomb of references than the limit, nor takes long', () => {
    const by = decoder()
    decode(by, literal(0x40, 'x', 'b'.repeat(4000)))
    const bomb = Buffer.alloc(16_384, 0xbe)
    const began = performance.now()
    for (let count = 0; count < 100; count++) {
      const list = decode(by, bomb)
      assert.equal(list.isTooLarge, true)
      assert.ok(list.fields.length <= 4)
    }
    // 1.6 MB of references: 15 ms on an idle machine.
    assert.ok(performance.now() - began < 1000)
  })

  test('reads whatever comes without any other error, and never gives more than the limit', () => {
    const sound = [
      encodeHeaders([headerField(':method', 'POST'), headerField('user-agent', 'telegen', 'never')]),
      new HeaderEncoder().encode([headerField(':path', '/a'), headerField('x-long', 'y'.repeat(300))]),
      octets('3fe11f 82'),
    ]
    const mutation = fc.tuple(fc.constantFrom(...sound), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
    const block = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      mutation.map(([bytes, at, octet, isCut]) => {
        const changed = Buffer.from(bytes)
        changed[at % bytes.length] = octet
        return isCut ? changed.subarray(0, at % bytes.length) : changed
      }),
    )
    fc.assert(
      fc.property(fc.array(block, { maxLength: 20 }), (blocks) => {
        const by = decoder({ listSize: 500 })
        try {
          for (const each of blocks) {
            const { fields } = decode(by, Buffer.from(each))
            assert.ok(fields.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0) <= 500)
            assert.ok(by.tableSize <= 4096)
          }
        } catch (error) {
          if (!failed(error)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  test('reads a block that is cut anywhere as malformed or as fewer fields, never as others', () => {
    const fields = [headerField(':path', '/some/where'), headerField('te', 'trailers'), headerField('x-a', '\xff\x00')]
    const block = encodeHeaders(fields)
    for (let length = 0; length < block.length; length++) {
      try {
        const got = pairs(decode(decoder(), block.subarray(0, length)).fields)
        assert.deepEqual(got, pairs(fields).slice(0, got.length))
      } catch (error) {
        assert.ok(failed(error), String(error))
      }
    }
  })
})
