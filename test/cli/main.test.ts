import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { ownPackage } from '../../src/cli/package.ts'

const MAIN = `${import.meta.dirname}/../../src/cli/main.ts`
const PIPELINE = 'service: {pipelines: {logs: {receivers: [quiet], exporters: [debug]}}}'
const PLUGIN = `import { defineReceiver, Options, Type } from 'telegen/plugin'
export default defineReceiver({
  type: 'quiet', summary: 'Emits nothing.', stability: { logs: 'alpha' },
  config: Options({
    create: Type.Boolean({ default: true, description: 'Whether it can be created.' }),
    why: Type.String({ default: '', description: 'Why not.' }),
  }),
  create: ({ config }) => {
    if (!config.create) throw new Error('cannot be created' + config.why)
    return { open: async () => { throw new Error('nothing may be opened') }, close: async () => {} }
  },
})`

describe('telegen', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'telegen-cli-'))
    const files = {
      'package.json': '{"type":"module"}',
      'quiet.js': PLUGIN,
      'good.yaml': `plugins: [./quiet.js]\nreceivers: {quiet: }\nexporters: {debug: }\n${PIPELINE}\n`,
      'unused.yaml': `plugins: [./quiet.js]\nreceivers: {quiet: }\nexporters:\n  debug:\n  debug/2:\n${PIPELINE}\n`,
      'bad.yaml': `plugins: [./quiet.js]\nreceivers: {quiet: }\nexporters:\n  debug: {verbosty: basic}\n${PIPELINE}\n`,
      'uncreatable.yaml': `plugins: [./quiet.js]\nreceivers:\n  quiet: {create: false, why: " at \${env:PLACE}"}\nexporters: {debug: }\n${PIPELINE}\n`,
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  })
  after(() => rmSync(directory, { recursive: true }))

  const telegen = (...words: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, PLACE: 'hunter2' },
      timeout: 60_000,
    })
    return { status, stdout, stderr }
  }

  test('validate is silent where all is well', () => {
    assert.deepEqual(telegen('validate', '--config', 'good.yaml'), { status: 0, stdout: '', stderr: '' })
  })

  test('validate tells warnings and succeeds', () => {
    const { status, stdout, stderr } = telegen('validate', '--config', 'unused.yaml')
    assert.deepEqual([status, stdout], [0, ''])
    assert.match(stderr, /^unused\.yaml:5:3: warning: exporters::debug\/2: is configured but is used in no pipeline/)
  })

  test('validate fails on faults, with place, frame and hint', () => {
    const { status, stderr } = telegen('validate', '--config', 'bad.yaml')
    assert.equal(status, 1)
    assert.equal(
      stderr,
      `bad.yaml:4:11: error: exporters::debug: has invalid keys: verbosty
    4 |   debug: {verbosty: basic}
      |           ^
  = did you mean "verbosity"?
`,
    )
  })

  test('validate writes JSON where asked', () => {
    const { status, stdout, stderr } = telegen('validate', '--config', 'bad.yaml', '--output', 'json')
    assert.deepEqual([status, stderr], [1, ''])
    assert.deepEqual(
      (JSON.parse(stdout) as { code: string; line: number }[]).map(({ code, line }) => [code, line]),
      [['unknown_key', 4]],
    )
  })

  test('validate creates every component without opening anything, and names the one that cannot be', () => {
    const { status, stderr } = telegen('validate', '--config', 'uncreatable.yaml')
    assert.equal(status, 1)
    assert.match(
      stderr,
      /^uncreatable\.yaml:3:3: error: receivers::quiet: failed to create "quiet" receiver: cannot be created at \$\{env:PLACE\}\n/,
    )
  })

  test('run with faults starts nothing and fails', () => {
    const { status, stderr } = telegen('--config', 'bad.yaml')
    assert.equal(status, 1)
    assert.match(stderr, /has invalid keys: verbosty/)
    assert.equal(telegen('--config', 'uncreatable.yaml').status, 1)
  })

  test('--set is laid over the files', () => {
    const { status } = telegen('validate', '--config', 'bad.yaml', '--set', 'exporters.debug=')
    assert.equal(status, 0)
  })

  test('components lists built-in types and those of plugins, in the shape of the Collector', () => {
    const { status, stdout } = telegen('components', '--config', 'good.yaml')
    assert.equal(status, 0)
    const listed = parse(stdout) as Record<
      string,
      { name: string; module: string; stability: Record<string, string> }[]
    >
    assert.deepEqual(
      listed['receivers']?.find(({ name }) => name === 'quiet'),
      { name: 'quiet', module: './quiet.js', stability: { logs: 'Alpha' } },
    )
    const names = listed['exporters']?.map(({ name }) => name) ?? []
    assert.deepEqual(names, [...names].sort())
    assert.ok(names.includes('otlp_http') && !names.includes('otlphttp'))
    const forward = listed['connectors']?.find(({ name }) => name === 'forward')
    assert.ok(Object.hasOwn(forward?.stability ?? {}, 'traces-to-traces'))
    assert.deepEqual(Object.keys(listed['extensions']?.[0]?.stability ?? {}), ['extension'])
    assert.deepEqual(Object.keys(listed), [
      'buildinfo',
      'receivers',
      'processors',
      'exporters',
      'connectors',
      'extensions',
      'providers',
    ])
  })

  test('--help and --version print and succeed', () => {
    assert.match(telegen('--help').stdout, /telegen \[run\] --config <location>/)
    assert.deepEqual(telegen('--version'), {
      status: 0,
      stdout: `telegen version ${ownPackage().version}\n`,
      stderr: '',
    })
  })

  test('a command line that cannot be understood fails with 2 and a hint', () => {
    const { status, stderr } = telegen('validte')
    assert.equal(status, 2)
    assert.equal(
      stderr,
      'Error: unknown command "validte" for "telegen"\n  = did you mean "validate"?\nSee telegen --help.\n',
    )
    assert.match(telegen('validate').stderr, /at least one config flag must be provided/)
  })
})
