import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { resolve } from 'node:path'
import { builtInCatalog } from '../../src/builtin.ts'
import { dryRun } from '../../src/service/dry-run.ts'
import { check } from '../../src/config/check.ts'
import type { Fault } from '../../src/config/fault.ts'
import { loadRemote } from '../../src/config/load-remote.ts'
import { report, reportJson } from '../../src/config/report.ts'

/**
 * Each file of `test/cases/broken/<family>` is a configuration that somebody may write, with one mistake, taken the way of
 * `telegen validate`. Its comments say what is told of it: `#! ` an error or `#? ` a warning, as `line:column path: message`, with
 * the file in front where it is another one; `…` stands for any text. `#= ` is the hint of the fault above it. What else the
 * command line has: `#env NAME=value`, `#with another/source`, `#set a.b=c`.
 */
const FOLDER = resolve(import.meta.dirname, '../cases/broken')
const MEMORY = { bytes: 8 * 2 ** 30, of: 'machine' } as const

for (const family of readdirSync(FOLDER))
  describe(`broken: ${family}`, () => {
    const folder = `${FOLDER}/${family}`
    // Files that options name start from the working directory.
    before(() => process.chdir(folder))
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml')))
      test(file.replace('.yaml', '').replaceAll('-', ' '), async () => {
        const lines = readFileSync(`${folder}/${file}`, 'utf8').split('\n')
        const marked = (mark: string) =>
          lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length))
        const loaded = await loadRemote({
          configs: [file, ...marked('#with ')],
          sets: marked('#set '),
          directory: folder,
          environment: Object.fromEntries(marked('#env ').map((line) => line.split(/=(.*)/s).slice(0, 2))),
        })
        const checked = await check(loaded, builtInCatalog(), { memory: MEMORY })
        const { configuration } = checked
        const faults = configuration === undefined ? checked.faults : dryRun(configuration, loaded)
        const all = [...faults, ...checked.warnings].filter(({ severity }) => severity !== 'info')
        pleasant(report(all, loaded), file)
        JSON.parse(reportJson(all))
        matches(
          all.flatMap((fault) => told(fault, file)),
          lines.filter((line) => /^#[!?=] /.test(line)),
        )
        assert.ok(all.length > 0)
      })
  })

function told({ severity, path, message, hint, place: { source, line, column } }: Fault, file: string): string[] {
  const where = source === file ? `${line}:${column}` : `${source}:${line}:${column}`
  const said = `${severity === 'error' ? '#!' : '#?'} ${where} ${path}${path === '' ? '' : ': '}${message}`
  return hint === undefined ? [said] : [said, `#= ${hint}`]
}

/** What no user should ever see. */
function pleasant(text: string, file: string): void {
  for (const ugly of ['undefined', '[object', 'NaN', '\n    at ', 'file://'])
    assert.ok(!text.includes(ugly), `${file} is told with ${JSON.stringify(ugly)}:\n${text}`)
}

function matches(actual: readonly string[], expected: readonly string[]): void {
  const same =
    expected.length === actual.length && expected.every((line, index) => pattern(line).test(actual[index] ?? ''))
  if (!same) assert.deepEqual(actual, expected)
}

const pattern = (line: string): RegExp =>
  new RegExp(
    `^${line
      .split('…')
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`,
    's',
  )
