import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checkText, told } from './check-text.ts'
import { loadText, valuesOf } from './load-text.ts'

const merged = (...texts: readonly string[]) => valuesOf(loadText(texts))

describe('sources are laid over one another', () => {
  test('mappings join key by key', () => {
    assert.deepEqual(merged('a: {b: 1, c: {d: 2}}', 'a: {c: {e: 3}, f: 4}'), { a: { b: 1, c: { d: 2, e: 3 }, f: 4 } })
  })

  test('lists are replaced, not appended to', () => {
    assert.deepEqual(merged('a: [1, 2]', 'a: [3]'), { a: [3] })
  })

  test('scalars are replaced, and so is one kind of value by another', () => {
    assert.deepEqual(merged('a: 1\nb: {c: 1}\nd: x', 'a: 2\nb: x\nd: {e: 1}'), { a: 2, b: 'x', d: { e: 1 } })
  })

  test('a key without a value replaces too, an empty mapping does not', () => {
    assert.deepEqual(merged('a: {b: 1}\nc: {d: 1}', 'a:\nc: {}'), { a: null, c: { d: 1 } })
  })

  test('a bare section in a later file takes away the components of an earlier one', async () => {
    const first = 'receivers: {traces_only: }\nprocessors: {plain: }\nexporters: {sink: }\n'
    const pipelines =
      'service: {pipelines: {traces: {receivers: [traces_only], processors: [plain], exporters: [sink]}}}\n'
    assert.deepEqual(told((await checkText([first + pipelines, 'receivers: {}'])).faults), [])
    assert.deepEqual(told((await checkText([first + pipelines, 'processors:'])).faults), [
      '4:71 service::pipelines::traces: references processor "plain" which is not configured',
    ])
  })

  test('a reference is replaced, not what it stands for', () => {
    const loaded = loadText(['a: ${env:M}', 'a: {b: 2}'], { M: '{c: 1}' })
    assert.deepEqual(valuesOf(loaded), { a: { b: 2 } })
  })

  test('keys with :: are mappings in mappings, in every source', () => {
    assert.deepEqual(merged('a::b::c: 1\na: {d: 2}', 'a::b: {e: 3}'), { a: { b: { c: 1, e: 3 }, d: 2 } })
    assert.deepEqual(merged('a: [{b::c: 1}]'), { a: [{ 'b::c': 1 }] })
  })

  test('three sources in a row are as the first two, then the third', () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer(), { maxLength: 2 }))
    const tree = fc.letrec((tie) => ({
      tree: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof({ depthSize: 'small' }, leaf, tie('tree')), {
        maxKeys: 3,
      }),
    })).tree
    fc.assert(
      fc.property(tree, tree, tree, (one, two, three) => {
        const texts = [one, two, three].map((each) => JSON.stringify(each).replaceAll('$', '_'))
        const [first = '', second = '', third = ''] = texts
        const joined = JSON.stringify(merged(first, second))
        assert.deepEqual(merged(first, second, third), merged(joined, third))
      }),
      { numRuns: 60 },
    )
  })
})

describe('--set', () => {
  const set = (text: string, ...sets: readonly string[]) => valuesOf(loadText(text, {}, sets))

  test('lays one value over all sources, in order', () => {
    assert.deepEqual(set('a: {b: 1, c: 2}', 'a.b=5', 'x.y.z=new', 'a.b=6'), {
      a: { b: 6, c: 2 },
      x: { y: { z: 'new' } },
    })
  })

  test('reads the value as YAML', () => {
    assert.deepEqual(set('a: 1', 'a=[1, x]', 'b={c: 0123}', 'd=', 'e=true', 'f="5"'), {
      a: [1, 'x'],
      b: { c: 83 },
      d: null,
      e: true,
      f: '5',
    })
  })

  test('replaces lists and joins mappings', () => {
    assert.deepEqual(set('a: {l: [1, 2], m: {x: 1}}', 'a.l=[3]', 'a.m={y: 2}'), { a: { l: [3], m: { x: 1, y: 2 } } })
  })

  test('takes further equal signs and spaces as they are', () => {
    assert.deepEqual(set('a: 1', 'b = x=y '), { a: 1, b: 'x=y' })
  })

  test('expands references', () => {
    assert.deepEqual(valuesOf(loadText('a: 1', { X: '7' }, ['a=${env:X}'])), { a: 7 })
  })

  test('without an equal sign is refused in the words of the Collector', () => {
    const { faults } = loadText('a: 1', {}, ['key:name'])
    assert.deepEqual(
      faults.map(({ message }) => message),
      ['invalid value "key:name" for flag -set: missing equal sign'],
    )
  })

  test('is where its faults are', async () => {
    const { faults } = await checkText('receivers: {traces_only: }\nexporters: {sink: }', {
      sets: ['service.pipelines.traces.receivers=[nosuch]', 'service.pipelines.traces.exporters=[sink]'],
    })
    assert.deepEqual(
      faults.map(({ place: { source, line, column } }) => [source, line, column]),
      [['--set service.pipelines.traces.receivers', 1, 36]],
    )
  })
})

describe('keys of several words', () => {
  const problem = (texts: readonly string[], sets: readonly string[] = []) =>
    loadText(texts, {}, sets).faults.map(({ message }) => message)

  test('are at most a hundred levels deep, one in another', () => {
    const key = (words: number) => Array.from({ length: words }, () => 'a').join('::')
    const tooDeep = ['more than 100 levels deep, each :: counted']
    assert.deepEqual(problem([`? ${key(100)}\n: 1`]), [])
    assert.deepEqual(problem([`? ${key(101)}\n: 1`]), tooDeep)
    assert.deepEqual(problem([`? ${key(60)}\n: {? ${key(41)} : 1}`]), tooDeep)
    assert.deepEqual(problem(['a: 1'], [`${key(20_000).replaceAll('::', '.')}=1`]), tooDeep)
  })
})
