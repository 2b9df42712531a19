import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { testCatalog, told } from './check-text.ts'

/**
 * Each file of `test/cases/config` is a configuration of the tests' own components (`test-definitions.ts`). Lines that begin
 * with `#! ` say which faults it has, in order, `#? ` which warnings, `#= ` which hints, `#env ` what a variable holds. No
 * such line: it is valid.
 */
const folder = `${import.meta.dirname}/../cases/config`

describe('configurations and what is wrong with them', () => {
  for (const file of readdirSync(folder).sort())
    test(file.replace('.yaml', '').replaceAll('-', ' '), async () => {
      const text = readFileSync(`${folder}/${file}`, 'utf8')
      const lines = (mark: string) =>
        text
          .split('\n')
          .filter((line) => line.startsWith(mark))
          .map((line) => line.slice(mark.length))
      const environment = Object.fromEntries(lines('#env ').map((line) => line.split(/=(.*)/s).slice(0, 2)))
      const { faults, warnings, configuration } = await check(
        load({ configs: [file], directory: folder, environment }),
        testCatalog(),
        { machine: false },
      )
      assert.deepEqual(told(faults), lines('#! '))
      assert.deepEqual(told(warnings), lines('#? '))
      assert.deepEqual(
        [...faults, ...warnings].flatMap(({ hint }) => hint ?? []),
        lines('#= '),
      )
      assert.equal(configuration === undefined, faults.length > 0)
    })
})
