/** What judges must be judged: that the comparison sees differences, and nothing else. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { canonical } from './canonical.ts'
import { caseFiles } from './case-file.ts'
import { differences } from './difference.ts'
import { faultFiles, faultsIn } from './fault-file.ts'
import type { JsonObject } from './json.ts'
import { decode, encode } from './oracle.ts'
import { itemsOf } from './items.ts'
import { frame, unframe } from './snappy.ts'

const logs = (...resources: JsonObject[]): JsonObject => ({ resourceLogs: resources })
const resource = (name: string, ...bodies: string[]): JsonObject => ({
  resource: { attributes: [{ key: 'name', value: { stringValue: name } }] },
  scopeLogs: [{ scope: {}, logRecords: bodies.map((body) => ({ body: { stringValue: body } })) }],
})

describe('the comparison', () => {
  test('is blind to the order of resources and records, to how they are cut, and to empty messages', () => {
    const together = canonical('logs', [logs(resource('a', 'x', 'y'), resource('b', 'z'))])
    const apart = canonical('logs', [logs(resource('b', 'z')), logs(resource('a', 'y')), logs(resource('a', 'x'))])
    assert.deepEqual(differences(together, apart), [])
  })

  test('sees a value, a record and an attribute too many', () => {
    const one = canonical('logs', [logs(resource('a', 'x'))])
    assert.equal(differences(one, canonical('logs', [logs(resource('a', 'y'))])).length, 1)
    assert.equal(differences(one, canonical('logs', [logs(resource('a', 'x', 'x'))])).length, 1)
    const more = resource('a', 'x')
    ;((more['resource'] as JsonObject)['attributes'] as JsonObject[]).push({ key: 'more', value: { boolValue: false } })
    assert.equal(differences(one, canonical('logs', [logs(more)])).length, 1)
  })

  test('says where, and what stands on either side', () => {
    assert.deepEqual(differences({ a: [{ b: 1, c: 2 }], d: 'x' }, { a: [{ b: 3 }], d: 'x' }), [
      { at: 'a[0].b', collector: 1, telegen: 3 },
      { at: 'a[0].c', collector: 2 },
    ])
  })

  test('takes a field with its default value for an absent one, but not in a oneof', () => {
    const record = (body: JsonObject, severityText: string) =>
      decode('logs', encode('logs', logs({ scopeLogs: [{ logRecords: [{ severityText, body }] }] })))
    const plain = record({ stringValue: 'x' }, '')
    assert.deepEqual(plain, logs({ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }))
    assert.notDeepEqual(record({ intValue: '0' }, ''), record({}, ''))
  })

  test('counts the data points of metrics of every kind', () => {
    const points = { dataPoints: [{}, {}] }
    const metrics = [
      { name: 'a', gauge: points },
      { name: 'b', sum: points },
      { name: 'c', histogram: points },
    ]
    assert.equal(itemsOf('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }), 6)
  })

  test('frames and unframes snappy', () => {
    const bytes = Buffer.from('telegen '.repeat(20_000))
    assert.deepEqual(unframe(frame(bytes)), bytes)
  })
})

test('there are at least forty cases and sixty faults', (t) => {
  const cases = caseFiles().flatMap((file) => file.cases)
  const faults = faultFiles().flatMap(faultsIn)
  t.diagnostic(`${cases.length} requests in ${caseFiles().length} configurations, and ${faults.length} faults`)
  assert.ok(cases.length >= 40 && faults.length >= 60)
})
