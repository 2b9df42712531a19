import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadText, valuesOf } from '../load-text.ts'

/** After the Collector's confmap/expand_test.go, with `env` as default scheme and `yaml:` where it has a scheme of its tests. */
const environment = {
  COMPLEX_VALUE: '[localhost:3042]',
  HOST: 'localhost',
  OS: 'ubuntu',
  PR: 'amd',
  PORT: '3044',
  INT: '1',
  FLOAT32: '3.25',
  FLOAT64: '6.4',
  BOOL: 'true',
  TIMESTAMP: '2023-03-20T03:17:55.432328Z',
}

const CASES: readonly (readonly [written: string, meant: unknown])[] = [
  ['${HOST}:${PORT}', 'localhost:3044'],
  ['${HOST}:$PORT', 'localhost:$PORT'],
  ['${env:COMPLEX_VALUE}', ['localhost:3042']],
  ['${env:HOST}:3043', 'localhost:3043'],
  ['${env:HOST}:${env:PORT}', 'localhost:3044'],
  ['https://${env:HOST}:3045', 'https://localhost:3045'],
  ['${env:HOST}:${PORT}', 'localhost:3044'],
  ['test_${env:INT}', 'test_1'],
  ['test_${env:FLOAT32}', 'test_3.25'],
  ['test_${env:FLOAT64}', 'test_6.4'],
  ['test_${env:BOOL}', 'test_true'],
  ['test_${env:TIMESTAMP}', 'test_2023-03-20T03:17:55.432328Z'],
  ['test_${env:BOOL}_test_${env:BOOL}', 'test_true_test_true'],
  // Nested.
  ['${yaml:localhost:${env:PORT}}', 'localhost:3044'],
  ['${yaml:localhost:${PORT}}', 'localhost:3044'],
  ['${yaml:${env:HOST}:${env:PORT}}', 'localhost:3044'],
  ['${yaml:${HOST}:${PORT}}', 'localhost:3044'],
  ['${yaml:localhost:${env:PORT}}?os=${env:OS}', 'localhost:3044?os=ubuntu'],
  ['${yaml:1${yaml:2${yaml:3${yaml:4${yaml:5${yaml:6}}}}}}', 123456],
  // Nothing to expand.
  ['env:HOST}', 'env:HOST}'],
  ['${HOST', '${HOST'],
  ['HO{ST}', 'HO{ST}'],
  ['${env:HOST${env:PORT?os=${env:OS', '${env:HOST${env:PORT?os=${env:OS'],
  ['env:HOST}env:PORT}?os=env:OS}', 'env:HOST}env:PORT}?os=env:OS}'],
  ['env:HOST}${env:PORT', 'env:HOST}${env:PORT'],
  // Only some of it.
  ['env:HOST}${env:PORT}', 'env:HOST}3044'],
  ['env:HOST}${PORT}', 'env:HOST}3044'],
  ['${env:HOST}env:PORT}', 'localhostenv:PORT}'],
  ['${env:HOST${env:PORT}', '${env:HOST3044'],
  ['${env:HOST}${env:PORT', 'localhost${env:PORT'],
  ['env:HOST}env:PORT}?os=${env:OS}', 'env:HOST}env:PORT}?os=ubuntu'],
  ['${env:HOST${env:PORT?os=${env:OS}', '${env:HOST${env:PORT?os=ubuntu'],
  ['${env:HOST}}}}}}${env:PORT?os=${env:OS}', 'localhost}}}}}${env:PORT?os=ubuntu'],
  ['${env:HOST}${${${${${env:PORT}?os=${env:OS}', 'localhost${${${${3044?os=ubuntu'],
  ['env:HOST}${env:PORT}?os=env:OS}&pr=${env:PR}', 'env:HOST}3044?os=env:OS}&pr=amd'],
  ['${env:HOST${env:PORT}?os=${env:OS&pr=${env:PR}', '${env:HOST3044?os=${env:OS&pr=amd'],
  ['${HOST}${env:PORT}', 'localhost3044'],
  ['${env:HOST}${PORT}', 'localhost3044'],
  // Defaults.
  ['${env:UNSET:-5}', 5],
  ['${env:UNSET:-}', ''],
  ['${env:UNSET:-a:-b}', 'a:-b'],
  ['${env:HOST:-other}', 'localhost'],
  ['x${env:UNSET:-}y', 'xy'],
]

describe('references expand as in the Collector', () => {
  for (const [written, meant] of CASES)
    test(written, () => {
      assert.deepEqual(valuesOf(loadText(`field: ${JSON.stringify(written)}`, environment)), { field: meant })
    })

  test('inside lists and mappings too', () => {
    const loaded = loadText('a: {b: "${PORT}"}\nc: ["${PORT}", {d: "${HOST}"}]', environment)
    assert.deepEqual(valuesOf(loaded), { a: { b: 3044 }, c: [3044, { d: 'localhost' }] })
  })
})

const REFUSED: readonly (readonly [written: string, message: string])[] = [
  [
    '${env:hello.world}',
    'environment variable "hello.world" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$',
  ],
  ['${unsupported:VALUE}', 'scheme "unsupported" is not supported for uri "unsupported:VALUE"'],
  ['${g_c_s:VALUE}', 'invalid uri: "g_c_s:VALUE"'],
  ['${UNSET:-a}', 'scheme "UNSET" is not supported for uri "UNSET:-a"'],
  ['${yaml:$VALUE}', `the uri "yaml:$VALUE" contains unsupported characters ('$')`],
  ['https://${env:x-y}:1', 'environment variable "x-y" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$'],
  ['${env:SELF}', 'too many recursive expansions'],
  ['a ${env:SELF_INSIDE}', 'too many recursive expansions'],
  [
    '${file:no-such.yaml}',
    'cannot retrieve the configuration: unable to read the file file:no-such.yaml: open no-such.yaml: no such file or directory',
  ],
]

describe('references that cannot be expanded are faults at their place', () => {
  const own = { SELF: '${env:SELF}', SELF_INSIDE: '${env:SELF_INSIDE}' }
  for (const [written, message] of REFUSED)
    test(written, () => {
      const { faults } = loadText(`first: 1\nfield: ["${written}"]`, own)
      assert.deepEqual(
        faults.map((fault) => [fault.message, fault.place.line, fault.place.column]),
        [[message, 2, 9]],
      )
    })

  test('each of them is told', () => {
    const { faults } = loadText('a: ${x:1}\nb: ${yy:1}\nc: ${zz:1}', {})
    assert.deepEqual(
      faults.map((fault) => [fault.message, fault.place.line]),
      [
        ['invalid uri: "x:1"', 1],
        ['scheme "yy" is not supported for uri "yy:1"', 2],
        ['scheme "zz" is not supported for uri "zz:1"', 3],
      ],
    )
  })

  test('a variable that doubles itself is stopped', () => {
    const { faults } = loadText('a: ${env:D}', { D: '["${env:D}", "${env:D}"]' })
    assert.ok(faults.length > 0)
    assert.match(faults[0]?.message ?? '', /too many recursive expansions|more than 10000 references/)
  })

  test('a variable that makes text grow without end is stopped', () => {
    const { faults } = loadText('a: x${env:D}', { D: '${env:D}${env:D}' })
    assert.match(faults[0]?.message ?? '', /too many recursive expansions|expands to more than/)
  })
})

describe('variables', () => {
  test('one that is not set is nothing, with a warning at the place of the reference', () => {
    const loaded = loadText('a:\n  b: ${env:MISSING}', {})
    assert.deepEqual(valuesOf(loaded), { a: { b: null } })
    assert.deepEqual(
      loaded.warnings.map(({ code, message, place }) => [code, message, place.line, place.column, place.reference]),
      [['unset_variable', 'Configuration references unset environment variable "MISSING"', 2, 6, '${env:MISSING}']],
    )
  })

  test('one that is empty is nothing, told as an information', () => {
    const loaded = loadText('a: ${env:EMPTY}', { EMPTY: '' })
    assert.deepEqual(valuesOf(loaded), { a: null })
    assert.deepEqual(
      loaded.warnings.map(({ severity, message }) => [severity, message]),
      [['info', 'Configuration references empty environment variable "EMPTY"']],
    )
  })
})

describe('what references bring in', () => {
  const first = (text: string, variables: Readonly<Record<string, string>>) =>
    loadText(text, variables).faults.map(({ message }) => message)[0]

  test('is at most a hundred levels deep, with what they stand in', () => {
    const nested = (inner: string) => `${'['.repeat(60)}${inner}${']'.repeat(60)}`
    const variables = { ONE: nested('1'), TWO: nested('"${env:ONE}"') }
    assert.equal(first('a: ${env:ONE}', variables), undefined)
    assert.equal(
      first('a: ${env:TWO}', variables),
      'more than 100 levels deep, references counted with what they bring in',
    )
  })

  test('is at most 32 MiB in all, however often the same is named', () => {
    const variables = { TEXT: 'x'.repeat(2 ** 20) }
    const named = (times: number) => `a: [${Array.from({ length: times }, () => '"${env:TEXT}"').join(', ')}]`
    assert.equal(first(named(32), variables), undefined)
    assert.equal(first(named(33), variables), 'references bring in more than 33554432 characters')
  })

  test('is at most a million values in all', () => {
    const variables = { LIST: `[${'1,'.repeat(190_000)}]` }
    assert.equal(first(`a: [${'"${env:LIST}",'.repeat(6)}]`, variables), 'more than 1000000 values')
  })
})
