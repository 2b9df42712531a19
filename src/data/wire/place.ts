import { findString } from './dictionary.ts'
import { found as result } from './found.ts'
import * as wire from './varint.ts'

export { found } from './found.ts'

// Kept to the module, so that the compiler folds them: see message.ts.
const { cursor, LENGTH, readInt32, readTag, skip } = wire

/** What stands at a place. The kinds up to `bytes` are the members of AnyValue's oneof, by field number. */
export const ABSENT = 0
export const STRING = 1
export const BOOL = 2
/** A varint of 64 bits, signed. */
export const INT = 3
export const DOUBLE = 4
export const ARRAY = 5
export const KVLIST = 6
export const BYTES = 7
/** An AnyValue in which nothing is set. */
export const EMPTY = 8
/** An identifier, which reads as lower-case hexadecimal. */
export const IDENTIFIER = 9
/** A varint of 64 bits, unsigned. */
export const UINT = 10
/** A varint of which the low 32 bits count, signed: an int32 or an enum. */
export const INT32 = 11
export const ZIGZAG = 12
export const FIXED32 = 13
export const FIXED64 = 14
export const SIGNED_FIXED64 = 15
/** Eight bytes: nanoseconds since 1970, which read as bigint. */
export const TIME = 16
/** A name that stands nowhere in the bytes but follows from them, in `Place.text`. */
export const NAME = 17

/**
 * A value on the wire: its kind and its bytes, without tag and length, as offsets into the arena. A place that is
 * absent, but has a default, has the kind of the default and no bytes.
 */
export class Place {
  kind = ABSENT
  start = 0
  end = 0
  exists = false
  text = ''

  set(kind: number, start: number, end: number): void {
    this.kind = kind
    this.start = start
    this.end = end
    this.exists = true
  }

  name(text: string): void {
    this.set(NAME, 0, 0)
    this.text = text
  }

  /** Nothing stands there. Fields without presence read as the default of `kind`. */
  miss(kind: number = ABSENT): void {
    this.kind = kind
    this.start = 0
    this.end = 0
    this.exists = false
  }
}

// The tags of KeyValue's fields, and the first byte of an AnyValue that holds a string.
const KEY_TAG = 0x0a
const VALUE_TAG = 0x12
const STRING_TAG = 0x0a
/** In profiles: an index into the strings of the dictionary, instead of a key and of a string. */
const KEY_INDEX_TAG = 0x18
const STRING_INDEX_TAG = 0x40

/** Finds the last field with this tag in the message `[start, end)`; leaves its value in `found`. */
export function findField(buffer: Buffer, start: number, end: number, tag: number): boolean {
  let hit = false
  for (let at = start; at < end;) {
    const each = readTag(buffer, at, end)
    let value = cursor.at
    at = skip(buffer, value, end, each)
    if (each !== tag) continue
    if ((tag & 7) === LENGTH) value = at - lengthBetween(buffer, value, at)
    result.start = value
    result.end = at
    hit = true
  }
  return hit
}

/** The length of a length-delimited value whose length begins at `start` and which ends at `end`. */
function lengthBetween(buffer: Buffer, start: number, end: number): number {
  let at = start
  while (buffer[at]! >= 0x80) at++
  return end - at - 1
}

/** Reads the AnyValue `[start, end)`: of several alternatives in it the last one counts. */
export function placeAny(place: Place, buffer: Buffer, start: number, end: number): void {
  if (end - start >= 2 && buffer[start] === STRING_TAG) {
    const length = buffer[start + 1]!
    if (length < 0x80 && start + 2 + length === end) return place.set(STRING, start + 2, end)
  }
  place.set(EMPTY, start, start)
  for (let at = start; at < end;) {
    const tag = readTag(buffer, at, end)
    let value = cursor.at
    at = skip(buffer, value, end, tag)
    if (tag === STRING_INDEX_TAG && findString(buffer, readInt32(buffer, value, at), at)) {
      place.set(STRING, result.start, result.end)
      continue
    }
    if (!ALTERNATIVES.includes(tag)) continue
    if ((tag & 7) === LENGTH) value = at - lengthBetween(buffer, value, at)
    place.set(tag >>> 3, value, at)
  }
}

/** Tags of AnyValue's alternatives; `string_value_strindex` says nothing where there is no dictionary. */
const ALTERNATIVES: readonly number[] = [0x0a, 0x10, 0x18, 0x21, 0x2a, 0x32, 0x3a]

/** Reads the value of the KeyValue `[start, end)`. Values that stand in it more than once are one, joined. */
export function placeValue(place: Place, buffer: Buffer, start: number, end: number): void {
  if (isPlain(buffer, start, end)) {
    const keyEnd = start + 2 + buffer[start + 1]!
    if (keyEnd === end) return place.set(EMPTY, end, end)
    return placeAny(place, buffer, keyEnd + (buffer[keyEnd + 1]! < 0x80 ? 2 : 3), end)
  }
  place.set(EMPTY, start, start)
  const part = new Place()
  for (let at = start; at < end;) {
    const tag = readTag(buffer, at, end)
    const value = cursor.at
    at = skip(buffer, value, end, tag)
    if (tag !== VALUE_TAG) continue
    placeAny(part, buffer, at - lengthBetween(buffer, value, at), at)
    if (part.kind !== EMPTY) place.set(part.kind, part.start, part.end)
  }
}

/** Leaves the key of the KeyValue `[start, end)` in `found`. */
export function findKey(buffer: Buffer, start: number, end: number): void {
  if (isPlain(buffer, start, end)) {
    result.start = start + 2
    result.end = start + 2 + buffer[start + 1]!
    return
  }
  if (findField(buffer, start, end, KEY_TAG) && result.end > result.start) return
  const isIndex = findField(buffer, start, end, KEY_INDEX_TAG)
  if (isIndex && findString(buffer, readInt32(buffer, result.start, result.end), start)) return
  result.start = start
  result.end = start
}

/**
 * Whether the KeyValue `[start, end)` is a key of less than 128 bytes, then at most one value of less than 16 KiB, then
 * nothing: what encoders write, and what can be read without a scan.
 */
export function isPlain(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < 2 || buffer[start] !== KEY_TAG) return false
  const keyLength = buffer[start + 1]!
  const keyEnd = start + 2 + keyLength
  if (keyLength >= 0x80 || keyEnd > end) return false
  if (keyEnd === end) return true
  if (end - keyEnd < 2 || buffer[keyEnd] !== VALUE_TAG) return false
  const first = buffer[keyEnd + 1]!
  if (first < 0x80) return keyEnd + 2 + first === end
  if (end - keyEnd < 3) return false
  const second = buffer[keyEnd + 2]!
  return second < 0x80 && keyEnd + 3 + ((first & 0x7f) | (second << 7)) === end
}

/** Whether `[start, end)` holds exactly `bytes`. Ends are compared first: keys often begin alike. */
export function equals(buffer: Buffer, start: number, end: number, bytes: Buffer): boolean {
  let index = bytes.length
  if (end - start !== index) return false
  while (--index >= 0) if (buffer[start + index] !== bytes[index]) return false
  return true
}
