import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DoctorReport } from '../../src/cli/doctor/report.ts'
import { install, run } from './installed.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PLATFORM = `prebuilt/linux-${process.arch}`
const BUILT = existsSync(join(ROOT, PLATFORM, 'telegen.node'))

/** Where the addon was built; the package brings it to machines that have no compiler. */
describe('the native part of an installed Telegen', { skip: !BUILT && 'the native part is not built' }, () => {
  let folder = ''
  before(() => {
    folder = install()
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('loads from the package, without a compiler on the path', () => {
    // What it needs to run is env and node; neither clang nor a folder of the checkout.
    const bin = run(folder, 'node', '-p', 'require("node:path").dirname(process.execPath)').trim()
    const command = `PATH=${bin} exec node_modules/.bin/telegen doctor --json`
    const report = JSON.parse(run(folder, '/bin/sh', '-c', command)) as DoctorReport
    assert.equal(report.native.reason, null)
    assert.equal(report.native.loaded, true)
    assert.equal(report.native.folder, join(folder, 'node_modules/telegen', PLATFORM))
  })

  test('has an object for every program in bpf/', () => {
    const sources = filesBelow(join(ROOT, 'bpf'), '.bpf.c')
    const objects = filesBelow(join(folder, 'node_modules/telegen', PLATFORM, 'bpf'), '.bpf.o')
    assert.deepEqual(objects, sources)
  })
})

const filesBelow = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .toSorted()
