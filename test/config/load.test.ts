import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { load } from '../../src/config/load.ts'
import { MAX_SOURCES } from '../../src/config/load.ts'
import type { Fetched } from '../../src/config/sources/fetch.ts'
import { valuesOf } from './load-text.ts'

describe('sources', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'telegen-load-'))
    const files = {
      'a.yaml': 'a: 1\nb: ${file:sub.yaml}\nc: ${file:${env:NAME}}\n',
      'sub.yaml': 'x:\n  y: ${env:Y:-7}\n',
      'word.txt': 'word\n',
      'broken.yaml': 'x: [\n',
      'uses-broken.yaml': 'a: ${file:broken.yaml}\n',
      'list.yaml': '- 1\n',
      'two.yaml': 'a: 1\n---\nb: 2\n',
      'word.yaml': 'word\n',
      'empty.yaml': '',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  })
  after(() => rmSync(directory, { recursive: true }))

  const read = (configs: readonly string[], environment: Record<string, string> = {}) =>
    load({ configs, environment: { NAME: 'word.txt', ...environment }, directory })
  const faultsOf = (...configs: readonly string[]) =>
    read(configs).faults.map(({ message, place: { source, line, column } }) => `${source}:${line}:${column} ${message}`)

  test('are files with or without scheme, relative to the working directory; files bring in files', () => {
    const meant = { a: 1, b: { x: { y: 7 } }, c: 'word\n' }
    assert.deepEqual(valuesOf(read(['a.yaml'])), meant)
    assert.deepEqual(valuesOf(read(['file:a.yaml'])), meant)
    assert.deepEqual(valuesOf(read([`file:${directory}/a.yaml`])), meant)
  })

  test('are variables and inline YAML', () => {
    assert.deepEqual(valuesOf(read(['env:CONFIG', 'yaml:a::b: 2'], { CONFIG: 'a: {c: 1}' })), { a: { c: 1, b: 2 } })
  })

  test('keep the places of an included file', () => {
    const { root, texts } = read(['a.yaml'])
    const included = root?.entries.get('b')?.node
    assert.ok(included?.kind === 'map')
    assert.deepEqual(included.entries.get('x')?.key, { source: 'sub.yaml', line: 1, column: 1 })
    assert.equal(texts.get('sub.yaml'), 'x:\n  y: ${env:Y:-7}\n')
  })

  test('that cannot be read are told in the words of the Collector', () => {
    const missing =
      'cannot retrieve the configuration: unable to read the file file:x.yaml: open x.yaml: no such file or directory'
    assert.deepEqual(faultsOf('x.yaml'), [`x.yaml:0:0 ${missing}`])
    const folder = read(['yaml:a: ${file:.}']).faults.map(({ message }) => message)
    assert.match(folder[0] ?? '', /unable to read the file file:\.: open \.: is a directory/)
  })

  test('with a scheme that is not known are refused; one letter is a drive', () => {
    assert.deepEqual(faultsOf('ftp://x/y'), ['ftp://x/y:0:0 unsupported scheme on URI "ftp://x/y"'])
    assert.deepEqual(faultsOf('rawenv:X'), ['rawenv:X:0:0 unsupported scheme on URI "rawenv:X"'])
    assert.deepEqual(faultsOf('a_b:c'), ['a_b:c:0:0 invalid uri: "a_b:c"'])
    assert.match(faultsOf('C:\\agent.yaml')[0] ?? '', /unable to read the file file:C:\\agent\.yaml/)
  })

  test('must be mappings, or nothing', () => {
    assert.deepEqual(faultsOf('list.yaml'), [
      'list.yaml:1:1 retrieved value (type=[]interface {}) cannot be used as a Conf',
    ])
    assert.deepEqual(faultsOf('word.yaml'), ['word.yaml:1:1 retrieved value (type=string) cannot be used as a Conf'])
    assert.deepEqual(valuesOf(read(['empty.yaml', 'yaml:a: 1'])), { a: 1 })
  })

  test('are all read before giving up', () => {
    assert.equal(faultsOf('x.yaml', 'broken.yaml', 'list.yaml').length, 3)
  })

  test('with several documents are told of, and the first counts', () => {
    const loaded = read(['two.yaml'])
    assert.deepEqual(valuesOf(loaded), { a: 1 })
    assert.match(loaded.warnings[0]?.message ?? '', /holds 2 YAML documents/)
  })

  test('given twice are told apart', () => {
    assert.deepEqual([...read(['yaml:a: 1', 'yaml:b: 1']).texts.keys()], ['yaml:', 'yaml: (2)'])
  })

  test('are needed, and not without end', () => {
    assert.deepEqual(faultsOf(), ['--config:0:0 at least one config flag must be provided'])
    const many = Array.from({ length: MAX_SOURCES + 1 }, () => 'yaml:a: 1')
    assert.deepEqual(faultsOf(...many), ['--config:0:0 more than 100 sources'])
  })

  test('on the network are asked for, and nothing is made of the rest until they are there', () => {
    const url = 'https://host/agent.yaml?token=hunter2'
    const configs = [url, 'yaml:e: ${http://other/x}', 'a.yaml']
    const first = load({ configs, environment: { NAME: 'word.txt' }, directory })
    assert.deepEqual([first.needed, first.root, first.faults], [[url], undefined, []])
    const fetched = new Map<string, Fetched>([[url, { kind: 'text', text: 'd: 4' } as const]])
    const second = load({ configs, environment: { NAME: 'word.txt' }, directory, fetched })
    assert.deepEqual(second.needed, ['http://other/x'])
    const third = load({
      configs,
      environment: { NAME: 'word.txt' },
      directory,
      fetched: new Map<string, Fetched>([...fetched, ['http://other/x', { kind: 'text', text: '1' } as const]]),
    })
    assert.deepEqual(valuesOf(third), { a: 1, b: { x: { y: 7 } }, c: 'word\n', d: 4, e: 1 })
    assert.deepEqual([...third.texts.keys()], ['https://host/agent.yaml?[REDACTED]', 'yaml:', 'a.yaml', 'sub.yaml'])
  })

  test('a variable that holds a configuration is never printed from', () => {
    assert.equal(read(['env:CONFIG'], { CONFIG: 'a: secret' }).texts.get('env:CONFIG'), undefined)
  })

  test('an included file that is no YAML is text, and says why where it does not fit', () => {
    const { root } = read(['uses-broken.yaml'])
    const node = root?.entries.get('a')?.node
    assert.equal(node?.kind === 'scalar' && node.value, 'x: [\n')
    assert.match(node?.problem ?? '', /^broken\.yaml is not valid YAML: yaml: line \d/)
  })
})
