import { Double, type Value } from '../steps/step.ts'
import type { WireWriter } from '../wire/wire-writer.ts'
import { giveWriter, takeWriter } from '../wire/writer-pool.ts'

/**
 * Attributes by key, for a resource, a scope or a record. An attribute whose value is `undefined` is left out, so that
 * what could not be observed needs no branch; one whose value is `null` is there, and empty.
 */
export type Attributes = Readonly<Record<string, Value | null | undefined>>

// Field numbers of KeyValue and AnyValue.
const KEY = 1
const VALUE = 2
const STRING = 1
const BOOL = 2
const INT = 3
const DOUBLE = 4
const ARRAY = 5
const KVLIST = 6
const BYTES = 7
/** Of ArrayValue and KeyValueList. */
const VALUES = 1

/** Writes each attribute as a `KeyValue` in the repeated `field`. */
export function writeAttributes(writer: WireWriter, field: number, attributes: Attributes): void {
  for (const key in attributes) {
    const value = attributes[key]
    if (value !== undefined && Object.hasOwn(attributes, key)) writeKeyValue(writer, field, key, value)
  }
}

/**
 * Attributes that stand in many records: encoded when they are first written in a field, and copied from then on. What they were made of must not
 * change any more.
 */
export class EncodedAttributes {
  readonly attributes: Attributes
  /** By the field that they stand in. */
  readonly #encoded: (Buffer | undefined)[] = []

  constructor(attributes: Attributes) {
    this.attributes = attributes
  }

  write(writer: WireWriter, field: number): void {
    const encoded = (this.#encoded[field] ??= this.#encode(field))
    writer.raw(encoded, 0, encoded.length)
  }

  #encode(field: number): Buffer {
    const writer = takeWriter()
    writeAttributes(writer, field, this.attributes)
    const encoded = Buffer.from(writer.buffer.subarray(0, writer.length))
    giveWriter(writer)
    return encoded
  }
}

/** Writes an `AnyValue` in `field`, empty for `null`. Integral numbers are ints and others doubles, as `Value` says. */
export function writeValue(writer: WireWriter, field: number, value: Value | null): void {
  writer.open(field)
  if (value !== null) writeContent(writer, value)
  writer.close()
}

function writeKeyValue(writer: WireWriter, field: number, key: string, value: Value | null): void {
  writer.open(field)
  if (key !== '') writer.string(KEY, key)
  writeValue(writer, VALUE, value)
  writer.close()
}

function writeContent(writer: WireWriter, value: Value): void {
  switch (typeof value) {
    case 'string':
      return writer.string(STRING, value)
    case 'number':
      return Number.isSafeInteger(value) ? writer.int(INT, value) : writer.double(DOUBLE, value)
    case 'boolean':
      return writer.int(BOOL, value ? 1 : 0)
    case 'bigint':
      return writer.int64(INT, signed64(value))
    default:
      return writeObject(writer, value)
  }
}

/** The value itself; throws where it does not fit into a signed 64-bit integer. */
export function signed64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`)
  return value
}

/** The value itself; throws where it does not fit into an unsigned 64-bit integer. */
export function unsigned64(value: bigint): bigint {
  if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits without a sign`)
  return value
}

function writeObject(writer: WireWriter, value: Exclude<Value, string | number | boolean | bigint>): void {
  if (value instanceof Double) return writer.double(DOUBLE, value.value)
  if (value instanceof Uint8Array) return writer.bytes(BYTES, value)
  if (value instanceof Map) {
    writer.open(KVLIST)
    for (const [key, inner] of value as ReadonlyMap<string, Value>) writeKeyValue(writer, VALUES, key, inner)
    return writer.close()
  }
  if (!Array.isArray(value)) throw new TypeError(`an attribute cannot hold ${Object.prototype.toString.call(value)}`)
  writer.open(ARRAY)
  for (const inner of value as readonly Value[]) writeValue(writer, VALUES, inner)
  writer.close()
}
