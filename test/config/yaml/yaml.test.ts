import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { plain, typed } from '../../../src/config/node.ts'
import { MAX_TEXT_LENGTH, readYaml } from '../../../src/config/yaml/read.ts'
import { MAX_DEPTH } from '../../../src/config/yaml/tree.ts'

const meaning = (text: string): unknown => {
  const { node, faults } = readYaml(text, 'x.yaml')
  if (node === undefined) throw new Error(faults[0]?.message)
  return plain(node)
}
const problems = (text: string): string[] =>
  readYaml(text, 'x.yaml').faults.map(({ message, place }) => `${place.line}:${place.column} ${message}`)

const SCALARS: readonly (readonly [written: string, meant: unknown])[] = [
  ['0123', 83],
  ['-0123', -83],
  ['0o17', 15],
  ['089', 89],
  ['0xdeadbeef', 3735928559],
  ['0b101', 5],
  ['5_000', 5000],
  ['+5', 5],
  ['1.5', 1.5],
  ['1_000.5', 1000.5],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1.', 1],
  ['.inf', Infinity],
  ['-.Inf', -Infinity],
  ['9007199254740993', 9007199254740993n],
  ['18446744073709551616', 18446744073709551616],
  ['yes', 'yes'],
  ['no', 'no'],
  ['on', 'on'],
  ['off', 'off'],
  ['y', 'y'],
  ['True', true],
  ['FALSE', false],
  ['tRUE', 'tRUE'],
  ['~', null],
  ['Null', null],
  ['null', null],
  ['nUll', 'nUll'],
  ['1.2.3', '1.2.3'],
  ['1h30m', '1h30m'],
  ['12:30:45', '12:30:45'],
  ['2023-03-20', '2023-03-20'],
  ['0x', '0x'],
  ['-', '-'],
  ['"0123"', '0123'],
  ["'true'", 'true'],
  ['!!str 5', '5'],
  ['!!int "5"', 5],
  ['!!float 5', 5],
]

describe('plain scalars mean what they mean to the Collector', () => {
  for (const [written, meant] of SCALARS)
    test(written, () => {
      // A lone dash is a list's mark in block style.
      const text = written === '-' ? `{a: "${written}"}` : `a: ${written}`
      assert.deepEqual(meaning(text), { a: meant })
    })
})

describe('numbers that are whole', () => {
  for (const [text, kind] of [
    ['1.0', 'Double'],
    ['5.', 'Double'],
    ['1e3', 'Double'],
    ['089', 'Double'],
    ['!!float 5', 'Double'],
    ['18446744073709551616', 'Double'],
    ['1', 'Number'],
    ['0123', 'Number'],
    ['1_000', 'Number'],
    ['0x10', 'Number'],
    ['1.5', 'Number'],
    ['9007199254740993', 'BigInt'],
  ] as const)
    test(`${text} is a ${kind} where anything may stand`, () => {
      const { node } = readYaml(`a: ${text}`, 'x.yaml')
      const { a } = typed(node as NonNullable<typeof node>) as { a: object }
      assert.equal(a.constructor.name, kind)
    })
})

describe('YAML', () => {
  test('keeps the place of every key and value', () => {
    const { node } = readYaml('a:\n  - b: 1\n    c: {d: 2}\n', 'x.yaml')
    assert.ok(node?.kind === 'map')
    const list = node.entries.get('a')?.node
    assert.ok(list?.kind === 'list')
    const inner = list.items[0]
    assert.ok(inner?.kind === 'map')
    const c = inner.entries.get('c')
    assert.deepEqual(c?.key, { source: 'x.yaml', line: 3, column: 5 })
    assert.ok(c?.node.kind === 'map')
    assert.deepEqual(c.node.entries.get('d')?.node.place, { source: 'x.yaml', line: 3, column: 12 })
  })

  test('knows anchors, aliases and merge keys; what is written in the mapping itself wins', () => {
    const text = 'base: &b {x: 1, y: 1}\nother: &o {y: 2, z: 2}\na: {<<: *b, x: 5}\nc: {<<: [*b, *o]}\nd: *b\n'
    assert.deepEqual(meaning(text), {
      base: { x: 1, y: 1 },
      other: { y: 2, z: 2 },
      a: { x: 5, y: 1 },
      c: { x: 1, y: 1, z: 2 },
      d: { x: 1, y: 1 },
    })
  })

  test('takes keys as text', () => {
    assert.deepEqual(meaning('1: a\ntrue: b\n0x10: c'), { 1: 'a', true: 'b', '0x10': 'c' })
  })

  test('reads a block of text with its line breaks', () => {
    assert.deepEqual(meaning('a: |\n  x\n  y\nb: >-\n  x\n  y\n'), { a: 'x\ny\n', b: 'x y' })
  })

  test('ignores a byte order mark, and takes CRLF for an end of line', () => {
    assert.deepEqual(meaning('\uFEFFa: 1\r\nb: 2\r\n'), { a: 1, b: 2 })
  })

  test('reads the first of several documents', () => {
    const { node, documents } = readYaml('a: 1\n---\nb: 2\n', 'x.yaml')
    assert.deepEqual([node && plain(node), documents], [{ a: 1 }, 2])
  })
})

const conf =
  'retrieved value (type=string) cannot be used as a Conf: assuming string type since contents are not valid YAML: yaml: '

describe('text that is no YAML', () => {
  test('tabs for indentation', () => {
    assert.deepEqual(problems('a:\n\tb: 1\n'), [`2:1 ${conf}line 2: found character that cannot start any token`])
  })

  test('a key twice, with the line of the first', () => {
    assert.deepEqual(problems('a: 1\nb: 2\na: 3\n'), ['3:1 yaml: line 3: mapping key "a" already defined at line 1'])
  })

  test('an alias without an anchor, and an anchor that holds itself', () => {
    assert.deepEqual(problems('a: *x\n'), ["1:4 yaml: line 1: unknown anchor 'x' referenced"])
    assert.deepEqual(problems('a: &x [*x]\n'), ["1:8 yaml: line 1: unknown anchor 'x' referenced"])
  })

  test('tags that nobody knows', () => {
    assert.deepEqual(problems('a: !foo 1\n'), ['1:9 yaml: line 1: unknown tag !foo'])
    assert.deepEqual(problems('a: !!int x\n'), ['1:10 yaml: line 1: cannot decode this as !!int'])
  })

  test('a mapping as a key', () => {
    assert.deepEqual(problems('{a: 1}: 2\n'), ['1:1 yaml: line 1: a key must be a word'])
  })

  for (const text of ['a: [1,\n', 'a: b: c\n', '"a\n', 'a: @x\n', '{a: 1}}', 'key: "\\q"\n'])
    test(`${JSON.stringify(text)} is one fault, with its line`, () => {
      const found = problems(text)
      assert.equal(found.length, 1)
      assert.match(found[0] ?? '', /^[1-9]\d*:[1-9]\d* retrieved value .*yaml: line \d+: /)
    })
})

describe('bounds of what is read', () => {
  test('aliases that multiply are stopped', () => {
    const rows = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (let letter = 1; letter < 9; letter++) {
      const before = `*${'abcdefghi'[letter - 1]}`
      rows.push(
        `${'abcdefghi'[letter]}: &${'abcdefghi'[letter]} [${Array.from({ length: 9 }, () => before).join(',')}]`,
      )
    }
    assert.match(
      problems(rows.join('\n'))[0] ?? '',
      /more than 200000 values, aliases counted with what they stand for/,
    )
  })

  test('counts the levels of what an alias stands for, as those of anything else', () => {
    const chain = (length: number, levels: number) =>
      Array.from({ length }, (_, link) => {
        const within = link === 0 ? 'x' : `*a${link - 1}`
        return `k${link}: &a${link} ${'['.repeat(levels)}${within}${']'.repeat(levels)}\n`
      }).join('')
    assert.deepEqual(problems(chain(3, 33)), [])
    assert.deepEqual(problems(chain(4, 33)), [
      '4:42 yaml: line 4: more than 100 levels deep, aliases counted with what they stand for',
    ])
    assert.match(problems(chain(60, 90))[0] ?? '', /more than 100 levels deep/)
  })

  test('depth is limited', () => {
    assert.match(problems('['.repeat(MAX_DEPTH + 2) + ']'.repeat(MAX_DEPTH + 2))[0] ?? '', /more than 100 levels deep/)
    assert.deepEqual(problems('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH)), [])
  })

  test('a depth that the YAML library cannot take is a fault, not a crash', () => {
    for (const text of [
      '['.repeat(50_000),
      '['.repeat(9000) + ']'.repeat(9000),
      '- '.repeat(9000),
      '{a: '.repeat(9000),
    ])
      assert.match(problems(text)[0] ?? '', /nested too deeply|more than 100 levels deep/)
  })

  test('length is limited', () => {
    assert.match(problems('#'.repeat(MAX_TEXT_LENGTH + 1))[0] ?? '', /longer than 8388608 characters/)
  })
})
