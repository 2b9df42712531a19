import type { Batch } from '../../../src/data/batch.ts'
import { Entry } from '../../../src/data/kernels/entry.ts'
import { DEEPEST } from '../../../src/data/kernels/validate.ts'
import type { Signal } from '../../../src/data/signal.ts'
import { Malformed } from '../../../src/data/wire/malformed.ts'
import { type Field, type Message, MESSAGES, REQUESTS, type Scalar, WIRE_TYPES } from '../../../src/data/wire/schema.ts'
import * as wire from '../../../src/data/wire/varint.ts'
import type { JsonObject, JsonValue } from '../../../src/data/codec/json.ts'

/**
 * An independent reader of the wire, written as recursive functions over objects: a request as plain objects in the shape of
 * OTLP/JSON.
 *
 * Defaults are left out where they mean the same as an absent field, unknown fields always; bytes that are not UTF-8
 * become U+FFFD. Throws `Malformed` on bytes that are no such request.
 */
export function modelOf(batch: Batch): JsonObject
export function modelOf(bytes: Buffer, signal: Signal): JsonObject
export function modelOf(source: Batch | Buffer, signal?: Signal): JsonObject {
  const segments = Buffer.isBuffer(source) ? [source] : source.segments()
  const request = MESSAGES[REQUESTS[Buffer.isBuffer(source) ? signal! : source.signal].request]
  const object: JsonObject = {}
  for (const segment of segments) readInto(object, request, segment, 0, segment.length, 1)
  return object
}

/** Reads a message over what `object` holds already, as protobuf merges a message that is written twice. */
function readInto(
  object: JsonObject,
  message: Message,
  buffer: Buffer,
  start: number,
  end: number,
  depth: number,
): void {
  if (depth > DEEPEST) throw new Malformed(`messages nested more than ${DEEPEST} deep`, start)
  const entry = new Entry()
  for (let at = start; at < end;) {
    at = entry.read(buffer, at, end)
    const field = message.byNumber[entry.field]
    if (field === undefined) continue
    if (field.oneof !== undefined) forgetOthers(object, message, field)
    if (field.message !== undefined) readMessage(object, field, buffer, entry, depth)
    else if (field.repeated) readList(object, field, buffer, entry)
    else readScalar(object, field, buffer, entry)
  }
}

function readMessage(object: JsonObject, field: Field, buffer: Buffer, entry: Entry, depth: number): void {
  entry.isMessage(field.number)
  const message = MESSAGES[field.message!]
  const inner = field.repeated ? {} : ((object[field.json] as JsonObject | undefined) ?? {})
  readInto(inner, message, buffer, entry.start, entry.end, depth + 1)
  if (field.repeated) listIn(object, field).push(inner)
  else object[field.json] = inner
}

/** Numbers of a repeated field stand in one entry together, or in one each. */
function readList(object: JsonObject, field: Field, buffer: Buffer, entry: Entry): void {
  const scalar = field.scalar!
  const list = listIn(object, field)
  const wireType = WIRE_TYPES[scalar]
  if (wireType === wire.LENGTH || entry.wireType !== wire.LENGTH) {
    list.push(valueOf(scalar, buffer, entry))
    return
  }
  for (let at = entry.start; at < entry.end; at = wire.cursor.at) list.push(numberAt(scalar, buffer, at, entry.end))
}

function readScalar(object: JsonObject, field: Field, buffer: Buffer, entry: Entry): void {
  const value = valueOf(field.scalar!, buffer, entry)
  if (!field.presence && isDefault(field.scalar!, value)) delete object[field.json]
  else object[field.json] = value
}

function valueOf(scalar: Scalar, buffer: Buffer, { wireType, start, end }: Entry): JsonValue {
  if (wireType !== WIRE_TYPES[scalar]) throw new Malformed('a known field with another wire type', start)
  switch (scalar) {
    case 'string':
      return buffer.toString('utf8', start, end)
    case 'bytes':
      return buffer.toString('base64', start, end)
    case 'trace_id':
    case 'span_id':
    case 'profile_id':
      return buffer.toString('hex', start, end)
    default:
      return numberAt(scalar, buffer, start, end)
  }
}

/** Leaves the place after the number in `cursor.at`. */
function numberAt(scalar: Scalar, buffer: Buffer, at: number, end: number): JsonValue {
  switch (scalar) {
    case 'bool':
      return wire.readBool(buffer, at, end)
    case 'enum':
    case 'int32':
      return wire.readInt32(buffer, at, end)
    case 'uint32':
      return wire.readInt32(buffer, at, end) >>> 0
    case 'sint32':
      return zigzag(wire.readInt32(buffer, at, end))
    case 'int64':
      return wire.readInt64(buffer, at, end).toString()
    case 'uint64':
      return wire.readUint64(buffer, at, end).toString()
    case 'fixed32':
      return wire.readFixed32(buffer, at, end)
    case 'fixed64':
      return wire.readFixed64(buffer, at, end).toString()
    case 'sfixed64':
      return wire.readSignedFixed64(buffer, at, end).toString()
    case 'double':
      return doubleOf(wire.readDouble(buffer, at, end))
    default:
      throw new TypeError(`${scalar} is not a number`)
  }
}

function zigzag(encoded: number): number {
  return (encoded >>> 1) ^ -(encoded & 1)
}

function doubleOf(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value)
}

function isDefault(scalar: Scalar, value: JsonValue): boolean {
  const isText = WIRE_TYPES[scalar] === wire.LENGTH
  return isText ? value === '' : value === '0' || value === false || Object.is(value, 0)
}

function listIn(object: JsonObject, field: Field): JsonValue[] {
  return (object[field.json] ??= []) as JsonValue[]
}

/** Of a oneof the last member that was written counts. */
function forgetOthers(object: JsonObject, message: Message, field: Field): void {
  for (const other of message.fields) {
    if (other.oneof === field.oneof && other !== field) delete object[other.json]
  }
}
