import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { profiles } from '../../../src/data/builders/profiles.ts'
import type { ProfileFields, ProfilesBuilder } from '../../../src/data/builders/profiles.ts'
import type { Batch } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { resolved } from '../kernels/profiles/resolved.ts'
import { decodeAll, missing } from '../oracle/google.ts'

const ID = '000102030405060708090a0b0c0d0e0f'
const SPAN = '0001020304050607'
const TIME = 1_760_000_000_000_000_001n
const CPU: ProfileFields = { sampleType: { type: 'cpu', unit: 'nanoseconds' }, time: TIME }

test('a profile has all fields that it was given, in canonical bytes', () => {
  const builder = profiles({ 'host.name': 'a' }, { name: 'profiler', schemaUrl: 'u' })
  const mapping = builder.mapping({
    start: 1n,
    limit: 2n ** 64n - 1n,
    fileOffset: 3n,
    filename: '/bin/shop',
    attributes: { k: 'v' },
  })
  const pay = builder.function({ name: 'pay', systemName: '_Zpay', filename: 'shop.cc', startLine: 7 })
  const location = builder.location({
    mapping,
    address: 2n ** 63n,
    lines: [{ function: pay, line: 12, column: 3 }],
    attributes: [builder.attribute('k', 'v')],
  })
  builder
    .resource({ 'host.name': 'b' }, { schemaUrl: 'r' }, { name: 'profiler' })
    .scope({ name: 'other' })
    .profile({
      ...CPU,
      duration: 5n,
      periodType: { type: 'cpu', unit: 'cycles' },
      period: 1000,
      profileId: ID,
      attributes: { k: 'v' },
      droppedAttributes: 2,
      original: { format: 'pprof', payload: Buffer.from('payload') },
    })
    .sample({
      stack: builder.stack([location]),
      values: [10, -(2n ** 63n)],
      times: [TIME, 2n],
      attributes: [builder.attribute('size', 4, 'By')],
      link: builder.link(ID, Buffer.from(SPAN, 'hex')),
    })
  const profile = {
    sampleType: { typeStrindex: 6, unitStrindex: 7 },
    samples: [
      {
        stackIndex: 1,
        attributeIndices: [2],
        linkIndex: 1,
        values: ['10', '-9223372036854775808'],
        timestampsUnixNano: [String(TIME), '2'],
      },
    ],
    timeUnixNano: String(TIME),
    durationNano: '5',
    periodType: { typeStrindex: 6, unitStrindex: 8 },
    period: '1000',
    profileId: ID,
    droppedAttributesCount: 2,
    originalPayloadFormat: 'pprof',
    originalPayload: Buffer.from('payload').toString('base64'),
    attributeIndices: [1],
  }
  const batch = builder.finish()
  const request = {
    resourceProfiles: [
      {
        resource: { attributes: [{ key: 'host.name', value: { stringValue: 'b' } }] },
        scopeProfiles: [{ scope: { name: 'other' }, profiles: [profile] }],
        schemaUrl: 'r',
      },
    ],
    dictionary: {
      mappingTable: [
        {},
        {
          memoryStart: '1',
          memoryLimit: '18446744073709551615',
          fileOffset: '3',
          filenameStrindex: 1,
          attributeIndices: [1],
        },
      ],
      locationTable: [
        {},
        {
          mappingIndex: 1,
          address: '9223372036854775808',
          lines: [{ functionIndex: 1, line: '12', column: '3' }],
          attributeIndices: [1],
        },
      ],
      functionTable: [{}, { nameStrindex: 3, systemNameStrindex: 4, filenameStrindex: 5, startLine: '7' }],
      linkTable: [{}, { traceId: ID, spanId: SPAN }],
      stringTable: ['', '/bin/shop', 'k', 'pay', '_Zpay', 'shop.cc', 'cpu', 'nanoseconds', 'cycles', 'size', 'By'],
      attributeTable: [
        {},
        { keyStrindex: 2, value: { stringValue: 'v' } },
        { keyStrindex: 9, value: { intValue: '4' }, unitStrindex: 10 },
      ],
      stackTable: [{}, { locationIndices: [1] }],
    },
  }
  assert.deepEqual(toObject(batch), request)
  assert.deepEqual(join(batch), join(fromObject('profiles', request)))
  assert.equal(batch.items, validate('profiles', join(batch)))
})

/** A batch as it is meant, without any index. */
interface Meant {
  readonly resource: string
  readonly profiles: readonly { readonly unit: string; readonly samples: readonly MeantSample[] }[]
}
interface MeantSample {
  readonly frames: readonly { readonly name: string; readonly line: number; readonly file: string }[]
  readonly value: bigint
  readonly thread: string
  readonly trace: string | undefined
}

// Few of each, so that most stand in the dictionary already.
const word = fc.constantFrom('', 'a', 'b', 'äöü', 'c'.repeat(60))
const frame = fc.record({ name: word, line: fc.nat(3), file: word })
const meant: fc.Arbitrary<Meant[]> = fc.array(
  fc.record({
    resource: word,
    profiles: fc.array(
      fc.record({
        unit: word,
        samples: fc.array(
          fc.record({
            frames: fc.array(frame, { maxLength: 5 }),
            value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
            thread: word,
            trace: fc.option(fc.constantFrom(ID, ID.replace('0', 'f')), { nil: undefined }),
          }),
          { maxLength: 8 },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { maxLength: 4 },
)

/** Its profiles are written in turn: a sample of each, then the next of each. */
function built(resources: readonly Meant[]): Batch<'profiles'> {
  const builder = profiles({})
  for (const { resource, profiles: of } of resources) {
    builder.resource({ resource })
    const open = of.map(({ unit }) => builder.profile({ sampleType: { type: 'cpu', unit }, time: TIME }))
    for (let at = 0; of.some(({ samples }) => at < samples.length); at++)
      for (const [index, { samples }] of of.entries()) {
        const sample = samples[at]
        if (sample !== undefined) open[index]?.sample(sampleOf(builder, sample))
      }
  }
  return builder.finish()
}

const sampleOf = (builder: ProfilesBuilder, { frames, value, thread, trace }: MeantSample) => ({
  stack: builder.stack(
    frames.map(({ name, line, file }) =>
      builder.location({
        address: 1n,
        lines: [{ function: builder.function({ name, filename: file, startLine: 1 }), line }],
      }),
    ),
  ),
  values: [value],
  attributes: { thread },
  ...(trace !== undefined && { link: builder.link(trace, SPAN) }),
})

/** The same in the form of `resolved`, made without a builder or a dictionary. */
function expected(resources: readonly Meant[]): JsonObject[] {
  const text = (value: string): JsonValue => (value === '' ? 'not set' : value)
  return resources.map(({ resource, profiles: of }) => ({
    resource: { attributes: [{ key: 'resource', value: { stringValue: resource }, at: 'not set' }] },
    scopes: [
      {
        scope: { attributes: [] },
        profiles: of.map(({ unit, samples }) => ({
          timeUnixNano: String(TIME),
          sampleType: { type: 'cpu', unit: text(unit) },
          periodType: 'not set',
          attributes: [],
          samples: samples.map(({ frames, value, thread, trace }) => ({
            values: [String(value)],
            stack: frames.length === 0 ? 'not set' : { locations: frames.map(locationOf) },
            attributes: [{ at: 'thread', value: { stringValue: thread }, unit: 'not set' }],
            link: trace === undefined ? 'not set' : { traceId: trace, spanId: SPAN },
          })),
        })),
      },
    ],
  }))
  function locationOf({ name, line, file }: MeantSample['frames'][number]): JsonObject {
    const called = { startLine: '1', name: text(name), systemName: 'not set', filename: text(file) }
    return {
      address: '1',
      mapping: 'not set',
      lines: [{ ...(line > 0 && { line: String(line) }), function: called }],
      attributes: [],
    }
  }
}

describe('built profiles', () => {
  test('are valid, count their samples, and have each entry once', () => {
    fc.assert(
      fc.property(meant, (resources) => {
        const batch = built(resources)
        const samples = resources.flatMap((each) => each.profiles.flatMap((profile) => profile.samples)).length
        assert.equal(validate('profiles', join(batch)), samples)
        assert.equal(batch.items, samples)
        for (const [name, table] of Object.entries(toObject(batch)['dictionary'] as Record<string, JsonValue[]>))
          assert.equal(new Set(table.map((entry) => JSON.stringify(entry))).size, table.length, name)
      }),
      { numRuns: 100 },
    )
  })

  test("mean what was meant, as Google's protobuf reads them", { skip: missing }, () => {
    const some = fc.sample(meant, 100)
    const read = decodeAll(
      'profiles',
      some.map((each) => join(built(each))),
    )
    for (const [index, each] of some.entries())
      assert.deepEqual(resolved(read[index] as JsonObject), expected(each), JSON.stringify(each, textOfBigints))
  })

  test('can point at what was made for another resource', () => {
    const builder = profiles({ of: 'first' })
    const stack = builder.stack([builder.location({ address: 7n })])
    builder.profile(CPU).sample({ stack, values: [1] })
    builder
      .resource({ of: 'second' })
      .profile(CPU)
      .sample({ stack, values: [2] })
    const { dictionary } = toObject(builder.finish()) as { dictionary: { stackTable: JsonValue[] } }
    assert.equal(dictionary.stackTable.length, 2)
  })
})

test('what would be refused by a backend is refused by the builder, which stays of use', () => {
  const builder = profiles({})
  const profile = builder.profile(CPU)
  assert.throws(() => profile.sample({}), /a sample has neither values nor times/)
  assert.throws(() => profile.sample({ values: [1, 2], times: [1n] }), /a sample has 2 values and 1 times/)
  assert.throws(() => profile.sample({ values: [2n ** 63n] }), /does not fit into 64 bits/)
  assert.throws(() => profile.sample({ values: [0.5] }), RangeError)
  assert.throws(() => profile.sample({ stack: 1, values: [1] }), /1 is no index of the stack_table that this builder/)
  assert.throws(() => profile.sample({ link: -1, values: [1] }), /-1 is no index of the link_table/)
  assert.throws(() => profile.sample({ attributes: [3], values: [1] }), /3 is no index of the attribute_table/)
  assert.throws(() => builder.stack([4]), /4 is no index of the location_table/)
  assert.throws(() => builder.location({ mapping: 1 }), /1 is no index of the mapping_table/)
  assert.throws(() => builder.location({ lines: [{ function: 0.5 }] }), /0\.5 is no index of the function_table/)
  assert.throws(() => builder.link('abc', SPAN), /a trace id has 32 hexadecimal digits/)
  assert.throws(() => builder.mapping({ start: -1n }), /-1 does not fit into 64 bits without a sign/)
  assert.throws(() => builder.profile({ ...CPU, profileId: 'ff' }), /a profile id has 32 hexadecimal digits/)
  profile.sample({ values: [1] })
  const batch = builder.finish()
  assert.equal(validate('profiles', join(batch)), 1)
  assert.throws(() => profile.sample({ values: [1] }), /a sample came to a profile after its scope had ended/)
  for (const use of [() => builder.finish(), () => builder.profile(CPU), () => builder.link(ID, SPAN)])
    assert.throws(use, /a builder was used after it had finished/)
})

const textOfBigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
