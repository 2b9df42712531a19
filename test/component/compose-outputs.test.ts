import assert from 'node:assert/strict'
import { test } from 'node:test'
import { composeOutputs } from '../../src/component/compose-outputs.ts'
import { DELIVERED, UNKNOWN_ORIGIN } from '../../src/component/delivery.ts'
import type { Delivery } from '../../src/component/delivery.ts'
import { rootDelivery } from '../../src/component/delivery-node.ts'
import { Refused } from '../../src/component/refused.ts'
import { fromObject } from '../../src/data/codec/from-object.ts'
import { logsRequest } from '../graph/requests.ts'

/** Inputs of so many records each, and what became of them. */
function inputsOf(...sizes: number[]) {
  const ends: (string | undefined)[] = sizes.map(() => undefined)
  const inputs = sizes.map((items, index) =>
    rootDelivery(fromObject('logs', logsRequest(...Array.from({ length: items }, () => 'x'))), UNKNOWN_ORIGIN, {
      acknowledge: 'delivered',
      ended: (outcome) => (ends[index] = outcome instanceof Refused ? 'refused' : outcome.kind),
      lost() {},
    }),
  )
  return { inputs, ends }
}

const refused = () => new Refused('no', { code: 'unavailable', retry: {} })

test('an input ends with the outputs that its own records went to, and with no other', () => {
  for (const [sizes, expected] of [
    [
      [10, 10],
      ['refused', 'delivered'],
    ],
    [
      [4, 6, 3, 7],
      ['refused', 'refused', 'delivered', 'delivered'],
    ],
    [
      [10, 20],
      ['refused', 'delivered'],
    ],
    [
      [4, 8, 8],
      ['refused', 'refused', 'delivered'],
    ],
  ] as const) {
    const { inputs, ends } = inputsOf(...sizes)
    const [first, ...others] = composeOutputs(inputs, { sizer: 'items', maxSize: 10 }, undefined)
    for (const other of others) other.end(DELIVERED)
    ;(first as Delivery).end(refused())
    assert.deepEqual(ends, expected)
  }
})
