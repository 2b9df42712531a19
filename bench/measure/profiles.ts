/** Profiles like those that an agent sends of one host every few seconds: most of what they point at is alike in all. */
import { fromObject } from '../../src/data/codec/from-object.ts'
import type { Batch } from '../../src/data/batch.ts'
import { VARIANTS } from './payloads.ts'

const SAMPLES = 1000
const FUNCTIONS = 800
const LOCATIONS = 1600
const STACKS = 400
const DEEPEST = 40
const THREADS = 60
const NOW = 1_760_000_000_000_000_000n

export function profilePayloads(): Batch<'profiles'>[] {
  return Array.from({ length: VARIANTS }, (_, variant) => profiles(variant))
}

function profiles(variant: number): Batch<'profiles'> {
  const random = randomFrom(variant + 1)
  const strings = [
    '',
    'service.name',
    `shop-${variant}`,
    'cpu',
    'nanoseconds',
    'thread.name',
    '/usr/bin/shop',
    'shop.go',
  ]
  const string = (text: string): number => strings.push(text) - 1
  const functionTable = [
    {},
    ...many(FUNCTIONS, (index) => ({ nameStrindex: string(`shop.(*Inventory).reserve${index}`), filenameStrindex: 7 })),
  ]
  const attributeTable = [
    {},
    ...many(THREADS, (index) => ({ keyStrindex: 5, value: { stringValue: `worker-${variant}-${index}` } })),
  ]
  const locationTable = [
    {},
    ...many(LOCATIONS, (index) => ({
      mappingIndex: 1,
      address: String(0x400000 + index * 16),
      lines: [{ functionIndex: 1 + (index % FUNCTIONS), line: String(10 + index) }],
    })),
  ]
  const stackTable = [
    {},
    ...many(STACKS, () => ({ locationIndices: many(5 + random(DEEPEST), () => 1 + random(LOCATIONS)) })),
  ]
  const samples = many(SAMPLES, () => ({
    stackIndex: 1 + random(STACKS),
    attributeIndices: [1 + random(THREADS)],
    values: [String(10_000_000 + random(1000))],
    timestampsUnixNano: [String(NOW + BigInt(random(1e9)))],
  }))
  return fromObject('profiles', {
    resourceProfiles: [
      {
        resource: { attributes: [{ keyStrindex: 1, value: { stringValueStrindex: 2 } }] },
        scopeProfiles: many(10, (part) => ({
          scope: { name: 'profiler' },
          profiles: [
            {
              sampleType: { typeStrindex: 3, unitStrindex: 4 },
              samples: samples.slice(part * 100, part * 100 + 100),
              timeUnixNano: String(NOW),
              durationNano: '5000000000',
            },
          ],
        })),
      },
    ],
    dictionary: {
      stringTable: strings,
      functionTable,
      attributeTable,
      locationTable,
      stackTable,
      mappingTable: [{}, { memoryStart: '4194304', memoryLimit: '8388608', filenameStrindex: 6 }],
      linkTable: [{}],
    },
  })
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

function randomFrom(seed: number): (below: number) => number {
  let state = Math.imul(seed, 2_654_435_761)
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}
