import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { Secret } from '../../../src/component/options.ts'
import { decode } from '../../../src/config/decode/decode.ts'
import type { Schema } from '../../../src/config/decode/schema.ts'
import { spot } from '../../../src/config/decode/spot.ts'
import { written } from '../../../src/config/node.ts'
import { checkText } from '../check-text.ts'
import { fieldAs, loadText } from '../load-text.ts'

async function decoded(body: string, environment: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const text = `
receivers: {traces_only: }
processors: {everything: ${body}}
exporters: {sink: }
extensions: {login/x: }
service: {extensions: [login/x], pipelines: {traces: {receivers: [traces_only], processors: [everything], exporters: [sink]}}}`
  const { configuration, faults } = await checkText(text, { environment })
  assert.deepEqual(faults, [])
  return configuration?.processors.get('everything')?.config as Record<string, unknown>
}

describe('options', () => {
  test('that are left out, or written as nothing, have their defaults; those without stay away', async () => {
    const defaults = {
      integer: 5,
      number: 0.5,
      flag: false,
      text: 'none',
      wait: 200,
      size: 1024,
      headers: new Map(),
      list: ['a'],
      choice: 'basic',
      always: { inner: 1 },
    }
    assert.deepEqual(await decoded(''), defaults)
    const names = [...Object.keys(defaults), 'port', 'password', 'rows', 'authenticator', 'named']
    assert.deepEqual(await decoded(`{${names.map((name) => `${name}: `).join(', ')}}`), { ...defaults, named: {} })
  })

  test('of each kind become what components see', async () => {
    const config = await decoded(
      '{wait: 1h30m, size: 16MiB, list: "a,b", port: 0, choice: detailed, number: 3, named: {a: 1}, any: {x: [1, null]}, rows: [{key: k}], authenticator: "login / x"}',
    )
    assert.equal(config['wait'], 5_400_000)
    assert.equal(config['size'], 16 * 2 ** 20)
    assert.deepEqual(config['list'], ['a', 'b'])
    assert.equal(config['port'], 0)
    assert.equal(config['choice'], 'detailed')
    assert.equal(config['number'], 3)
    assert.deepEqual(config['named'], { a: 1 })
    assert.deepEqual(config['any'], { x: [1, null] })
    assert.deepEqual(config['rows'], [{ key: 'k' }])
    assert.equal(config['authenticator'], 'login/x')
  })

  test('a list replaces the default list whole, and may be empty', async () => {
    assert.deepEqual((await decoded('{list: [b, c]}'))['list'], ['b', 'c'])
    assert.deepEqual((await decoded('{list: []}'))['list'], [])
    assert.deepEqual((await decoded('{list: ""}'))['list'], [])
    assert.deepEqual((await decoded('{list: one}'))['list'], ['one'])
  })

  test('a bare zero is a duration, and a bare number a size', async () => {
    assert.equal((await decoded('{wait: 0}'))['wait'], 0)
    assert.equal((await decoded('{size: 5_000}'))['size'], 5000)
  })

  test('a block that is off by default is on where it is written, and may be switched off there', async () => {
    assert.equal((await decoded('{}'))['block'], undefined)
    assert.deepEqual((await decoded('{block: }'))['block'], { inner: 1 })
    assert.deepEqual((await decoded('{block: {enabled: true, inner: 3}}'))['block'], { inner: 3 })
    assert.equal((await decoded('{block: {enabled: false, inner: 3}}'))['block'], undefined)
  })

  test('secrets and headers are never printed', async () => {
    const config = await decoded('{password: hunter2, headers: {authorization: hunter2}}')
    const { password, headers } = config as { password: Secret; headers: ReadonlyMap<string, Secret> }
    assert.ok(password instanceof Secret)
    assert.equal(password.reveal(), 'hunter2')
    assert.equal(headers.get('authorization')?.reveal(), 'hunter2')
    assert.doesNotMatch(JSON.stringify(config), /hunter2/)
    assert.doesNotMatch(String(password), /hunter2/)
  })

  test('headers may be a list of names and values', async () => {
    const { headers } = (await decoded('{headers: [{name: a, value: "1"}, {name: b, value: "${env:B}"}]}', {
      B: '2',
    })) as {
      headers: ReadonlyMap<string, Secret>
    }
    assert.deepEqual(
      [...headers].map(([name, value]) => [name, value.reveal()]),
      [
        ['a', '1'],
        ['b', '2'],
      ],
    )
  })

  test('a name twice in a list of headers is a fault that does not show the line', async () => {
    const { faults } = await checkText(
      `processors: {everything: {headers: [{name: a, value: x}, {name: a, value: y}]}}`,
    )
    const fault = faults.find(({ code }) => code === 'duplicate_name')
    assert.equal(fault?.message, "'headers' duplicate keys in map-style list: [a]")
    assert.equal(fault?.secret, true)
  })

  test('what may be a number or text is what it was written as', async () => {
    assert.equal((await decoded('{either: 5}'))['either'], 5)
    assert.equal((await decoded('{either: "5"}'))['either'], '5')
    assert.equal((await decoded('{either: "${env:E}"}', { E: '5' }))['either'], 5)
    assert.equal((await decoded('{either: "${env:E}"}', { E: 'true' }))['either'], 'true')
  })

  test('a key called __proto__ is a key like any other', async () => {
    const { named } = (await decoded('{named: {__proto__: 1}}')) as { named: object }
    assert.deepEqual(Object.keys(named), ['__proto__'])
  })
})

describe('numbers', () => {
  test('that are none are out of any range', () => {
    for (const range of [{ minimum: 0 }, { maximum: 1 }, { exclusiveMinimum: 0 }, { exclusiveMaximum: 1 }])
      assert.deepEqual(fieldAs({ type: 'number', ...range }, loadText('field: .nan')), {
        fault: "'field' must be a number in a range, not NaN",
      })
    assert.equal(fieldAs({ type: 'number' }, loadText('field: .nan')), Number.NaN)
  })
})

describe('alternatives', () => {
  const either: Schema = {
    anyOf: [
      { type: 'integer', minimum: 1 },
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false },
    ],
  }

  test('what fits none is told by what was expected', () => {
    assert.deepEqual(fieldAs(either, loadText('field: x')), {
      fault: "'field' expected type 'int' or 'map[string]interface {}', got unconvertible type 'string'",
    })
  })

  test('what is nearly one of them is told what it lacks', () => {
    assert.deepEqual(fieldAs(either, loadText('field: {b: 1}')), { fault: "'field.a' must be specified" })
    assert.deepEqual(fieldAs(either, loadText('field: 0')), { fault: "'field' must be positive" })
  })

  test('constants are told as a choice', () => {
    const constants: Schema = { anyOf: [{ const: 'a' }, { const: 5 }] }
    assert.equal(fieldAs(constants, loadText('field: 5')), 5)
    assert.deepEqual(fieldAs(constants, loadText('field: b')), {
      fault: `'field' invalid field: "b" (valid values: [a 5])`,
    })
  })
})

describe('schemas with words that the decoder does not know', () => {
  const even = { type: 'integer', multipleOf: 2 } as Schema
  const nested = {
    type: 'object',
    properties: { n: even, when: { type: 'string', format: 'x' } },
    allOf: [{ required: ['n'] }],
  } as Schema

  test('are validated by ajv', () => {
    assert.equal(fieldAs(even, loadText('field: 4')), 4)
    assert.deepEqual(fieldAs(even, loadText('field: 3')), { fault: "'field' must be multiple of 2" })
  })

  test('name what is wrong inside, at its place', () => {
    const at = spot('test')
    const { root } = loadText('field:\n  n: 3')
    decode({ type: 'object', properties: { field: nested } }, root as NonNullable<typeof root>, at)
    assert.deepEqual(
      at.faults.map(({ message, place }) => [message, place.line, place.column]),
      [["'field' n: must be multiple of 2", 2, 6]],
    )
  })
})

/** Schemas and values of the kind that options are made of; the decoder and ajv must judge alike. */
describe('the decoder and ajv agree', () => {
  const leaf: fc.Arbitrary<Schema> = fc.oneof(
    fc.record({
      type: fc.constant('integer' as const),
      minimum: fc.constantFrom(0, 3),
      maximum: fc.constantFrom(5, 9),
    }),
    fc.record({ type: fc.constant('number' as const), exclusiveMinimum: fc.constantFrom(0, 2.5) }),
    fc.record({
      type: fc.constant('string' as const),
      minLength: fc.nat({ max: 2 }),
      maxLength: fc.integer({ min: 2, max: 4 }),
    }),
    fc.record({ type: fc.constant('string' as const), enum: fc.constant(['a', 'b']) }),
    fc.record({ type: fc.constant('string' as const), pattern: fc.constant('^a+$') }),
    fc.constant<Schema>({ type: 'boolean' }),
    fc.constant<Schema>({ const: 'a' }),
    fc.constant<Schema>({ type: ['integer', 'boolean'] }),
  )
  const { schema } = fc.letrec<{ schema: Schema; object: Schema }>((tie) => ({
    schema: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('object'), tie('object')),
    object: fc
      .record({
        properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema'), { maxKeys: 3 }),
        closed: fc.boolean(),
        needed: fc.subarray(['a', 'b', 'c']),
        list: fc.boolean(),
      })
      .map(({ properties, closed, needed, list }) => {
        const required = needed.filter((key) => key in properties)
        const object: Schema = { type: 'object', properties, required, ...(closed && { additionalProperties: false }) }
        return list ? { type: 'array', items: object, maxItems: 2 } : object
      }),
  }))
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>('a', 'b', 'aa', '', 'long text', 0, 1, 4, 7, 2.5, -1, true, false),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 3 }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value

  test('on what is right and what is wrong', () => {
    const ajv = new Ajv2020({ strict: false, validateSchema: false })
    const place = { source: 'x', line: 1, column: 1 }
    let right = 0
    fc.assert(
      fc.property(schema, value, (given, candidate) => {
        const at = spot('x')
        decode(given, written(candidate, place), at)
        const verdict = ajv.validate(given, candidate)
        ajv.removeSchema(given)
        right += verdict ? 1 : 0
        assert.equal(at.faults.length === 0, verdict, at.faults[0]?.message)
      }),
      { numRuns: 1500 },
    )
    assert.ok(right > 50, `only ${right} values were right`)
  })
})
