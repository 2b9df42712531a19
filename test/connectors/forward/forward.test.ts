import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subject } from 'rxjs'
import type { Delivery } from '../../../src/plugin.ts'
import forward from '../../../src/connectors/forward/index.ts'
import { TestContext } from '../../component/test-context.ts'

test('forward takes each signal to itself and to no other, and touches no delivery', () => {
  assert.deepEqual(
    forward.stability.map(({ from, to }) => `${from} ${to}`),
    ['traces traces', 'metrics metrics', 'logs logs', 'profiles profiles'],
  )
  const context = Object.assign(new TestContext('forward', {}), { from: 'logs' as const, to: 'logs' as const })
  const source = new Subject<Delivery>()
  assert.equal(forward.create(context).operator(source), source)
})
