import { FIXED32, FIXED64, LENGTH, VARINT } from './varint.ts'
import { VARINT_ROOM, varintSize, writeInt, writeVarint, writeVarint64 } from './write.ts'

/** Messages may stand this deep in one another. */
const DEEPEST = 128
/** Room for a tag and a number, or a tag and a length. */
const HEAD = 2 * VARINT_ROOM
/** Strings up to this many characters are copied by a loop, which is faster than a call into native code. */
const SHORT = 48
const SMALLEST = 4096

/**
 * Writes a message forward, field after field, into a buffer that grows. An embedded message is opened, written and
 * closed; closing puts its length in front, in as few bytes as it takes.
 */
export class WireWriter {
  #buffer: Buffer
  #view: DataView
  #at = 0
  #depth = 0
  readonly #opened = new Int32Array(DEEPEST)

  constructor(capacity: number = SMALLEST) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity)
    this.#view = viewOf(this.#buffer)
  }

  /** Bytes written, which begin at 0 in `buffer`. */
  get length(): number {
    return this.#at
  }

  /** Valid until the next write. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** Forgets what was written, keeps the memory. */
  clear(): void {
    this.#at = 0
    this.#depth = 0
  }

  /** Forgets what was written from `length` on: half a record that turned out wrong. `depth` messages stay open. */
  rewind(length: number, depth: number): void {
    this.#at = length
    this.#depth = depth
  }

  /** Messages that are open. */
  get depth(): number {
    return this.#depth
  }

  open(field: number): void {
    if (this.#depth === DEEPEST) throw new RangeError(`messages nested more than ${DEEPEST} deep`)
    this.#head(field, LENGTH, 1)
    this.#opened[this.#depth++] = ++this.#at
  }

  close(): void {
    const start = this.#opened[--this.#depth]!
    const length = this.#at - start
    if (length >= 0x80) {
      const size = varintSize(length)
      this.#reserve(size)
      this.#buffer.copyWithin(start + size - 1, start, this.#at)
      this.#at += size - 1
    }
    writeVarint(this.#buffer, start - 1, length)
  }

  /** A whole number: int32, int64 and enums within 2^53, uint32, bool as 0 or 1. */
  int(field: number, value: number): void {
    this.#head(field, VARINT, 0)
    this.#at = writeInt(this.#buffer, this.#at, value)
  }

  /** 64 bits as a varint. */
  int64(field: number, value: bigint): void {
    this.#head(field, VARINT, 0)
    this.#at = writeVarint64(this.#buffer, this.#at, value)
  }

  /** A zigzag number: sint32. */
  sint(field: number, value: number): void {
    this.int(field, value >= 0 ? value * 2 : -value * 2 - 1)
  }

  double(field: number, value: number): void {
    this.#head(field, FIXED64, 0)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  /** 64 bits, signed or not, in eight bytes. */
  fixed64(field: number, value: bigint): void {
    this.#head(field, FIXED64, 0)
    this.#view.setBigUint64(this.#at, value, true)
    this.#at += 8
  }

  /** A whole number within 2^53, signed, in eight bytes: sfixed64. */
  sfixed64(field: number, value: number): void {
    this.#head(field, FIXED64, 0)
    this.#view.setInt32(this.#at, (value % 0x100000000) | 0, true)
    this.#view.setInt32(this.#at + 4, Math.floor(value / 0x100000000), true)
    this.#at += 8
  }

  fixed32(field: number, value: number): void {
    this.#head(field, FIXED32, 0)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  string(field: number, text: string): void {
    if (text.length <= SHORT && this.#ascii(field, text)) return
    const length = Buffer.byteLength(text)
    this.#head(field, LENGTH, length)
    this.#at = writeVarint(this.#buffer, this.#at, length)
    this.#at += this.#buffer.write(text, this.#at)
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#head(field, LENGTH, bytes.length)
    this.#at = writeVarint(this.#buffer, this.#at, bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Bytes, as words of 32 bits, the highest byte first. */
  words(field: number, words: readonly number[]): void {
    const length = words.length * 4
    this.#head(field, LENGTH, length)
    let at = writeVarint(this.#buffer, this.#at, length)
    for (let index = 0; index < words.length; index++, at += 4) this.#view.setInt32(at, words[index]!)
    this.#at = at
  }

  /** `text`: an even number of hexadecimal digits. False where it is not that, and then nothing was written. */
  hex(field: number, text: string): boolean {
    const before = this.#at
    const length = text.length >> 1
    this.#head(field, LENGTH, length)
    let at = writeVarint(this.#buffer, this.#at, length)
    let wrong = text.length & 1
    for (let index = 0; index < length * 2; index += 2) {
      const digits = (digitOf(text.charCodeAt(index)) << 4) | digitOf(text.charCodeAt(index + 1))
      wrong |= digits & ~0xff
      this.#buffer[at++] = digits
    }
    this.#at = wrong === 0 ? at : before
    return wrong === 0
  }

  /** Numbers of eight bytes each, packed. Writes nothing where there are none. */
  packedFixed64(field: number, values: readonly (number | bigint)[]): void {
    if (values.length === 0) return
    this.#packed(field, values.length)
    for (const value of values) {
      this.#view.setBigUint64(this.#at, BigInt(value), true)
      this.#at += 8
    }
  }

  /** Doubles, packed. Writes nothing where there are none. */
  packedDoubles(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    this.#packed(field, values.length)
    for (const value of values) {
      this.#view.setFloat64(this.#at, value, true)
      this.#at += 8
    }
  }

  /** 64-bit varints, packed. Writes nothing where there are none. */
  packedInt64(field: number, values: readonly (number | bigint)[]): void {
    if (values.length === 0) return
    this.open(field)
    this.#reserve(values.length * VARINT_ROOM)
    for (const value of values) this.#at = writeVarint64(this.#buffer, this.#at, BigInt(value))
    this.close()
  }

  /** Whole numbers from 0 to 2^53 as varints, packed. Writes nothing where there are none. */
  packedInts(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    this.open(field)
    this.#reserve(values.length * VARINT_ROOM)
    for (const value of values) this.#at = writeVarint(this.#buffer, this.#at, value)
    this.close()
  }

  /** Bytes that are fields already. */
  raw(buffer: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    buffer.copy(this.#buffer, this.#at, start, end)
    this.#at += end - start
  }

  /** The whole of a string that is short and ASCII; false where it is not, and then nothing was written. */
  #ascii(field: number, text: string): boolean {
    const length = text.length
    const before = this.#at
    this.#head(field, LENGTH, length)
    const buffer = this.#buffer
    let at = this.#at
    buffer[at++] = length
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code >= 0x80) {
        this.#at = before
        return false
      }
      buffer[at++] = code
    }
    this.#at = at
    return true
  }

  #packed(field: number, count: number): void {
    this.#head(field, LENGTH, count * 8)
    this.#at = writeVarint(this.#buffer, this.#at, count * 8)
  }

  /** A tag, and room for a length or a number and `bytes` more. */
  #head(field: number, wireType: number, bytes: number): void {
    this.#reserve(bytes + HEAD)
    if (field < 16) this.#buffer[this.#at++] = (field << 3) | wireType
    else this.#at = writeVarint(this.#buffer, this.#at, field * 8 + wireType)
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#at + bytes, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
    this.#view = viewOf(larger)
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
}

/** -1 of what is no hexadecimal digit. */
function digitOf(code: number): number {
  if (code <= 0x39) return code >= 0x30 ? code - 0x30 : -1
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
