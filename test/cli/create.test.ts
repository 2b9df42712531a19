import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CREATABLE } from '../../src/cli/commands.ts'
import { ownPackage } from '../../src/cli/package.ts'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { builtInCatalog } from '../../src/builtin.ts'

const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)))
const MAIN = join(ROOT, 'src/cli/main.ts')

describe('telegen create', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'telegen-create-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const node = (directory: string, ...words: string[]) => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    return spawnSync(process.execPath, words, { cwd: directory, env, encoding: 'utf8', timeout: 60_000 })
  }
  const create = (...words: string[]) => node(folder, MAIN, 'create', ...words)

  for (const kind of CREATABLE)
    test(`makes a ${kind} that passes its test and has a configuration that validates`, async () => {
      const type = `new_${kind}`
      const made = create(kind, type)
      assert.deepEqual([made.status, made.stderr], [0, ''])
      assert.match(made.stdout, new RegExp(`cd ${type}\n  npm test\n  npm start\n`))
      const directory = join(folder, type)
      const { status, stdout, stderr } = node(directory, '--test')
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /pass 1\n/)
      const yaml = readFileSync(join(directory, 'config.yaml'), 'utf8').replace(
        './index.js',
        join(directory, 'index.js'),
      )
      const { faults, warnings } = await check(load({ configs: [`yaml:${yaml}`] }), builtInCatalog(), {
        machine: false,
      })
      assert.deepEqual([faults, warnings], [[], []])
    })

  test('makes code that its author may keep formatted, and that the types of the contract know', () => {
    const names = CREATABLE.map((kind) => `new_${kind}`)
    const formatted = node(
      ROOT,
      'node_modules/prettier/bin/prettier.cjs',
      '--check',
      '--ignore-path',
      '/dev/null',
      ...FORMAT,
      ...names.map((name) => join(folder, name, '*.{js,yaml}')),
    )
    assert.equal(formatted.status, 0, formatted.stdout + formatted.stderr)
    const compilerOptions = {
      target: 'es2024',
      lib: ['es2024', 'esnext.collection'],
      module: 'nodenext',
      checkJs: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      paths: { 'telegen/plugin': [join(ROOT, 'src/plugin.ts')], 'telegen/testing': [join(ROOT, 'src/testing.ts')] },
    }
    const include = names.map((name) => join(name, 'index.js'))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
    const { stdout } = node(folder, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json')
    // What Telegen's own sources need of its tsconfig.json is not looked for here.
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.startsWith('new_')),
      [],
    )
  })

  test('needs the Telegen that runs and nothing else, and links it where none is in a folder above', () => {
    const manifest = JSON.parse(readFileSync(join(folder, 'new_receiver/package.json'), 'utf8')) as Record<
      string,
      unknown
    >
    assert.equal(manifest['name'], 'telegen-new-receiver')
    assert.deepEqual(manifest['peerDependencies'], { telegen: `>=${ownPackage().version}` })
    assert.deepEqual([manifest['dependencies'], manifest['devDependencies']], [undefined, { telegen: `file:${ROOT}` }])
    assert.deepEqual(readdirSync(join(folder, 'new_receiver/node_modules')), ['.bin', 'telegen'])
    const above = join(folder, 'project')
    mkdirSync(join(above, 'node_modules'), { recursive: true })
    symlinkSync(ROOT, join(above, 'node_modules/telegen'))
    const made = node(above, MAIN, 'create', 'exporter', 'beside')
    assert.equal(made.status, 0, made.stderr)
    assert.ok(!readdirSync(join(above, 'beside')).includes('node_modules'))
    assert.doesNotMatch(readFileSync(join(above, 'beside/package.json'), 'utf8'), /file:/)
  })

  test('writes over nothing', () => {
    const before = readFileSync(join(folder, 'new_receiver/index.js'), 'utf8')
    const { status, stderr } = create('exporter', 'new_receiver')
    assert.equal(status, 2)
    assert.match(stderr, /^Error: new_receiver is already there\n  = choose another name, or move it away\n/)
    assert.equal(readFileSync(join(folder, 'new_receiver/index.js'), 'utf8'), before)
  })

  const refused: readonly (readonly [words: string[], message: RegExp])[] = [
    [['receiver'], /^Error: "create" needs a name: telegen create <kind> <name>\n/],
    [[], /^Error: "create" needs a kind: telegen create <kind> <name>\n  = kinds are receiver, processor/],
    [['reciever', 'a'], /^Error: invalid kind: "reciever"\n  = did you mean "receiver"\?\n/],
    [['receiver', 'DoorBell'], /^Error: invalid name: "DoorBell" \(.*\)\n  = did you mean "door_bell"\?\n/],
    [['receiver', '../door-bell'], /^Error: invalid name: "\.\.\/door-bell" \(.*\)\n  = did you mean "door_bell"\?\n/],
    [['receiver', '5'], /^Error: invalid name: "5" \([^)]*\)\nSee/],
    [['receiver', 'otlp'], /^Error: receiver type "otlp" is already there: Telegen has it built in\n/],
    [['exporter', 'otlphttp'], /^Error: exporter type "otlphttp" is already there/],
    [['receiver', 'a', 'b'], /^Error: "create" takes <kind> <name>, got "receiver a b"\n/],
  ]
  for (const [words, message] of refused)
    test(`refuses "create ${words.join(' ')}" with a sentence`, () => {
      const { status, stderr } = create(...words)
      assert.equal(status, 2)
      assert.match(stderr, message)
    })
})

const FORMAT = ['--no-semi', '--single-quote', '--print-width', '120']
