/** Arbitrary requests of profiles, as canonical OTLP/JSON, in which every index points at an entry or at none. */
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/data/codec/json.ts'
import { MESSAGES, type Field, type MessageName } from '../../src/data/wire/schema.ts'

/** Arbitrary indices; `fitted` makes them fit. */
const index = fc.nat({ max: 9 })
const indices = fc.array(index, { minLength: 1, maxLength: 4 })
const text = fc.oneof(
  fc.constantFrom('main', 'ü', 'thread.name', 'x'.repeat(200)),
  fc.string({ minLength: 1, maxLength: 6 }),
)
const long = fc.oneof(fc.bigInt(1n, 300n), fc.bigInt(-(2n ** 63n), -1n)).map(String)
const unsigned = fc.oneof(fc.bigInt(1n, 300n), fc.bigInt(2n ** 62n, 2n ** 64n - 1n)).map(String)
const time = fc.bigInt(1_700_000_000_000_000_000n, 1_900_000_000_000_000_000n).map(String)
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => Buffer.from(value).toString('hex'))

type Fields = Record<string, fc.Arbitrary<JsonValue>>
const some = (fields: Fields): fc.Arbitrary<JsonObject> =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>
const list = (element: fc.Arbitrary<JsonValue>, most = 3): fc.Arbitrary<JsonValue> =>
  fc.array(element, { minLength: 1, maxLength: most })

const { value } = fc.letrec<{ value: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    text.map((stringValue) => ({ stringValue })),
    index.map((stringValueStrindex) => ({ stringValueStrindex })),
    long.map((intValue) => ({ intValue })),
    fc.constant({}),
    some({ values: list(tie('value')) }).map((arrayValue) => ({ arrayValue })),
    some({ values: list(some({ keyStrindex: index, value: tie('value') })) }).map((kvlistValue) => ({ kvlistValue })),
  ),
}))
const attributes = list(fc.oneof(some({ key: text, value }), some({ keyStrindex: index, value })))
const valueType = some({ typeStrindex: index, unitStrindex: index })
const sample = some({
  stackIndex: index,
  attributeIndices: indices,
  linkIndex: index,
  values: list(long),
  timestampsUnixNano: list(time),
})
const profile = some({
  sampleType: valueType,
  samples: list(sample, 4),
  timeUnixNano: time,
  durationNano: unsigned,
  periodType: valueType,
  period: long,
  profileId: bytes(16),
  droppedAttributesCount: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  originalPayloadFormat: text,
  originalPayload: fc.constantFrom('AQID', '/w=='),
  attributeIndices: indices,
})
const scopes = some({
  scope: some({ name: text, version: text, attributes }),
  schemaUrl: text,
  profiles: list(profile),
})
const resources = some({ resource: some({ attributes }), schemaUrl: text, scopeProfiles: list(scopes) })
const line = some({ functionIndex: index, line: long, column: long })
const dictionary = some({
  mappingTable: table(
    some({
      memoryStart: unsigned,
      memoryLimit: unsigned,
      fileOffset: unsigned,
      filenameStrindex: index,
      attributeIndices: indices,
    }),
  ),
  locationTable: table(some({ mappingIndex: index, address: unsigned, lines: list(line), attributeIndices: indices })),
  functionTable: table(
    some({ nameStrindex: index, systemNameStrindex: index, filenameStrindex: index, startLine: long }),
  ),
  linkTable: table(some({ traceId: bytes(16), spanId: bytes(8) })),
  stringTable: fc.array(text, { maxLength: 6 }).map((texts) => ['', ...texts]),
  attributeTable: table(some({ keyStrindex: index, value, unitStrindex: index })),
  stackTable: table(some({ locationIndices: indices })),
})

function table(entry: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonValue> {
  return fc.array(entry, { maxLength: 6 }).map((entries) => [{}, ...entries])
}

export function profileRequests(): fc.Arbitrary<JsonObject> {
  return some({ resourceProfiles: list(resources), dictionary }).map((request) => {
    const tables = (request['dictionary'] ?? {}) as Record<string, JsonValue[]>
    return fitted('ExportProfilesServiceRequest', request, (name) => tables[name]?.length ?? 0)
  })
}

/** The same message with each index made to point into its table; what then says nothing is left out. */
function fitted(name: MessageName, message: JsonObject, sizeOf: (table: string) => number): JsonObject {
  const result: JsonObject = {}
  for (const [key, inner] of Object.entries(message)) {
    const field = MESSAGES[name].fields.find((each) => each.json === key)!
    const fits = fittedField(field, inner, sizeOf)
    if (fits !== 0 || field.presence) result[key] = fits
  }
  return result
}

function fittedField(field: Field, inner: JsonValue, sizeOf: (table: string) => number): JsonValue {
  const one = (each: JsonValue): JsonValue => {
    if (field.message !== undefined) return fitted(field.message, each as JsonObject, sizeOf)
    if (field.table === undefined) return each
    const size = sizeOf(field.table.replace('_table', 'Table'))
    return size === 0 ? 0 : Number(each) % size
  }
  return field.repeated ? (inner as JsonValue[]).map(one) : one(inner)
}
