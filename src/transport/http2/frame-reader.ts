import { ConnectionError, DATA, FRAME_HEAD, FRAME_SIZE_ERROR, PADDED, PROTOCOL_ERROR } from './frames.ts'

/** What a session does with the frames of its connection. Buffers are valid during the call alone; whatever is thrown ends the reading. */
export interface FrameHandler {
  /** A whole frame of any type but DATA; its payload is `buffer` from `start` to `end`. Unknown types come here too. */
  frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): void
  /** A DATA frame begins; `length` is what flow control counts, padding and all. */
  beginData(flags: number, stream: number, length: number): void
  /** Its content as it comes, in pieces of any size, without padding. */
  data(buffer: Buffer, start: number, end: number): void
  /** All of it has come. */
  endData(): void
}

export interface FrameLimits {
  /** Payload in bytes of a DATA frame, as our SETTINGS allow. */
  readonly data: number
  /** And of any other, which is joined in memory where it comes in pieces: may be less. */
  readonly other: number
}

/** Kept for joining between two frames; what was larger is made anew, so that idle connections hold little. */
const KEPT = 512

/**
 * Finds the frames in a row of chunks. What DATA frames carry is handed on from where it lies, never joined: messages are read straight into
 * memory of their own. Other frames are handed on whole; one that is spread over chunks is joined first.
 */
export class FrameReader {
  readonly #handler: FrameHandler
  readonly #limits: FrameLimits
  /** A head or a whole frame that has not come entirely, and how much of it has. */
  #joined: Buffer = NOTHING
  #have = 0
  /** Of the DATA frame that is coming: its content, and its padding; -1 where the length of that is yet to come. */
  #content = 0
  #padding = 0
  #isData = false

  constructor(handler: FrameHandler, limits: FrameLimits) {
    this.#handler = handler
    this.#limits = limits
  }

  /** Whether a frame has begun and not ended. */
  get isInside(): boolean {
    return this.#isData || this.#have > 0
  }

  /** Throws a `ConnectionError` where a frame is too large, and what the handler throws. */
  read(chunk: Buffer): void {
    let at = 0
    const end = chunk.length
    while (at < end) {
      if (this.#isData) at = this.#readData(chunk, at, end)
      else if (this.#have > 0) at = this.#join(chunk, at, end)
      else if (end - at < FRAME_HEAD) at = this.#keep(chunk, at, end)
      else at = this.#readFrame(chunk, at, end)
    }
  }

  /** At least a head is there. */
  #readFrame(chunk: Buffer, at: number, end: number): number {
    const length = lengthAt(chunk, at)
    const type = chunk[at + 3]!
    this.#check(type, length)
    if (type === DATA) return this.#openData(chunk, at, length)
    const next = at + FRAME_HEAD + length
    if (next > end) return this.#keep(chunk, at, end)
    this.#handler.frame(type, chunk[at + 4]!, streamAt(chunk, at), chunk, at + FRAME_HEAD, next)
    return next
  }

  #check(type: number, length: number): void {
    const largest = type === DATA ? this.#limits.data : this.#limits.other
    if (length > largest)
      throw new ConnectionError(FRAME_SIZE_ERROR, `a frame of ${length} bytes is larger than ${largest}`)
  }

  #openData(head: Buffer, at: number, length: number): number {
    const flags = head[at + 4]!
    const isPadded = (flags & PADDED) !== 0
    if (isPadded && length === 0)
      throw new ConnectionError(FRAME_SIZE_ERROR, 'a padded frame has no length of its padding')
    this.#content = isPadded ? length - 1 : length
    this.#padding = isPadded ? -1 : 0
    this.#isData = true
    this.#handler.beginData(flags, streamAt(head, at), length)
    if (length === 0) this.#closeData()
    return at + FRAME_HEAD
  }

  #readData(chunk: Buffer, from: number, end: number): number {
    let at = from
    if (this.#padding < 0) {
      this.#padding = chunk[at++]!
      this.#content -= this.#padding
      if (this.#content < 0) throw new ConnectionError(PROTOCOL_ERROR, 'a frame has more padding than content')
    }
    if (this.#content > 0 && at < end) {
      const until = Math.min(end, at + this.#content)
      this.#content -= until - at
      this.#handler.data(chunk, at, until)
      at = until
    }
    if (this.#content === 0) {
      const skipped = Math.min(end - at, this.#padding)
      this.#padding -= skipped
      at += skipped
      if (this.#padding === 0) this.#closeData()
    }
    return at
  }

  #closeData(): void {
    this.#isData = false
    this.#handler.endData()
  }

  /** Memory grows with what has come, not with what a head says will. */
  #keep(chunk: Buffer, at: number, end: number): number {
    const needed = this.#have + end - at
    if (needed > this.#joined.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(KEPT, 2 ** (32 - Math.clz32(needed - 1))))
      this.#joined.copy(larger, 0, 0, this.#have)
      this.#joined = larger
    }
    chunk.copy(this.#joined, this.#have, at, end)
    this.#have = needed
    return end
  }

  /** Completes what was kept: first its head, then the rest of it. */
  #join(chunk: Buffer, from: number, end: number): number {
    let at = from
    if (this.#have < FRAME_HEAD) {
      at = this.#keep(chunk, at, Math.min(end, at + FRAME_HEAD - this.#have))
      if (this.#have < FRAME_HEAD) return at
      const length = lengthAt(this.#joined, 0)
      this.#check(this.#joined[3]!, length)
      if (this.#joined[3] === DATA) {
        this.#have = 0
        this.#openData(this.#joined, 0, length)
        return at
      }
    }
    const size = FRAME_HEAD + lengthAt(this.#joined, 0)
    at = this.#keep(chunk, at, Math.min(end, at + size - this.#have))
    if (this.#have < size) return at
    const joined = this.#joined
    this.#have = 0
    if (joined.length > KEPT) this.#joined = NOTHING
    this.#handler.frame(joined[3]!, joined[4]!, streamAt(joined, 0), joined, FRAME_HEAD, size)
    return at
  }
}

const NOTHING: Buffer = Buffer.allocUnsafeSlow(0)

const lengthAt = (buffer: Buffer, at: number): number => (buffer[at]! << 16) | (buffer[at + 1]! << 8) | buffer[at + 2]!

/** Without the reserved bit. */
const streamAt = (buffer: Buffer, at: number): number =>
  ((buffer[at + 5]! & 0x7f) << 24) | (buffer[at + 6]! << 16) | (buffer[at + 7]! << 8) | buffer[at + 8]!
