import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Schema } from '../../../src/config/decode/schema.ts'
import { fieldAs, loadText, valuesOf } from '../load-text.ts'

/** After the Collector's confmap/internal/e2e/types_test.go: what a variable is to an option of each type. */
const INTEGER: Schema = { type: 'integer' }
const STRING: Schema = { type: 'string' }
const BOOLEAN: Schema = { type: 'boolean' }
const LIST: Schema = { type: 'array', items: STRING }
/** Not a type: the reference stands inside a longer string. */
const INSIDE: Schema = { type: 'string', minLength: 1 }

const not = (expected: string, got: string) => ({
  fault: `'field' expected type '${expected}', got unconvertible type '${got}'`,
})
const inside = (text: string) => `inline field with ${text} expansion`

const CASES: readonly (readonly [variable: string, schema: Schema, meant: unknown])[] = [
  ['123', INTEGER, 123],
  ['123', STRING, '123'],
  ['123', INSIDE, inside('123')],
  ['0123', INTEGER, 83],
  ['0123', STRING, '0123'],
  ['0123', INSIDE, inside('0123')],
  ['0xdeadbeef', INTEGER, 3735928559],
  ['0xdeadbeef', STRING, '0xdeadbeef'],
  ['0xdeadbeef', INSIDE, inside('0xdeadbeef')],
  ['"0123"', STRING, '"0123"'],
  ['"0123"', INTEGER, not('int', 'string')],
  ['"0123"', INSIDE, inside('"0123"')],
  ['!!str 0123', STRING, '!!str 0123'],
  ['!!str 0123', INSIDE, inside('!!str 0123')],
  ['t', BOOLEAN, not('bool', 'string')],
  ['23', BOOLEAN, not('bool', 'int')],
  ['{"field": 123}', INSIDE, inside('{"field": 123}')],
  ['1111:1111:1111:1111:1111::', INSIDE, inside('1111:1111:1111:1111:1111::')],
  ['1111:1111:1111:1111:1111::', STRING, '1111:1111:1111:1111:1111::'],
  ['2006-01-02T15:04:05Z07:00', STRING, '2006-01-02T15:04:05Z07:00'],
  ['2006-01-02T15:04:05Z07:00', INSIDE, inside('2006-01-02T15:04:05Z07:00')],
  ['2023-03-20T03:17:55.432328Z', STRING, '2023-03-20T03:17:55.432328Z'],
  ['2023-03-20T03:17:55.432328Z', INSIDE, inside('2023-03-20T03:17:55.432328Z')],
  ['true # comment with a ${env:hello.world} reference', BOOLEAN, true],
  ['true # comment with a ${env:hello.world} reference', STRING, not('string', 'bool')],
  [
    'true # comment with a ${env:hello.world} reference',
    INSIDE,
    { fault: 'environment variable "hello.world" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$' },
  ],
  ['["a",', STRING, '["a",'],
  ['["a",', INSIDE, inside('["a",')],
  ['[filelog,windowseventlog/application]', LIST, ['filelog', 'windowseventlog/application']],
  ['[filelog,windowseventlog/application]', STRING, '[filelog,windowseventlog/application]'],
  ['[filelog,windowseventlog/application]', INSIDE, inside('[filelog,windowseventlog/application]')],
  ['$$ENV', STRING, '$ENV'],
  ['$$ENV', INSIDE, inside('$ENV')],
  ['$${ENV}', STRING, '${ENV}'],
  ['$${ENV}', INSIDE, inside('${ENV}')],
  ['$${env:ENV}', STRING, '${env:ENV}'],
  ['$${env:ENV}', INSIDE, inside('${env:ENV}')],
  ['[filelog,${env:ENV_VALUE}]', STRING, '[filelog,testreceiver]'],
  ['[filelog,${ENV_VALUE}]', STRING, '[filelog,testreceiver]'],
  ['["filelog","$${env:ENV_VALUE}"]', STRING, '["filelog","${env:ENV_VALUE}"]'],
  ['["filelog","$${ENV_VALUE}"]', STRING, '["filelog","${ENV_VALUE}"]'],
  ['["filelog","$$ENV_VALUE"]', STRING, '["filelog","$ENV_VALUE"]'],
  ['["filelog","$ENV_VALUE"]', STRING, '["filelog","$ENV_VALUE"]'],
]

const text = (schema: Schema) =>
  schema === INSIDE ? 'field: inline field with ${env:ENV} expansion' : 'field: ${env:ENV}'
const named = (schema: Schema) => (schema === INSIDE ? 'inside a string' : `as ${String(schema.type)}`)

describe('a variable is to an option what it is in the Collector', () => {
  for (const [variable, schema, meant] of CASES) {
    test(`${variable}, ${named(schema)}`, () => {
      assert.deepEqual(fieldAs(schema, loadText(text(schema), { ENV: variable, ENV_VALUE: 'testreceiver' })), meant)
    })
    test(`${variable}, ${named(schema)}, through another variable`, () => {
      const environment = { ENV: '${env:ENV2}', ENV2: variable, ENV_VALUE: 'testreceiver' }
      assert.deepEqual(fieldAs(schema, loadText(text(schema), environment)), meant)
    })
  }

  test('strings wrap one another', () => {
    const environment = {
      ENV: 'The value ${env:ENV2} is wrapped',
      ENV2: 'The value ${env:ENV3} is wrapped',
      ENV3: '123',
    }
    const wrapped = 'The value The value 123 is wrapped is wrapped'
    assert.equal(fieldAs(STRING, loadText(text(STRING), environment)), wrapped)
    assert.equal(fieldAs(STRING, loadText(text(INSIDE), environment)), inside(wrapped))
  })

  test('mappings hold mappings, and are their text to a string', () => {
    const environment = {
      ENV: '{env: "${env:ENV2}", inline: "inline ${env:ENV2}"}',
      ENV2: '{env2: "${env:ENV3}"}',
      ENV3: '{value: 123}',
    }
    const loaded = loadText(text(STRING), environment)
    assert.deepEqual(valuesOf(loaded), {
      field: { env: { env2: { value: 123 } }, inline: 'inline {env2: "{value: 123}"}' },
    })
    assert.equal(fieldAs(STRING, loaded), '{env: "{env2: "{value: 123}"}", inline: "inline {env2: "{value: 123}"}"}')
  })

  test('a comment in a block does not keep it from being read, and its references are expanded in the text', () => {
    const environment = {
      ENV: '# this is a comment with ${EXPAND_ME}\ndebug:\n  verbosity: detailed',
      EXPAND_ME: 'a value',
    }
    const loaded = loadText(text(STRING), environment)
    assert.deepEqual(valuesOf(loaded), { field: { debug: { verbosity: 'detailed' } } })
    assert.equal(fieldAs(STRING, loaded), '# this is a comment with a value\ndebug:\n  verbosity: detailed')
  })

  test('a number is text in a list of strings, in strings by name, and a number where anything may stand', () => {
    const environment = { VALUE: '1234' }
    assert.deepEqual(fieldAs(LIST, loadText('field: ["${env:VALUE}"]', environment)), ['1234'])
    const byName: Schema = { type: 'object', additionalProperties: STRING }
    assert.deepEqual(fieldAs(byName, loadText('field: {key: "${env:VALUE}"}', environment)), { key: '1234' })
    assert.deepEqual(fieldAs({ type: 'array', items: {} }, loadText('field: ["${env:VALUE}"]', environment)), [1234])
    const complex: Schema = { type: 'array', items: { type: 'object', additionalProperties: LIST } }
    assert.deepEqual(fieldAs(complex, loadText('field: [{key: ["${env:VALUE}"]}]', environment)), [{ key: ['1234'] }])
  })

  test('an empty variable is an empty string to a string, and the default to anything else', () => {
    assert.equal(fieldAs({ type: 'string', default: 'x' }, loadText(text(STRING), { ENV: '' })), '')
    assert.equal(fieldAs({ type: 'integer', default: 7 }, loadText(text(STRING), { ENV: '' })), 7)
    assert.equal(
      fieldAs({ type: 'string', telegen: 'duration', default: '5s' }, loadText(text(STRING), { ENV: '' })),
      5000,
    )
  })
})
