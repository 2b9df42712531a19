import { Secret } from '../../component/options.ts'
import { decode } from '../decode/decode.ts'
import { typesOf } from '../decode/schema.ts'
import type { Schema } from '../decode/schema.ts'
import { Double } from '../../data/steps/value.ts'
import { spot } from '../decode/spot.ts'
import { written } from '../node.ts'
import { wholeSource } from '../place.ts'
import { SECRET_NAME } from '../secret-names.ts'
import { goDuration } from './go-duration.ts'

/** What may be written into a file. Mappings are Maps: a key may be called `__proto__`, and `10` keeps its place before `9`. */
export type Printable = string | number | bigint | boolean | null | Double | readonly Printable[] | PrintableMap
export type PrintableMap = ReadonlyMap<string, Printable>

export const REDACTED = '[REDACTED]'

/**
 * The inverse of `decode`: what to write so that a component sees this value again. Options that are left out stay so, and
 * those with a default are there with it. Without `reveal` nothing secret is in the result.
 */
export function encode(schema: Schema, value: unknown, reveal: boolean): Printable {
  if (value instanceof Secret) return reveal ? value.reveal() : REDACTED
  if (schema.telegen === 'duration' && typeof value === 'number') return goDuration(value)
  if (schema.anyOf !== undefined) return encodeUnion(schema.anyOf, value, reveal)
  if (typesOf(schema).length === 0 && schema.telegen === undefined) return encodeUntyped(value, reveal)
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [String(key), encode(TEXT, each, reveal)]))
  if (Array.isArray(value)) return value.map((item) => encode(schema.items ?? {}, item, reveal))
  if (typeof value === 'object' && value !== null) return encodeMapping(schema, value, reveal)
  return typeof value === 'string' && !reveal ? withoutPassword(value) : (value as Printable)
}

const TEXT: Schema = { type: 'string' }

function encodeMapping(schema: Schema, value: object, reveal: boolean): PrintableMap {
  const given = new Map<string, unknown>(Object.entries(value))
  const result = new Map<string, Printable>()
  for (const [key, option] of Object.entries(schema.properties ?? {})) {
    const each = given.get(key)
    given.delete(key)
    if (each !== undefined) result.set(key, encode(option, each, reveal))
  }
  for (const [key, each] of given)
    if (each !== undefined) result.set(key, encode(freeSchema(schema, key), each, reveal))
  return result
}

function freeSchema({ patternProperties = {}, additionalProperties }: Schema, key: string): Schema {
  for (const [pattern, free] of Object.entries(patternProperties)) if (new RegExp(pattern, 'u').test(key)) return free
  return typeof additionalProperties === 'object' ? additionalProperties : {}
}

/** As the alternative that makes the same value of it again, or the first that takes it at all. */
function encodeUnion(alternatives: readonly Schema[], value: unknown, reveal: boolean): Printable {
  const fits = alternatives.filter((schema) => reads(schema, encode(schema, value, true)))
  const schema = fits.find((each) => takes(each, value)) ?? fits[0] ?? {}
  return encode(schema, value, reveal)
}

function reads(schema: Schema, text: Printable): boolean {
  const at = spot('')
  decode(schema, written(plainly(text), wholeSource('')), at)
  return at.faults.length === 0
}

/** Whether a decoded value is of a kind that the alternative makes. */
function takes(schema: Schema, value: unknown): boolean {
  if (schema.telegen === 'duration' || schema.telegen === 'byte_size') return typeof value === 'number'
  if (schema.const !== undefined) return schema.const === value
  return schema.telegen !== 'secret'
}

/** What stands where no schema says more. Names must do for telling what is secret. */
function encodeUntyped(value: unknown, reveal: boolean, secret = false): Printable {
  if (value instanceof Secret) return reveal ? value.reveal() : REDACTED
  if (Array.isArray(value)) return value.map((item) => encodeUntyped(item, reveal, secret))
  if (value instanceof Map) return untypedMapping(value.entries(), reveal, secret)
  if (typeof value === 'object' && value !== null && !(value instanceof Double))
    return untypedMapping(Object.entries(value), reveal, secret)
  if (secret && !reveal && value !== null && typeof value !== 'boolean') return REDACTED
  return typeof value === 'string' && !reveal ? withoutPassword(value) : (value as Printable)
}

function untypedMapping(
  entries: Iterable<readonly [unknown, unknown]>,
  reveal: boolean,
  secret: boolean,
): PrintableMap {
  const all = [...entries].map(([key, value]) => [String(key), value] as const)
  // A list of `{name, value}` says what is secret by its own key; the names are none.
  return new Map(
    all.map(([key, value]) => [key, encodeUntyped(value, reveal, (secret && key !== 'name') || SECRET_NAME.test(key))]),
  )
}

/** `https://user:secret@host?token=secret` without the secrets. */
function withoutPassword(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text
  return text
    .replace(/^([^:]*:\/\/[^/?#@:\s]*):[^/?#\s]*@/, `$1:${REDACTED}@`)
    .replaceAll(/([?&]([^=&#]*)=)[^&#]+/g, (whole, key: string, name: string) =>
      SECRET_NAME.test(name) ? key + REDACTED : whole,
    )
}

/** As any JSON would be; keys that look like numbers lose their place. */
export function plainly(value: Printable): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plainly(each)]))
  return Array.isArray(value) ? value.map(plainly) : value
}
