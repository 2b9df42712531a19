import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadText, valuesOf } from '../load-text.ts'

/** The cases that the Collector holds itself to (confmap/internal/e2e, expand-escaped-env.yaml), with `env` as default scheme. */
const environment = {
  ENV_VALUE: 'some expanded value',
  ENV_LIST: "['$$ESCAPE_ME','$${ESCAPE_ME}','$${env:ESCAPE_ME}']",
  ENV_MAP: "{'key1':'$$ESCAPE_ME','key2':'$${ESCAPE_ME}','key3':'$${env:ESCAPE_ME}'}",
  ENV_NESTED_DOLLARSIGN: 'here is 1 $$',
  ENV_NESTED_DOLLARSIGN_ESCAPED: 'here are 2 $$$',
  ENV_EXPAND_NESTED: '${env:ENV_VALUE} came from nested expansion',
  ENV_PASSWORD: 'pa$$word',
}

const CASES: readonly (readonly [written: string, meant: unknown])[] = [
  ['$$ENV_VALUE', '$ENV_VALUE'],
  ['$$$$ENV_VALUE', '$$ENV_VALUE'],
  ['$$${ENV_VALUE}', '$some expanded value'],
  ['some${ENV_VALUE}text', 'somesome expanded valuetext'],
  ['some$${ENV_VALUE}text', 'some${ENV_VALUE}text'],
  ['$${ONE}$${TWO}', '${ONE}${TWO}'],
  ['text$$', 'text$'],
  ['$$', '$'],
  ['$${1}$${env:2}', '${1}${env:2}'],
  ['some$${env:ENV_VALUE}text', 'some${env:ENV_VALUE}text'],
  ['$${env:${ENV_VALUE}}', '${env:some expanded value}'],
  ['$${env:$${ENV_VALUE}}', '${env:${ENV_VALUE}}'],
  ['env:MAP_VALUE_2}$${ENV_VALUE}{', 'env:MAP_VALUE_2}${ENV_VALUE}{'],
  ['$$${env:ENV_VALUE}', '$some expanded value'],
  ['$ENV_VALUE', '$ENV_VALUE'],
  ['${env:ENV_LIST}', ['$ESCAPE_ME', '${ESCAPE_ME}', '${env:ESCAPE_ME}']],
  ['${env:ENV_MAP}', { key1: '$ESCAPE_ME', key2: '${ESCAPE_ME}', key3: '${env:ESCAPE_ME}' }],
  ['${env:ENV_NESTED_DOLLARSIGN}', 'here is 1 $'],
  ['${env:ENV_NESTED_DOLLARSIGN_ESCAPED}', 'here are 2 $$'],
  ['${env:ENV_EXPAND_NESTED}', 'some expanded value came from nested expansion'],
  // What surprises people, kept all the same: escapes count in what came from outside, too …
  ['${env:ENV_PASSWORD}', 'pa$word'],
  // … and behind an escaped reference nothing is looked at.
  ['$${A} ${ENV_VALUE}', '${A} ${ENV_VALUE}'],
]

describe('escapes mean what they mean to the Collector', () => {
  for (const [written, meant] of CASES)
    test(written, () => {
      const loaded = loadText(`field: ${JSON.stringify(written)}`, environment)
      assert.deepEqual(valuesOf(loaded), { field: meant })
    })

  test('in keys they mean nothing', () => {
    assert.deepEqual(valuesOf(loadText('"$$a ${env:ENV_VALUE}": 1', environment)), { '$$a ${env:ENV_VALUE}': 1 })
  })
})
