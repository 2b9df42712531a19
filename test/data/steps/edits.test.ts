import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import type { JsonObject } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import {
  double,
  type Condition,
  type Edit,
  type RecordLevel,
  type Step,
  type Value,
} from '../../../src/data/steps/step.ts'
import { records } from '../../../src/data/views/records.ts'
import { anyOf } from './json-value.ts'
import { list } from './records.ts'

const logsOf = (record: JsonObject) => fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })

/** A log record with these attributes after the edits, as attributes by key. */
function edited(attributes: Record<string, Value>, ...edits: Edit[]): Record<string, Value> {
  const all = Object.entries(attributes).map(([key, value]) => ({ key, value: anyOf(value) }))
  const { batch } = run(compile('logs', [{ on: 'logRecord', act: edits }]), logsOf({ attributes: all }))
  for (const record of records(batch!, 'logRecord')) return record.attributes.toObject()
  throw new Error('no record is left')
}

/** Whether the condition holds for a log record with these attributes. */
function holds(attributes: Record<string, Value>, when: Condition, on: RecordLevel = 'logRecord'): boolean {
  const all = Object.entries(attributes).map(([key, value]) => ({ key, value: anyOf(value) }))
  return run(compile('logs', [{ on, when, act: { kind: 'drop' } }]), logsOf({ attributes: all })).dropped === 1
}

const at = (attribute: string) => ({ path: { attribute } })
const sha = (bytes: Buffer | string, algorithm = 'sha256') => createHash(algorithm).update(bytes).digest('hex')

describe('an edit', () => {
  test('extract upserts what named groups matched', () => {
    const pattern = /^(?<method>\w+) (?<path>\S+)(?<query>\?.*)?$/
    const extract: Edit = { kind: 'extract', ...at('line'), pattern }
    assert.deepEqual(edited({ line: 'GET /a', method: 'old' }, extract), { line: 'GET /a', method: 'GET', path: '/a' })
    assert.deepEqual(edited({ line: 'none' }, extract), { line: 'none' })
    assert.deepEqual(edited({ line: 5 }, extract), { line: 5 })
  })

  test('hash replaces a value by the digest of its bytes, little-endian', () => {
    const int = Buffer.alloc(8)
    int.writeBigInt64LE(-5n)
    const half = Buffer.alloc(8)
    half.writeDoubleLE(0.5)
    const values = { text: 'ü', empty: '', int: -5, half: 0.5, yes: true, list: ['x'] }
    const edits = Object.keys(values).map((key): Edit => ({ kind: 'hash', ...at(key), algorithm: 'sha256' }))
    assert.deepEqual(edited(values, ...edits, { kind: 'hash', ...at('none'), algorithm: 'sha1' }), {
      text: sha('ü'),
      empty: sha(''),
      int: sha(int),
      half: sha(half),
      yes: sha(Buffer.from([1])),
      list: '',
    })
  })

  test('hash_matching and delete_matching look at every key', () => {
    const values = { 'user.name': 'n', 'user.id': 'i', other: 'o' }
    const hash: Edit = { kind: 'hash_matching', pattern: /^user\./, algorithm: 'sha1' }
    assert.deepEqual(edited(values, hash), { 'user.name': sha('n', 'sha1'), 'user.id': sha('i', 'sha1'), other: 'o' })
    assert.deepEqual(edited(values, { kind: 'delete_matching', pattern: /^user\./ }), { other: 'o' })
  })

  test('convert does what the Collector does, and leaves alone what does not convert', () => {
    const values = {
      a: '12',
      b: '1e3',
      c: 'x',
      d: true,
      e: 2.9,
      f: ['x', 1],
      g: '99999999999999999999',
      h: '+7',
      i: ' 1',
    }
    const to = (kind: 'int' | 'double' | 'string') =>
      Object.keys(values).map((key): Edit => ({ kind: 'convert', ...at(key), to: kind }))
    assert.deepEqual(edited(values, ...to('int')), { ...values, a: 12, d: 1, e: 2, h: 7 })
    assert.deepEqual(edited(values, ...to('double')), {
      ...values,
      a: double(12),
      b: double(1000),
      d: double(1),
      g: 1e20,
      h: double(7),
    })
    assert.deepEqual(edited(values, ...to('string')), { ...values, d: 'true', e: '2.9', f: '["x",1]' })
  })

  test('rename moves a value over an existing one, whatever its type', () => {
    assert.deepEqual(edited({ a: [1, 'x'], b: 'old' }, { kind: 'rename', ...at('a'), to: 'b' }), { b: [1, 'x'] })
    assert.deepEqual(edited({ b: 'old' }, { kind: 'rename', ...at('a'), to: 'b' }), { b: 'old' })
  })

  test('copies a value of any type, or what stands in for it', () => {
    const map = new Map<string, Value>([['k', [double(1), 2n ** 60n, new Uint8Array([1])]]])
    const copy = (from: string, otherwise?: Value): Edit => ({
      kind: 'upsert',
      ...at('to'),
      source: { path: { attribute: from }, ...(otherwise !== undefined && { otherwise }) },
    })
    assert.deepEqual(edited({ map }, copy('map')), { map, to: map })
    assert.deepEqual(edited({ a: 1 }, copy('none')), { a: 1 })
    assert.deepEqual(edited({ a: 1 }, copy('none', 'x')), { a: 1, to: 'x' })
  })

  test('sees what an earlier one in the same step did, but the condition is looked at before the first', () => {
    const step: Step = {
      on: 'logRecord',
      when: { kind: 'exists', ...at('a') },
      act: [
        { kind: 'delete', ...at('a') },
        { kind: 'insert', ...at('a'), source: { value: 'new' } },
        { kind: 'insert', ...at('a'), source: { value: 'newer' } },
      ],
    }
    const { batch } = run(compile('logs', [step]), logsOf({ attributes: [{ key: 'a', value: anyOf('old') }] }))
    for (const record of records(batch!, 'logRecord')) assert.deepEqual(record.attributes.toObject(), { a: 'new' })
  })

  test('sets fields of every kind, and removes what is set to its default', () => {
    const before: JsonObject = {
      timeUnixNano: '5',
      severityNumber: 9,
      severityText: 'x',
      body: { stringValue: 'b' },
      traceId: 'ab'.repeat(16),
      flags: 1,
    }
    const set = (field: string, value: Value): Edit => ({ kind: 'upsert', path: { field }, source: { value } })
    const edits = [
      set('time_unix_nano', 2n ** 63n),
      set('severity_number', 0),
      set('severity_text', ''),
      set('body', ['x', 0.5]),
      set('trace_id', '0a'.repeat(16)),
      set('span_id', new Uint8Array(8).fill(7)),
      set('flags', 4_294_967_295),
      set('event_name', 'e'),
    ]
    const { batch } = run(compile('logs', [{ on: 'logRecord', act: edits }]), logsOf(before))
    const [resource] = list(toObject(batch!), 'resourceLogs')
    const [record] = list(list(resource!, 'scopeLogs')[0]!, 'logRecords')
    assert.deepEqual(record, {
      timeUnixNano: String(2n ** 63n),
      body: anyOf(['x', 0.5]),
      traceId: '0a'.repeat(16),
      spanId: '07'.repeat(8),
      flags: 4_294_967_295,
      eventName: 'e',
    })
  })

  test('sets nested fields and those beside the points of a metric', () => {
    const traces = fromObject('traces', {
      resourceSpans: [{ scopeSpans: [{ spans: [{}, { status: { code: 1, message: 'm' } }] }] }],
    })
    const status: Edit = { kind: 'upsert', path: { field: 'status.code' }, source: { value: 2 } }
    const seen: unknown[] = []
    const made = run(compile('traces', [{ on: 'span', act: status }]), traces).batch!
    for (const span of records(made, 'span')) seen.push(span.statusCode, span.statusMessage)
    assert.deepEqual(seen, [2, '', 2, 'm'])
    const metrics = fromObject('metrics', {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                { sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints: [{ asInt: '3' }] } },
                { gauge: { dataPoints: [{ asDouble: 0.5 }] } },
              ],
            },
          ],
        },
      ],
    })
    const edits: Edit[] = [
      { kind: 'upsert', path: { field: 'aggregation_temporality' }, source: { value: 2 } },
      { kind: 'upsert', path: { field: 'is_monotonic' }, source: { value: false } },
    ]
    const value: Edit = { kind: 'upsert', path: { field: 'value' }, source: { value: 7.5 } }
    const program = compile('metrics', [
      { on: 'metric', act: edits },
      { on: 'dataPoint', act: value },
    ])
    const sums: unknown[] = []
    for (const metric of records(run(program, metrics).batch!, 'metric')) {
      sums.push(metric.type, metric.aggregationTemporality, metric.isMonotonic)
      for (const point of metric.points) sums.push(point.value)
    }
    assert.deepEqual(sums, ['sum', 2, false, 7.5, 'gauge', 0, false, 7.5])
  })

  test('that can never be done is refused before any data comes', () => {
    const refused = (on: RecordLevel, act: Edit, message: RegExp) =>
      assert.throws(() => compile(on === 'dataPoint' ? 'metrics' : 'logs', [{ on, act }]), message)
    const set = (field: string, value: Value): Edit => ({ kind: 'upsert', path: { field }, source: { value } })
    refused('logRecord', set('nme', 'x'), /a logRecord has no field "nme"/)
    refused('logRecord', set('severity_number', 'x'), /"severity_number" of a logRecord cannot hold x/)
    refused('logRecord', set('trace_id', 'abc'), /cannot hold abc/)
    refused('logRecord', set('time_unix_nano', -1), /cannot hold -1/)
    refused(
      'logRecord',
      { kind: 'delete', path: { on: 'span', attribute: 'x' } },
      /sees resource, scope, logRecord, but not span/,
    )
    refused('logRecord', { kind: 'rename', path: { field: 'body' }, to: 'x' }, /only an attribute can be renamed/)
    refused(
      'dataPoint',
      { kind: 'upsert', path: { on: 'metric', field: 'is_monotonic' }, source: { value: true } },
      /cannot change what a metric says/,
    )
  })
})

describe('a condition', () => {
  const compare = (key: string, value: Value, typed?: true): Condition => ({
    kind: 'compare',
    ...at(key),
    operator: '==',
    value,
    ...(typed && { typed }),
  })

  test('compares ints and doubles as numbers, unless it is typed', () => {
    const values = { int: 1, whole: double(1), big: 2n ** 63n - 1n, list: [1], text: '1' }
    assert.deepEqual(
      [holds(values, compare('int', double(1))), holds(values, compare('int', double(1), true))],
      [true, false],
    )
    assert.deepEqual([holds(values, compare('whole', 1)), holds(values, compare('whole', 1, true))], [true, false])
    assert.deepEqual(
      [holds(values, compare('list', [double(1)])), holds(values, compare('list', [double(1)], true))],
      [true, false],
    )
    assert.deepEqual(
      [holds(values, compare('big', 2n ** 63n - 1n)), holds(values, compare('big', 2 ** 63))],
      [true, false],
    )
    assert.equal(holds(values, compare('text', 1)), false)
  })

  test('matches strings, and by text what it is asked to', () => {
    const values = {
      text: 'a1',
      int: 12,
      half: 0.5,
      yes: true,
      bytes: new Uint8Array([255]),
      map: new Map<string, Value>([
        ['b', 1],
        ['a', ''],
      ]),
    }
    const matches = (key: string, pattern: RegExp, text?: 'scalars' | 'all') =>
      holds(values, { kind: 'matches', ...at(key), pattern, ...(text && { text }) })
    assert.deepEqual(
      [matches('text', /^a/), matches('int', /^12$/), matches('none', /^$/, 'all')],
      [true, false, false],
    )
    assert.deepEqual(
      [matches('int', /^12$/, 'scalars'), matches('half', /^0\.5$/, 'scalars'), matches('yes', /^true$/, 'scalars')],
      [true, true, true],
    )
    assert.deepEqual([matches('bytes', /^\/w==$/, 'scalars'), matches('bytes', /^\/w==$/, 'all')], [false, true])
    assert.equal(matches('map', /^\{"a":"","b":1\}$/, 'all'), true)
  })

  test('samples the share that it is asked for, the same values each time, and never what is absent', () => {
    const sampled = (ratio: number, seed = 22): Condition => ({ kind: 'sampled', ...at('id'), ratio, seed })
    const ids = Array.from({ length: 500 }, (_, index) => `id ${index}`)
    const share = (ratio: number) => ids.filter((id) => holds({ id }, sampled(ratio)))
    assert.deepEqual([share(0).length, share(1).length], [0, 500])
    const half = share(0.5)
    assert.ok(half.length > 200 && half.length < 300, `${half.length} of 500`)
    assert.deepEqual(share(0.5), half)
    assert.ok(
      share(0.25).every((id) => half.includes(id)),
      'a smaller share is part of a larger one',
    )
    assert.equal(holds({}, sampled(1)), false)
    assert.throws(
      () => compile('logs', [{ on: 'logRecord', when: sampled(2), act: { kind: 'drop' } }]),
      /between 0 and 1/,
    )
  })

  test('puts values into the buckets of the Collector’s hash_seed sampling', () => {
    // Its own tests say that no bytes, and 16 bytes of 0, seed 0, come to the buckets 0x3515 and 0x2455 of 0x4000.
    const boundary = (bytes: number, bucket: number) => {
      const sampled = (ratio: number) => {
        const when: Condition = { kind: 'sampled', ...at('id'), ratio, seed: 0 }
        return holds({ id: '\0'.repeat(bytes) }, when)
      }
      assert.deepEqual([sampled(bucket / 0x4000), sampled((bucket + 1) / 0x4000)], [false, true])
    }
    boundary(0, 0x3515)
    boundary(16, 0x2455)
  })
})
