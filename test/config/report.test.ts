import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { builtInCatalog } from '../../src/builtin.ts'
import { error, inOrder, warning } from '../../src/config/fault.ts'
import type { Fault } from '../../src/config/fault.ts'
import { load } from '../../src/config/load.ts'
import { codeFrame } from '../../src/config/code-frame.ts'
import { report, reportJson } from '../../src/config/report.ts'
import { check } from '../../src/config/check.ts'
import { testCatalog } from './check-text.ts'

const ESCAPE = new RegExp(String.fromCharCode(27))
const place = (line: number, column: number, source = 'agent.yaml') => ({ source, line, column })
const fault = (line: number, column: number, extra: Partial<Fault> = {}): Fault => ({
  ...error({ code: 'x', message: 'is wrong', path: 'receivers::otlp', place: place(line, column) }),
  ...extra,
})
const texts = new Map([
  ['agent.yaml', 'receivers:\n  otlp:\n    htttp: 5\n\tpassword: hunter2\n' + ' '.repeat(300) + 'far: 1\n'],
])

describe('a report', () => {
  test('names the place, shows the line with a caret, and says what would help', () => {
    assert.equal(
      report([fault(3, 5, { hint: 'did you mean "http"?' })], { texts }),
      [
        'agent.yaml:3:5: error: receivers::otlp: is wrong',
        '    3 |     htttp: 5',
        '      |     ^',
        '  = did you mean "http"?',
        '',
      ].join('\n'),
    )
  })

  test('has an empty line between faults, and nothing where there are none', () => {
    assert.equal(report([fault(9, 1), fault(9, 2)], { texts }).split('\n\n').length, 2)
    assert.equal(report([], { texts }), '')
  })

  test('names the source alone where all of it is meant', () => {
    const whole = warning({ code: 'x', message: 'is empty', path: '', place: place(0, 0) })
    assert.equal(report([whole], { texts }), 'agent.yaml: warning: is empty\n')
  })

  test('shows a line that holds a secret up to it', () => {
    const lines = report([fault(4, 12, { secret: true })], { texts }).split('\n')
    assert.equal(lines[1], '    4 | \tpassword: …')
    assert.equal(lines[2], '      | \t          ^')
  })

  test('stars out the secrets that stand beside the fault', () => {
    const written = [
      [
        'otlp: { headers: { a: b }, password: "x\\"y", endpoint: 1 }',
        'otlp: { headers: ********, password: ******, endpoint: 1 }',
      ],
      ['api_key: k # why', 'api_key: **# why'],
      ["tokens: [one, two], token: ${env:T}, token_file: 'f'", "tokens: **********, token: ${env:T}, token_file: 'f'"],
      ['proxy_url: https://me:pass@host', 'proxy_url: https://me:****@host'],
      ['bearertokenauth: { scheme: x }', 'bearertokenauth: { scheme: x }'],
    ]
    for (const [line = '', shown = ''] of written)
      assert.equal(codeFrame(line, { source: 'a.yaml', line: 1, column: 1 }, false)[0], `    1 | ${shown}`)
  })

  test('shows the part of a long line that matters', () => {
    const lines = report([fault(5, 301)], { texts }).split('\n')
    assert.ok((lines[1]?.length ?? 0) < 200)
    assert.equal(lines[1]?.[lines[2]?.indexOf('^') ?? 0], 'f')
  })

  test('is in colour only where asked', () => {
    assert.doesNotMatch(report([fault(3, 5)], { texts }), ESCAPE)
    assert.match(report([fault(3, 5)], { texts, colours: true }), new RegExp(`${ESCAPE.source}\\[31merror:`))
  })

  test('for programs has the same in fields', () => {
    const referred = fault(3, 5, { hint: 'h', place: { ...place(3, 5), reference: '${env:X}' } })
    assert.deepEqual(JSON.parse(reportJson([referred, fault(0, 0)])), [
      {
        severity: 'error',
        code: 'x',
        message: 'is wrong',
        path: 'receivers::otlp',
        source: 'agent.yaml',
        line: 3,
        column: 5,
        reference: '${env:X}',
        hint: 'h',
      },
      { severity: 'error', code: 'x', message: 'is wrong', path: 'receivers::otlp', source: 'agent.yaml' },
    ])
  })

  test('stars out what a schema calls secret, whatever its key is called, on all its lines', async () => {
    const text = `extensions:
  headers_setter:
    headers:
      - { key: a, value: "hunter2", wrong: 1, default_value: "\${env:T}" }
  headers_setter/lines:
    headers:
      - { key: b, value: 'hunter2
          hunter2', wrong: 2 }
exporters:
  otlp_http: { headers: [
    { name: x, value: hunter2 }, { name: y, value: hunter2, wrong: 3 } ], endpoint: http://a }
`
    const loaded = load({
      configs: [`yaml:${text}`],
      sets: ['extensions.headers_setter/set={ headers: [{ key: a, value: hunter2, wrong: 4 }] }'],
      environment: { T: 'token' },
    })
    const { faults } = await check(loaded, builtInCatalog())
    const printed = report(faults, loaded)
    assert.equal(printed.match(/has invalid keys: wrong/g)?.length, 4)
    assert.doesNotMatch(printed, /hunter/)
    assert.match(printed, /\{ key: a, value: \*{9}, wrong: 1, default_value: "\$\{env:T\}" \}/)
    assert.match(printed, /\| \*+, wrong: 2 \}/)
  })

  test('never shows what a variable or a secret option holds', async () => {
    const text = `processors:
  everything:
    password: {hunter2: hunter2}
    headers: {authorization: [hunter2], other: "\${env:LIST}"}
    integer: \${env:WORD}
    wait: "\${env:WORD} s"
    any: 1
`
    const loaded = load({ configs: [`yaml:${text}`], environment: { WORD: 'hunter2', LIST: '[hunter2]' } })
    const { faults } = await check(loaded, testCatalog())
    assert.ok(faults.length >= 5)
    assert.doesNotMatch(report(faults, loaded), /hunter2/)
    assert.doesNotMatch(reportJson(faults), /hunter2/)
  })
})

describe('the order of faults', () => {
  test('is that of sources, lines, columns, codes and messages, however they were found', () => {
    const sorted = [
      fault(1, 1, { place: place(1, 1, 'first') }),
      fault(1, 2),
      fault(1, 9, { code: 'a' }),
      fault(1, 9, { code: 'b', message: 'a' }),
      fault(1, 9, { code: 'b', message: 'b' }),
      fault(2, 1),
      fault(1, 1, { place: place(1, 1, 'unknown') }),
    ]
    const sources = ['first', 'agent.yaml']
    assert.deepEqual(inOrder(sorted.toReversed(), sources), sorted)
    assert.deepEqual(inOrder(sorted, sources), sorted)
  })
})
