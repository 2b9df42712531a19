import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simplified } from '../../../src/data/steps/simplified.ts'
import type { Condition } from '../../../src/data/steps/step.ts'

const IS_GET: Condition = { kind: 'compare', path: { attribute: 'method' }, operator: '==', value: 'GET' }
const HAS_HOST: Condition = { kind: 'exists', path: { attribute: 'host' } }
const not = (of: Condition): Condition => ({ kind: 'not', of })

describe('a simplified condition', () => {
  test('has no not of a not, however deep', () => {
    assert.deepEqual(simplified(not(not(IS_GET))), IS_GET)
    assert.deepEqual(simplified(not(not(not(IS_GET)))), not(IS_GET))
    assert.deepEqual(simplified({ kind: 'or', of: [not(not(IS_GET)), HAS_HOST] }), {
      kind: 'or',
      of: [IS_GET, HAS_HOST],
    })
  })

  test('has no conjunction of one', () => {
    assert.deepEqual(simplified({ kind: 'and', of: [{ kind: 'or', of: [IS_GET] }] }), IS_GET)
    assert.deepEqual(simplified(not({ kind: 'and', of: [not(IS_GET)] })), IS_GET)
  })

  test('says a negated literal the other way round', () => {
    assert.deepEqual(simplified(not({ kind: 'literal', value: true })), { kind: 'literal', value: false })
  })

  test('is otherwise as it was', () => {
    const both: Condition = { kind: 'and', of: [IS_GET, not(HAS_HOST)] }
    assert.deepEqual(simplified(both), both)
    assert.deepEqual(simplified({ kind: 'and', of: [] }), { kind: 'and', of: [] })
  })
})
