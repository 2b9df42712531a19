import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../src/data/batch.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { split } from '../../../src/data/kernels/split.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { golden } from '../golden.ts'
import { mutate, randomFrom } from '../mutate.ts'
import { accepts, type OracleSignal } from '../oracle.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']
const MUTATIONS_OF_EACH = 6700
const SEED = 20_260_131

for (const signal of SIGNALS) {
  test(`no truncation of a request of ${signal} is read past its end, and what passes can be used`, () => {
    const whole = golden(signal)
    for (let length = 0; length < whole.length; length++) check(signal, whole.subarray(0, length), whole)
  })

  test(`no mutation of a request of ${signal} is read past its end, and what passes can be used`, () => {
    const whole = golden(signal)
    const random = randomFrom(SEED)
    let passed = 0
    for (let round = 0; round < MUTATIONS_OF_EACH; round++) {
      const mutated = mutate(whole, random)
      if (check(signal, mutated, whole)) passed++
    }
    // Both verdicts must be met, or the test tests little.
    assert.ok(passed > MUTATIONS_OF_EACH / 20 && passed < MUTATIONS_OF_EACH * 0.95, `${passed} passed`)
  })
}

/** Says whether the bytes are valid. What follows them in memory must not matter. */
function check(signal: OracleSignal, bytes: Buffer, follows: Buffer): boolean {
  const alone = Buffer.concat([bytes])
  const amid = Buffer.concat([bytes, follows.subarray(0, 32)]).subarray(0, bytes.length)
  const items = verdict(() => validate(signal, alone))
  assert.equal(
    verdict(() => validate(signal, amid)),
    items,
  )
  const counted = verdict(() => count(signal, alone))
  assert.equal(
    verdict(() => count(signal, amid)),
    counted,
  )
  const read = verdict(() => (toObject(alone, signal), 0))
  const parts = verdict(() => splitAll(signal, alone))
  if (typeof items === 'string') return false
  assert.equal(counted, items)
  assert.equal(read, 0)
  assert.equal(parts, items)
  assert.ok(accepts(signal, alone), 'the oracle refuses what validation passed')
  return true
}

/** A number, or the reason why the bytes are malformed; whatever else is thrown fails the test. */
function verdict(work: () => number): number | string {
  try {
    return work()
  } catch (error) {
    if (error instanceof Malformed) return error.message
    throw error
  }
}

/** Items of all parts that come of splitting into pieces of five items; the parts of what is valid must be valid. */
function splitAll(signal: OracleSignal, bytes: Buffer): number {
  let items = 0
  for (const part of split(batchOf(signal, Infinity, bytes), { items: 5 })) {
    assert.equal(validate(signal, join(part)), part.items)
    items += part.items
    part.release()
  }
  return items
}
