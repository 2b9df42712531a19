import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { requests } from '../generate.ts'
import { decode, encode, type OracleSignal } from '../oracle.ts'
import { attribute, embed, fixed64, inRecord, number, tag, varint } from '../wire-bytes.ts'
import { itemsIn } from './items.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']

for (const signal of SIGNALS) {
  test(`any request of ${signal} is valid, and validate and count find the items that the oracle finds`, () => {
    fc.assert(
      fc.property(requests(signal), (request) => {
        const bytes = encode(signal, request)
        const items = itemsIn(signal, decode(signal, bytes)).length
        assert.equal(validate(signal, bytes), items)
        assert.equal(count(signal, bytes), items)
      }),
      { numRuns: 100 },
    )
  })

  test(`any request of ${signal} with all that OTLP has today is valid`, () => {
    fc.assert(
      fc.property(requests(signal, { forOracle: false }), (request) => {
        const bytes = join(fromObject(signal, request))
        assert.equal(validate(signal, bytes), itemsIn(signal, request).length)
      }),
      { numRuns: 60 },
    )
  })
}

const log = (...fields: Buffer[]) => inRecord(...fields)
const refuses = (signal: OracleSignal, bytes: Buffer, reason: RegExp) =>
  assert.throws(
    () => validate(signal, bytes),
    (error) => error instanceof Malformed && reason.test(error.reason) && error.offset <= bytes.length,
  )
const agrees = (signal: OracleSignal, bytes: Buffer, items = 1) => {
  assert.equal(validate(signal, bytes), items)
  assert.deepEqual(toObject(bytes, signal), decode(signal, bytes))
}

const counts = (signal: OracleSignal, bytes: Buffer, items = 1) => {
  assert.equal(validate(signal, bytes), items)
  assert.equal(count(signal, bytes), items)
}

describe('hazards', () => {
  test('tags written in more bytes than they need count like others', () => {
    const wide = (bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from([bytes[0]! | 0x80, 0x80, 0x00]), bytes.subarray(1)])
    const span = embed(2, embed(1, Buffer.alloc(16)))
    counts('traces', embed(1, embed(2, span, wide(span), span)), 3)
    refuses('traces', embed(1, embed(2, wide(embed(2, embed(1, Buffer.alloc(15)))))), /trace id of 15/)
    const [gauge, sum] = [embed(5, embed(1)), embed(7, embed(1), embed(1))]
    counts('metrics', embed(1, embed(2, embed(2, gauge, wide(sum)))), 2)
    counts('metrics', embed(1, embed(2, embed(2, wide(gauge), gauge))), 2)
  })

  test('fields whose tags take two bytes are checked like others', () => {
    const flags = Buffer.concat([tag(16, 5), Buffer.alloc(4, 1)])
    counts('traces', inRecord(flags, embed(5, 'name')))
    refuses('traces', inRecord(flags.subarray(0, 5)), /beyond/)
    refuses('traces', inRecord(number(16, 1)), /wire type/)
    counts('traces', inRecord(number(17, 1), embed(31, 'unknown')))
  })

  test('requests one after another are one request', () => {
    const one = log(embed(3, 'a'))
    agrees('logs', Buffer.concat([one, one]), 2)
  })

  test('groups are refused, in known and in unknown fields, at every level', () => {
    const group = Buffer.concat([tag(100, 3), tag(100, 4)])
    refuses('logs', group, /group/)
    refuses('logs', embed(1, group), /group/)
    refuses('logs', embed(1, embed(2, group)), /group/)
    refuses('logs', log(group), /group/)
    refuses('logs', log(embed(6, embed(1, 'k'), embed(2, group))), /group/)
    refuses('logs', log(tag(5, 3), tag(5, 4)), /wire type|group/)
  })

  test('ids are empty or of their length, wherever they stand', () => {
    const places: [signal: OracleSignal, field: number, bytes: number, wrap: (id: Buffer) => Buffer][] = [
      ['traces', 1, 16, (id) => inRecord(id)],
      ['traces', 2, 8, (id) => inRecord(id)],
      ['traces', 4, 8, (id) => inRecord(id)],
      ['traces', 1, 16, (id) => inRecord(embed(13, id))],
      ['traces', 2, 8, (id) => inRecord(embed(13, id))],
      ['logs', 9, 16, (id) => log(id)],
      ['logs', 10, 8, (id) => log(id)],
      ['metrics', 5, 16, (id) => inRecord(embed(5, embed(1, embed(5, id))))],
      ['metrics', 4, 8, (id) => inRecord(embed(9, embed(1, embed(8, id))))],
    ]
    for (const [signal, field, bytes, wrap] of places) {
      for (const length of [0, bytes]) assert.equal(validate(signal, wrap(embed(field, Buffer.alloc(length)))), 1)
      for (const length of [1, bytes - 1, bytes + 1]) {
        refuses(signal, wrap(embed(field, Buffer.alloc(length))), new RegExp(`id of ${length} bytes`))
      }
    }
  })

  test('messages may be nested 128 deep and no deeper, and 5000 levels do not exhaust the stack', () => {
    const nested = (values: number) => {
      let value = embed(1, 'x')
      for (let level = 1; level < values; level++) value = embed(5, embed(1, value))
      return log(embed(5, value))
    }
    // Request, resource, scope, record and body are five; each further value stands in an array, so adds two.
    assert.equal(validate('logs', nested(62)), 1)
    refuses('logs', nested(63), /nested more than 128/)
    refuses('logs', nested(5000), /nested more than 128/)
  })

  test('a plain attribute is refused where it is too deep, too', () => {
    const nested = (arrays: number, lists: number) => {
      let value: Buffer = attribute(1, 'k', 'v')
      for (let level = 1; level < lists; level++) value = embed(1, embed(1, 'k'), embed(2, embed(6, value)))
      let body = embed(6, value)
      for (let level = 0; level < arrays; level++) body = embed(5, embed(1, body))
      return log(embed(5, body))
    }
    // The body is the fifth message. An array adds two, a list three, of which the value is the last.
    assert.equal(validate('logs', nested(0, 41)), 1)
    assert.equal(validate('logs', nested(3, 39)), 1)
    refuses('logs', nested(2, 40), /nested more than 128/)
    refuses('logs', nested(0, 42), /nested more than 128/)
  })

  test('varints and lengths need not be minimal', () => {
    const long = Buffer.from([0x9a, 0x80, 0x80, 0x00, 0x83, 0x80, 0x00, 0x61, 0x62, 0x63])
    agrees('logs', log(long))
    agrees('logs', log(Buffer.from([0x10, 0x89, 0x80, 0x80, 0x80, 0x00])))
    refuses('logs', log(Buffer.from([0x10, ...Array.from({ length: 10 }, () => 0x80), 0])), /more than 10 bytes/)
  })

  test('unknown fields pass at every level', () => {
    const unknown = Buffer.concat([number(90, 1), fixed64(91, 1n), embed(92, 'x'), tag(93, 5), Buffer.alloc(4)])
    agrees('logs', Buffer.concat([embed(1, embed(2, embed(2, unknown, embed(6, unknown)), unknown), unknown), unknown]))
  })

  test('of a field that is written twice the last counts, and messages merge', () => {
    agrees('logs', log(embed(3, 'first'), embed(3, 'second')))
    agrees('logs', log(embed(6, embed(2, embed(1, 'value first')), embed(1, 'key'))))
    agrees('logs', log(embed(6, embed(1, 'key'), embed(2, embed(1, 'one')), embed(2, embed(1, 'two')))))
  })

  // The oracle keeps both members of a oneof, and replaces embedded messages where protobuf merges them:
  // https://protobuf.dev/programming-guides/encoding/#last-one-wins.
  test('of a oneof the last member counts, and a message that is written twice merges', () => {
    const body = log(embed(5, number(3, 1), embed(1, 'x')))
    assert.equal(validate('logs', body), 1)
    assert.deepEqual(itemsIn('logs', toObject(body, 'logs'))[0]?.item, { body: { stringValue: 'x' } })
    const resource = (key: string) => embed(1, attribute(1, key, 'v'))
    const twice = embed(1, resource('a'), resource('b'), embed(2, embed(2)))
    assert.equal(validate('logs', twice), 1)
    const attributes = ['a', 'b'].map((key) => ({ key, value: { stringValue: 'v' } }))
    assert.deepEqual(itemsIn('logs', toObject(twice, 'logs'))[0]?.resource, { resource: { attributes } })
  })

  test('of a metric with two kinds of data only the points of the last count', () => {
    const points = (kind: number, length: number) =>
      embed(kind, ...Array.from({ length }, () => embed(1, fixed64(3, 7n))))
    for (const [bytes, items] of [
      [inRecord(points(5, 3), points(7, 2)), 2],
      [inRecord(points(5, 3), points(5, 2)), 5],
      [inRecord(points(5, 3), points(7, 2), points(5, 1)), 1],
    ] as const) {
      assert.equal(validate('metrics', bytes), items)
      assert.equal(count('metrics', bytes), items)
      assert.equal(itemsIn('metrics', toObject(bytes, 'metrics')).length, items)
    }
  })

  test('repeated numbers may be packed or not, and packed ones fill their length', () => {
    const histogram = (...fields: Buffer[]) => inRecord(embed(9, embed(1, ...fields)))
    const buckets = (...fields: Buffer[]) => inRecord(embed(10, embed(1, embed(8, ...fields))))
    agrees('metrics', histogram(fixed64(6, 1n), fixed64(6, 2n), embed(6, Buffer.alloc(16))))
    agrees('metrics', buckets(number(2, 300), embed(2, varint(1), varint(2n ** 64n - 1n))))
    refuses('metrics', histogram(embed(6, Buffer.alloc(15))), /8 bytes/)
    refuses('metrics', histogram(number(6, 1)), /wire type/)
    refuses('metrics', buckets(embed(2, Buffer.from([0x80]))), /varint/)
    refuses('metrics', buckets(fixed64(2, 1n)), /wire type/)
  })

  test('strings that are not UTF-8 pass', () => {
    const bytes = log(embed(3, Buffer.from([0xff, 0xfe])))
    assert.equal(validate('logs', bytes), 1)
    assert.match(JSON.stringify(toObject(bytes, 'logs')), /\ufffd\ufffd/)
  })

  test('a known field with another wire type is refused', () => {
    refuses('logs', number(1, 1), /wire type/)
    refuses('logs', log(embed(1, 'time')), /wire type/)
    refuses('logs', log(number(3, 1)), /wire type/)
    refuses('logs', log(fixed64(5, 1n)), /wire type/)
    assert.throws(() => count('logs', number(1, 1)), Malformed)
  })

  test('lengths reach neither past their message nor to 2 GiB', () => {
    refuses('logs', Buffer.from([0x0a, 2, 0x12, 1]), /beyond the end/)
    refuses('logs', Buffer.from([0x0a, 5, 0]), /beyond the end/)
    refuses('logs', Buffer.concat([tag(1, 2), varint(2 ** 31)]), /length of 2147483648/)
    refuses('logs', Buffer.concat([tag(1, 2), varint(2n ** 64n - 1n)]), /length of/)
    for (const length of [3, 300]) {
      const cut = embed(1, embed(2, tag(2, 2), varint(length), Buffer.from('ab')))
      assert.throws(() => count('logs', cut), /beyond the end/)
    }
    refuses('logs', Buffer.from([0x00, 0x00]), /field number 0/)
    refuses('logs', Buffer.concat([tag(100, 7), varint(0)]), /wire type 7/)
  })

  test('a request of 2 GiB is refused at once', () => {
    assert.throws(() => validate('logs', Buffer.allocUnsafeSlow(2 ** 31)), /a request of 2 GiB or more/)
  })

  test('an attribute is checked alike whether it is short and canonical or not', () => {
    const cases = [
      embed(6),
      embed(6, embed(1, 'k')),
      embed(6, embed(1, 'k'), embed(2)),
      embed(6, embed(1, 'k'), embed(2, embed(1, ''))),
      embed(6, embed(1, 'k'), embed(2, number(2, 1))),
      embed(6, embed(1, 'k'), embed(2, number(3, -1))),
      embed(6, embed(1, 'k'), embed(2, fixed64(4, 1n))),
      embed(6, embed(1, 'k'.repeat(127)), embed(2, embed(1, 'v'.repeat(125)))),
      embed(6, embed(1, 'k'.repeat(128)), embed(2, embed(1, 'v'.repeat(126)))),
      embed(6, embed(1, 'k'), embed(2, embed(1, 'v'.repeat(300)))),
    ]
    for (const bytes of cases) agrees('logs', log(bytes))
    for (const broken of [
      embed(6, embed(1, 'k'), tag(2, 2), varint(1)),
      embed(6, embed(1, 'k'), embed(2, tag(3, 0))),
      embed(6, embed(1, 'k'), embed(2, tag(3, 0), Buffer.alloc(10, 0x80), Buffer.from([0]))),
      embed(6, embed(1, 'k'), embed(2, tag(4, 1), Buffer.alloc(7))),
      embed(6, embed(1, 'k'), embed(2, tag(1, 2), varint(3), Buffer.from('ab'))),
      embed(6, tag(1, 2), varint(9), Buffer.from('k')),
    ]) {
      assert.throws(() => validate('logs', log(broken)), Malformed)
    }
  })
})
