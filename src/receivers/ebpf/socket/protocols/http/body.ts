const CR = 0x0d
const LF = 0x0a
/** Digits of a chunk's size: more than 2^32 bytes at once are sent by nobody. */
const SIZE_DIGITS_MOST = 8

/** "\r\n0\r\n\r\n". */
const LAST_CHUNK = { before: 0x0d0a30, last: 0x0d0a0d0a } as const

// How far a body is.
const SIZE = 0
const EXTENSION = 1
const CHUNK = 2
const AFTER_CHUNK = 3
const TRAILER = 4
const BLANK_LINE = 5
/** Somewhere among chunks: only how they end tells anything. */
const BLIND = 6
const LENGTH = 7
const UNTIL_CLOSE = 8
const DONE = 9

/** Where a message's body ends: by its length, by its chunks (RFC 9112, 7.1), or with the connection. */
export class Body {
  /** Bytes of content that went by; -1 where chunks were not seen. */
  bytes = 0
  #at = DONE
  #left = 0
  #digits = 0
  /** While blind, the last seven bytes: three, and four. */
  #before = 0
  #last = 0

  get isDone(): boolean {
    return this.#at === DONE
  }
  /** It ends with the connection, or may have ended among what was not seen. */
  get isOpen(): boolean {
    return this.#at === UNTIL_CLOSE || this.#at === BLIND
  }

  beginLength(length: number): void {
    this.#begin(length === 0 ? DONE : LENGTH, length)
  }
  beginChunks(): void {
    this.#begin(SIZE, 0)
  }
  beginUntilClose(): void {
    this.#begin(UNTIL_CLOSE, 0)
  }

  #begin(at: number, left: number): void {
    this.bytes = 0
    this.#at = at
    this.#left = left
    this.#digits = 0
  }

  /** Reads on; returns where it stopped: at `to`, or where the body ended. -1 where these are no chunks. */
  read(bytes: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && this.#at !== DONE) {
      const next = this.#step(bytes, at, to)
      if (next < 0) return -1
      at = next
    }
    return at
  }

  /** Returns how many of the bytes that nobody saw are the body's. */
  skip(count: number): number {
    switch (this.#at) {
      case LENGTH:
        return this.#take(count, DONE)
      case UNTIL_CLOSE:
        this.bytes += count
        return count
      case CHUNK:
        if (count <= this.#left) return this.#take(count, AFTER_CHUNK)
        break
    }
    this.#at = BLIND
    this.bytes = -1
    this.#before = 0
    this.#last = 0
    return count
  }

  #step(bytes: Buffer, at: number, to: number): number {
    switch (this.#at) {
      case LENGTH:
        return at + this.#take(to - at, DONE)
      case CHUNK:
        return at + this.#take(to - at, AFTER_CHUNK)
      case SIZE:
        return this.#readSize(bytes, at)
      case EXTENSION:
        if (bytes[at] === LF) {
          this.#at = this.#left > 0 ? CHUNK : TRAILER
          this.#digits = 0
        }
        return at + 1
      case AFTER_CHUNK:
        if (bytes[at] === LF) this.#at = SIZE
        else if (bytes[at] !== CR) return -1
        return at + 1
      case TRAILER:
        if (bytes[at] === LF) this.#at = DONE
        else if (bytes[at] !== CR) this.#at = BLANK_LINE
        return at + 1
      case BLANK_LINE:
        if (bytes[at] === LF) this.#at = TRAILER
        return at + 1
      case BLIND:
        return this.#findLastChunk(bytes, at, to)
      default:
        this.bytes += to - at
        return to
    }
  }

  /** The last bytes of each call are seen, so that the end is seen in however many calls it comes. */
  #findLastChunk(bytes: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      this.#before = ((this.#before << 8) | (this.#last >>> 24)) & 0xff_ffff
      this.#last = (this.#last << 8) | bytes[at]!
      if (this.#last !== LAST_CHUNK.last || this.#before !== LAST_CHUNK.before) continue
      this.#at = DONE
      return at + 1
    }
    return to
  }

  #take(count: number, then: number): number {
    const taken = Math.min(count, this.#left)
    this.#left -= taken
    this.bytes += taken
    if (this.#left === 0) this.#at = then
    return taken
  }

  #readSize(bytes: Buffer, at: number): number {
    const byte = bytes[at]!
    const digit = digitOf(byte)
    if (digit >= 0) {
      if (++this.#digits > SIZE_DIGITS_MOST) return -1
      this.#left = this.#digits === 1 ? digit : this.#left * 16 + digit
      return at + 1
    }
    if (this.#digits === 0) return -1
    this.#at = EXTENSION
    // The end of the line is looked at once more.
    return byte === LF ? at : at + 1
  }
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
