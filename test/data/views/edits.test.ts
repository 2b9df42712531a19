import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { count } from '../../../src/data/kernels/count.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import { double, type Edit, type RecordLevel, type Value } from '../../../src/data/steps/step.ts'
import { hook } from '../../../src/data/views/hook.ts'
import type { RecordView } from '../../../src/data/views/record-view.ts'
import { logRecords, records, spans } from '../../../src/data/views/records.ts'
import { requests } from '../generate.ts'
import { decode, encode, type OracleSignal } from '../oracle.ts'
import { LEVELS } from '../steps/arbitrary-steps.ts'
import { model } from '../steps/model.ts'

const SIGNALS: readonly OracleSignal[] = ['traces', 'metrics', 'logs']
const RUNS = 150

const value = fc.constantFrom<Value>('x', '', 5, -1, 0.5, double(1), true, 2n ** 60n, [1, 'x'], new Map([['k', 1]]))
/** Properties that hold texts, and their fields. */
const TEXTS: Partial<Record<RecordLevel, readonly string[]>> = {
  scope: ['name', 'version'],
  span: ['name'],
  spanEvent: ['name'],
  metric: ['name', 'unit', 'description'],
}

for (const signal of SIGNALS) {
  test(`edits of any ${signal} by views come to the same edits of the oracle's objects`, () => {
    const level = fc.constantFrom(...LEVELS[signal])
    fc.assert(
      fc.property(requests(signal), level, value, value, (request, on, one, other) => {
        const texts = TEXTS[on] ?? []
        const byView = hook(on, (record: object) => {
          const { attributes } = record as RecordView
          attributes.set('k', one)
          attributes.insert('host.name', other)
          attributes.delete('constructor')
          for (const name of texts) (record as Record<string, string>)[name] = 'text'
        })
        const act: Edit[] = [
          { kind: 'upsert', path: { attribute: 'k' }, source: { value: one } },
          { kind: 'insert', path: { attribute: 'host.name' }, source: { value: other } },
          { kind: 'delete', path: { attribute: 'constructor' } },
          ...texts.map((field): Edit => ({ kind: 'upsert', path: { field }, source: { value: 'text' } })),
        ]
        const bytes = encode(signal, request)
        const { batch } = run(compile(signal, [byView]), batchOf(signal, count(signal, bytes), bytes))
        const expected = model(signal, [{ on, act }], decode(signal, bytes))
        assert.deepEqual(decode(signal, join(batch!)), decode(signal, encode(signal, expected)))
      }),
      { numRuns: RUNS },
    )
  })
}

describe('a setter', () => {
  test('of a span changes its name, kind, times, trace state and status', () => {
    const batch = fromObject('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'old', kind: 1 }] }] }] })
    const edit = hook('span', (span) => {
      span.name = 'new'
      span.kind = 2
      span.startTime = 1_700_000_000_000_000_001n
      span.endTime = 2n ** 64n - 1n
      span.traceState = 'a=b'
      span.statusCode = 2
      span.statusMessage = 'why'
      span.droppedAttributesCount = 3
    })
    for (const span of spans(run(compile('traces', [edit]), batch).batch!)) {
      assert.deepEqual(
        [span.name, span.kind, span.startTime, span.endTime, span.traceState],
        ['new', 2, 1_700_000_000_000_000_001n, 2n ** 64n - 1n, 'a=b'],
      )
      assert.deepEqual([span.statusCode, span.statusMessage, span.droppedAttributesCount], [2, 'why', 3])
    }
  })

  test('of a log record changes its body, severity, times and ids', () => {
    const batch = fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { intValue: '1' } }] }] }] })
    const edit = hook('logRecord', (record) => {
      record.body = new Map<string, Value>([['text', 'ü']])
      record.severityNumber = 17
      record.severityText = 'ERROR'
      record.time = 1n
      record.observedTime = 2n
      record.traceId = 'ab'.repeat(16)
      record.spanId = 'cd'.repeat(8)
      record.eventName = 'e'
      record.flags = 1
    })
    for (const record of logRecords(run(compile('logs', [edit]), batch).batch!)) {
      assert.deepEqual(record.body, new Map([['text', 'ü']]))
      assert.deepEqual(
        [record.severityNumber, record.severityText, record.time, record.observedTime],
        [17, 'ERROR', 1n, 2n],
      )
      assert.deepEqual(
        [record.traceId, record.spanId, record.eventName, record.flags],
        ['ab'.repeat(16), 'cd'.repeat(8), 'e', 1],
      )
    }
  })

  test('of a data point changes its value between int and double, and what its kind has', () => {
    const batch = fromObject('metrics', {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                { gauge: { dataPoints: [{ asInt: '1' }] } },
                { histogram: { dataPoints: [{ sum: 1, min: 2, count: '5' }] } },
              ],
            },
          ],
        },
      ],
    })
    const edit = hook('dataPoint', (point) => {
      point.time = 7n
      if (point.kind === 'number') point.value = double(2)
      else {
        point.sum = 3
        point.min = undefined
        point.count = 6
        assert.throws(() => (point.value = 1), /a histogram point has no value/)
      }
    })
    const seen: unknown[] = []
    for (const point of records(run(compile('metrics', [edit]), batch).batch!, 'dataPoint')) {
      seen.push([point.time, point.value, point.sum, point.min, point.count])
    }
    assert.deepEqual(seen, [
      [7n, double(2), undefined, undefined, undefined],
      [7n, undefined, 3, undefined, 6],
    ])
  })

  test('refuses what its field cannot hold', () => {
    const batch = fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] })
    const edit = hook('logRecord', (record) => {
      assert.throws(() => (record.traceId = 'abc'), /cannot hold abc/)
      assert.throws(() => (record.severityNumber = 0.5), /cannot hold 0.5/)
      assert.throws(() => (record.time = -1n), /cannot hold -1/)
    })
    assert.equal(run(compile('logs', [edit]), batch).batch, batch)
  })
})
