import type { Batch } from '../batch.ts'
import type { ValueType } from '../views/profile.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { giveWriter, takeWriter } from '../wire/writer-pool.ts'
import { type Attributes, signed64, unsigned64 } from './attributes.ts'
import { Dictionary, type DictionaryBuilder, type EntryAttributes, type EntryIndex } from './dictionary.ts'
import { type Identifier, writeProfileId } from './identifiers.ts'
import { Request, type ResourceFields, type ScopeFields } from './request.ts'

/** What a profile holds besides its samples. `time` is nanoseconds since 1970, `duration` nanoseconds. */
export interface ProfileFields {
  /** What the values of all its samples are. */
  readonly sampleType: ValueType
  readonly time: bigint
  readonly duration?: bigint | undefined
  /** What happens between two samples, `period` times. */
  readonly periodType?: ValueType | undefined
  readonly period?: number | bigint | undefined
  readonly profileId?: Identifier | undefined
  readonly attributes?: EntryAttributes | undefined
  readonly droppedAttributes?: number | undefined
  /** The profile as it was before it became one of OTLP. */
  readonly original?: { readonly format: string; readonly payload: Uint8Array } | undefined
}

/** What was seen on one stack. There are values, times, or as many of the one as of the other. */
export interface SampleFields {
  readonly stack?: EntryIndex | undefined
  readonly values?: readonly (number | bigint)[] | undefined
  /** When each was seen: nanoseconds since 1970. */
  readonly times?: readonly bigint[] | undefined
  readonly attributes?: EntryAttributes | undefined
  readonly link?: EntryIndex | undefined
}

/** A profile that takes samples. */
export interface Profile {
  sample(fields: SampleFields): Profile
}

/** Profiles of a scope may be written in turn. What they all point at is made once, and is of use in all resources. */
export interface ProfilesBuilder extends DictionaryBuilder {
  /** Profiles from now on belong to another resource. */
  resource(attributes: Attributes, fields?: ResourceFields, scope?: ScopeFields): ProfilesBuilder
  /** Profiles from now on belong to another scope of the same resource. */
  scope(scope: ScopeFields): ProfilesBuilder
  profile(fields: ProfileFields): Profile
  /** The batch, not charged to any budget; the builder is of no more use. */
  finish(): Batch<'profiles'>
}

/**
 * Builds a batch of profiles as wire bytes.
 *
 * ```ts
 * const builder = profiles({ 'service.name': 'shop' })
 * const pay = builder.function({ name: 'pay', filename: 'shop.go' })
 * const stack = builder.stack([builder.location({ lines: [{ function: pay, line: 12 }] })])
 * builder.profile({ sampleType: { type: 'cpu', unit: 'nanoseconds' }, time }).sample({ stack, values: [10_000_000] })
 * const batch = builder.finish()
 * ```
 */
export function profiles(resource: Attributes, scope: ScopeFields = {}): ProfilesBuilder {
  const request = new Request('profiles', resource, scope)
  const dictionary = new Dictionary()
  let open: OpenProfile[] = []
  const flush = (): void => {
    for (const profile of open) profile.end(request)
    open = []
  }
  const builder: ProfilesBuilder = {
    resource(attributes, fields = {}, scope = {}) {
      flush()
      request.resource(attributes, fields, scope)
      return builder
    },
    scope(scope) {
      flush()
      request.scope(scope)
      return builder
    },
    profile(fields) {
      const profile = new OpenProfile(dictionary, fields)
      open.push(profile)
      return profile
    },
    mapping: (fields) => dictionary.mapping(fields),
    function: (fields) => dictionary.function(fields),
    location: (fields) => dictionary.location(fields),
    stack: (locations) => dictionary.stack(locations),
    link: (traceId, spanId) => dictionary.link(traceId, spanId),
    attribute: (key, value, unit) => dictionary.attribute(key, value, unit),
    finish() {
      flush()
      return request.finish((writer) => dictionary.finish(writer, DICTIONARY))
    },
  }
  return builder
}

const DICTIONARY = 2
const RECORDS = 2
const SAMPLES = 2

/** A profile whose samples still come: what stands in front of them is written, what stands behind is kept. */
class OpenProfile implements Profile {
  readonly #dictionary: Dictionary
  readonly #behind: Buffer
  #writer: WireWriter | undefined
  #samples = 0

  constructor(dictionary: Dictionary, fields: ProfileFields) {
    const writer = takeWriter()
    this.#dictionary = dictionary
    this.#writer = writer
    writeValueType(writer, 1, dictionary, fields.sampleType)
    const { length } = writer
    writeRest(writer, dictionary, fields)
    this.#behind = Buffer.from(writer.buffer.subarray(length, writer.length))
    writer.rewind(length, 0)
  }

  sample(fields: SampleFields): this {
    const writer = this.#writer
    if (writer === undefined) throw new Error('a sample came to a profile after its scope had ended')
    const { length, depth } = writer
    try {
      writeSample(writer, this.#dictionary, fields)
    } catch (error) {
      writer.rewind(length, depth)
      throw error
    }
    this.#samples++
    return this
  }

  end(request: Request<'profiles'>): void {
    const writer = this.#writer!
    writer.raw(this.#behind, 0, this.#behind.length)
    request.record(writeProfile, writer, this.#samples)
    this.#writer = undefined
    giveWriter(writer)
  }
}

function writeProfile(writer: WireWriter, content: WireWriter): void {
  writer.open(RECORDS)
  writer.raw(content.buffer, 0, content.length)
  writer.close()
}

function writeSample(writer: WireWriter, dictionary: Dictionary, fields: SampleFields): void {
  const { stack = 0, values = [], times = [], link = 0 } = fields
  if (values.length !== times.length && values.length > 0 && times.length > 0)
    throw new RangeError(`a sample has ${values.length} values and ${times.length} times`)
  if (values.length === 0 && times.length === 0) throw new RangeError('a sample has neither values nor times')
  for (const value of values) signed64(BigInt(value))
  dictionary.given('stack_table', stack)
  dictionary.given('link_table', link)
  writer.open(SAMPLES)
  if (stack) writer.int(1, stack)
  writer.packedInts(2, dictionary.attributes(fields.attributes))
  if (link) writer.int(3, link)
  writer.packedInt64(4, values)
  writer.packedFixed64(5, times)
  writer.close()
}

function writeRest(writer: WireWriter, dictionary: Dictionary, fields: ProfileFields): void {
  const { time, duration, periodType, period, droppedAttributes, original } = fields
  if (time) writer.fixed64(3, time)
  if (duration) writer.int64(4, unsigned64(duration))
  if (periodType) writeValueType(writer, 5, dictionary, periodType)
  if (period) writer.int64(6, signed64(BigInt(period)))
  writeProfileId(writer, 7, fields.profileId)
  if (droppedAttributes) writer.int(8, droppedAttributes)
  if (original?.format) writer.string(9, original.format)
  if (original?.payload.length) writer.bytes(10, original.payload)
  writer.packedInts(11, dictionary.attributes(fields.attributes))
}

function writeValueType(writer: WireWriter, field: number, dictionary: Dictionary, value: ValueType): void {
  const type = dictionary.string(value.type)
  const unit = dictionary.string(value.unit)
  writer.open(field)
  if (type) writer.int(1, type)
  if (unit) writer.int(2, unit)
  writer.close()
}
