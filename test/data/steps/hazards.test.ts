/** What no encoder of ours writes, but the wire allows: each is met as Protocol Buffers define it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { batchOf, type Batch } from '../../../src/data/batch.ts'
import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join, merge } from '../../../src/data/kernels/merge.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import type { Step } from '../../../src/data/steps/step.ts'
import { spans } from '../../../src/data/views/records.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { decode } from '../oracle.ts'
import { list } from './records.ts'
import { attribute, embed, fixed64, inRecord, number, tag, varint } from '../wire-bytes.ts'

const RESOURCE_ATTRIBUTE = 1
const SPAN_ATTRIBUTE = 9

const tracesOf = (bytes: Buffer): Batch<'traces'> => batchOf('traces', count('traces', bytes), bytes)

function after(bytes: Buffer, ...steps: Step[]): Buffer {
  const { batch } = run(compile('traces', steps), tracesOf(bytes))
  assert.ok(batch)
  return join(batch)
}

const insert = (on: Step['on'], key = 'new', value = 'v'): Step => ({
  on,
  act: { kind: 'insert', path: { attribute: key }, source: { value } },
})
const upsert = (on: Step['on'], key: string, value: string): Step => ({
  on,
  act: { kind: 'upsert', path: { attribute: key }, source: { value } },
})

/** What stands in the first resource, and in its first span. */
const first = (bytes: Buffer): JsonObject => list(decode('traces', bytes), 'resourceSpans')[0]!
const spanOf = (resource: JsonObject): JsonObject => list(list(resource, 'scopeSpans')[0]!, 'spans')[0]!
const spanIn = (bytes: Buffer): JsonObject => spanOf(first(bytes))
const texts = (record: JsonObject): JsonValue[] =>
  list(record, 'attributes').map(({ key, value }) => [key!, (value as JsonObject)['stringValue']!])

describe('the runner', () => {
  test('joins requests: edits of a batch of two segments reach both, and the result is one request', () => {
    const one = inRecord(attribute(SPAN_ATTRIBUTE, 'a', '1'))
    const two = inRecord(attribute(SPAN_ATTRIBUTE, 'b', '2'))
    const { batch } = run(compile('traces', [insert('span')]), merge([tracesOf(one), tracesOf(two)]))
    assert.deepEqual(
      list(decode('traces', join(batch!)), 'resourceSpans').map((each) => texts(spanOf(each))),
      [
        [
          ['a', '1'],
          ['new', 'v'],
        ],
        [
          ['b', '2'],
          ['new', 'v'],
        ],
      ],
    )
  })

  test('keeps unknown fields on every level that it rewrites', () => {
    const unknown = Buffer.concat([number(100, 5), embed(2000, 'kept'), fixed64(70_000, 7n)])
    const span = embed(2, attribute(SPAN_ATTRIBUTE, 'a', '1'), unknown)
    const bytes = Buffer.concat([
      embed(1, embed(1, unknown), embed(2, embed(1, unknown), span, unknown), unknown),
      unknown,
    ])
    const made = after(bytes, insert('span'), insert('resource'), insert('scope'))
    const count = (haystack: Buffer) => haystack.toString('latin1').split(unknown.toString('latin1')).length - 1
    assert.equal(count(bytes), 6)
    assert.equal(count(made), 6)
    assert.deepEqual(texts(spanIn(made)), [
      ['a', '1'],
      ['new', 'v'],
    ])
  })

  test('writes minimal lengths where it rewrites, and leaves the rest as it was', () => {
    const name = Buffer.concat([tag(5, 2), Buffer.from([0x81, 0x80, 0x00]), Buffer.from('n')])
    const long = (field: number, content: Buffer) =>
      Buffer.concat([tag(field, 2), Buffer.from([content.length | 0x80, 0x80, 0x80, 0x00]), content])
    const bytes = long(1, long(2, long(2, name)))
    const made = after(bytes, insert('span'))
    assert.deepEqual(made, inRecord(name, attribute(SPAN_ATTRIBUTE, 'new', 'v')))
    assert.equal(spanIn(made)['name'], 'n')
  })

  test('finds an attribute whose value stands before its key', () => {
    const reversed = embed(SPAN_ATTRIBUTE, embed(2, embed(1, 'old')), embed(1, 'k'))
    assert.deepEqual(texts(spanIn(after(inRecord(reversed), upsert('span', 'k', 'new')))), [['k', 'new']])
    assert.deepEqual(inRecord(reversed), after(inRecord(reversed), insert('span', 'k')))
  })

  test('takes the last of two keys in one attribute', () => {
    const twice = embed(SPAN_ATTRIBUTE, embed(1, 'first'), embed(2, embed(1, 'old')), embed(1, 'k'))
    assert.deepEqual(texts(spanIn(after(inRecord(twice), upsert('span', 'k', 'new')))), [['k', 'new']])
    const made = after(inRecord(twice), insert('span', 'first'))
    assert.deepEqual(texts(spanIn(made)), [
      ['k', 'old'],
      ['first', 'v'],
    ])
  })

  test('takes the last of two values in one attribute, and of two alternatives in one value', () => {
    const values = embed(
      SPAN_ATTRIBUTE,
      embed(1, 'k'),
      embed(2, embed(1, 'old')),
      embed(2, embed(1, 'new')),
      embed(2, ''),
    )
    const alternatives = embed(SPAN_ATTRIBUTE, embed(1, 'o'), embed(2, number(3, 5), embed(1, 'text')))
    for (const span of spans(tracesOf(inRecord(values, alternatives)))) {
      assert.deepEqual(span.attributes.toObject(), { k: 'new', o: 'text' })
    }
  })

  test('sees the first of two attributes with one key, and an edit leaves no other', () => {
    const bytes = inRecord(
      attribute(SPAN_ATTRIBUTE, 'k', '1'),
      attribute(SPAN_ATTRIBUTE, 'x', '2'),
      attribute(SPAN_ATTRIBUTE, 'k', '3'),
    )
    for (const span of spans(tracesOf(bytes))) assert.equal(span.attributes.get('k'), '1')
    assert.deepEqual(texts(spanIn(after(bytes, upsert('span', 'k', 'new')))), [
      ['k', 'new'],
      ['x', '2'],
    ])
    const gone = after(bytes, { on: 'span', act: { kind: 'delete', path: { attribute: 'k' } } })
    assert.deepEqual(texts(spanIn(gone)), [['x', '2']])
  })

  test('takes two resources in one ResourceSpans as one, joined', () => {
    const bytes = embed(
      1,
      embed(1, attribute(RESOURCE_ATTRIBUTE, 'a', '1')),
      embed(2, embed(2, embed(5, 'n'))),
      embed(1, attribute(RESOURCE_ATTRIBUTE, 'b', '2')),
    )
    const made = after(bytes, insert('resource'), insert('resource', 'b'))
    const [object] = list(toObject(made, 'traces'), 'resourceSpans')
    assert.deepEqual(texts(object!['resource'] as JsonObject), [
      ['a', '1'],
      ['b', '2'],
      ['new', 'v'],
    ])
    assert.equal(made.toString('latin1').split('new').length, 2)
  })

  test('makes a resource and a scope where there is none', () => {
    const made = after(inRecord(embed(5, 'n')), insert('resource'), insert('scope', 'in scope'))
    assert.deepEqual(texts(first(made)['resource'] as JsonObject), [['new', 'v']])
    assert.deepEqual(texts(list(first(made), 'scopeSpans')[0]!['scope'] as JsonObject), [['in scope', 'v']])
  })

  test('takes the last of a singular field that stands twice, and an edit leaves no other', () => {
    const bytes = inRecord(embed(5, 'first'), number(6, 2), embed(5, 'second'))
    for (const span of spans(tracesOf(bytes))) assert.equal(span.name, 'second')
    const step: Step = { on: 'span', act: { kind: 'update', path: { field: 'name' }, source: { value: 'third' } } }
    assert.deepEqual(after(bytes, step), inRecord(number(6, 2), embed(5, 'third')))
  })

  test('takes two statuses of a span as one, joined', () => {
    const bytes = inRecord(embed(15, number(3, 2)), embed(15, embed(2, 'why')))
    for (const span of spans(tracesOf(bytes))) assert.deepEqual([span.statusCode, span.statusMessage], [2, 'why'])
    const step: Step = { on: 'span', act: { kind: 'upsert', path: { field: 'status.code' }, source: { value: 1 } } }
    assert.deepEqual(spanIn(after(bytes, step))['status'], { message: 'why', code: 1 })
  })

  test('takes only the last of different data in one metric', () => {
    const point = (value: bigint) => embed(1, tag(6, 1), fixed64Bytes(value))
    const metric = embed(2, embed(1, 'm'), embed(5, point(1n)), embed(7, point(2n), number(2, 2)), embed(7, point(3n)))
    const steps: Step[] = [
      { on: 'dataPoint', act: { kind: 'upsert', path: { attribute: 'new' }, source: { value: 'v' } } },
    ]
    const { batch } = run(compile('metrics', steps), batchOf('metrics', 3, embed(1, embed(2, metric))))
    const made = join(batch!)
    assert.equal(made.toString('latin1').split('new').length - 1, 2)
    const type: Step[] = [
      {
        on: 'metric',
        when: { kind: 'compare', path: { field: 'type' }, operator: '==', value: 'sum' },
        act: { kind: 'drop' },
      },
    ]
    assert.equal(run(compile('metrics', type), batchOf('metrics', 3, made)).batch, undefined)
  })

  test('drops containers with their last record, but not those that were empty before', () => {
    const empty = embed(1, embed(1, attribute(RESOURCE_ATTRIBUTE, 'empty', '1')), embed(2, embed(3, 'schema')))
    const filled = embed(1, embed(2, embed(2, embed(5, 'drop'))), embed(2, embed(2, embed(5, 'keep'))))
    const drop: Step = {
      on: 'span',
      when: { kind: 'compare', path: { field: 'name' }, operator: '==', value: 'drop' },
      act: { kind: 'drop' },
    }
    const made = after(Buffer.concat([empty, filled]), drop)
    assert.deepEqual(made, Buffer.concat([empty, embed(1, embed(2, embed(2, embed(5, 'keep'))))]))
  })

  test('copies a number list as it stands, packed or not', () => {
    const point = embed(1, tag(6, 1), fixed64Bytes(1n), tag(6, 1), fixed64Bytes(2n), embed(7, fixed64Bytes(3n)))
    const bytes = embed(1, embed(2, embed(2, embed(9, point))))
    const steps: Step[] = [
      { on: 'dataPoint', act: { kind: 'upsert', path: { attribute: 'n' }, source: { value: 'v' } } },
    ]
    const { batch } = run(compile('metrics', steps), batchOf('metrics', 1, bytes))
    assert.ok(join(batch!).includes(point.subarray(2)))
  })

  test('refuses groups, and lengths beyond what encloses them', () => {
    const program = compile('traces', [insert('span')])
    for (const bytes of [
      inRecord(tag(30, 3), tag(30, 4)),
      embed(1, embed(2, Buffer.concat([tag(2, 2), varint(50)]))),
    ]) {
      assert.throws(() => run(program, tracesOf(bytes)), Malformed)
    }
    assert.ok(run(program, tracesOf(inRecord(embed(5, 'n')))).batch, 'and is ready for the next batch')
  })

  test('passes nesting over that is deeper than any validator takes, and refuses to read it', () => {
    let value = embed(1, 'deep')
    for (let depth = 0; depth < 5000; depth++) value = embed(5, embed(1, value))
    const bytes = inRecord(embed(SPAN_ATTRIBUTE, embed(1, 'k'), embed(2, value)))
    const made = after(bytes, insert('span'))
    assert.ok(made.includes(value))
    for (const span of spans(tracesOf(made))) assert.throws(() => span.attributes.get('k'), /nested more than 128 deep/)
  })

  test('takes no longer than there is to read, however often a field stands', { timeout: 20_000 }, () => {
    const names = Buffer.concat(Array.from({ length: 100_000 }, (_, index) => embed(5, `${index}`)))
    const attributes = Buffer.concat(
      Array.from({ length: 100_000 }, (_, index) => attribute(9, `${index % 90_000}`, '')),
    )
    const bytes = inRecord(names, attributes)
    const step: Step = {
      on: 'span',
      act: [
        { kind: 'upsert', path: { field: 'name' }, source: { value: 'n' } },
        { kind: 'delete_matching', pattern: /^[0-8]/ },
        { kind: 'upsert', path: { attribute: '90001' }, source: { value: 'v' } },
      ],
    }
    for (const span of spans(tracesOf(bytes))) assert.equal(Object.keys(span.attributes.toObject()).length, 90_000)
    for (const span of spans(tracesOf(after(bytes, step)))) {
      assert.equal(span.name, 'n')
      // 9, 90 to 99, 900 to 999, 9000 to 9999, and the new one.
      assert.equal(Object.keys(span.attributes.toObject()).length, 1112)
    }
  })

  test('compares and copies invalid UTF-8 byte by byte', () => {
    const bytes = inRecord(embed(SPAN_ATTRIBUTE, embed(1, 'k'), embed(2, embed(1, Buffer.from([0x61, 0xff])))))
    const copy: Step = {
      on: 'span',
      act: { kind: 'insert', path: { attribute: 'copy' }, source: { path: { attribute: 'k' } } },
    }
    assert.ok(
      after(bytes, copy).includes(Buffer.concat([embed(1, 'copy'), embed(2, embed(1, Buffer.from([0x61, 0xff])))])),
    )
  })
})

function fixed64Bytes(value: bigint): Buffer {
  return fixed64(1, value).subarray(1)
}
