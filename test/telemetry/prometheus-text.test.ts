import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Metrics } from '../../src/graph/metrics.ts'
import { Metrics as Measuring } from '../../src/graph/metrics.ts'
import { prometheusText } from '../../src/telemetry/prometheus-text.ts'
import { missing, python } from '../data/oracle/google.ts'
import { measuredEngine } from './measured-engine.ts'

const RESOURCE = { 'service.name': 'telegen', 'service.version': '1', 'service.instance.id': 'x' }
const PLAIN = { suffixes: false, utf8: false, constant: {} }
const FULL = {
  suffixes: true,
  utf8: false,
  constant: {
    otel_scope_name: 'telegen',
    otel_scope_version: '1',
    otel_scope_schema_url: '',
    'service.name': 'telegen',
  },
}

/** Of what the Collector shows, these are no part of us: Go's allocator; V8 counts it from Node 26 on. */
const NOT_OURS = /^otelcol_process_runtime_total_alloc_bytes/

/** `name type label,label`, as in the file that was recorded from the real Collector. */
function shapes(text: string): Set<string> {
  const types = new Map<string, string>()
  const found = new Set<string>()
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (typed !== undefined) types.set(typed, type as string)
    if (line.startsWith('#')) continue
    const [, name = '', labels = ''] = /^([\w:]+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    const keys = [...labels.matchAll(/(\w+)="/g)].map(([, key]) => key as string).filter((key) => key !== 'le')
    found.add(`${family} ${types.get(family)} ${keys.sort().join(',')}`.trim())
  }
  return found
}

describe('the Prometheus text', () => {
  let metrics: Metrics
  let end: () => Promise<void>
  before(async () => ({ metrics, end } = await measuredEngine()))
  after(() => end())

  const recorded = readFileSync(new URL('collector-0.155.txt', import.meta.url), 'utf8')
    .split(/^# .*\n/m)
    .slice(1)
  for (const [index, [name, options]] of (
    [
      ['by default', PLAIN],
      ['with everything', FULL],
    ] as const
  ).entries())
    test(`has the Collector's names, types and labels, ${name}`, () => {
      const ours = shapes(prometheusText(metrics.collect(), RESOURCE, options))
      const theirs = (recorded[index] as string)
        .trim()
        .split('\n')
        .filter((line) => !NOT_OURS.test(line))
      assert.ok(theirs.length > 25)
      assert.deepEqual(
        theirs.filter((line) => !ours.has(line)),
        [],
      )
    })

  test("is read by Prometheus's own parser in Python", { skip: missing }, () => {
    const program = `import sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(sum(len(family.samples) for family in parse(sys.stdin.read())))`
    const input = prometheusText(metrics.collect(), RESOURCE, FULL)
    const { status, stdout, stderr } = spawnSync(python, ['-c', program], { input, encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
    assert.equal(Number(stdout), input.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length)
  })

  test('counts each bucket with all below it, and escapes what would end a value', () => {
    const own = new Measuring()
    const options = { unit: 's', description: 'one\\two\nthree', boundaries: [1, 10] }
    const histogram = own.histogram('a.b', options)
    for (const value of [1, 2, 30]) histogram.record(value, { 'c.d': 'x"y\\z\n' })
    assert.equal(
      prometheusText(own.collect(), {}, PLAIN),
      String.raw`# HELP a_b one\\two\nthree
# TYPE a_b histogram
a_b_bucket{c_d="x\"y\\z\n",le="1"} 1
a_b_bucket{c_d="x\"y\\z\n",le="10"} 2
a_b_bucket{c_d="x\"y\\z\n",le="+Inf"} 3
a_b_sum{c_d="x\"y\\z\n"} 33
a_b_count{c_d="x\"y\\z\n"} 3
# HELP target_info Target metadata
# TYPE target_info gauge
target_info 1
`,
    )
  })

  test('keeps dots, in quotes, for who asks for UTF-8; else labels that become the same are one', () => {
    const own = new Measuring()
    own.gauge('a.b', { unit: '1', description: '' }, () => 2, { 'c.d': 'y', c_d: 'x' })
    const lines = (utf8: boolean) =>
      prometheusText(own.collect(), {}, { ...PLAIN, utf8 })
        .split('\n')
        .filter((line) => line.endsWith(' 2'))
    assert.deepEqual(lines(true), ['{"a.b","c.d"="y",c_d="x"} 2'])
    assert.deepEqual(lines(false), ['a_b{c_d="x;y"} 2'])
  })

  test('has no label without a name, and quotes one with a colon, which only names of metrics may have', () => {
    const text = prometheusText([], { '': 'x', 'a:b': 'y' }, { ...PLAIN, utf8: true })
    assert.match(text, /^target_info\{"a:b"="y"\} 1$/m)
    assert.match(prometheusText([], { '': 'x', 'a:b': 'y' }, PLAIN), /^target_info\{a_b="y"\} 1$/m)
  })
})
