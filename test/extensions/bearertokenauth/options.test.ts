import assert from 'node:assert/strict'
import { test } from 'node:test'
import definition from '../../../src/extensions/bearertokenauth/index.ts'
import { faultsOf } from '../../transport/configured.ts'

test('an empty token, as a variable that is not set makes it, is none', () => {
  assert.deepEqual(faultsOf(definition, 'tokens: [one, ""]'), ['tokens::1: the token is empty'])
  assert.deepEqual(faultsOf(definition, 'token: ""'), [': no bearer token provided'])
  assert.deepEqual(faultsOf(definition, 'tokens: [one]'), [])
})
