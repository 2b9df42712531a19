import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { fuse } from '../../../src/data/steps/fuse.ts'
import { run } from '../../../src/data/steps/runner.ts'
import type { Edit, Path, RecordLevel, Step } from '../../../src/data/steps/step.ts'
import { records } from '../../../src/data/views/records.ts'

const at = (attribute: string, on?: RecordLevel): Path => ({ attribute, ...(on && { on }) })
const put = (path: Path, value = 'v'): Edit => ({ kind: 'upsert', path, source: { value } })
const copy = (path: Path, from: Path): Edit => ({ kind: 'upsert', path, source: { path: from } })
const step = (on: RecordLevel, act: Step['act'], reads?: Path): Step => ({
  on,
  act,
  ...(reads && { when: { kind: 'exists', path: reads } }),
})
const hook = (on: RecordLevel): Step => ({ on, act: () => undefined })
const drop: Edit = { kind: 'drop' }

const visits = (...steps: Step[]): number[] =>
  fuse(steps.map((each, index) => ({ step: each, index }))).map((visit) => visit.length)

describe('a chain', () => {
  test('of steps from the outside in is one visit', () => {
    assert.deepEqual(
      visits(step('resource', put(at('a'))), step('scope', put(at('a'))), step('span', drop, at('a', 'resource'))),
      [3],
    )
  })

  test('of steps that do not look at one another is one visit in any order', () => {
    assert.deepEqual(
      visits(step('span', put(at('a'))), step('resource', put(at('a'))), step('span', drop, at('a'))),
      [3],
    )
  })

  test('begins a new visit for an outer write after an inner step that read it', () => {
    assert.deepEqual(visits(step('span', put(at('a')), at('r', 'resource')), step('resource', put(at('r')))), [1, 1])
    assert.deepEqual(visits(step('span', copy(at('a'), at('r', 'resource'))), step('resource', drop)), [1, 1])
  })

  test('begins a new visit for an outer step that reads what an inner one wrote', () => {
    assert.deepEqual(visits(step('span', put(at('r', 'resource'))), step('resource', drop, at('r'))), [1, 1])
    assert.deepEqual(visits(step('span', put(at('r', 'resource'))), step('span', drop, at('r', 'resource'))), [1, 1])
    assert.deepEqual(visits(step('span', drop, at('r', 'resource')), step('span', put(at('r', 'resource')))), [1, 1])
  })

  test('begins a new visit for an outer drop after an inner step that changed what stands around what is dropped', () => {
    assert.deepEqual(visits(step('spanEvent', put(at('r', 'resource'))), step('scope', drop, at('s'))), [1, 1])
    assert.deepEqual(visits(step('spanEvent', put(at('a', 'span'))), step('scope', drop, at('s'))), [2])
    const request = {
      resourceSpans: [
        { scopeSpans: [{ spans: [{ events: [{ name: 'e' }] }] }, { scope: { name: 's' }, spans: [{}] }] },
      ],
    }
    const around = step('spanEvent', put(at('seen', 'resource')))
    const nameless = { kind: 'compare', path: { field: 'name' }, operator: '==', value: '' } as const
    const { batch, dropped } = run(
      compile('traces', [around, { on: 'scope', when: nameless, act: drop }]),
      fromObject('traces', request),
    )
    assert.equal(dropped, 1)
    assert.deepEqual(
      [...records(batch!, 'span')].map(({ resource }) => resource.attributes.get('seen')),
      ['v'],
    )
  })

  test('lets a record and what is in it share the record', () => {
    assert.deepEqual(visits(step('span', put(at('a'))), step('spanEvent', put(at('b', 'span')))), [2])
  })

  test('begins a new visit for an outer hook, which sees what is inside, and after a hook that an outer step changes', () => {
    assert.deepEqual(visits(step('spanEvent', put(at('a'))), hook('span')), [1, 1])
    assert.deepEqual(visits(hook('span'), step('resource', put(at('a')))), [1, 1])
    assert.deepEqual(visits(hook('resource'), hook('span'), step('span', drop)), [3])
  })

  test('in one visit does the steps on one record in their order', () => {
    const batch = fromObject('logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] })
    const chain = [
      step('logRecord', put(at('a'), '1')),
      step('logRecord', copy(at('b'), at('a'))),
      step('logRecord', put(at('a'), '2')),
      step('logRecord', copy(at('c'), at('a'))),
    ]
    const program = compile('logs', chain)
    assert.equal(program.visits.length, 1)
    for (const record of records(run(program, batch).batch!, 'logRecord')) {
      assert.deepEqual(record.attributes.toObject(), { a: '2', b: '1', c: '2' })
    }
  })

  test('in two visits lets the second see all that the first wrote', () => {
    const batch = fromObject('logs', {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText: 'a' }, { severityText: 'b' }] }] }],
    })
    const chain = [
      step('logRecord', copy(at('last', 'resource'), { field: 'severity_text' })),
      step('logRecord', copy(at('seen'), at('last', 'resource'))),
    ]
    const seen: unknown[] = []
    for (const record of records(run(compile('logs', chain), batch).batch!, 'logRecord'))
      seen.push(record.attributes.get('seen'))
    assert.deepEqual(seen, ['b', 'b'])
  })
})
