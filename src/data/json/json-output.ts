import { isUtf8 } from 'node:buffer'
import { Slab } from '../memory/slab.ts'
import { BACKSLASH, COMMA, QUOTE, SPACE, ZERO } from './ascii.ts'

/** Memory is taken in pieces of this size, so that nothing is copied when there is more to write than was thought. */
const PIECE = 256 * 1024
/** The most bytes that one byte of a string becomes: a control character is `\u001f`. */
const LARGEST_ESCAPE = 6
/** Bytes of a string that are written at once, so that there is room for them whatever they become. */
const STRETCH = 4096
/** The longest number, with its sign and quotes. */
const LONGEST_NUMBER = 32
const TWO_TO_32 = 2 ** 32
const MILLIARD = 1e9
const HEXADECIMAL = Buffer.from('0123456789abcdef')
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const PADDING = 0x3d
const MINUS = 0x2d

/** What stands behind the backslash for a byte in a string; `u` for those that have no letter of their own, 0 for what needs none. */
const ESCAPES = new Uint8Array(256)
ESCAPES.fill('u'.charCodeAt(0), 0, SPACE)
for (const [letter, byte] of Object.entries({ b: 8, t: 9, n: 10, f: 12, r: 13, '"': QUOTE, '\\': BACKSLASH }))
  ESCAPES[byte] = letter.charCodeAt(0)
/** The same, where any byte that is not ASCII is something to stop at. */
const ESCAPES_OF_ASCII = Uint8Array.from(ESCAPES).fill(1, 0x80)

const NOTHING = Buffer.alloc(0)

/** JSON that stands in several pieces of pooled memory, which are valid until it is released. */
export interface Json {
  readonly pieces: readonly Buffer[]
  release(): void
}

/**
 * JSON as it is written, in pieces of memory that `take` hands out. Every value is followed by a comma, which the end of
 * what encloses it takes back.
 */
export class JsonOutput {
  #take: (bytes: number) => Slab = () => new Slab(NOTHING)
  #slabs: Slab[] = []
  #pieces: Buffer[] = []
  #out: Buffer = NOTHING
  #to = 0

  /** Begins to write; the end is `finish` or `drop`. */
  begin(take: (bytes: number) => Slab): void {
    this.#take = take
  }

  /** All that was written, which is the caller's from now on. */
  finish(): Json {
    if (this.#to > 0) this.#pieces.push(this.#out.subarray(0, this.#to))
    const pieces = this.#pieces
    const slabs = this.#slabs
    this.#clear()
    return { pieces, release: () => slabs.splice(0).forEach((slab) => slab.release()) }
  }

  /** Forgets what was written. */
  drop(): void {
    for (const slab of this.#slabs) slab.release()
    this.#clear()
  }

  #clear(): void {
    this.#slabs = []
    this.#pieces = []
    this.#out = NOTHING
    this.#to = 0
  }

  /** A brace, a bracket or a comma. */
  mark(byte: number): void {
    this.reach(1)
    this.#out[this.#to++] = byte
  }

  /** Ends an object, an array or the whole: takes the last comma back. */
  end(byte: number): void {
    this.takeBackComma()
    this.mark(byte)
  }

  takeBackComma(): void {
    if (this.#to > 0 && this.#out[this.#to - 1] === COMMA) this.#to--
  }

  /** Bytes that are JSON already. */
  raw(bytes: Buffer): void {
    this.reach(bytes.length)
    const out = this.#out
    let to = this.#to
    for (let at = 0; at < bytes.length; at++) out[to++] = bytes[at]!
    this.#to = to
  }

  /** UTF-8 as a string; what is none becomes U+FFFD. */
  text(buffer: Buffer, start: number, end: number): void {
    this.mark(QUOTE)
    const at = this.#characters(buffer, start, end, false)
    if (at < end) this.#otherCharacters(buffer, at, end)
    this.mark(QUOTE)
  }

  /** Writes what stands in a string, up to the first byte that is not ASCII unless the bytes are known to be UTF-8; returns where it stopped. */
  #characters(buffer: Buffer, start: number, end: number, isSound: boolean): number {
    const escapes = isSound ? ESCAPES : ESCAPES_OF_ASCII
    let at = start
    while (at < end) {
      const limit = Math.min(end, at + STRETCH)
      this.reach((limit - at) * LARGEST_ESCAPE)
      const out = this.#out
      let to = this.#to
      for (; at < limit; at++) {
        const byte = buffer[at]!
        const escape = escapes[byte]!
        if (escape === 0) out[to++] = byte
        else if (byte >= 0x80) break
        else to = writeEscape(out, to, byte, escape)
      }
      this.#to = to
      if (at < limit) break
    }
    return at
  }

  #otherCharacters(buffer: Buffer, at: number, end: number): void {
    const rest = buffer.subarray(at, end)
    const sound = isUtf8(rest) ? rest : Buffer.from(rest.toString())
    this.#characters(sound, 0, sound.length, true)
  }

  hex(buffer: Buffer, start: number, end: number): void {
    this.reach((end - start) * 2 + 2)
    const out = this.#out
    let to = this.#to
    out[to++] = QUOTE
    for (let at = start; at < end; at++) {
      out[to++] = HEXADECIMAL[buffer[at]! >> 4]!
      out[to++] = HEXADECIMAL[buffer[at]! & 15]!
    }
    out[to++] = QUOTE
    this.#to = to
  }

  base64(buffer: Buffer, start: number, end: number): void {
    this.mark(QUOTE)
    let at = start
    while (at < end) {
      // Whole groups of three at once, so that only the last ones may need padding.
      const limit = Math.min(end, at + 3 * STRETCH)
      this.reach(4 * STRETCH)
      const out = this.#out
      let to = this.#to
      for (; at < limit; at += 3) {
        const bits =
          (buffer[at]! << 16) | (at + 1 < end ? buffer[at + 1]! << 8 : 0) | (at + 2 < end ? buffer[at + 2]! : 0)
        out[to++] = BASE64[bits >> 18]!
        out[to++] = BASE64[(bits >> 12) & 63]!
        out[to++] = at + 1 < end ? BASE64[(bits >> 6) & 63]! : PADDING
        out[to++] = at + 2 < end ? BASE64[bits & 63]! : PADDING
      }
      this.#to = to
    }
    this.mark(QUOTE)
  }

  double(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER) {
      this.reach(LONGEST_NUMBER)
      if (value < 0 || Object.is(value, -0)) this.#out[this.#to++] = MINUS
      this.#digits(Math.abs(value), 1)
      return
    }
    const text = Number.isFinite(value) ? String(value) : `"${value}"`
    this.reach(text.length)
    for (let index = 0; index < text.length; index++) this.#out[this.#to++] = text.charCodeAt(index)
  }

  /** A number of 32 bits. */
  short(value: number): void {
    this.reach(LONGEST_NUMBER)
    if (value < 0) this.#out[this.#to++] = MINUS
    this.#digits(Math.abs(value), 1)
  }

  /** 64 bits in two halves, in quotes as JSON's own numbers are doubles. */
  long(low: number, high: number, isSigned: boolean): void {
    this.reach(LONGEST_NUMBER)
    this.#out[this.#to++] = QUOTE
    if (isSigned && high < 0) {
      this.#out[this.#to++] = MINUS
      high = low === 0 ? -high : ~high
      low = -low
    }
    low >>>= 0
    high >>>= 0
    if (high === 0) this.#digits(low, 1)
    else {
      // Divided by 10^9 in pieces of 16 bits, so that no step leaves what a double holds exactly.
      const upper = (high % MILLIARD) * 65_536 + (low >>> 16)
      const lower = (upper % MILLIARD) * 65_536 + (low & 0xffff)
      const quotient =
        Math.floor(high / MILLIARD) * TWO_TO_32 + Math.floor(upper / MILLIARD) * 65_536 + Math.floor(lower / MILLIARD)
      this.#digits(quotient, 1)
      this.#digits(lower % MILLIARD, 9)
    }
    this.#out[this.#to++] = QUOTE
  }

  /** `value`: whole, not negative, up to 2^53; with zeros in front where it has fewer digits than `least`. */
  #digits(value: number, least: number): void {
    const out = this.#out
    let count = least
    for (let power = 10 ** least; value >= power; power *= 10) count++
    let at = this.#to + count
    this.#to = at
    while (value > 0x7fffffff) {
      const rest = Math.floor(value / 10)
      out[--at] = ZERO + (value - rest * 10)
      value = rest
      count--
    }
    let small = value | 0
    for (; count > 0; count--) {
      const rest = (small / 10) | 0
      out[--at] = ZERO + (small - rest * 10)
      small = rest
    }
  }

  /** Makes sure of room for `bytes` in one piece. */
  reach(bytes: number): void {
    if (this.#to + bytes > this.#out.length) this.#nextPiece(bytes)
  }

  #nextPiece(bytes: number): void {
    // A comma goes along, so that it can be taken back.
    const hasComma = this.#to > 0 && this.#out[this.#to - 1] === COMMA
    const length = hasComma ? this.#to - 1 : this.#to
    if (length > 0) this.#pieces.push(this.#out.subarray(0, length))
    const slab = this.#take(Math.max(PIECE, bytes + 1))
    this.#slabs.push(slab)
    this.#out = slab.buffer
    this.#to = 0
    if (hasComma) this.#out[this.#to++] = COMMA
  }
}

function writeEscape(out: Buffer, to: number, byte: number, letter: number): number {
  out[to++] = BACKSLASH
  out[to++] = letter
  if (byte >= SPACE || letter !== 0x75) return to
  out[to++] = ZERO
  out[to++] = ZERO
  out[to++] = HEXADECIMAL[byte >> 4]!
  out[to++] = HEXADECIMAL[byte & 15]!
  return to
}
