import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { batchOf as wireBatch, type Batch } from '../../../../src/data/batch.ts'
import { fromObject } from '../../../../src/data/codec/from-object.ts'
import type { JsonObject, JsonValue } from '../../../../src/data/codec/json.ts'
import { toObject } from '../../../../src/data/codec/to-object.ts'
import { count } from '../../../../src/data/kernels/count.ts'
import { join, merge } from '../../../../src/data/kernels/merge.ts'
import { split } from '../../../../src/data/kernels/split.ts'
import { validate } from '../../../../src/data/kernels/validate.ts'
import { Malformed } from '../../../../src/data/wire/malformed.ts'
import { writeVarint } from '../../../../src/data/wire/write.ts'
import { golden } from '../../golden.ts'
import { mutate, randomFrom } from '../../mutate.ts'
import { profileRequests } from '../../generate-profiles.ts'
import { profilesOf, resolved } from './resolved.ts'

const RUNS = { numRuns: 150 }
const MUTATIONS = 6000
const batchOf = (request: JsonObject): Batch<'profiles'> => fromObject('profiles', request)
const sizes = (batch: Batch): Record<string, number> =>
  Object.fromEntries(
    Object.entries(toObject(batch)['dictionary'] as JsonObject).map(([name, table]) => [name, (table as []).length]),
  )

describe('merged profiles', () => {
  test('mean what the inputs mean, in their order, and are valid', () => {
    const some = fc.array(profileRequests(), { minLength: 2, maxLength: 4 })
    fc.assert(
      fc.property(some, (requests) => {
        const merged = merge(requests.map(batchOf))
        assert.deepEqual(resolved(toObject(merged)), requests.flatMap(resolved))
        assert.equal(validate('profiles', join(merged)), merged.items)
      }),
      RUNS,
    )
  })

  test('have every table with an empty first entry, no equal entries and none that nothing refers to', () => {
    fc.assert(
      fc.property(profileRequests(), (request) => {
        const batch = batchOf(request)
        const once = merge([batch, batchOf({})])
        const twice = merge([batch, batch, once])
        assert.deepEqual(sizes(twice), sizes(once))
        for (const table of Object.values(toObject(once)['dictionary'] as JsonObject) as JsonValue[][]) {
          assert.equal(new Set(table.map((entry) => JSON.stringify(entry))).size, table.length)
          assert.ok(table[0] === '' || JSON.stringify(table[0]) === '{}')
        }
        assert.equal(Object.keys(sizes(once)).length, 7)
      }),
      RUNS,
    )
  })

  test('are in the budget of the first, in one piece, and the inputs are as they were', () => {
    const batch = batchOf({ resourceProfiles: [{ schemaUrl: 'x' }] })
    const before = Buffer.from(join(batch))
    const merged = merge([batch, batch])
    assert.equal(merged.segments().length, 1)
    assert.equal(merged.budget, batch.budget)
    assert.deepEqual(join(batch), before)
  })

  test('of a single batch are that batch', () => {
    const batch = batchOf({})
    assert.deepEqual(merge([batch]).segments(), batch.segments())
  })
})

describe('split profiles', () => {
  const limits = fc.oneof(
    fc.record({ items: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ bytes: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ items: fc.integer({ min: 1, max: 12 }), bytes: fc.integer({ min: 100, max: 3000 }) }),
  )

  test('mean together what the whole means, and are valid', () => {
    fc.assert(
      fc.property(profileRequests(), limits, (request, limit) => {
        const parts = split(batchOf(request), limit)
        const meant = parts.flatMap((part) => profilesOf(resolved(toObject(part))))
        assert.deepEqual(meant, profilesOf(resolved(request)))
        for (const part of parts) assert.equal(validate('profiles', join(part)), part.items)
      }),
      RUNS,
    )
  })

  test('keep the limits, but for single profiles that are larger', () => {
    fc.assert(
      fc.property(
        profileRequests(),
        limits,
        (request, { items = Infinity, bytes = Infinity }: { items?: number; bytes?: number }) => {
          for (const part of split(batchOf(request), { items, bytes })) {
            const profiles = profilesOf(resolved(toObject(part))).length
            assert.ok(profiles <= 1 || (part.items <= items && part.bytes <= bytes), `${part.items} and ${part.bytes}`)
          }
        },
      ),
      RUNS,
    )
  })

  test('have no more in their dictionary than they refer to', () => {
    const sampleOf = (stackIndex: number) => ({ samples: [{ stackIndex, values: ['1'] }] })
    const parts = split(
      batchOf({
        resourceProfiles: [{ scopeProfiles: [{ profiles: [sampleOf(1), sampleOf(2)] }] }],
        dictionary: {
          stringTable: ['', 'one', 'two', 'three'],
          functionTable: [{}, { nameStrindex: 1 }, { nameStrindex: 2 }],
          locationTable: [{}, { lines: [{ functionIndex: 1 }] }, { lines: [{ functionIndex: 2 }] }],
          stackTable: [{}, { locationIndices: [1] }, { locationIndices: [2] }],
        },
      }),
      { items: 1 },
    )
    const strings = parts.map((part) => (toObject(part)['dictionary'] as JsonObject)['stringTable'])
    assert.deepEqual(strings, [
      ['', 'one'],
      ['', 'two'],
    ])
  })
})

test('more profiles than can be held apart are refused, before there are too many objects', () => {
  const profiles = Buffer.alloc(2 * (256 * 1024 + 1))
  for (let at = 0; at < profiles.length; at += 2) profiles[at] = 0x12
  const scope = Buffer.concat([Buffer.from([0x12]), lengthOf(profiles), profiles])
  const bytes = Buffer.concat([Buffer.from([0x0a]), lengthOf(scope), scope])
  assert.throws(() => split(wireBatch('profiles', 0, bytes), { bytes: 1000 }), /more than 262144 profiles/)
})

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(5)
  return bytes.subarray(0, writeVarint(bytes, 0, length))
}

describe('profiles are refused where', () => {
  const refuses = (request: JsonObject, reason: RegExp) =>
    assert.throws(() => validate('profiles', join(batchOf(request))), reason)
  const withSample = (sample: JsonObject, dictionary: JsonObject): JsonObject => ({
    resourceProfiles: [{ scopeProfiles: [{ profiles: [{ samples: [sample] }] }] }],
    dictionary,
  })

  test('an index points past its table, wherever it stands', () => {
    refuses(withSample({ stackIndex: 1 }, {}), /index 1 into stack_table, which has 0 entries/)
    refuses(withSample({ stackIndex: -1 }, { stackTable: [{}, {}] }), /index -1 into stack_table, which has 2 entries/)
    refuses(withSample({ attributeIndices: [0, 3] }, { attributeTable: [{}, {}] }), /index 3 into attribute_table/)
    refuses(withSample({}, { stackTable: [{}, { locationIndices: [7] }] }), /index 7 into location_table/)
    const deep = { arrayValue: { values: [{ kvlistValue: { values: [{ keyStrindex: 9 }] } }] } }
    refuses(withSample({}, { attributeTable: [{}, { value: deep }] }), /index 9 into string_table/)
    const resource = { resource: { attributes: [{ value: { stringValueStrindex: 5 } }] } }
    refuses({ resourceProfiles: [resource] }, /index 5 into string_table/)
  })

  test('the first entry of a table is not empty', () => {
    refuses(withSample({}, { stringTable: ['x'] }), /the first entry of string_table is not empty/)
    refuses(withSample({}, { functionTable: [{ startLine: '1' }] }), /the first entry of function_table is not empty/)
  })

  test('and not where a first entry has nothing but defaults in it, as other encoders write it', () => {
    const request = withSample({}, { attributeTable: [{ value: {} }] })
    assert.equal(validate('profiles', join(batchOf(request))), 1)
  })

  test('a profile id has another length', () => {
    const bytes = Buffer.from([0x0a, 6, 0x12, 4, 0x12, 2, 0x3a, 0])
    assert.equal(validate('profiles', bytes), 0)
    const wrong = Buffer.from([0x0a, 7, 0x12, 5, 0x12, 3, 0x3a, 1, 1])
    assert.throws(() => validate('profiles', wrong), /a profile id of 1 bytes/)
  })

  test('the dictionary has more entries than are looked at', () => {
    const table = Buffer.alloc(2 * (4 * 1024 * 1024 + 1))
    for (let at = 0; at < table.length; at += 2) table[at] = 0x2a
    const bytes = Buffer.concat([Buffer.from([0x12]), lengthOf(table), table])
    assert.throws(() => validate('profiles', bytes), /a dictionary of more than 4194304 entries/)
  })

  test('they are merged all the same, and nothing of them is kept', () => {
    const bad = batchOf(withSample({ linkIndex: 4 }, {}))
    assert.throws(() => merge([bad, bad]), /index 4 into link_table, which has 0 entries/)
    const good = batchOf(withSample({}, {}))
    assert.equal(merge([good, good]).items, 2)
  })
})

test('damaged profiles are refused as malformed, or merged and split into valid ones, and never anything else', () => {
  const whole = golden('profiles')
  const random = randomFrom(20_261_122)
  let passed = 0
  for (let round = 0; round < MUTATIONS; round++) {
    const damaged = round < whole.length ? Buffer.from(whole.subarray(0, round)) : mutate(whole, random)
    const isValid = outcome(() => validate('profiles', damaged)) !== undefined
    const batch = () => wireBatch('profiles', count('profiles', damaged), damaged)
    const merged = outcome(() => merge([batch(), batch()]))
    const parts = outcome(() => split(batch(), { items: 1, bytes: 500 }))
    if (!isValid) continue
    passed++
    assert.ok(merged && parts)
    for (const each of [merged, ...parts]) assert.equal(validate('profiles', join(each)), each.items)
  }
  assert.ok(passed > MUTATIONS / 20, `${passed} passed`)
})

/** Undefined where it throws `Malformed`; what else is thrown is thrown. */
function outcome<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

test('tables of many entries that overlap are one, with each entry once', () => {
  const entries = 20_000
  const request = (offset: number): JsonObject => ({
    resourceProfiles: [
      {
        scopeProfiles: [{ profiles: [{ attributeIndices: Array.from({ length: entries }, (_, index) => index + 1) }] }],
      },
    ],
    dictionary: {
      stringTable: [''],
      attributeTable: [
        {},
        ...Array.from({ length: entries }, (_, index) => ({ value: { intValue: String(offset + index) } })),
      ],
    },
  })
  const merged = merge([batchOf(request(0)), batchOf(request(entries / 2))])
  assert.equal(sizes(merged)['attributeTable'], entries * 1.5 + 1)
})
