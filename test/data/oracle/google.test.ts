import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import type { JsonObject } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { join, merge } from '../../../src/data/kernels/merge.ts'
import { split } from '../../../src/data/kernels/split.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import { requests } from '../generate.ts'
import { profileRequests } from '../generate-profiles.ts'
import { profilesOf, resolved } from '../kernels/profiles/resolved.ts'
import { decodeAll, encodeAll, missing } from './google.ts'

const SOME = 150
const sample = (arbitrary: fc.Arbitrary<JsonObject>): JsonObject[] => fc.sample(arbitrary, SOME)
const bytesOf = (request: JsonObject): Buffer => join(fromObject('profiles', request))

const samplesIn = (request: JsonObject): number =>
  profilesOf(resolved(request)).reduce((sum, { profile }) => sum + ((profile as JsonObject)['samples'] as []).length, 0)

/** One by one: to tell how long lists differ takes minutes. */
function equalEach(actual: readonly unknown[], expected: readonly unknown[]): void {
  assert.equal(actual.length, expected.length)
  for (const [index, each] of actual.entries()) assert.deepEqual(each, expected[index])
}

describe("judged by Google's protobuf", { skip: missing }, () => {
  test('profiles are read and written as it does', () => {
    const some = sample(profileRequests())
    equalEach(decodeAll('profiles', some.map(bytesOf)), some)
    const encoded = encodeAll('profiles', some)
    equalEach(
      encoded.map((bytes) => toObject(bytes, 'profiles')),
      some,
    )
    equalEach(
      encoded.map((bytes) => validate('profiles', bytes)),
      some.map(samplesIn),
    )
  })

  test('log records with an event name are read and written as it does', () => {
    const some = sample(requests('logs', { forOracle: false }))
    const encoded = encodeAll('logs', some)
    assert.ok(some.some((request) => JSON.stringify(request).includes('eventName')))
    equalEach(
      encoded.map((bytes) => toObject(bytes, 'logs')),
      some.map((request) => toObject(fromObject('logs', request))),
    )
  })

  test('merged profiles mean what the inputs mean', () => {
    const some = sample(profileRequests())
    const pairs = some.slice(1).map((request, index) => [some[index]!, request])
    const merged = pairs.map((pair) => join(merge(pair.map((request) => fromObject('profiles', request)))))
    const meant = decodeAll('profiles', merged).map((each) => resolved(each as JsonObject))
    equalEach(
      meant,
      pairs.map((pair) => pair.flatMap(resolved)),
    )
  })

  test('the parts of split profiles mean what the whole means', () => {
    for (const request of sample(profileRequests()).slice(0, 10)) {
      const parts = split(fromObject('profiles', request), { items: 2, bytes: 600 })
      const meant = decodeAll('profiles', parts.map(join)).flatMap((each) => profilesOf(resolved(each as JsonObject)))
      assert.deepEqual(meant, profilesOf(resolved(request)))
    }
  })

  test('profiles that steps changed are taken by it', () => {
    const insert = { kind: 'insert', path: { attribute: 'new' }, source: { value: 'text' } } as const
    const program = compile('profiles', [
      { on: 'sample', act: insert },
      { on: 'resource', act: insert },
    ])
    const changed = sample(profileRequests()).map((request) =>
      join(run(program, fromObject('profiles', request)).batch!),
    )
    equalEach(
      decodeAll('profiles', changed),
      changed.map((bytes) => toObject(bytes, 'profiles')),
    )
  })
})
