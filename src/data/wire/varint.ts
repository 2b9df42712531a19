/**
 * Reading the wire primitives of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/).
 *
 * Every reader takes `(buffer, at, end)`, never looks at a byte at or past `end`, throws `Malformed` where the value
 * does not fit, and leaves the place after the value in `cursor.at`. All code passes `Buffer`s: a mix with
 * `Uint8Array`s makes the readers polymorphic and slow.
 */

import { Malformed } from './malformed.ts'

export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

const LONGEST_VARINT = 10
const TWO_TO_31 = 2 ** 31
const TWO_TO_32 = 2 ** 32

/** Where the last read ended, and the 64 bits that it met as two signed 32-bit halves. */
export const cursor = { at: 0, low: 0, high: 0 }

/**
 * The tag of a field: `number << 3 | wire type`, unsigned. Refuses field number 0; the wire type is `skip`'s to judge.
 */
export function readTag(buffer: Buffer, at: number, end: number): number {
  if (at < end) {
    const first = buffer[at]!
    if (first < 0x80) {
      if (first < 8) throw new Malformed('field number 0', at)
      cursor.at = at + 1
      return first
    }
    if (at + 1 < end && buffer[at + 1]! < 0x80 && buffer[at + 1]! > 0) {
      cursor.at = at + 2
      return (first & 0x7f) | (buffer[at + 1]! << 7)
    }
  }
  readVarintPair(buffer, at, end)
  const tag = cursor.low >>> 0
  if (cursor.high !== 0) throw new Malformed('a field number above 2^29 - 1', at)
  if (tag < 8) throw new Malformed('field number 0', at)
  return tag
}

/**
 * The length of a length-delimited value, which lies between `cursor.at` and `end`. Lengths of 2^31 and more are
 * refused.
 */
export function readLength(buffer: Buffer, at: number, end: number): number {
  let length: number
  if (at < end && buffer[at]! < 0x80) {
    length = buffer[at]!
    cursor.at = at + 1
  } else if (at + 1 < end && buffer[at + 1]! < 0x80) {
    length = (buffer[at]! & 0x7f) | (buffer[at + 1]! << 7)
    cursor.at = at + 2
  } else {
    const large = readVarint(buffer, at, end)
    if (large >= TWO_TO_31) throw new Malformed(`a length of ${large} bytes`, at)
    // A small integer for the compiler, as in the other branches.
    length = large | 0
  }
  if (length > end - cursor.at) throw new Malformed('a length beyond the end of what encloses it', at)
  return length
}

/**
 * The end of the value at `at` of a field with this tag (or wire type). Refuses groups and wire types that do not
 * exist.
 */
export function skip(buffer: Buffer, at: number, end: number, tag: number): number {
  switch (tag & 7) {
    case VARINT:
      return skipVarint(buffer, at, end)
    case FIXED64:
      return skipBytes(at, end, 8)
    case LENGTH: {
      const length = readLength(buffer, at, end)
      return (cursor.at += length)
    }
    case FIXED32:
      return skipBytes(at, end, 4)
    default:
      throw new Malformed((tag & 7) < 5 ? 'a group' : `wire type ${tag & 7}`, at)
  }
}

/** The value as an unsigned number: exact up to 2^53, rounded above. */
export function readVarint(buffer: Buffer, at: number, end: number): number {
  if (at < end) {
    const first = buffer[at]!
    if (first < 0x80) {
      cursor.at = at + 1
      return first
    }
  }
  readVarintPair(buffer, at, end)
  return (cursor.high >>> 0) * TWO_TO_32 + (cursor.low >>> 0)
}

/** The low 32 bits, signed: what an int32 or an enum means. */
export function readInt32(buffer: Buffer, at: number, end: number): number {
  if (at < end) {
    const first = buffer[at]!
    if (first < 0x80) {
      cursor.at = at + 1
      return first
    }
  }
  readVarintPair(buffer, at, end)
  return cursor.low
}

/** True where any of the 64 bits is set. */
export function readBool(buffer: Buffer, at: number, end: number): boolean {
  readVarintPair(buffer, at, end)
  return (cursor.low | cursor.high) !== 0
}

/** A varint as signed 64 bits. */
export function readInt64(buffer: Buffer, at: number, end: number): bigint {
  readVarintPair(buffer, at, end)
  return signedOf(cursor.low, cursor.high)
}

/** A varint as unsigned 64 bits. */
export function readUint64(buffer: Buffer, at: number, end: number): bigint {
  readVarintPair(buffer, at, end)
  return unsignedOf(cursor.low, cursor.high)
}

/** A zigzag varint (sint32, sint64 within 2^53). */
export function readZigzag(buffer: Buffer, at: number, end: number): number {
  const encoded = readUint64(buffer, at, end)
  return Number((encoded >> 1n) ^ -(encoded & 1n))
}

/** Eight bytes as unsigned 64 bits. */
export function readFixed64(buffer: Buffer, at: number, end: number): bigint {
  readFixed64Pair(buffer, at, end)
  return unsignedOf(cursor.low, cursor.high)
}

/** Eight bytes as signed 64 bits. */
export function readSignedFixed64(buffer: Buffer, at: number, end: number): bigint {
  readFixed64Pair(buffer, at, end)
  return signedOf(cursor.low, cursor.high)
}

/** Eight bytes as a double. */
export function readDouble(buffer: Buffer, at: number, end: number): number {
  cursor.at = skipBytes(at, end, 8)
  return buffer.readDoubleLE(at)
}

/** Four bytes, unsigned. */
export function readFixed32(buffer: Buffer, at: number, end: number): number {
  cursor.at = skipBytes(at, end, 4)
  return buffer.readUInt32LE(at)
}

/** Leaves a varint's 64 bits in `cursor.low` and `cursor.high`. Bits past the 64th are lost, as in other decoders. */
export function readVarintPair(buffer: Buffer, at: number, end: number): void {
  const limit = end - at > LONGEST_VARINT ? at + LONGEST_VARINT : end
  let low = 0
  let high = 0
  for (let place = at, shift = 0; place < limit; place++, shift += 7) {
    const byte = buffer[place]!
    const bits = byte & 0x7f
    if (shift < 28) low |= bits << shift
    else if (shift === 28) {
      low |= bits << 28
      high = bits >>> 4
    } else high |= bits << (shift - 32)
    if (byte < 0x80) {
      cursor.at = place + 1
      cursor.low = low
      cursor.high = high
      return
    }
  }
  throw new Malformed(
    limit === end ? 'a varint beyond the end of what encloses it' : 'a varint of more than 10 bytes',
    at,
  )
}

/** Leaves eight bytes in `cursor.low` and `cursor.high`. */
export function readFixed64Pair(buffer: Buffer, at: number, end: number): void {
  cursor.at = skipBytes(at, end, 8)
  cursor.low = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)
  cursor.high = buffer[at + 4]! | (buffer[at + 5]! << 8) | (buffer[at + 6]! << 16) | (buffer[at + 7]! << 24)
}

function skipVarint(buffer: Buffer, at: number, end: number): number {
  const limit = end - at > LONGEST_VARINT ? at + LONGEST_VARINT : end
  for (let place = at; place < limit; place++) {
    if (buffer[place]! < 0x80) return (cursor.at = place + 1)
  }
  throw new Malformed(
    limit === end ? 'a varint beyond the end of what encloses it' : 'a varint of more than 10 bytes',
    at,
  )
}

function skipBytes(at: number, end: number, bytes: number): number {
  if (end - at < bytes) throw new Malformed(`${bytes} bytes beyond the end of what encloses them`, at)
  return (cursor.at = at + bytes)
}

function signedOf(low: number, high: number): bigint {
  // Most values fit into a number, and one conversion is much cheaper than shifting bigints.
  if (high >= -0x200000 && high < 0x200000) return BigInt(high * TWO_TO_32 + (low >>> 0))
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}

function unsignedOf(low: number, high: number): bigint {
  if (high >= 0 && high < 0x200000) return BigInt(high * TWO_TO_32 + (low >>> 0))
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}
