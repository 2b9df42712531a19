import type { Field } from '../wire/schema.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { MalformedObject } from './json.ts'

const INT32 = [-(2 ** 31), 2 ** 31 - 1] as const
const UINT32 = [0, 2 ** 32 - 1] as const
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/
const HEXADECIMAL = /^[0-9A-Fa-f]*$/
const DECIMAL = /^-?[0-9]{1,20}$/
const NUMBER = /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$/

/** Writes one value in `field`; nothing where it is a default that means the same as an absent field. */
export function writeScalar(writer: WireWriter, field: Field, value: unknown): void {
  const { number, presence } = field
  switch (field.scalar!) {
    case 'string': {
      const text = textOf(value)
      if (presence || text !== '') writer.string(number, text)
      return
    }
    case 'bytes':
      return writeBytes(writer, field, base64Of(value))
    case 'trace_id':
    case 'profile_id':
      return writeBytes(writer, field, identifierOf(value, 16))
    case 'span_id':
      return writeBytes(writer, field, identifierOf(value, 8))
    case 'bool': {
      if (typeof value !== 'boolean') throw new MalformedObject('', 'is not true or false')
      if (presence || value) writer.int(number, value ? 1 : 0)
      return
    }
    case 'double': {
      const double = doubleOf(value)
      if (presence || !Object.is(double, 0)) writer.double(number, double)
      return
    }
    case 'enum':
      return writeInt(writer, field, wholeNumberOf(numberOfName(field, value), INT32))
    case 'int32':
      return writeInt(writer, field, wholeNumberOf(value, INT32))
    case 'uint32':
      return writeInt(writer, field, wholeNumberOf(value, UINT32))
    case 'sint32': {
      const whole = wholeNumberOf(value, INT32)
      if (presence || whole !== 0) writer.sint(number, whole)
      return
    }
    case 'fixed32': {
      const whole = wholeNumberOf(value, UINT32)
      if (presence || whole !== 0) writer.fixed32(number, whole)
      return
    }
    case 'int64':
    case 'uint64': {
      const long = longOf(value, field.scalar === 'int64')
      if (presence || long !== 0n) writer.int64(number, long)
      return
    }
    case 'fixed64':
    case 'sfixed64': {
      const long = longOf(value, field.scalar === 'sfixed64')
      if (presence || long !== 0n) writer.fixed64(number, long)
    }
  }
}

/** Writes a repeated field; numbers packed. */
export function writeScalars(writer: WireWriter, field: Field, values: readonly unknown[]): void {
  switch (field.scalar!) {
    case 'string':
      for (const [index, value] of values.entries()) writer.string(field.number, element(index, value, textOf))
      return
    case 'fixed64':
      return writer.packedFixed64(
        field.number,
        values.map((value, index) => element(index, value, unsignedOf)),
      )
    case 'uint64':
      return writer.packedInt64(
        field.number,
        values.map((value, index) => element(index, value, unsignedOf)),
      )
    case 'double':
      return writer.packedDoubles(
        field.number,
        values.map((value, index) => element(index, value, doubleOf)),
      )
    case 'int64':
      return writer.packedInt64(
        field.number,
        values.map((value, index) => element(index, value, signedOf)),
      )
    case 'int32':
      return writer.packedInt64(
        field.number,
        values.map((value, index) => BigInt(element(index, value, int32Of))),
      )
    default:
      throw new TypeError(`OTLP has no repeated ${field.scalar}`)
  }
}

function element<T>(index: number, value: unknown, read: (value: unknown) => T): T {
  try {
    return read(value)
  } catch (error) {
    throw error instanceof MalformedObject ? error.inside(`[${index}]`) : error
  }
}

function writeInt(writer: WireWriter, { number, presence }: Field, value: number): void {
  if (presence || value !== 0) writer.int(number, value)
}

function writeBytes(writer: WireWriter, { number, presence }: Field, value: Uint8Array): void {
  if (presence || value.length > 0) writer.bytes(number, value)
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new MalformedObject('', 'is not a string')
  return value
}

function base64Of(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !BASE64.test(value)) throw new MalformedObject('', 'is not base64')
  return Buffer.from(value, 'base64')
}

function identifierOf(value: unknown, bytes: number): Uint8Array {
  if (value === '') return Buffer.alloc(0)
  if (typeof value === 'string' && value.length === bytes * 2 && HEXADECIMAL.test(value))
    return Buffer.from(value, 'hex')
  throw new MalformedObject('', `is not an id of ${bytes * 2} hexadecimal digits`)
}

function numberOfName(field: Field, value: unknown): unknown {
  const number = typeof value === 'string' ? field.names!.indexOf(value) : -1
  return number === -1 ? value : number
}

function wholeNumberOf(value: unknown, [least, most]: readonly [number, number]): number {
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most) return number
  throw new MalformedObject('', `is not a whole number from ${least} to ${most}`)
}

function doubleOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (typeof value === 'string' && NUMBER.test(value)) return Number(value)
  throw new MalformedObject('', 'is not a number')
}

function unsignedOf(value: unknown): bigint {
  return longOf(value, false)
}

function signedOf(value: unknown): bigint {
  return longOf(value, true)
}

function int32Of(value: unknown): number {
  return wholeNumberOf(value, INT32)
}

function longOf(value: unknown, isSigned: boolean): bigint {
  const long = bigintOf(value)
  if (long !== undefined && long === (isSigned ? BigInt.asIntN(64, long) : BigInt.asUintN(64, long))) return long
  throw new MalformedObject('', `is not a whole number of 64 bits${isSigned ? '' : ', unsigned'}`)
}

/** A number beyond 2^53 was rounded when its JSON was parsed; it is taken as it came. */
function bigintOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  if (typeof value === 'string' && DECIMAL.test(value)) return BigInt(value)
  return undefined
}
