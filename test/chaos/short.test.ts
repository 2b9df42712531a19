import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { line } from './harness/print.ts'
import { runRow } from './harness/run-row.ts'
import { rows } from './rows.ts'

/** The quickest rows; `npm run chaos` runs all, for longer. Three at a time: they wait more than they work. */
const SEED = Number(process.env['CHAOS_SEED'] ?? 1)

describe('chaos, the short form', { concurrency: 3 }, () => {
  for (const row of rows)
    for (const queue of row.short ?? [])
      test(`${row.name} (${queue}): ${row.about}`, { skip: row.missing?.() ?? false }, async () => {
        const result = await runRow(row, queue, { seed: SEED, long: false })
        assert.deepEqual(result.faults, [], line(result))
      })
})
