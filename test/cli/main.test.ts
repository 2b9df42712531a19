import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { ownPackage } from '../../src/cli/package.ts'

const MAIN = `${import.meta.dirname}/../../src/cli/main.ts`
const PIPELINE = 'service: {pipelines: {logs: {receivers: [quiet], exporters: [debug]}}}'
const PLUGIN = `import { defineReceiver, Observable, Options, Type } from 'telegen/plugin'
export default defineReceiver({
  type: 'quiet', summary: 'Emits nothing.', stability: { logs: 'alpha' },
  config: Options({
    create: Type.Boolean({ default: true, description: 'Whether it can be created.' }),
    why: Type.String({ default: '', description: 'Why not.' }),
    opens: Type.Boolean({ default: false, description: 'Whether it can be opened.' }),
  }),
  create: ({ config, log }) => {
    let ticking
    if (!config.create) throw new Error('cannot be created' + config.why)
    const open = async () => {
      if (!config.opens) throw new Error('nothing may be opened')
      ticking = setInterval(() => (log.info({}, 'tick'), console.log('tick')), 10)
      return new Observable(() => {})
    }
    return { open, close: async () => clearInterval(ticking) }
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
    const told = JSON.parse(stdout) as { severity: string }[]
    assert.deepEqual(
      told.filter(({ severity }) => severity === 'error'),
      [
        {
          severity: 'error',
          code: 'unknown_key',
          message: 'has invalid keys: verbosty',
          path: 'exporters::debug',
          source: 'bad.yaml',
          line: 4,
          column: 11,
          hint: 'did you mean "verbosity"?',
        },
      ],
    )
    assert.ok(told.every(({ severity }) => ['error', 'warning', 'info'].includes(severity)))
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

  test('components as JSON have the schemas of their options, those of plugins too', () => {
    const { status, stdout } = telegen('components', '--config', 'good.yaml', '--output', 'json')
    assert.equal(status, 0)
    type Listed = { name: string; summary: string; aliases: string[]; config: { properties: object } }
    const { receivers, exporters } = JSON.parse(stdout) as { receivers: Listed[]; exporters: Listed[] }
    const quiet = receivers.find(({ name }) => name === 'quiet')
    assert.equal(quiet?.summary, 'Emits nothing.')
    assert.deepEqual(quiet.config.properties, {
      create: { type: 'boolean', default: true, description: 'Whether it can be created.' },
      why: { type: 'string', default: '', description: 'Why not.' },
      opens: { type: 'boolean', default: false, description: 'Whether it can be opened.' },
    })
    assert.deepEqual(exporters.find(({ name }) => name === 'otlp_http')?.aliases, ['otlphttp'])
  })

  for (const encoding of ['console', 'json'])
    test(`goes on, and stops when told, after nobody reads its ${encoding} log any more`, async () => {
      const opens = ['--set', 'receivers.quiet.opens=true', '--set', `service.telemetry.logs.encoding=${encoding}`]
      const telegen = spawn(process.execPath, [MAIN, '--config', 'good.yaml', ...opens], {
        cwd: directory,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 20_000,
        killSignal: 'SIGKILL',
      })
      const exited = once(telegen, 'exit')
      await once(telegen.stderr, 'data')
      telegen.stderr.destroy()
      for (let ticks = 0; ticks < 10; ticks++) await Promise.race([once(telegen.stdout, 'data'), exited])
      telegen.kill('SIGTERM')
      assert.deepEqual(await exited, [0, null])
    })

  test('components lists where configuration comes from', () => {
    const { providers } = parse(telegen('components').stdout) as { providers: { scheme: string }[] }
    assert.deepEqual(
      providers.map(({ scheme }) => scheme),
      ['env', 'file', 'http', 'https', 'rawenv', 'yaml'],
    )
  })

  test('print-config prints what takes effect, beside `auto` what Telegen chooses, and secrets only where asked', () => {
    const sets = ['receivers.otlp.protocols.http=', 'exporters.otlp_http.endpoint=http://localhost:1']
    sets.push('exporters.otlp_http.headers.key=${env:PLACE}')
    sets.push('service.pipelines.logs={receivers: [otlp, quiet], exporters: [otlp_http]}')
    const words = ['--config', 'good.yaml', ...sets.flatMap((set) => ['--set', set])]
    const { status, stdout, stderr } = telegen('print-config', ...words)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^    acknowledge: auto # accepted$/m)
    assert.match(stdout, /^      # queue_size is left out: 256 MiB of logs, its share of service::limits$/m)
    const queue = `exporters.otlp_http.sending_queue={storage: file_storage}`
    const disk = telegen(
      'print-config',
      ...words,
      '--set',
      queue,
      '--set',
      'extensions.file_storage=',
      '--set',
      'service.extensions=[file_storage]',
    )
    assert.match(disk.stdout, /^    acknowledge: auto # durable$/m)
    assert.match(disk.stdout, /^      # queue_size is left out: all that file_storage has room for$/m)
    assert.match(stdout, /^      key: "\[REDACTED\]"$/m)
    assert.doesNotMatch(stdout, /hunter2/)
    assert.match(telegen('print-initial-config', ...words, '--mode', 'unredacted').stdout, /^      key: hunter2$/m)
    const json = JSON.parse(telegen('print-config', ...words, '--format=json').stdout) as { plugins: string[] }
    assert.deepEqual(json.plugins, ['./quiet.js'])
  })

  test('print-config refuses what is wrong, and prints it all the same where asked, if its options can be read', () => {
    const bad = telegen('print-config', '--config', 'bad.yaml')
    assert.deepEqual([bad.status, bad.stdout], [1, ''])
    assert.match(bad.stderr, /has invalid keys: verbosty/)
    assert.equal(telegen('print-config', '--config', 'bad.yaml', '--validate=false').status, 1)
    const sets = ['--set', 'service.pipelines.logs.exporters=[nowhere]']
    const unknown = ['print-config', '--config', 'good.yaml', ...sets]
    assert.equal(telegen(...unknown).status, 1)
    const { status, stdout } = telegen(...unknown, '--validate=false')
    assert.equal(status, 0)
    assert.match(stdout, /exporters: \[nowhere\]/)
  })

  test('graph draws what would run, and nothing that would not', () => {
    assert.match(
      telegen('graph', '--config', 'good.yaml').stdout,
      /^pipeline logs .*\n  receivers   quiet  acknowledges accepted\n/,
    )
    assert.match(telegen('graph', '--config', 'good.yaml', '--output', 'mermaid').stdout, /^flowchart LR\n/)
    assert.match(telegen('graph', '--config', 'good.yaml', '--output', 'dot').stdout, /^digraph telegen \{\n/)
    const { status, stdout } = telegen('graph', '--config', 'bad.yaml')
    assert.deepEqual([status, stdout], [1, ''])
  })

  test('schema has the components of plugins', () => {
    const { status, stdout } = telegen('schema', '--config', 'good.yaml')
    assert.equal(status, 0)
    const { $defs } = JSON.parse(stdout) as { $defs: Record<string, { description: string }> }
    assert.equal($defs['receiver.quiet']?.description, 'Emits nothing. (logs: alpha)')
  })

  test('feature gates of the Collector are taken, and told where they would not be as asked', () => {
    const gates = '--feature-gates=service.profilesSupport,+otelcol.printInitialConfig'
    assert.deepEqual(telegen('validate', '--config', 'good.yaml', gates), { status: 0, stdout: '', stderr: '' })
    assert.equal(
      telegen('validate', '--config', 'good.yaml', '--feature-gates=-service.profilesSupport,other.gate').stderr,
      'Warning: feature gate "service.profilesSupport" cannot be switched off: Telegen has no feature gates\n' +
        'Warning: feature gate "other.gate" has no effect: Telegen has no feature gates\n',
    )
    assert.match(
      telegen('featuregate').stdout,
      /^ID +Enabled +Stage +Description\n.*\nservice\.profilesSupport +true +Stable /,
    )
    assert.match(
      telegen('featuregate', 'service.profilesSupport').stdout,
      /^Feature: service.profilesSupport\nEnabled: true\n/,
    )
    const { status, stderr } = telegen('featuregate', 'nosuch')
    assert.deepEqual([status, stderr], [1, 'Error: feature "nosuch" not found\n  = telegen featuregate lists them\n'])
  })

  test('help of one command is the same however it is asked for', () => {
    const { stdout } = telegen('help', 'graph')
    assert.match(stdout, /^Draws the pipelines of a configuration\.\n\nUsage:\n  telegen graph \[flags\]\n/)
    assert.equal(telegen('graph', '--help').stdout, stdout)
    assert.equal(telegen('help').stdout, telegen('--help').stdout)
    assert.match(telegen('help', 'print-initial-config').stdout, /^Prints the configuration that takes effect/)
    assert.equal(telegen('help', 'nosuch').status, 2)
  })

  test('faults are in colour where FORCE_COLOR says so, and never on a pipe otherwise', () => {
    const coloured = spawnSync(process.execPath, [MAIN, 'validate', '--config', 'bad.yaml'], {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: '1' },
    })
    assert.ok(coloured.stderr.includes('\u001B[31merror:'))
    assert.ok(!telegen('validate', '--config', 'bad.yaml').stderr.includes('\u001B'))
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
