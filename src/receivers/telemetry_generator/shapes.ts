import { logs, metrics, profiles, traces } from '../../plugin.ts'
import type { Batch, Profile, Signal } from '../../plugin.ts'
import { MARKS, SEQUENCE } from './marks.ts'
import type { Item, Shape } from './marks.ts'

/** Says in every resource and scope that nothing of this was observed. */
const SCOPE = { name: 'telegen/telemetry_generator', attributes: { 'telemetry_generator.made_up': true } }
/** Where the key of an item's number stands among the strings of profiles. */
export const SEQUENCE_STRING = 1

/** A request whose items have their numbers, and marks for ids, values and times. */
export const MAKE: Readonly<Record<Signal, (shape: Shape) => Batch>> = {
  traces(shape) {
    const builder = traces({}, SCOPE)
    for (const { resource, attributes } of itemsOf(shape)) {
      if (resource) builder.resource(resource, {}, SCOPE)
      builder.span({
        traceId: MARKS.traceId,
        spanId: MARKS.spanId,
        name: 'made up',
        kind: 1,
        start: MARKS.start.readBigUInt64LE(),
        end: MARKS.end.readBigUInt64LE(),
        attributes,
      })
    }
    return builder.finish()
  },
  metrics(shape) {
    const builder = metrics({}, SCOPE).at({ time: MARKS.end.readBigUInt64LE() })
    for (const { resource, attributes } of itemsOf(shape)) {
      if (resource) builder.resource(resource, {}, SCOPE)
      builder.gauge('telemetry_generator.value', '1').point(MARKS.value.readDoubleLE(), attributes)
    }
    return builder.finish()
  },
  logs(shape) {
    const builder = logs({}, SCOPE)
    const time = MARKS.end.readBigUInt64LE()
    for (const { resource, attributes } of itemsOf(shape)) {
      if (resource) builder.resource(resource, {}, SCOPE)
      builder.record({ time, observedTime: time, severity: 9, severityText: 'INFO', body: 'made up', attributes })
    }
    return builder.finish()
  },
  profiles(shape) {
    const builder = profiles({}, SCOPE)
    // The first string that is named is the first behind the empty one.
    builder.attribute(SEQUENCE, shape.first)
    const stack = builder.stack([
      builder.location({ lines: [{ function: builder.function({ name: 'made_up' }), line: 1 }] }),
    ])
    let profile: Profile | undefined
    for (const { resource, attributes } of itemsOf(shape)) {
      if (resource) profile = builder.resource(resource, {}, SCOPE).profile(PROFILE)
      profile?.sample({ stack, values: [1], attributes })
    }
    return builder.finish()
  },
}

const PROFILE = {
  sampleType: { type: 'samples', unit: 'count' },
  time: MARKS.end.readBigUInt64LE(),
  profileId: MARKS.traceId,
}

function* itemsOf({ first, items, resources, attributes, attributeSize }: Shape): Generator<Item> {
  const share = Math.ceil(items / resources)
  const value = 'x'.repeat(attributeSize)
  const padding = Object.fromEntries(Array.from({ length: attributes }, (_, index) => [`attribute.${index}`, value]))
  for (let index = 0; index < items; index++) {
    const number = Math.floor(index / share)
    const resource = {
      'service.name': `telemetry_generator-${number}`,
      'telemetry_generator.made_up': true,
    }
    yield {
      resource: index % share === 0 ? resource : undefined,
      attributes: { [SEQUENCE]: first + index, ...padding },
    }
  }
}
