import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Batch } from '../../../src/data/batch.ts'
import { fromObject } from '../../../src/data/codec/from-object.ts'
import type { JsonObject } from '../../../src/data/codec/json.ts'
import { toObject } from '../../../src/data/codec/to-object.ts'
import { join } from '../../../src/data/kernels/merge.ts'
import { validate } from '../../../src/data/kernels/validate.ts'
import { compile } from '../../../src/data/steps/compile.ts'
import { run } from '../../../src/data/steps/runner.ts'
import { DROP, type Condition, type Step } from '../../../src/data/steps/step.ts'
import { hook } from '../../../src/data/views/hook.ts'
import type { Sample as SampleView } from '../../../src/data/views/sample.ts'
import { records, samples } from '../../../src/data/views/records.ts'
import { profileRequests } from '../generate-profiles.ts'
import { golden } from '../golden.ts'
import { profilesOf, resolved } from '../kernels/profiles/resolved.ts'
import { mutate, randomFrom } from '../mutate.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { batchOf } from '../../../src/data/batch.ts'

/** A service with one profile of two samples, told in indices wherever that is possible. */
const REQUEST = {
  resourceProfiles: [
    {
      resource: {
        attributes: [
          { value: { stringValueStrindex: 2 }, keyStrindex: 1 },
          { value: { arrayValue: { values: [{ stringValueStrindex: 2 }] } }, keyStrindex: 5 },
        ],
      },
      scopeProfiles: [
        {
          scope: { name: 'profiler', attributes: [{ value: { intValue: '7' }, keyStrindex: 5 }] },
          profiles: [
            {
              sampleType: { typeStrindex: 8, unitStrindex: 9 },
              timeUnixNano: '1700000000000000000',
              durationNano: '1000',
              attributeIndices: [3],
              samples: [
                { stackIndex: 1, attributeIndices: [1, 2], values: ['5', '-6'], timestampsUnixNano: ['1', '2'] },
                { linkIndex: 1, attributeIndices: [2], values: ['9'] },
              ],
            },
          ],
        },
      ],
    },
  ],
  dictionary: {
    stringTable: [
      '',
      'service.name',
      'shop',
      'thread.name',
      'worker',
      'list',
      'main',
      'main.go',
      'cpu',
      'nanoseconds',
      'ms',
    ],
    attributeTable: [
      {},
      { keyStrindex: 3, value: { stringValueStrindex: 4 } },
      { keyStrindex: 5, value: { intValue: '3' }, unitStrindex: 10 },
      { keyStrindex: 1, value: { stringValue: 'of the profile' } },
    ],
    functionTable: [{}, { nameStrindex: 6, filenameStrindex: 7 }],
    mappingTable: [{}, { memoryStart: '4096', memoryLimit: '8192', filenameStrindex: 4 }],
    locationTable: [{}, { mappingIndex: 1, address: '5000', lines: [{ functionIndex: 1, line: '12', column: '3' }] }],
    stackTable: [{}, { locationIndices: [1] }],
    linkTable: [{}, { traceId: '01'.repeat(16), spanId: '02'.repeat(8) }],
  },
}

const profiles = (request: object = REQUEST): Batch<'profiles'> => fromObject('profiles', request)

function after(steps: readonly Step[], batch = profiles()): JsonObject {
  const { batch: left } = run(compile('profiles', steps), batch)
  assert.ok(left)
  assert.equal(validate('profiles', join(left)), left.items)
  return toObject(left)
}
const first = (request: JsonObject) =>
  profilesOf(resolved(request))[0] as {
    resource: { resource: JsonObject }
    profile: { samples: JsonObject[]; attributes: JsonObject[] }
  }
const is = (attribute: string, value: string, on?: 'resource' | 'profile'): Condition => ({
  kind: 'compare',
  path: { attribute, ...(on && { on }) },
  operator: '==',
  value,
})

describe('steps on profiles', () => {
  test('find attributes of resource and scope whose keys and values are indices', () => {
    const kept = run(
      compile('profiles', [{ on: 'resource', when: is('service.name', 'shop'), act: { kind: 'drop' } }]),
      profiles(),
    )
    assert.deepEqual(kept, { batch: undefined, dropped: 2 })
    const seven: Condition = { kind: 'compare', path: { attribute: 'list' }, operator: '==', value: 7 }
    assert.equal(run(compile('profiles', [{ on: 'scope', when: seven, act: { kind: 'drop' } }]), profiles()).dropped, 2)
  })

  test('change them, and leave what they do not touch', () => {
    const { resource } = first(
      after([
        { on: 'resource', act: { kind: 'upsert', path: { attribute: 'service.name' }, source: { value: 'store' } } },
        { on: 'resource', act: { kind: 'rename', path: { attribute: 'list' }, to: 'names' } },
      ]),
    )
    assert.deepEqual(resource.resource.attributes, [
      { key: 'service.name', value: { stringValue: 'store' }, at: 'not set' },
      { key: 'names', value: { array: [{ string: 'shop' }] }, at: 'not set' },
    ])
  })

  test('drop samples by their attributes, and the profile and its resource with the last', () => {
    const drop = (when: Condition) =>
      run(compile('profiles', [{ on: 'sample', when, act: { kind: 'drop' } }]), profiles())
    const { batch, dropped } = drop(is('thread.name', 'worker'))
    assert.deepEqual([dropped, batch?.items], [1, 1])
    assert.deepEqual(
      first(toObject(batch!)).profile.samples.map(({ values }) => values),
      [['9']],
    )
    assert.equal(drop(is('service.name', 'of the profile', 'profile')).batch, undefined)
    assert.equal(drop(is('service.name', 'shop', 'resource')).batch, undefined)
  })

  test('write attributes of samples and profiles into the dictionary, equal ones once, and keep the units of others', () => {
    const upsert = { kind: 'upsert', path: { attribute: 'thread.name' }, source: { value: 'pool' } } as const
    const request = after([
      { on: 'sample', act: upsert },
      { on: 'profile', act: { ...upsert, path: { attribute: 'new' } } },
    ])
    const { profile } = first(request)
    const pool = (key: string) => ({ at: key, value: { stringValue: 'pool' }, unit: 'not set' })
    const list = { at: 'list', value: { intValue: '3' }, unit: 'ms' }
    assert.deepEqual(
      profile.samples.map(({ attributes }) => attributes),
      [
        [pool('thread.name'), list],
        [list, pool('thread.name')],
      ],
    )
    assert.deepEqual(profile.attributes.at(-1), pool('new'))
    const { attributeTable, stringTable } = request['dictionary'] as { attributeTable: object[]; stringTable: string[] }
    assert.equal(attributeTable.length, REQUEST.dictionary.attributeTable.length + 2)
    assert.deepEqual(stringTable, [...REQUEST.dictionary.stringTable, 'new'])
  })

  test('make tables where there are none', () => {
    const bare = { resourceProfiles: [{ scopeProfiles: [{ profiles: [{ samples: [{ values: ['1'] }] }] }] }] }
    const insert = { kind: 'insert', path: { attribute: 'k' }, source: { value: 'v' } } as const
    const { profile } = first(after([{ on: 'sample', act: insert }], profiles(bare)))
    assert.deepEqual(profile.samples[0]!['attributes'], [{ at: 'k', value: { stringValue: 'v' }, unit: 'not set' }])
  })

  test('move attributes between levels', () => {
    const copy = {
      kind: 'insert',
      path: { attribute: 'service.name' },
      source: { path: { on: 'resource', attribute: 'service.name' } },
    } as const
    const { profile } = first(after([{ on: 'sample', act: copy }]))
    assert.deepEqual((profile.samples[1]!['attributes'] as object[]).at(-1), {
      at: 'service.name',
      value: { stringValue: 'shop' },
      unit: 'not set',
    })
    const onto = {
      kind: 'insert',
      path: { on: 'profile', attribute: 'thread' },
      source: { path: { attribute: 'thread.name' } },
    } as const
    const written = first(after([{ on: 'sample', act: onto }])).profile
    assert.equal(written.attributes.at(-1)!['at'], 'thread')
  })

  test('read what a profile measures, and change nothing where indices stand', () => {
    const cpu: Condition = { kind: 'compare', path: { field: 'sample_type.type' }, operator: '==', value: 'cpu' }
    assert.equal(run(compile('profiles', [{ on: 'profile', when: cpu, act: { kind: 'drop' } }]), profiles()).dropped, 2)
    const set = { kind: 'upsert', path: { field: 'stack_index' }, source: { value: 99 } } as const
    assert.throws(() => compile('profiles', [{ on: 'sample', act: set }]), /a sample has no field "stack_index"/)
    const unit = { kind: 'upsert', path: { field: 'sample_type.unit' }, source: { value: 'x' } } as const
    assert.throws(() => compile('profiles', [{ on: 'profile', act: unit }]), /cannot hold x/)
  })

  test('that change nothing leave the very same batch', () => {
    const batch = profiles()
    const same = run(
      compile('profiles', [{ on: 'sample', when: is('thread.name', 'nobody'), act: { kind: 'drop' } }]),
      batch,
    )
    assert.equal(same.batch, batch)
  })

  test('of any kind leave valid profiles that mean the same but for what was changed', () => {
    const insert = { kind: 'insert', path: { attribute: '\u0001' }, source: { value: 'new' } } as const
    const program = compile('profiles', [
      { on: 'resource', act: insert },
      { on: 'profile', act: insert },
      { on: 'sample', act: insert },
    ])
    fc.assert(
      fc.property(profileRequests(), (request) => {
        const { batch } = run(program, profiles(request))
        assert.equal(validate('profiles', join(batch!)), batch!.items)
        const added = { at: '\u0001', value: { stringValue: 'new' }, unit: 'not set' }
        const set = (attributes: unknown) =>
          (attributes as JsonObject[]).filter((each) => (each as unknown) !== 'not set')
        const expected = profilesOf(resolved(request)).map(({ profile, scope }) => ({
          scope,
          profile: {
            ...(profile as JsonObject),
            attributes: [...set((profile as JsonObject)['attributes']), added],
            samples: ((profile as JsonObject)['samples'] as JsonObject[]).map((sample) => ({
              ...sample,
              attributes: [...set(sample['attributes']), added],
            })),
          },
        }))
        const actual = profilesOf(resolved(toObject(batch!))).map(({ profile, scope }) => {
          const samplesOf = ((profile as JsonObject)['samples'] as JsonObject[]).map((sample) => ({
            ...sample,
            attributes: set(sample['attributes']),
          }))
          return {
            scope,
            profile: {
              ...(profile as JsonObject),
              attributes: set((profile as JsonObject)['attributes']),
              samples: samplesOf,
            },
          }
        })
        assert.deepEqual(actual, expected)
      }),
      { numRuns: 150 },
    )
  })

  test('on damaged profiles fail as malformed or leave something that can be read, and never otherwise', () => {
    const whole = golden('profiles')
    const random = randomFrom(20_261_122)
    const program = compile('profiles', [
      hook('sample', (sample) => {
        void [
          sample.stack,
          sample.link,
          sample.timestamps,
          sample.values,
          sample.attributes.toObject(),
          sample.profile.sampleType,
        ]
        sample.attributes.set('k', 'v')
      }),
      hook('resource', (resource) => void resource.attributes.toObject()),
    ])
    let passed = 0
    for (let round = 0; round < 3000; round++) {
      const damaged = round < whole.length ? Buffer.from(whole.subarray(0, round)) : mutate(whole, random)
      try {
        const { batch } = run(program, batchOf('profiles', 0, damaged))
        if (batch) toObject(batch)
        passed++
      } catch (error) {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
        assert.ok(cause instanceof Malformed, String((cause as Error).stack))
      }
    }
    assert.ok(passed > 100, `${passed} passed`)
  })
})

describe('views of profiles', () => {
  test('show a sample with its stack, its link and what is around it', () => {
    const seen = (sample: SampleView) => ({
      values: sample.values,
      timestamps: sample.timestamps,
      stack: sample.stack,
      link: sample.link,
      attributes: sample.attributes.toObject(),
      service: sample.resource.attributes.get('service.name'),
      type: sample.profile.sampleType,
      of: sample.profile.attributes.toObject(),
    })
    const shown = Array.from(samples(profiles()), seen)
    const around = {
      service: 'shop',
      type: { type: 'cpu', unit: 'nanoseconds' },
      of: { 'service.name': 'of the profile' },
    }
    const line = { function: 'main', systemName: '', filename: 'main.go', line: 12, column: 3 }
    assert.deepEqual(shown, [
      {
        values: [5, -6],
        timestamps: [1n, 2n],
        stack: [{ address: 5000n, mapping: { filename: 'worker', start: 4096n, limit: 8192n }, lines: [line] }],
        link: undefined,
        attributes: { 'thread.name': 'worker', list: 3 },
        ...around,
      },
      {
        values: [9],
        timestamps: [],
        stack: [],
        link: { traceId: '01'.repeat(16), spanId: '02'.repeat(8) },
        attributes: { list: 3 },
        ...around,
      },
    ])
  })

  test('of different batches do not disturb each other', () => {
    const batch = profiles()
    const one = records(batch, 'sample')
    const other = records(batch, 'sample')
    const [a, b] = [one.next().value!, other.next().value!]
    assert.equal(a.attributes.get('thread.name'), 'worker')
    assert.equal(b.attributes.get('thread.name'), 'worker')
    one.next()
    assert.equal(b.attributes.get('thread.name'), 'worker')
    assert.equal(b.resource.attributes.get('service.name'), 'shop')
  })

  test('drop and change in a hook', () => {
    const request = after([
      hook('sample', (sample) => {
        if (sample.link !== undefined) return DROP
        sample.attributes.set('frames', sample.stack.length)
      }),
      hook('profile', (profile) => void (profile.profileId = 'ab'.repeat(16))),
    ])
    const { profile } = first(request)
    assert.equal(profile.samples.length, 1)
    assert.equal((profile as unknown as JsonObject)['profileId'], 'ab'.repeat(16))
    assert.deepEqual((profile.samples[0]!['attributes'] as object[]).at(-1), {
      at: 'frames',
      value: { intValue: '1' },
      unit: 'not set',
    })
  })
})
