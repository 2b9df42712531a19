import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { batchOf, type Batch } from '../../../src/data/batch.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import type { Step } from '../../../src/data/steps/step.ts'
import { requests } from '../generate.ts'
import { decode, encode, type OracleSignal } from '../oracle.ts'
import { steps, stepsAndHooks } from './arbitrary-steps.ts'
import { model } from './model.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']
const RUNS = 400

for (const signal of SIGNALS) {
  test(`any steps on any ${signal} come to what the same edits of decoded objects come to`, () => {
    fc.assert(
      fc.property(requests(signal), steps(signal), (request, chain) => {
        const bytes = encode(signal, request)
        const batch = batchOf(signal, count(signal, bytes), bytes)
        const expected = decode(signal, encode(signal, model(signal, chain, decode(signal, bytes))))
        const { batch: made, dropped } = run(compile(signal, chain), batch)
        assert.equal((made?.items ?? 0) + dropped, batch.items)
        if (made === undefined) {
          assert.equal(count(signal, encode(signal, expected)), 0)
          return
        }
        const output = join(made)
        assert.deepEqual(decode(signal, output), expected)
        assert.equal(validate(signal, output), made.items)
      }),
      { numRuns: RUNS },
    )
  })

  test(`steps on ${signal} in as few visits as possible do what each of them does alone, in order`, () => {
    fc.assert(
      fc.property(requests(signal, { forOracle: false }), stepsAndHooks(signal, 8), (request, chain) => {
        const bytes = encode(signal, request)
        const batch = batchOf(signal, count(signal, bytes), bytes)
        const fused = run(compile(signal, chain), batch)
        const alone = sequentially(signal, chain, batch)
        assert.equal(fused.dropped, alone.dropped)
        assert.equal(fused.batch?.bytes, alone.batch?.bytes)
        assert.deepEqual(fused.batch && toObject(fused.batch), alone.batch && toObject(alone.batch))
      }),
      { numRuns: RUNS },
    )
  })
}

function sequentially(
  signal: OracleSignal,
  chain: readonly Step[],
  batch: Batch,
): { batch: Batch | undefined; dropped: number } {
  let rest: Batch | undefined = batch
  let dropped = 0
  for (const step of chain) {
    if (rest === undefined) break
    const ran: { batch: Batch | undefined; dropped: number } = run(compile(signal, [step]), rest)
    rest = ran.batch
    dropped += ran.dropped
  }
  return { batch: rest, dropped }
}
