import { setImmediate } from 'node:timers/promises'
import { inflateSnappy, SnappyError, snappyLength } from './snappy.ts'

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
  let length = 0
  let stretch = 0
  for (const { isCompressed, checksum, data } of frames(body)) {
    const part = isCompressed ? await inflateSnappy(data) : data
    if (masked(crc32c(part)) !== checksum) throw new SnappyError('a frame with a wrong checksum')
    length += part.copy(whole, length)
    stretch += Math.max(part.length, LEAST_OF_FRAME)
    if (stretch < STRETCH) continue
    stretch = 0
    await setImmediate()
  }
  return whole
}

/** Frames `body`, compressed. It is no longer read when this settles. */
export async function deflateFrames(body: Buffer): Promise<Buffer> {
  const { Compressor } = await import('snappy')
  const compressor = new Compressor()
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
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1
  return sum
})

function crc32c(bytes: Buffer): number {
  let sum = 0xffffffff
  for (let at = 0; at < bytes.length; at++) sum = TABLE[(sum ^ bytes[at]!) & 0xff]! ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}
