import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf, overdrawnSlab, batchOfSlab } from '../../../src/data/batch.ts'
import { fromJson } from '../../../src/data/json/from-json.ts'
import { inOrder } from '../../../src/data/json/in-order.ts'
import { REQUEST_TABLES } from '../../../src/data/json/table.ts'
import { requestJson, toJson } from '../../../src/data/json/to-json.ts'
import { ByteBudget, Overdrawn } from '../../../src/data/memory/byte-budget.ts'
import { SIGNALS, type Signal } from '../../../src/data/signal.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { requests } from '../generate.ts'
import { golden, goldenObject } from '../golden.ts'
import { mutate, randomFrom } from '../mutate.ts'
import { decode, encode } from '../oracle.ts'
import { attribute, embed, fixed64, inRecord, number, tag, varint } from '../wire-bytes.ts'
import { modelOf } from './object-model.ts'

/** The JSON of segments that are a request together. */
function jsonOf(signal: Signal, ...segments: readonly Buffer[]): string {
  const json = requestJson(signal, segments)
  const text = Buffer.concat(json.pieces).toString()
  json.release()
  return text
}

for (const signal of SIGNALS) {
  test(`the golden request of ${signal} becomes the text that JSON.stringify makes of the model`, () => {
    assert.equal(jsonOf(signal, golden(signal)), JSON.stringify(modelOf(golden(signal), signal)))
    assert.deepEqual(JSON.parse(jsonOf(signal, golden(signal))), goldenObject(signal))
  })

  test(`damaged requests of ${signal} are written as the model reads them, or are malformed where it finds them so`, () => {
    const random = randomFrom(SIGNALS.indexOf(signal) + 11)
    for (let run = 0; run < 700; run++) {
      const bytes = mutate(golden(signal), random)
      const expected = outcome(() => modelOf(bytes, signal))
      const actual = outcome(() => JSON.parse(jsonOf(signal, bytes)) as unknown)
      // What a later member of a oneof takes the place of is not looked at, whatever is inside.
      if (expected !== MALFORMED) assert.deepEqual(actual, expected, bytes.toString('hex'))
    }
  })
}

const MALFORMED = 'malformed'

/** The value, or that it is malformed. */
function outcome(make: () => unknown): unknown {
  try {
    return make()
  } catch (error) {
    assert.ok(error instanceof Malformed, String(error))
    return MALFORMED
  }
}

for (const signal of ['traces', 'metrics', 'logs'] as const) {
  test(`any request of ${signal} is written as the oracle reads it, and reads back as the same bytes`, () => {
    fc.assert(
      fc.property(requests(signal), (request) => {
        const bytes = encode(signal, request)
        const text = jsonOf(signal, bytes)
        assert.deepEqual(JSON.parse(text), decode(signal, bytes))
        const { slab, length } = fromJson(signal, Buffer.from(text))
        assert.deepEqual(Buffer.concat([slab.buffer.subarray(0, length)]), bytes)
        slab.release()
      }),
      { numRuns: 80 },
    )
  })
}

const log = (...fields: Buffer[]): object => {
  const { resourceLogs } = JSON.parse(jsonOf('logs', inRecord(...fields))) as {
    resourceLogs: { scopeLogs: { logRecords: object[] }[] }[]
  }
  return resourceLogs[0]!.scopeLogs[0]!.logRecords[0]!
}
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return embed(5, tag(4, 1), bytes)
}

describe('values', () => {
  test('text is escaped as JSON.stringify does, and what is not UTF-8 becomes U+FFFD', () => {
    const characters = Array.from({ length: 0x100 }, (_, code) => String.fromCodePoint(code)).join('')
    for (const text of [characters, '\u2028\u2029 \u{1f600} "\\/', 'x'.repeat(5000), `${'é'.repeat(3000)}"`])
      assert.equal(jsonOf('logs', inRecord(embed(3, text))), JSON.stringify(modelOf(inRecord(embed(3, text)), 'logs')))
    for (const bytes of [
      [0x61, 0xff, 0x62],
      [0xed, 0xa0, 0x80],
      [0xe2, 0x82],
      [0xc0, 0x80],
      [0xf0, 0x9f, 0x98],
    ])
      assert.deepEqual(log(embed(3, Buffer.from(bytes))), { severityText: Buffer.from(bytes).toString() })
  })

  test('any integer of 64 bits is a string of its digits', () => {
    const sized = fc.nat(63).chain((bits) => fc.bigInt(-(2n ** BigInt(bits)), 2n ** BigInt(bits) - 1n))
    fc.assert(
      fc.property(sized, (whole) => {
        assert.deepEqual(log(embed(5, number(3, whole))), { body: { intValue: String(whole) } })
        const unsigned = BigInt.asUintN(64, whole)
        assert.deepEqual(log(fixed64(1, unsigned)), unsigned === 0n ? {} : { timeUnixNano: String(unsigned) })
      }),
      { numRuns: 400 },
    )
  })

  test('any double is what JSON.parse reads as the same double, or a string where JSON has none', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const { body } = log(double(value)) as { body: { doubleValue: number | string } }
        assert.deepEqual(body.doubleValue, Number.isFinite(value) ? value : String(value))
      }),
      { numRuns: 300 },
    )
    assert.match(jsonOf('logs', inRecord(double(-0))), /"doubleValue":-0\}/)
    assert.match(jsonOf('logs', inRecord(double(2 ** 53))), /"doubleValue":9007199254740992\}/)
  })

  test('base64 is padded, of every length', () => {
    for (let length = 0; length < 8; length++) {
      const bytes = Buffer.alloc(length, 0xfb)
      assert.deepEqual(log(embed(5, embed(7, bytes))), { body: { bytesValue: bytes.toString('base64') } })
    }
    const long = Buffer.alloc(100_000, 'abc')
    assert.deepEqual(log(embed(5, embed(7, long))), { body: { bytesValue: long.toString('base64') } })
  })
})

describe('requests that are not in order', () => {
  test('lists that stand apart are joined, in segments too', () => {
    const request = Buffer.concat([inRecord(embed(3, 'a')), embed(9, 'unknown'), inRecord(embed(3, 'b'))])
    assert.equal(
      jsonOf('logs', request, inRecord()),
      JSON.stringify(modelOf(Buffer.concat([request, inRecord()]), 'logs')),
    )
    const apart = [attribute(6, 'a', '1'), embed(3, 'x'), attribute(6, 'b', '2'), embed(3, 'y')]
    assert.deepEqual(log(...apart), {
      attributes: [
        { key: 'a', value: { stringValue: '1' } },
        { key: 'b', value: { stringValue: '2' } },
      ],
      severityText: 'y',
    })
  })

  test('a dictionary that comes in parts is one, wherever its parts stand', () => {
    const part = (text: string): Buffer => embed(2, embed(5, text))
    const bytes = Buffer.concat([part('a'), embed(1), part('b')])
    assert.deepEqual(JSON.parse(jsonOf('profiles', bytes)), {
      dictionary: { stringTable: ['a', 'b'] },
      resourceProfiles: [{}],
    })
  })

  test('of a oneof the last member counts, and the same member merges with itself', () => {
    const body = embed(
      5,
      number(3, 1),
      embed(1, 'x'),
      embed(6, attribute(1, 'a', '1')),
      embed(6, attribute(1, 'b', '2')),
    )
    assert.deepEqual(log(body), modelRecord(body))
    assert.deepEqual(log(embed(5, embed(6), embed(1, 'x'), embed(6))), { body: { kvlistValue: {} } })
  })

  test('a default that was written over a value counts', () => {
    assert.deepEqual(log(number(2, 9), number(2, 0), embed(3, 'x'), embed(3, '')), {})
  })

  test('each of many levels may be out of order without more work at each', () => {
    let value: Buffer = embed(1, 'x')
    for (let level = 0; level < 58; level++) value = embed(5, embed(1, value), tag(100, 0), varint(1), embed(1))
    const text = jsonOf('logs', inRecord(embed(5, Buffer.concat([value, embed(1, 'y'), value]))))
    assert.equal(text.split('arrayValue').length, 59)
  })
})

const modelRecord = (...fields: Buffer[]): unknown =>
  (modelOf(inRecord(...fields), 'logs') as { resourceLogs: { scopeLogs: { logRecords: unknown[] }[] }[] })
    .resourceLogs[0]!.scopeLogs[0]!.logRecords[0]

describe('memory', () => {
  const many = Buffer.concat(Array.from({ length: 20_000 }, (_, index) => inRecord(embed(3, `${index}`.repeat(8)))))

  test('a long request comes in several pieces that are charged to the budget of the batch until they are released', () => {
    const budget = new ByteBudget(16 * 1024 * 1024)
    const slab = overdrawnSlab(many.length, budget)
    many.copy(slab.buffer)
    const batch = batchOfSlab('logs', 20_000, slab, many.length)
    const before = budget.used
    const json = toJson(batch)
    assert.ok(json.pieces.length > 3)
    assert.equal(Buffer.concat(json.pieces).toString(), JSON.stringify(modelOf(many, 'logs')))
    assert.ok(budget.used >= before + Buffer.concat(json.pieces).length)
    json.release()
    assert.equal(budget.used, before)
    batch.release()
  })

  test('past the bound of the budget it is overdrawn, and nothing stays charged', () => {
    const budget = new ByteBudget(many.length * 2)
    const slab = overdrawnSlab(many.length, budget)
    many.copy(slab.buffer)
    const batch = batchOfSlab('logs', 20_000, slab, many.length)
    const before = budget.used
    assert.throws(() => toJson(batch), Overdrawn)
    assert.equal(budget.used, before)
    batch.release()
  })

  test('a batch outside any budget is written too, an empty one as an empty object', () => {
    const json = toJson(batchOf('logs', 0, Buffer.alloc(0)))
    assert.equal(Buffer.concat(json.pieces).toString(), '{}')
    json.release()
  })
})

test('entries in disorder are written from where they stand: no copy, of which levels of messages would each hold one', () => {
  const lists = Buffer.from([0x0a, 2, 0x1a, 0, 0x12, 0, 0x0a, 0])
  const pieces = [...inOrder(REQUEST_TABLES.logs, [lists]).values()].flat()
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [4, 2],
  )
  for (const piece of pieces) assert.equal(piece.buffer, lists.buffer)
})
