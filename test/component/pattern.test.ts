import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { groupNames, pattern, patternFault, runsInV8 } from '../../src/component/pattern.ts'
import { translate } from '../../src/component/pattern-translation.ts'

describe('pattern', () => {
  const matches: [source: string, text: string, expected: boolean][] = [
    ['^/api/.*$', '/api/users', true],
    ['^/api/.*$', '/app/users', false],
    ['^a.b$', 'a\rb', true],
    ['^a.b$', 'a\nb', false],
    ['(?s)^a.b$', 'a\nb', true],
    ['^\\s$', '\u00a0', false],
    ['(?i)^PROD-', 'prod-7', true],
    ['a]b}', 'a]b}', true],
    ['^\\x41\\.\\Q.*\\E$', 'A..*', true],
    ['[[:alpha:]]+', '123', false],
    ['^\\pL+$', 'grüße', true],
    ['\\bword\\b', 'a word.', true],
    ['^.$', '😀', true],
  ]
  for (const [source, text, expected] of matches) {
    test(`${source} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}, as in Go`, () => {
      assert.equal(pattern(source).test(text), expected)
    })
  }

  test('names its groups as Go writes them, and leaves those empty that took no part', () => {
    const match = pattern('^(?P<user>[a-z]+)@(?P<host>[a-z]+)(?P<port>:\\d+)?$').exec('me@here')
    assert.deepEqual(match?.groups, { user: 'me', host: 'here', port: '' })
    assert.deepEqual(groupNames('(a)(?P<b>b)'), ['', 'b'])
  })

  test('says what is wrong with a pattern in words of Go', () => {
    assert.equal(patternFault('a(b'), 'error parsing regexp: missing closing ): `a(b`')
    assert.equal(patternFault('a(b)'), undefined)
    assert.throws(() => pattern('(?=a)'), /invalid or unsupported Perl syntax/)
  })

  for (const source of ['^(a+)+$', '^(a|a)*$', '(x+x+)+y', '^(a?){40}a{40}$', 'a.*b.*c.*d']) {
    test(`${source} answers about hostile text at once`, () => {
      const started = performance.now()
      pattern(source).test(`${'a'.repeat(5000)}${'x'.repeat(5000)}!`)
      assert.ok(performance.now() - started < 2000)
    })
  }

  for (const source of ['^/api/.*$', '^[^@]+@[^@]+$', '(?i)^get /v', 'checkout|cart', '(foo|bar)baz?', '.*health.*']) {
    test(`${source} is safe, and runs in V8's engine`, () => {
      assert.equal(runsInV8(source), true)
    })
  }

  for (const source of ['^(a+)+$', 'a.*b.*c', '\\d+', '[[:alpha:]]', '(?i)^(get|post) ']) {
    test(`${source} is not, or not known to be, and runs in the linear-time engine`, () => {
      assert.equal(runsInV8(source), false)
    })
  }

  test('takes what may match anything off the ends of a search', () => {
    assert.equal(translate('.*health.*', true)?.source, 'health')
    assert.equal(translate('.*health\\.*', true)?.source, 'health\\x2e*')
    assert.equal(translate('.*health.*', false)?.source, '[^\\n]*health[^\\n]*')
  })

  test('agrees with the linear-time engine on any pattern and text', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '\\d',
      '\\w',
      '[ab]',
      '[^a]',
      '\\.',
      '[\\d-]',
      '\\s',
      '-',
      '_',
      '😀',
      '/',
    )
    const repeated = fc
      .tuple(atom, fc.constantFrom('', '*', '+', '?', '{1,2}', '*?'))
      .map(([one, times]) => one + times)
    const sequence = fc.array(repeated, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
    const grouped = fc.tuple(sequence, sequence).map(([left, right]) => `(?P<g>${left}|${right})?`)
    const body = fc.array(fc.oneof(sequence, grouped), { minLength: 1, maxLength: 2 }).map((parts) => parts.join(''))
    const source = fc
      .tuple(fc.constantFrom('', '^', '(?i)', '(?s)^'), body, fc.constantFrom('', '$', '|^b'))
      .map((parts) => parts.join(''))
      .filter((written) => patternFault(written) === undefined)
    const text = fc.string({
      unit: fc.constantFrom('a', 'B', '1', '.', '\n', '\r', '-', ' ', '😀', '/'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(source, text, (written, given) => {
        const expression = RE2JS.compile(written)
        assert.equal(pattern(written).test(given), expression.test(given))
        const matcher = expression.matcher(given)
        const found = matcher.find()
        const match = pattern(written).exec(given)
        assert.equal(match !== null, found)
        if (found && 'g' in expression.namedGroups()) assert.equal(match?.groups?.['g'], matcher.group('g') ?? '')
      }),
      { numRuns: 150 },
    )
  })
})
