import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { check } from '../../src/config/check.ts'
import { load } from '../../src/config/load.ts'
import { MAX_FILES } from '../../src/config/sources/directory.ts'
import { testCatalog, told } from './check-text.ts'
import { valuesOf } from './load-text.ts'

const FILES = {
  'conf.d/20-more.yml': 'b: {y: 2}\nlist: [c]\n',
  'conf.d/10-first.yaml': 'a: 1\nb: {x: 1}\nlist: [a, b]\n',
  'conf.d/.hidden.yaml': 'hidden: 1\n',
  'conf.d/readme.txt': 'no: [\n',
  'conf.d/further/30.yaml': 'further: 1\n',
  'empty.d/readme.txt': '',
  'broken.d/1.yaml': 'a: [\n',
  'broken.d/2.yaml': 'b: {\n',
  'pipelines.d/10-base.yaml':
    'receivers: {traces_only: }\nexporters:\n  sink:\nservice: {pipelines: {traces: {receivers: [traces_only], exporters: [sink]}}}\n',
  'pipelines.d/20-more.yaml': 'exporters:\n  sender:\nservice:\n  pipelines:\n    traces:\n      exporters: [sender]\n',
  'nothing.d/10.yaml': 'processors:\n  plain: {}\nreceivers: {traces_only: }\n',
  'nothing.d/20.yaml': 'processors:\n',
}

describe('a folder of configuration files', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'telegen-folder-'))
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), text)
    }
  })
  after(() => rmSync(directory, { recursive: true }))

  const read = (...configs: readonly string[]) => load({ configs, environment: {}, directory })

  test('is its yaml and yml files in the order of their names, merged; hidden ones and folders are left out', () => {
    const meant = { a: 1, b: { x: 1, y: 2 }, list: ['c'] }
    for (const name of ['conf.d', 'conf.d/', 'file:conf.d', join(directory, 'conf.d')])
      assert.deepEqual(valuesOf(read(name)), meant)
  })

  test('leaves out what is neither a file nor a link to one, and waits for nobody who writes to a pipe', () => {
    mkdirSync(join(directory, 'odd.d'))
    writeFileSync(join(directory, 'odd.d/10.yaml'), 'a: 1\n')
    symlinkSync('/dev/null', join(directory, 'odd.d/20.yaml'))
    symlinkSync('10.yaml', join(directory, 'odd.d/25.yaml'))
    execFileSync('mkfifo', [join(directory, 'odd.d/30.yaml')])
    const loaded = read('odd.d')
    assert.deepEqual(valuesOf(loaded), { a: 1 })
    assert.deepEqual([...loaded.texts.keys()], ['odd.d/10.yaml', 'odd.d/25.yaml'])
  })

  test('a link that leads to itself is a fault, as the folder or in it', () => {
    mkdirSync(join(directory, 'circle.d'))
    symlinkSync('10.yaml', join(directory, 'circle.d/10.yaml'))
    symlinkSync('circle', join(directory, 'circle'))
    for (const [argument, file] of [
      ['circle.d', 'circle.d/10.yaml'],
      ['circle', 'circle'],
    ] as const)
      assert.deepEqual(
        read(argument).faults.map(({ message }) => message),
        [
          `cannot retrieve the configuration: unable to read the file file:${file}: open ${file}: too many symbolic links encountered`,
        ],
      )
  })

  test('a file without end is read no further than a configuration may be long', () => {
    const [fault] = read('/dev/zero').faults
    assert.match(fault?.message ?? '', /open \/dev\/zero: longer than 8388608 bytes$/)
  })

  test('keeps the file of each place', () => {
    const { root, texts } = read('conf.d')
    assert.deepEqual([...texts.keys()], ['conf.d/10-first.yaml', 'conf.d/20-more.yml'])
    const b = root?.entries.get('b')?.node
    assert.ok(b?.kind === 'map')
    assert.deepEqual(b.entries.get('y')?.key, { source: 'conf.d/20-more.yml', line: 1, column: 5 })
  })

  test('without any such file is refused', () => {
    const [fault] = read('empty.d').faults
    assert.equal(fault?.message, 'cannot retrieve the configuration: empty.d holds no *.yaml and no *.yml file')
  })

  test('tells what is wrong with each of its files', () => {
    assert.deepEqual(
      read('broken.d').faults.map(({ place }) => place.source),
      ['broken.d/1.yaml', 'broken.d/2.yaml'],
    )
  })

  test('holds no more files than its bound', () => {
    mkdirSync(join(directory, 'many.d'))
    for (let index = 0; index <= MAX_FILES; index++) writeFileSync(join(directory, `many.d/${index}.yaml`), '')
    assert.match(read('many.d').faults[0]?.message ?? '', /many\.d holds 101 files, more than 100$/)
  })

  test('warns where a later file replaces the list of an earlier one, and says why a component is not used', async () => {
    const { warnings, faults } = await check(read('pipelines.d'), testCatalog(), { machine: false })
    assert.deepEqual(faults, [])
    assert.deepEqual(told(warnings), [
      '3:3 exporters::sink: is configured but is used in no pipeline: it will not run',
      '6:18 service::pipelines::traces::exporters: replaces the list of pipelines.d/10-base.yaml:4:58: sink no longer there',
    ])
    assert.equal(
      warnings[0]?.hint,
      'service::pipelines::traces::exporters named it until pipelines.d/20-more.yaml:6:18 replaced that list',
    )
  })

  test('named file by file, or over by --set, it does so by intent', () => {
    assert.deepEqual(read('pipelines.d/10-base.yaml', 'pipelines.d/20-more.yaml').warnings, [])
    const sets = ['service.pipelines.traces.exporters=[sender]']
    assert.deepEqual(load({ configs: ['pipelines.d/10-base.yaml'], sets, environment: {}, directory }).warnings, [])
  })

  test('warns where a key without a value removes a section of an earlier file', () => {
    for (const configs of [['nothing.d'], ['nothing.d/10.yaml', 'nothing.d/20.yaml']]) {
      const { warnings, root } = read(...configs)
      assert.deepEqual(told(warnings), [
        '1:1 processors: has no value, which removes what nothing.d/10.yaml:1:1 has there',
      ])
      assert.deepEqual(valuesOf({ ...read(...configs), root }), { processors: null, receivers: { traces_only: null } })
    }
  })
})
