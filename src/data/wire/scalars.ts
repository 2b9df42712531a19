import { Double, type Value } from '../steps/value.ts'
import * as kinds from './place.ts'
import type { Place } from './place.ts'
import type { Field, Scalar } from './schema.ts'
import type { WireWriter } from './wire-writer.ts'

const IDENTIFIER_BYTES = { trace_id: 16, span_id: 8, profile_id: 16 }

/** The kind of place that a field of this type is. */
export function kindOf(field: Field): number {
  if (field.name.endsWith('time_unix_nano')) return kinds.TIME
  return KINDS[field.scalar!]
}

const KINDS: Readonly<Record<Scalar, number>> = {
  string: kinds.STRING,
  bytes: kinds.BYTES,
  trace_id: kinds.IDENTIFIER,
  span_id: kinds.IDENTIFIER,
  profile_id: kinds.IDENTIFIER,
  bool: kinds.BOOL,
  enum: kinds.INT32,
  int32: kinds.INT32,
  int64: kinds.INT,
  uint32: kinds.UINT,
  uint64: kinds.UINT,
  sint32: kinds.ZIGZAG,
  fixed32: kinds.FIXED32,
  fixed64: kinds.FIXED64,
  sfixed64: kinds.SIGNED_FIXED64,
  double: kinds.DOUBLE,
}

/** Whether the bytes at `place` are those of the default of its kind: 0, false, nothing. */
export function isDefault(buffer: Buffer, place: Place): boolean {
  const { kind, start, end } = place
  if (kind === kinds.STRING || kind === kinds.IDENTIFIER || kind === kinds.BYTES) return start === end
  const isVarint = kind === kinds.BOOL || kind === kinds.INT || kind === kinds.UINT || kind === kinds.INT32
  const significant = isVarint || kind === kinds.ZIGZAG ? 0x7f : 0xff
  for (let at = start; at < end; at++) if ((buffer[at]! & significant) !== 0) return false
  return true
}

/** Whether `value` is the default of a field of this type. */
export function isDefaultValue(value: Value): boolean {
  if (value instanceof Double) return Object.is(value.value, 0)
  if (value instanceof Uint8Array) return value.length === 0
  return Object.is(value, 0) || value === 0n || value === '' || value === false
}

/** Writes `value` as the field. False, and nothing written, where the field cannot hold it. */
export function writeScalar(writer: WireWriter, field: Field, value: Value): boolean {
  const { number, scalar } = field
  switch (scalar) {
    case 'string':
      if (typeof value !== 'string') return false
      writer.string(number, value)
      return true
    case 'bytes':
      if (!(value instanceof Uint8Array)) return false
      writer.bytes(number, value)
      return true
    case 'trace_id':
    case 'span_id':
    case 'profile_id':
      return writeIdentifier(writer, number, IDENTIFIER_BYTES[scalar], value)
    case 'bool':
      if (typeof value !== 'boolean') return false
      writer.int(number, value ? 1 : 0)
      return true
    case 'double': {
      const double = value instanceof Double ? value.value : value
      if (typeof double !== 'number') return false
      writer.double(number, double)
      return true
    }
    default:
      return writeInteger(writer, field, value)
  }
}

function writeIdentifier(writer: WireWriter, number: number, bytes: number, value: Value): boolean {
  if (value instanceof Uint8Array) {
    if (value.length !== 0 && value.length !== bytes) return false
    writer.bytes(number, value)
    return true
  }
  if (typeof value !== 'string' || (value.length !== 0 && value.length !== bytes * 2)) return false
  return writer.hex(number, value)
}

function writeInteger(writer: WireWriter, field: Field, value: Value): boolean {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false
  const integer = value as number | bigint
  const { number, scalar } = field
  const [least, most] = RANGES[scalar as keyof typeof RANGES]
  if (integer < least || integer > most) return false
  if (scalar === 'fixed64' || scalar === 'sfixed64') writer.fixed64(number, BigInt(integer))
  else if (scalar === 'fixed32') writer.fixed32(number, Number(integer))
  else if (scalar === 'sint32') writer.sint(number, Number(integer))
  else writer.int64(number, BigInt(integer))
  return true
}

const SIGNED_32 = [-(2n ** 31n), 2n ** 31n - 1n] as const
const UNSIGNED_32 = [0n, 2n ** 32n - 1n] as const
const SIGNED_64 = [-(2n ** 63n), 2n ** 63n - 1n] as const
const UNSIGNED_64 = [0n, 2n ** 64n - 1n] as const
const RANGES = {
  enum: SIGNED_32,
  int32: SIGNED_32,
  sint32: SIGNED_32,
  int64: SIGNED_64,
  sfixed64: SIGNED_64,
  uint32: UNSIGNED_32,
  fixed32: UNSIGNED_32,
  uint64: UNSIGNED_64,
  fixed64: UNSIGNED_64,
}
