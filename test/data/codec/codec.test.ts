import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { MalformedObject } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { join, merge } from '../../../src/data/kernels/merge.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { requests } from '../generate.ts'
import { decode, encode, type OracleSignal } from '../oracle.ts'
import { attribute, embed, inRecord, number } from '../wire-bytes.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']
const runs = { numRuns: 80 }

for (const signal of SIGNALS) {
  describe(`the codec of ${signal}`, () => {
    test('reads what the oracle wrote as the oracle reads it', () => {
      fc.assert(
        fc.property(requests(signal), (request) => {
          const bytes = encode(signal, request)
          assert.deepEqual(toObject(bytes, signal), decode(signal, bytes))
        }),
        runs,
      )
    })

    test('writes what the oracle reads as it reads its own bytes, and as many of them', () => {
      fc.assert(
        fc.property(requests(signal), (request) => {
          const written = join(fromObject(signal, request))
          const bytes = encode(signal, request)
          assert.deepEqual(decode(signal, written), decode(signal, bytes))
          assert.equal(written.length, bytes.length)
        }),
        runs,
      )
    })

    test('gives every field back, those that the oracle lacks too', () => {
      fc.assert(
        fc.property(requests(signal, { forOracle: false }), (request) => {
          const batch = fromObject(signal, request)
          assert.deepEqual(toObject(batch), request)
          assert.deepEqual(join(fromObject(signal, throughJson(toObject(batch)))), join(batch))
        }),
        runs,
      )
    })
  })
}

/** `JSON.stringify` alone takes the sign from a zero. */
const throughJson = (object: object): unknown =>
  JSON.parse(JSON.stringify(object, (_, value: unknown) => (Object.is(value, -0) ? '-0' : value)))

const log = (fields: object) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields] }] }] })
const fault = (path: string, reason: RegExp) => (error: unknown) =>
  error instanceof MalformedObject && error.path === path && reason.test(error.message)

test('segments of a batch become one request', () => {
  const one = fromObject('logs', log({ severityText: 'a' }))
  const other = fromObject('logs', log({ severityText: 'b' }))
  const { resourceLogs } = toObject(merge([one, other]))
  assert.equal((resourceLogs as unknown[]).length, 2)
})

test('numbers are taken as strings, 64-bit integers as numbers, enums by name, null as absence', () => {
  const lenient = log({
    severityNumber: 'SEVERITY_NUMBER_WARN',
    flags: '1',
    timeUnixNano: 12,
    body: null,
    attributes: [{ key: 'k', value: { doubleValue: '1.5e3' } }],
    somethingNew: { a: 1 },
  })
  const strict = log({
    severityNumber: 13,
    flags: 1,
    timeUnixNano: '12',
    attributes: [{ key: 'k', value: { doubleValue: 1500 } }],
  })
  assert.deepEqual(toObject(fromObject('logs', lenient)), strict)
})

test('the sign of a zero is kept', () => {
  const attributes = [{ key: 'a', value: { doubleValue: -0 } }]
  const object = { resourceLogs: [{ resource: { attributes } }] }
  assert.deepStrictEqual(toObject(fromObject('logs', object)), object)
})

test('a fault names the place and what should stand there', () => {
  const cases: [fields: object, path: string, reason: RegExp][] = [
    [{ traceId: 'abc' }, 'traceId', /32 hexadecimal digits/],
    [{ severityNumber: 'LOUD' }, 'severityNumber', /whole number/],
    [{ flags: -1 }, 'flags', /from 0 to 4294967295/],
    [{ timeUnixNano: '18446744073709551616' }, 'timeUnixNano', /64 bits, unsigned/],
    [{ attributes: {} }, 'attributes', /not an array/],
    [{ attributes: [{}, 3] }, 'attributes[1]', /not an object/],
    [{ body: { stringValue: 1 } }, 'body.stringValue', /not a string/],
    [{ body: { bytesValue: '*' } }, 'body.bytesValue', /base64/],
  ]
  for (const [fields, path, reason] of cases) {
    const place = `resourceLogs[0].scopeLogs[0].logRecords[0].${path}`
    assert.throws(() => fromObject('logs', log(fields)), fault(place, reason))
  }
  assert.throws(() => fromObject('logs', []), fault('', /the request is not an object/))
  assert.throws(() => fromObject('metrics', { resourceMetrics: [[]] }), fault('resourceMetrics[0]', /not an object/))
  const point = { bucketCounts: ['1', 'x'] }
  const metrics = [{ histogram: { dataPoints: [point] } }]
  assert.throws(
    () => fromObject('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }),
    fault('resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[0].bucketCounts[1]', /64 bits/),
  )
})

test('nothing that a prototype brings enters, and no key reaches a prototype', () => {
  const inherited = Object.create({ resourceLogs: [{}] }) as object
  assert.deepEqual(toObject(fromObject('logs', inherited)), {})
  const hostile = JSON.parse(
    '{"__proto__": {"polluted": 1}, "resourceLogs": [{"__proto__": {"schemaUrl": "x"}}]}',
  ) as object
  assert.deepEqual(toObject(fromObject('logs', hostile)), { resourceLogs: [{}] })
  const keys = log({ attributes: [{ key: '__proto__', value: { kvlistValue: { values: [{ key: 'constructor' }] } } }] })
  assert.deepEqual(toObject(fromObject('logs', keys)), keys)
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('nesting is bounded in both directions', () => {
  const nested = (depth: number) => {
    let body: object = { stringValue: 'x' }
    for (let level = 0; level < depth; level++) body = { arrayValue: { values: [body] } }
    return log({ body })
  }
  assert.equal(fromObject('logs', nested(61)).items, 1)
  assert.throws(() => fromObject('logs', nested(5000)), /nested more than 128/)
  let bytes: Buffer = Buffer.alloc(0)
  for (let level = 0; level < 200; level++) bytes = embed(level % 2 === 0 ? 1 : 5, bytes)
  assert.throws(() => toObject(inRecord(embed(5, bytes)), 'logs'), Malformed)
})

test('a zero is kept where absence means something else', () => {
  const zeros = { count: '1', sum: 0, min: 0, max: 0 }
  const metrics = [{ gauge: { dataPoints: [{ asDouble: 0 }, { asInt: '0' }] } }, { histogram: { dataPoints: [zeros] } }]
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }
  assert.deepEqual(toObject(fromObject('metrics', request)), request)
})

test('of a oneof the last member is read, and a message that was written twice is merged', () => {
  const body = embed(5, number(3, 1), embed(1, 'x'), embed(6, attribute(1, 'a', '1')), embed(6, attribute(1, 'b', '2')))
  const values = [
    { key: 'a', value: { stringValue: '1' } },
    { key: 'b', value: { stringValue: '2' } },
  ]
  assert.deepEqual(toObject(inRecord(body), 'logs'), log({ body: { kvlistValue: { values } } }))
})

test('defaults that were written all the same are left out, of a oneof and of optional fields they are kept', () => {
  // severity_number 0, body { int_value: 0 }
  const record = Buffer.from([0x10, 0, 0x2a, 2, 0x18, 0])
  assert.deepEqual(toObject(inRecord(record), 'logs'), log({ body: { intValue: '0' } }))
})
