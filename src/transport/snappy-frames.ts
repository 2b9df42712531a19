import { setImmediate } from 'node:timers/promises'
import { inflateSnappyNow, loadSnappy, SnappyError, snappyLength } from './snappy.ts'

/** The snappy framing format (github.com/google/snappy, `framing_format.txt`): what `Content-Encoding: x-snappy-framed` means. */

const COMPRESSED = 0x00
const PLAIN = 0x01
const IDENTIFIER = 0xff
/** Kinds from here on may be skipped, those below must be understood. */
const FIRST_SKIPPABLE = 0x80
const NAME = Buffer.from('sNaPpY')
const CHECKSUM_BYTES = 4
/** What one frame may hold, inflated. */
const LARGEST_FRAME = 65_536
/** Encoders fill their frames: with these one GiB. Frames that hold nothing, or are skipped, cost as much to look at, and more than they are worth. */
const MOST_FRAMES = 16_384
/** Frames are inflated at once; the event loop goes on after so many bytes, of which a frame that holds fewer counts as some. */
const STRETCH = 512 * 1024
const LEAST_OF_FRAME = 2048

interface Frame {
  readonly isCompressed: boolean
  readonly checksum: number
  readonly data: Buffer
}

/** What a framed body inflates to, in bytes, as its frames say. Throws `SnappyError` where it is none. */
export function framedLength(body: Buffer): number {
  let length = 0
  for (const { isCompressed, data } of frames(body)) length += isCompressed ? snappyLength(data) : data.length
  return length
}

/** Inflates a framed body. The caller has held the size that its frames say against its limit. */
export async function inflateFrames(body: Buffer): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(framedLength(body))
  let stretch = 0
  for (const bytes of inflateInto(whole, body)) {
    stretch += Math.max(bytes, LEAST_OF_FRAME)
    if (stretch < STRETCH) continue
    stretch = 0
    await setImmediate()
  }
  return whole
}

/** The same without a rest: for a body that is known to be small. */
export function inflateFramesNow(body: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(framedLength(body))
  // Each turn of the loop is a frame.
  for (const _ of inflateInto(whole, body));
  return whole
}

/** Yields the bytes of each frame when they are there. */
function* inflateInto(whole: Buffer, body: Buffer): Generator<number> {
  let length = 0
  for (const { isCompressed, checksum, data } of frames(body)) {
    const part = isCompressed ? inflateSnappyNow(data) : data
    if (masked(crc32c(part)) !== checksum) throw new SnappyError('a frame with a wrong checksum')
    length += part.copy(whole, length)
    yield part.length
  }
}

/** Frames `body`, compressed. It is no longer read when this settles. */
export async function deflateFrames(body: Buffer): Promise<Buffer> {
  const compressor = new (loadSnappy().Compressor)()
  return Buffer.concat([compressor.update(body), await compressor.finish()])
}

function* frames(body: Buffer): Generator<Frame> {
  if (body.length > 0 && body[0] !== IDENTIFIER) throw new SnappyError('a stream without its identifier')
  let count = 0
  for (let at = 0; at < body.length;) {
    if (++count > MOST_FRAMES) throw new SnappyError(`more than ${MOST_FRAMES} frames`)
    if (body.length - at < 4) throw new SnappyError('cut off')
    const kind = body[at]!
    const end = at + 4 + body.readUIntLE(at + 1, 3)
    if (end > body.length) throw new SnappyError('cut off')
    const content = body.subarray(at + 4, end)
    at = end
    if (kind === COMPRESSED || kind === PLAIN) yield frame(kind === COMPRESSED, content)
    else if (kind === IDENTIFIER && !content.equals(NAME)) throw new SnappyError('a wrong identifier')
    else if (kind < FIRST_SKIPPABLE) throw new SnappyError('a frame of an unknown kind')
  }
}

function frame(isCompressed: boolean, content: Buffer): Frame {
  if (content.length < CHECKSUM_BYTES) throw new SnappyError('cut off')
  const data = content.subarray(CHECKSUM_BYTES)
  if ((isCompressed ? snappyLength(data) : data.length) > LARGEST_FRAME) throw new SnappyError('a frame too long')
  return { isCompressed, checksum: content.readUInt32LE(0), data }
}

/** So that checksums of checksums stay apart, as the format says. */
const masked = (sum: number): number => (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0

/** Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
const POLYNOMIAL = 0x82f63b78

/** Four tables, for four bytes at a time ("slicing by four"): byte by byte takes three times as long. */
const TABLES = new Uint32Array(4 * 256)
for (let byte = 0; byte < 256; byte++) {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1
  TABLES[byte] = sum
}
for (let at = 256; at < TABLES.length; at++) {
  const before = TABLES[at - 256]!
  TABLES[at] = TABLES[before & 0xff]! ^ (before >>> 8)
}

function crc32c(bytes: Buffer): number {
  let sum = ~0
  let at = 0
  for (const whole = bytes.length & ~3; at < whole; at += 4) {
    sum ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    sum =
      TABLES[768 + (sum & 0xff)]! ^
      TABLES[512 + ((sum >>> 8) & 0xff)]! ^
      TABLES[256 + ((sum >>> 16) & 0xff)]! ^
      TABLES[sum >>> 24]!
  }
  for (; at < bytes.length; at++) sum = TABLES[(sum ^ bytes[at]!) & 0xff]! ^ (sum >>> 8)
  return ~sum >>> 0
}
