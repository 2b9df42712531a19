import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'
import { Double, double, type Value } from '../../../src/data/steps/step.ts'
import { MESSAGES, type Field, type MessageName } from '../../../src/data/wire/schema.ts'

const isSafe = (value: bigint): boolean => BigInt.asIntN(54, value) === value
const int = (value: bigint): number | bigint => (isSafe(value) && value !== -(2n ** 53n) ? Number(value) : value)
export const doubleOf = (value: number): number | Double => (Number.isSafeInteger(value) ? double(value) : value)

/** What an AnyValue of OTLP/JSON holds; undefined where nothing is set. */
export function valueOf(any: JsonObject | undefined): Value | undefined {
  const [name, value] = Object.entries(any ?? {})[0] ?? []
  switch (name) {
    case 'stringValue':
    case 'boolValue':
      return value as string | boolean
    case 'intValue':
      return int(BigInt(value as string))
    case 'doubleValue':
      return doubleOf(Number(value))
    case 'bytesValue':
      return new Uint8Array(Buffer.from(value as string, 'base64'))
    case 'arrayValue':
      return ((value as JsonObject)['values'] as JsonObject[] | undefined)?.map((each) => valueOf(each) ?? '') ?? []
    case 'kvlistValue':
      return mapOf(((value as JsonObject)['values'] ?? []) as JsonObject[])
    default:
      return undefined
  }
}

/** Attributes by key: of a repeated one the first, unless nothing is set in it. */
export function mapOf(keyValues: readonly JsonObject[]): Map<string, Value> {
  const all = new Map<string, Value>()
  const met = new Set<string>()
  for (const each of keyValues) {
    const key = (each['key'] ?? '') as string
    const value = valueOf(each['value'] as JsonObject | undefined)
    if (value !== undefined && !met.has(key)) all.set(key, value)
    met.add(key)
  }
  return all
}

export function anyOf(value: Value): JsonObject {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint' || Number.isSafeInteger(value))
    return { intValue: (value as number | bigint).toString() }
  if (typeof value === 'number') return { doubleValue: json(value) }
  if (value instanceof Double) return { doubleValue: json(value.value) }
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, Value>)]
    return { kvlistValue: { values: entries.map(([key, inner]) => ({ key, value: anyOf(inner) })) } }
  }
  return { arrayValue: { values: (value as readonly Value[]).map(anyOf) } }
}

export const json = (value: number): JsonValue => (Number.isFinite(value) ? value : String(value))

export const fieldOf = (name: MessageName, field: string): Field | undefined =>
  MESSAGES[name].fields.find((each) => each.name === field)

/** What a scalar field of OTLP/JSON holds, as conditions and views see it. */
export function scalarOf(field: Field, value: JsonValue): Value {
  if (field.name.endsWith('time_unix_nano')) return BigInt(value as string)
  if (field.scalar === 'double') return doubleOf(Number(value))
  if (['int64', 'uint64', 'fixed64', 'sfixed64'].includes(field.scalar!)) return int(BigInt(value as string))
  return value as Value
}

/** The default of a field without presence. */
export function defaultOf(field: Field): Value {
  if (field.name.endsWith('time_unix_nano')) return 0n
  if (['string', 'trace_id', 'span_id', 'bytes'].includes(field.scalar!)) return ''
  if (field.scalar === 'bool') return false
  return field.scalar === 'double' ? double(0) : 0
}
