/**
 * Writing the wire primitives. A writer takes the place to write at and returns the place after what it wrote; the
 * `…Before` writers take the place to end at and return where what they wrote begins. The caller has made room: a byte
 * written past the end of a buffer is lost without an error.
 */

const TWO_TO_7 = 2 ** 7
const TWO_TO_14 = 2 ** 14
const TWO_TO_21 = 2 ** 21
const TWO_TO_28 = 2 ** 28
const TWO_TO_32 = 2 ** 32

/** The most bytes that a varint takes. */
export const VARINT_ROOM = 10

/** Bytes that the unsigned `value` (up to 2^53) takes as a varint. */
export function varintSize(value: number): number {
  if (value < TWO_TO_7) return 1
  if (value < TWO_TO_14) return 2
  if (value < TWO_TO_21) return 3
  if (value < TWO_TO_28) return 4
  let size = 5
  for (let rest = value / (TWO_TO_28 * TWO_TO_7); rest >= 1; rest /= TWO_TO_7) size++
  return size
}

/** Bytes that 64 bits take as a varint; a negative `value` takes ten. */
export function varint64Size(value: bigint): number {
  if (value < 0n) return VARINT_ROOM
  let size = 1
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) size++
  return size
}

/** `value`: unsigned, up to 2^53. */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value
  while (rest >= TWO_TO_32) {
    buffer[at++] = (rest % TWO_TO_7) | 0x80
    rest = Math.floor(rest / TWO_TO_7)
  }
  rest >>>= 0
  while (rest >= TWO_TO_7) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}

/** `value`: any 64 bits; a negative one is written as its two's complement, in ten bytes. */
export function writeVarint64(buffer: Buffer, at: number, value: bigint): number {
  if (value >= 0n && value <= 0x1fffffffffffffn) return writeVarint(buffer, at, Number(value))
  let rest = BigInt.asUintN(64, value)
  while (rest >= 0x80n) {
    buffer[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  buffer[at++] = Number(rest)
  return at
}

/** A signed number: an int32, an enum, or an int64 within 2^53. */
export function writeInt(buffer: Buffer, at: number, value: number): number {
  return value >= 0 ? writeVarint(buffer, at, value) : writeVarint64(buffer, at, BigInt(value))
}

export function writeTag(buffer: Buffer, at: number, field: number, wireType: number): number {
  return writeVarint(buffer, at, ((field << 3) | wireType) >>> 0)
}

/** `value`: any 64 bits, signed or not. */
export function writeFixed64(buffer: Buffer, at: number, value: bigint): number {
  return buffer.writeBigUInt64LE(BigInt.asUintN(64, value), at)
}

export function writeDouble(buffer: Buffer, at: number, value: number): number {
  return buffer.writeDoubleLE(value, at)
}

export function writeFixed32(buffer: Buffer, at: number, value: number): number {
  return buffer.writeUInt32LE(value >>> 0, at)
}

/** Writes an unsigned varint that ends before `end`; returns where it begins. */
export function writeVarintBefore(buffer: Buffer, end: number, value: number): number {
  const start = end - varintSize(value)
  writeVarint(buffer, start, value)
  return start
}
