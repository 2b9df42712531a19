import { double, type Double, type Value } from '../steps/value.ts'
import { Malformed } from './malformed.ts'
import * as kinds from './place.ts'
import { found, type Place } from './place.ts'
import * as wire from './varint.ts'

/** Values nested deeper than this are refused, as they are at the door. */
const DEEPEST = 128
/** ArrayValue's and KeyValueList's only field. */
const VALUES_TAG = 0x0a

const inner = new kinds.Place()

/** What stands at a place; undefined where nothing does, and for an AnyValue in which nothing is set. */
export function readValue(buffer: Buffer, place: Place, depth: number = 0): Value | undefined {
  const { start, end } = place
  switch (place.kind) {
    case kinds.ABSENT:
    case kinds.EMPTY:
      return undefined
    case kinds.STRING:
    case kinds.IDENTIFIER:
    case kinds.NAME:
      return readText(buffer, place)
    case kinds.BOOL:
      return start !== end && wire.readBool(buffer, start, end)
    case kinds.DOUBLE:
      return doubleOf(start === end ? 0 : wire.readDouble(buffer, start, end))
    case kinds.ARRAY:
      return readArray(buffer, start, end, depth + 1)
    case kinds.KVLIST:
      return readMap(buffer, start, end, depth + 1)
    case kinds.BYTES:
      return new Uint8Array(buffer.subarray(start, end))
    default:
      return readNumber(buffer, place)
  }
}

/** The text of a string, an identifier or a name. Invalid UTF-8 reads as U+FFFD. */
export function readText(buffer: Buffer, place: Place): string {
  if (place.kind === kinds.NAME) return place.text
  if (place.kind === kinds.IDENTIFIER) return buffer.toString('hex', place.start, place.end)
  return buffer.toString('utf8', place.start, place.end)
}

/** A number exactly: as bigint where it is beyond 2^53, or a time. NaN where the place holds no number. */
export function readNumber(buffer: Buffer, place: Place): number | bigint {
  const { start, end } = place
  if (start === end) return place.kind === kinds.TIME ? 0n : 0
  switch (place.kind) {
    case kinds.DOUBLE:
      return wire.readDouble(buffer, start, end)
    case kinds.INT:
      return safe(wire.readInt64(buffer, start, end))
    case kinds.UINT:
      return safe(wire.readUint64(buffer, start, end))
    case kinds.INT32:
      return wire.readInt32(buffer, start, end)
    case kinds.ZIGZAG:
      return wire.readZigzag(buffer, start, end)
    case kinds.FIXED32:
      return wire.readFixed32(buffer, start, end)
    case kinds.FIXED64:
      return safe(wire.readFixed64(buffer, start, end))
    case kinds.SIGNED_FIXED64:
      return safe(wire.readSignedFixed64(buffer, start, end))
    case kinds.TIME:
      return wire.readFixed64(buffer, start, end)
    default:
      return NaN
  }
}

export function isNumber(kind: number): boolean {
  return kind === kinds.INT || kind === kinds.DOUBLE || (kind >= kinds.UINT && kind <= kinds.TIME)
}

export const isText = (kind: number): boolean =>
  kind === kinds.STRING || kind === kinds.IDENTIFIER || kind === kinds.NAME

export const isSafe = (value: bigint): boolean => value >= -0x1fffffffffffffn && value <= 0x1fffffffffffffn

const safe = (value: bigint): number | bigint => (isSafe(value) ? Number(value) : value)

/** A double as a `Value`, in which an integral number would be an int. */
export const doubleOf = (value: number): number | Double => (Number.isSafeInteger(value) ? double(value) : value)

function readArray(buffer: Buffer, start: number, end: number, depth: number): Value[] {
  if (depth > DEEPEST) throw new Malformed(`values nested more than ${DEEPEST} deep`, start)
  const values: Value[] = []
  for (let at = start; at < end;) {
    at = nextValue(buffer, at, end)
    if (found.start < 0) continue
    kinds.placeAny(inner, buffer, found.start, at)
    // An array keeps its length: an element in which nothing is set reads as the empty string.
    values.push(readValue(buffer, inner, depth) ?? '')
  }
  return values
}

function readMap(buffer: Buffer, start: number, end: number, depth: number): Map<string, Value> {
  if (depth > DEEPEST) throw new Malformed(`values nested more than ${DEEPEST} deep`, start)
  const values = new Map<string, Value>()
  const met = new Set<string>()
  for (let at = start; at < end;) {
    at = nextValue(buffer, at, end)
    if (found.start < 0) continue
    const pair = found.start
    kinds.findKey(buffer, pair, at)
    const key = buffer.toString('utf8', found.start, found.end)
    kinds.placeValue(inner, buffer, pair, at)
    const value = readValue(buffer, inner, depth)
    // Of a repeated key the first counts, as among attributes.
    if (value !== undefined && !met.has(key)) values.set(key, value)
    met.add(key)
  }
  return values
}

/** The end of the field at `at`; its value's start in `found.start`, or -1 where it is none of `values`. */
function nextValue(buffer: Buffer, at: number, end: number): number {
  const tag = wire.readTag(buffer, at, end)
  const value = wire.cursor.at
  if (tag !== VALUES_TAG) {
    found.start = -1
    return wire.skip(buffer, value, end, tag)
  }
  const length = wire.readLength(buffer, value, end)
  found.start = wire.cursor.at
  return found.start + length
}
