import type { JsonObject } from '../../plugin.ts'
import { MARKS, SEQUENCE } from './marks.ts'
import type { Item, Shape } from './marks.ts'

/** Where the key of an item's number stands among the strings. */
export const SEQUENCE_STRING = 1
const SCOPE_MADE_UP = 'telemetry_generator.made_up'

/** A request of profiles: one profile in each resource, whose samples have their numbers as attributes, all on one made-up stack. */
export function profilesObject(shape: Shape, scope: string, items: readonly Item[]): JsonObject {
  const padding = Object.keys(items[0]?.attributes ?? {}).filter((key) => key !== SEQUENCE)
  const strings = ['', SEQUENCE, 'samples', 'count', 'made_up', ...padding]
  const time = String(MARKS.end.readBigUInt64LE())
  const resourceProfiles: JsonObject[] = []
  let samples: JsonObject[] = []
  for (const [index, { resource }] of items.entries()) {
    if (resource) {
      samples = []
      const profile = {
        sampleType: { typeStrindex: 2, unitStrindex: 3 },
        samples,
        timeUnixNano: time,
        profileId: MARKS.traceId.toString('hex'),
      }
      resourceProfiles.push({
        resource: { attributes: [text('service.name', resource['service.name'] as string), madeUp()] },
        scopeProfiles: [{ scope: { name: scope, attributes: [madeUp()] }, profiles: [profile] }],
      })
    }
    const own = padding.map((_, at) => at + 1 + items.length)
    samples.push({ stackIndex: 1, values: ['1'], attributeIndices: [index + 1, ...own] })
  }
  const numbers = items.map((_, index) => ({
    keyStrindex: SEQUENCE_STRING,
    value: { intValue: String(shape.first + index) },
  }))
  const value = { stringValue: 'x'.repeat(shape.attributeSize) }
  return {
    resourceProfiles,
    dictionary: {
      stringTable: strings,
      mappingTable: [{}],
      linkTable: [{}],
      functionTable: [{}, { nameStrindex: 4 }],
      locationTable: [{}, { lines: [{ functionIndex: 1, line: '1' }] }],
      stackTable: [{}, { locationIndices: [1] }],
      attributeTable: [{}, ...numbers, ...padding.map((_, at) => ({ keyStrindex: 5 + at, value }))],
    },
  }
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
const madeUp = () => ({ key: SCOPE_MADE_UP, value: { boolValue: true } })
