import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { describe, test } from 'node:test'
import { brokenBuilds } from './broken-builds.ts'
import { runRow } from './harness/run-row.ts'
import { variant } from './harness/variant.ts'
import { rows } from './rows.ts'

const SEED = 1
const QUIET_MS = 3_000

describe('the harness can fail: a build that', () => {
  for (const { name, row: rowName, patches } of brokenBuilds) {
    const row = rows.find((each) => each.name === rowName)
    test(`${name} is caught by ${rowName}`, { skip: row?.missing?.() ?? false }, async () => {
      assert.ok(row)
      const { main, directory } = variant(patches)
      try {
        const { lost, faults, struck } = await runRow(row, 'disk', { seed: SEED, long: false, main, quiet: QUIET_MS })
        assert.ok(struck > 0, 'the fault did not strike')
        assert.ok(lost > 0, `nothing was lost: ${faults.join('; ')}`)
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    })
  }
})
