import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import type { Step, Value } from '../../../src/data/steps/step.ts'
import { logsRequest } from '../../graph/requests.ts'

const put = (attribute: string, given: string, otherwise?: Value): Step => ({
  on: 'logRecord',
  act: { kind: 'upsert', path: { attribute }, source: { given, ...(otherwise !== undefined && { otherwise }) } },
})

test('a key is looked up once for each batch, and every batch has its own value', () => {
  const program = compile('logs', [put('a', 'tenant'), put('b', 'tenant'), put('c', 'other', 1)])
  const asked: string[] = []
  const over = (tenant: string | undefined): string => {
    const batch = fromObject('logs', logsRequest('x', 'y'))
    const { batch: made } = run(program, batch, (key) => {
      asked.push(key)
      return key === 'tenant' ? tenant : undefined
    })
    const text = JSON.stringify(toObject(Buffer.concat(made?.segments() ?? []), 'logs'))
    made?.release()
    batch.release()
    return text
  }
  const first = over('acme')
  assert.equal(first.match(/acme/g)?.length, 4)
  assert.equal(first.match(/"intValue":"1"/g)?.length, 2)
  assert.deepEqual(asked, ['tenant', 'other'])
  const second = over(undefined)
  assert.doesNotMatch(second, /acme|"key":"a"/)
  assert.match(second, /"intValue":"1"/)
  assert.equal(over('x').match(/"stringValue":"x"/g)?.length, 5)
})
