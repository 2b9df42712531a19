import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fromJson } from '../../../src/data/json/from-json.ts'
import { MalformedJson } from '../../../src/data/json/malformed-json.ts'
import { DEEPEST, validate } from '../../../src/data/kernels/validate.ts'
import { slabs } from '../../../src/data/memory/slab-pool.ts'
import type { Slab } from '../../../src/data/memory/slab.ts'
import { SIGNALS, type Signal } from '../../../src/data/signal.ts'
import { requests } from '../generate.ts'
import { golden, goldenObject } from '../golden.ts'
import { mutate, randomFrom } from '../mutate.ts'
import { decode, encode } from '../oracle.ts'
import { jsonText } from './json-text.ts'
import { modelOf } from './object-model.ts'

/** The wire of a request, and its slab given back. */
function wireOf(signal: Signal, json: string | Buffer): Buffer {
  const { slab, length } = fromJson(signal, Buffer.from(json as string))
  const bytes = Buffer.concat([slab.buffer.subarray(0, length)])
  slab.release()
  return bytes
}

const read = (signal: Signal, json: string): unknown => modelOf(wireOf(signal, json), signal)

for (const signal of SIGNALS) {
  test(`the golden request of ${signal} becomes the bytes that Google's protobuf wrote`, () => {
    assert.deepEqual(wireOf(signal, JSON.stringify(goldenObject(signal))), golden(signal))
  })
}

for (const signal of ['traces', 'metrics', 'logs'] as const) {
  test(`any request of ${signal}, in any order and spacing, is what JSON.parse and the oracle make of it`, () => {
    fc.assert(
      fc.property(requests(signal), fc.nat(), (request, seed) => {
        const json = jsonText(request, randomFrom(seed))
        assert.deepEqual(decode(signal, wireOf(signal, json)), decode(signal, encode(signal, request)))
      }),
      { numRuns: 80 },
    )
  })

  test(`any request of ${signal} with all that OTLP has today is read by the model as it was`, () => {
    fc.assert(
      fc.property(requests(signal, { forOracle: false }), fc.nat(), (request, seed) => {
        const bytes = wireOf(signal, jsonText(request, randomFrom(seed)))
        validate(signal, bytes)
        assert.deepEqual(modelOf(bytes, signal), request)
      }),
      { numRuns: 80 },
    )
  })
}

const log = (fields: string): string => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${fields}]}]}]}`
const logOf = (fields: object): object => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields] }] }] })
const takes = (fields: string, expected: object): void =>
  assert.deepEqual(read('logs', log(fields)), logOf(expected), fields)
const point = (fields: string): string =>
  `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[${fields}]}}]}]}]}`

describe('looser forms', () => {
  test('names may be in snake_case, and have escapes', () => {
    const snake =
      '{"resource_logs":[{"scope_logs":[{"log_records":[{"severity_text":"a","body":{"string_value":"b"}}]}]}]}'
    assert.deepEqual(read('logs', snake), logOf({ severityText: 'a', body: { stringValue: 'b' } }))
    takes(String.raw`{"\u0073everityText":"a","severit\u0079_text2":1}`, { severityText: 'a' })
  })

  test('whole numbers are exact, as numbers and as strings, up to the last bit', () => {
    for (const whole of ['9007199254740993', '18446744073709551615', '1', '999999999999999', '1000000000000000']) {
      takes(`{"timeUnixNano":${whole}}`, { timeUnixNano: whole })
      takes(`{"timeUnixNano":"${whole}"}`, { timeUnixNano: whole })
    }
    for (const whole of [
      '-9223372036854775808',
      '9223372036854775807',
      '-9007199254740993',
      '-1',
      '-4294967296',
      '0',
    ]) {
      takes(`{"body":{"intValue":${whole}}}`, { body: { intValue: whole } })
      takes(`{"body":{"intValue":"${whole}"}}`, { body: { intValue: whole } })
    }
    takes('{"timeUnixNano":1.8446744073709551615e19,"flags":"7","severityNumber":9.0}', {
      timeUnixNano: '18446744073709551615',
      flags: 7,
      severityNumber: 9,
    })
    takes('{"timeUnixNano":"00000000000000000000000012","body":{"intValue":"+5"}}', {
      timeUnixNano: '12',
      body: { intValue: '5' },
    })
  })

  test('any whole number of 64 bits is read as BigInt reads it', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.boolean(), (whole, isQuoted) => {
        takes(
          `{"timeUnixNano":${isQuoted ? `"${whole}"` : whole}}`,
          whole === 0n ? {} : { timeUnixNano: String(whole) },
        )
        const signed = BigInt.asIntN(64, whole)
        takes(`{"body":{"intValue":${isQuoted ? `"${signed}"` : signed}}}`, { body: { intValue: String(signed) } })
      }),
    )
  })

  test('any double is read as JSON.parse reads it', () => {
    const spelled = fc
      .tuple(fc.double({ noNaN: true, min: -1e308, max: 1e308 }), fc.nat(16))
      .map(([value, digits]) =>
        digits < 4
          ? Number(value.toPrecision(5)).toExponential(digits * 4)
          : digits < 8 && Math.abs(value) < 1e20
            ? value.toFixed(digits * 2)
            : String(value),
      )
    fc.assert(
      fc.property(spelled, fc.boolean(), (text, isQuoted) => {
        const bytes = wireOf('logs', log(`{"body":{"doubleValue":${isQuoted ? `"${text}"` : text}}}`))
        assert.ok(Object.is(bytes.readDoubleLE(bytes.length - 8), Number(text)), text)
      }),
      { numRuns: 300 },
    )
  })

  test('doubles that JSON has no number for are strings, spelled as Go spells them too', () => {
    for (const [text, value] of [
      ['NaN', 'NaN'],
      ['Infinity', 'Infinity'],
      ['-Infinity', '-Infinity'],
      ['-inf', '-Infinity'],
      ['+Inf', 'Infinity'],
      ['.5', 0.5],
      ['5.', 5],
      ['-1e3', -1000],
    ])
      takes(`{"body":{"doubleValue":"${text}"}}`, { body: { doubleValue: value } })
  })

  test('enums may be names, ids in capitals, base64 of either alphabet with padding or without', () => {
    takes('{"severityNumber":"SEVERITY_NUMBER_WARN"}', { severityNumber: 13 })
    takes('{"spanId":"00AbCdEf01234567"}', { spanId: '00abcdef01234567' })
    for (const text of ['+/8=', '-_8=', '-_8', String.raw`+\/8`])
      takes(`{"body":{"bytesValue":"${text}"}}`, { body: { bytesValue: '+/8=' } })
  })

  test('null is as good as absent, in a oneof an empty string or message as in the Collector, and in a list an empty message', () => {
    takes('{"severityText":null,"flags":null,"body":null,"traceId":null,"attributes":[null,{"key":null}]}', {
      attributes: [{}, {}],
    })
    takes('{"body":{"stringValue":null}}', { body: { stringValue: '' } })
    takes('{"body":{"arrayValue":null}}', { body: { arrayValue: {} } })
    takes('{"body":{"intValue":null,"boolValue":null}}', { body: {} })
    assert.deepEqual(read('logs', ' null '), {})
    assert.deepEqual(read('logs', '{"resourceLogs":null}'), {})
  })

  test('of what comes twice the last counts, a default too; messages are merged and lists joined', () => {
    takes('{"severityText":"a","severityText":"b"}', { severityText: 'b' })
    takes('{"severityText":"a","flags":3,"severityText":"","flags":0,"timeUnixNano":1,"timeUnixNano":"0"}', {})
    takes('{"attributes":[{"key":"a"}],"flags":1,"attributes":[{"key":"b"}]}', {
      attributes: [{ key: 'a' }, { key: 'b' }],
      flags: 1,
    })
    assert.deepEqual(
      read(
        'logs',
        '{"resourceLogs":[{"resource":{"attributes":[{"key":"a"}]},"resource":{"droppedAttributesCount":2}}]}',
      ),
      { resourceLogs: [{ resource: { attributes: [{ key: 'a' }], droppedAttributesCount: 2 } }] },
    )
  })

  test('of a oneof the last member counts, whatever stands between', () => {
    takes('{"body":{"boolValue":true,"x":1,"intValue":2}}', { body: { intValue: '2' } })
    takes('{"body":{"arrayValue":{"values":[{"intValue":1}]},"arrayValue":{"values":[{"intValue":2}]}}}', {
      body: { arrayValue: { values: [{ intValue: '2' }] } },
    })
    const metric =
      '{"gauge":{"dataPoints":[{}]},"name":"n","sum":{},"metadata":[{"key":"k"}],"summary":{"dataPoints":[{}]}}'
    assert.deepEqual(read('metrics', `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${metric}]}]}]}`), {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: 'n', metadata: [{ key: 'k' }], summary: { dataPoints: [{}] } }] }] },
      ],
    })
  })

  test('escapes become what they mean, halves of a surrogate pair U+FFFD, and bytes that are not UTF-8 stay', () => {
    const escapes = String.raw`\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00 \ud83d\u0041 \ude00 \ud83d\ud83d\ude00 \ud83d`
    takes(`{"severityText":"${escapes}"}`, { severityText: (JSON.parse(`"${escapes}"`) as string).toWellFormed() })
    const bytes = wireOf(
      'logs',
      Buffer.concat([
        Buffer.from(log('{"severityText":"%"}').split('%')[0]!),
        Buffer.from([0xff, 0xc0]),
        Buffer.from(log('{"severityText":"%"}').split('%')[1]!),
      ]),
    )
    assert.ok(bytes.includes(Buffer.from([0x1a, 2, 0xff, 0xc0])))
  })

  test('strings of every length around the sizes where memory and lengths grow arrive whole', () => {
    for (const length of [0, 1, 126, 127, 128, 1000, 1003, 1004, 1005, 16_383, 16_384, 70_000]) {
      for (const text of ['x'.repeat(length), '\\u00e9'.repeat(length)])
        takes(`{"severityText":"${text}"}`, length === 0 ? {} : { severityText: JSON.parse(`"${text}"`) as string })
    }
  })
})

describe('what is refused', () => {
  const fails = (signal: Signal, json: string, path: string, reason: RegExp): void =>
    assert.throws(
      () => wireOf(signal, json),
      (error) => {
        assert.ok(error instanceof MalformedJson, String(error))
        assert.equal(error.path, path, json)
        assert.match(error.message, reason)
        return error.offset <= Buffer.byteLength(json)
      },
      json,
    )

  test('values that the field cannot hold, with their place', () => {
    const cases: [fields: string, path: string, reason: RegExp][] = [
      ['{"traceId":"abc"}', 'traceId', /at byte 57: .* is not an id of 32 hexadecimal digits/],
      ['{"spanId":"zz00000000000000"}', 'spanId', /16 hexadecimal/],
      ['{"spanId":7}', 'spanId', /not a string/],
      ['{},{"severityNumber":"LOUD"}', '', /whole number/],
      ['{"flags":-1}', 'flags', /from 0 to 4294967295/],
      ['{"flags":4294967296}', 'flags', /from 0 to 4294967295/],
      ['{"flags":1.5}', 'flags', /whole number/],
      ['{"timeUnixNano":18446744073709551616}', 'timeUnixNano', /64 bits, unsigned/],
      ['{"timeUnixNano":""}', 'timeUnixNano', /64 bits, unsigned/],
      ['{"timeUnixNano":true}', 'timeUnixNano', /no JSON value/],
      ['{"body":{"intValue":-9223372036854775809}}', 'body.intValue', /64 bits/],
      ['{"body":{"intValue":9223372036854775808}}', 'body.intValue', /64 bits/],
      ['{"body":{"intValue":1e400}}', 'body.intValue', /64 bits/],
      ['{"body":{"doubleValue":1e999}}', 'body.doubleValue', /a double can hold/],
      ['{"body":{"doubleValue":"1,5"}}', 'body.doubleValue', /a double can hold/],
      ['{"body":{"boolValue":"true"}}', 'body.boolValue', /true or false/],
      ['{"body":{"stringValue":1}}', 'body.stringValue', /not a string/],
      ['{"body":{"bytesValue":"*"}}', 'body.bytesValue', /base64/],
      ['{"body":{"bytesValue":"AAAAA"}}', 'body.bytesValue', /base64/],
      ['{"body":{"bytesValue":"AA="}}', 'body.bytesValue', /base64/],
      ['{"body":"x"}', 'body', /not an object/],
      ['{"attributes":{}}', 'attributes', /not an array/],
      ['{"attributes":[{},3]}', 'attributes[1]', /not an object/],
    ]
    for (const [fields, path, reason] of cases) {
      const place = path === '' ? 'logRecords[1].severityNumber' : `logRecords[0].${path}`
      fails('logs', log(fields), `resourceLogs[0].scopeLogs[0].${place}`, reason)
    }
    const points = 'resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[0]'
    fails('metrics', point('{"bucketCounts":["1","x"]}'), `${points}.bucketCounts[1]`, /64 bits/)
    fails('metrics', point('{"explicitBounds":[1,null]}'), `${points}.explicitBounds[1]`, /no JSON value/)
    fails('logs', '[]', '', /the request is not an object/)
  })

  test('what is no JSON, in what is read and in what is gone past', () => {
    const broken = [
      '',
      ' ',
      '{',
      '{"a"',
      '{"a":',
      '{"a":1',
      '{"a":1,',
      '{"a":1,}',
      '{a:1}',
      "{'a':1}",
      '{"a":1}}',
      '{} {}',
      '{}\0',
      '{"a":01}',
      '{"a":1.}',
      '{"a":.5}',
      '{"a":+1}',
      '{"a":1e}',
      '{"a":-}',
      '{"a":tru}',
      '{"a":nul}',
      '{"a":[1,]}',
      '{"a":[1 2]}',
      '{"a":{"b":1,}}',
      '{"a":{"b"}}',
      '{"a":"\n"}',
      '{"a":"\\x"}',
      '{"a":"\\u12g4"}',
      '{"a":[}',
      '{"a":{]',
      '{"a" 1}',
      '{"a":NaN}',
      '\ufeff{}',
    ]
    for (const text of broken) {
      for (const name of ['a', 'resourceLogs']) {
        const json = text.replaceAll('"a"', `"${name}"`)
        assert.throws(() => wireOf('logs', json), MalformedJson, json)
      }
    }
    for (const text of ['"\n"', '"\\x"', '"\\u12g4"', '"', '"\\', '"\\u1'])
      assert.throws(() => wireOf('logs', log(`{"severityText":${text}}`)), MalformedJson, text)
  })

  test('nesting beyond 128 messages, and beyond 128 levels of what is gone past', () => {
    const nested = (depth: number): string =>
      log(`{"body":${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}}`)
    wireOf('logs', nested(61))
    assert.throws(() => wireOf('logs', nested(62)), /nested more than 128 messages/)
    assert.throws(() => wireOf('logs', nested(100_000)), /nested more than 128 messages/)
    wireOf('logs', `{"x":${'['.repeat(DEEPEST)}${']'.repeat(DEEPEST)}}`)
    assert.throws(() => wireOf('logs', `{"x":${'['.repeat(DEEPEST + 1)}`), /nested more than 128 levels/)
    assert.throws(() => wireOf('logs', `{"x":${'{"a":'.repeat(200_000)}`), /nested more than 128 levels/)
  })
})

describe('damaged requests', () => {
  /** Taken, and then the wire is sound and JSON.parse takes it too; or refused as malformed. */
  const isSound = (signal: Signal, json: Buffer): void => {
    try {
      modelOf(wireOf(signal, json), signal)
    } catch (error) {
      assert.ok(error instanceof MalformedJson, `${json.toString()}: ${String(error)}`)
      assert.ok(error.offset <= json.length)
      return
    }
    JSON.parse(json.toString())
  }

  for (const signal of SIGNALS) {
    const json = Buffer.from(JSON.stringify(goldenObject(signal)))

    test(`of ${signal} are refused wherever they are cut off`, () => {
      const random = randomFrom(7)
      for (let length = 0; length < json.length; length += 1 + random(9))
        assert.throws(() => wireOf(signal, json.subarray(0, length)), MalformedJson, String(length))
    })

    test(`of ${signal} are taken as JSON or refused as malformed, whatever has changed`, () => {
      const random = randomFrom(SIGNALS.indexOf(signal) + 1)
      for (let run = 0; run < 400; run++) isSound(signal, mutate(json, random))
    })
  }
})

describe('memory', () => {
  /** A reserve that notes what it handed out. */
  function counting() {
    const taken: { slab: Slab; bytes: number }[] = []
    const reserve = (bytes: number): Slab => {
      const slab = slabs.take(bytes)
      taken.push({ slab, bytes })
      return slab
    }
    const isFree = ({ slab }: { slab: Slab }): boolean => {
      try {
        slab.retain().release()
        return false
      } catch {
        return true
      }
    }
    return { taken, reserve, held: () => taken.filter((each) => !isFree(each)) }
  }

  test('all that was reserved is released but the one that is handed over, or that too where the request is malformed', () => {
    for (const fields of [
      '{"severityText":"x"}',
      `{"body":{"stringValue":"${'\\u0041'.repeat(50_000)}"}}`,
      '{"flags":"x"}',
    ]) {
      const { reserve, held } = counting()
      let handed: Slab | undefined
      try {
        handed = fromJson('logs', Buffer.from(log(fields)), reserve).slab
      } catch (error) {
        assert.ok(error instanceof MalformedJson)
      }
      assert.deepEqual(
        held().map(({ slab }) => slab),
        handed ? [handed] : [],
      )
      handed?.release()
    }
  })

  test('a refusal to reserve passes, and leaves nothing behind', () => {
    const json = Buffer.from(point(`{"explicitBounds":[${'0,'.repeat(5000)}0]}`))
    for (const allowed of [0, 1, 2]) {
      const { reserve, held, taken } = counting()
      const limited = (bytes: number): Slab => {
        if (taken.length === allowed) throw new Error('no room')
        return reserve(bytes)
      }
      assert.throws(() => fromJson('metrics', json, limited), /no room/)
      assert.deepEqual(held(), [])
    }
  })

  test('the wire is less than five times as long as its JSON, also where each element of a list grows most', () => {
    const lists: [signal: Signal, json: (list: string) => string, element: string][] = [
      ['metrics', (list) => point(`{"explicitBounds":${list}}`), '0'],
      ['metrics', (list) => point(`{"bucketCounts":${list}}`), '1'],
      ['profiles', (list) => `{"dictionary":{"stackTable":[{"locationIndices":${list}}]}}`, '-1'],
      ['logs', (list) => `{"resourceLogs":${list}}`, '{}'],
    ]
    for (const [signal, json, element] of lists) {
      const text = json(`[${Array.from({ length: 20_000 }, () => element).join(',')}]`)
      const { reserve, taken } = counting()
      const { slab, length } = fromJson(signal, Buffer.from(text), reserve)
      slab.release()
      assert.ok(length < text.length * 5, `${signal}: ${length / text.length}`)
      assert.ok(Math.max(...taken.map(({ bytes }) => bytes)) < text.length * 8)
    }
  })
})
