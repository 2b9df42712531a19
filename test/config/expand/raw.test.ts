import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Schema } from '../../../src/config/decode/schema.ts'
import { MAX_EXPANDED_LENGTH } from '../../../src/config/expand/expand.ts'
import { fieldAs, loadText, valuesOf } from '../load-text.ts'

const STRING: Schema = { type: 'string' }
const fieldOf = (text: string, environment: Record<string, string>, schema = STRING) =>
  fieldAs(schema, loadText(`field: ${text}`, environment))

describe('${rawenv:X}', () => {
  const PASSWORDS = [
    'pa$$word',
    '${HOME}',
    '$${env:X}',
    '}{$',
    '$',
    'a}b${c}',
    '"quoted"',
    '0123',
    '[a, ${b}]',
    '${rawenv:P}',
  ]
  for (const password of PASSWORDS)
    test(`is ${password} as it is, whole, in a string, and through another variable`, () => {
      const environment = { P: password, OUTER: '${rawenv:P}' }
      assert.equal(fieldOf('${rawenv:P}', environment), password)
      assert.equal(fieldOf('"a${rawenv:P}z"', environment), `a${password}z`)
      assert.equal(fieldOf('"${env:OUTER}"', environment), password)
    })

  test('means what its YAML means where no string is wanted, with nothing in it expanded', () => {
    assert.equal(fieldOf('${rawenv:P}', { P: '0123' }, { type: 'integer' }), 83)
    const list: Schema = { type: 'array', items: STRING }
    assert.deepEqual(fieldOf('${rawenv:P}', { P: '["$$a", "${b}"]' }, list), ['$$a', '${b}'])
  })

  test('does not keep its neighbours from being expanded', () => {
    const environment = { P: 'x$${y}', Q: '1$$2' }
    assert.equal(fieldOf('"${rawenv:P}${env:Q} $${no}"', environment), 'x$${y}1$2 ${no}')
    assert.equal(fieldOf('"$$${rawenv:P}"', environment), '$x$${y}')
  })

  test('has defaults, which are taken as they are too, and warns where it is not set', () => {
    assert.equal(fieldOf('${rawenv:P:-none}', {}), 'none')
    assert.match(loadText('field: ${rawenv:P}').warnings[0]?.message ?? '', /unset environment variable "P"/)
  })

  test('is any text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (value, around) => {
        const plain = around.replaceAll(/[$"\\\p{C}\uFDD0\uFDD1]/gu, '')
        const loaded = loadText(`field: "${plain}\${rawenv:P}."`, { P: value })
        assert.deepEqual(valuesOf(loaded), { field: `${plain}${value}.` })
      }),
    )
  })

  test('pasted often is held to the bound of expansion', () => {
    const environment = { P: 'x'.repeat(2 ** 17), MANY: '${rawenv:P}'.repeat(9) }
    assert.match(
      loadText('field: "a ${env:MANY}"', environment).faults[0]?.message ?? '',
      new RegExp(`expands to more than ${MAX_EXPANDED_LENGTH} characters`),
    )
  })
})

describe('a variable that holds a dollar', () => {
  const warningsOf = (text: string, environment: Record<string, string>) => loadText(text, environment).warnings

  test('is told of, once for its place, with the way to take it as it is, and never shown', () => {
    const [fault, ...more] = warningsOf('a: ${env:P}', { P: 'hunter$$2' })
    assert.deepEqual(more, [])
    assert.match(fault?.message ?? '', /^environment variable "P" holds "\$"/)
    assert.equal(fault?.hint, 'to take it as it is: ${rawenv:P}')
    assert.deepEqual(fault?.place, { source: 'yaml:', line: 1, column: 4, reference: '${env:P}' })
    assert.doesNotMatch(JSON.stringify(fault), /hunter/)
  })

  test('is not told of where nothing is done to it: raw, as default, or as a whole configuration', () => {
    assert.deepEqual(warningsOf('a: ${rawenv:P}', { P: 'a$$b' }), [])
    assert.deepEqual(warningsOf('a: ${env:P:-ab}', {}), [])
  })
})

describe('a reference that is put together from others', () => {
  test('is told without what they stand for', () => {
    const environment = { SECRET: 'hunter2', ODD: 'hunter"2', TAIL: 'hunter:-2' }
    const texts = [
      '${${env:SECRET}!}',
      '${${env:ODD}}',
      '${file:${env:SECRET}}',
      '${nope:${env:SECRET}}',
      '${env:1${env:TAIL}}',
      '${1${env:TAIL}}',
    ]
    for (const text of texts) {
      const [fault] = loadText(`a: "${text}"`, environment).faults
      assert.ok(fault, text)
      assert.doesNotMatch(`${fault.message} ${fault.hint}`, /hunter/)
      assert.match(fault.message, /\$\{env:/)
    }
  })
})
