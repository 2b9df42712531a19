import {
  ConnectionError,
  CONTINUATION,
  END_HEADERS,
  ENHANCE_YOUR_CALM,
  FRAME_SIZE_ERROR,
  PADDED,
  PROTOCOL_ERROR,
  readUint32,
  WITH_PRIORITY,
} from './frames.ts'

/** Octets of a block, and CONTINUATION frames that it may be spread over. Real ones take one frame, of at most 16 KiB. */
const LONGEST_BLOCK = 64 * 1024
const MOST_CONTINUATIONS = 16

/** A header block, as it comes in a HEADERS frame and those that continue it (RFC 9113, 4.3). Valid until the next frame. */
export class HeaderBlock {
  /** Of HEADERS. */
  flags = 0
  stream = 0
  /** The stream that it says to depend on; -1 where it says none. */
  dependency = -1
  buffer: Buffer = NOTHING
  start = 0
  end = 0
  #parts: Buffer[] | undefined
  #length = 0
  #continuations = 0

  /** Whether further frames have to come. */
  get isOpen(): boolean {
    return this.#parts !== undefined
  }

  /** A HEADERS frame. Whether the block is whole. */
  begin(flags: number, stream: number, buffer: Buffer, from: number, to: number): boolean {
    let start = from
    let end = to
    if ((flags & PADDED) !== 0) {
      if (start >= end) throw new ConnectionError(FRAME_SIZE_ERROR, 'a padded frame has no length of its padding')
      end -= buffer[start++]!
    }
    this.dependency = -1
    if ((flags & WITH_PRIORITY) !== 0) {
      if (start + 5 > to) throw new ConnectionError(FRAME_SIZE_ERROR, 'HEADERS end in their priority')
      this.dependency = readUint32(buffer, start) & 0x7fff_ffff
      start += 5
    }
    if (start > end) throw new ConnectionError(PROTOCOL_ERROR, 'a frame has more padding than content')
    this.flags = flags
    this.stream = stream
    if ((flags & END_HEADERS) !== 0) return this.#whole(buffer, start, end)
    this.#parts = [Buffer.from(buffer.subarray(start, end))]
    this.#length = end - start
    this.#continuations = 0
    return false
  }

  /** Any frame that comes while the block is open. Whether the block is whole. */
  proceed(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number): boolean {
    if (type !== CONTINUATION || stream !== this.stream)
      throw new ConnectionError(PROTOCOL_ERROR, 'a header block is interrupted by another frame')
    this.#length += end - start
    if (++this.#continuations > MOST_CONTINUATIONS || this.#length > LONGEST_BLOCK)
      throw new ConnectionError(ENHANCE_YOUR_CALM, 'too_many_continuations')
    const parts = this.#parts as Buffer[]
    parts.push(Buffer.from(buffer.subarray(start, end)))
    if ((flags & END_HEADERS) === 0) return false
    this.#parts = undefined
    const joined = Buffer.concat(parts)
    return this.#whole(joined, 0, joined.length)
  }

  #whole(buffer: Buffer, start: number, end: number): true {
    this.buffer = buffer
    this.start = start
    this.end = end
    return true
  }
}

const NOTHING: Buffer = Buffer.allocUnsafeSlow(0)
