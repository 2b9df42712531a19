/** Bytes that are no whole zstd frames. */
export class ZstdError extends Error {
  constructor(reason: string) {
    super(`malformed zstd frame: ${reason}`)
    this.name = 'ZstdError'
  }
}

const MAGIC = 0xfd2fb528
/** Frames of `0x184D2A50` to `…5F` carry no content. */
const SKIPPABLE = 0x184d2a50
const BYTES_OF_DICTIONARY_ID = [0, 1, 2, 4] as const
const BYTES_OF_CONTENT_SIZE = [0, 2, 4, 8] as const
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3

/** Encoders make one frame, or one for each of a few megabytes. */
const MOST_FRAMES = 1024

export interface ZstdFrames {
  /** Each a frame with content, whole. */
  readonly frames: readonly Buffer[]
  /** What they say they inflate to; undefined where one does not say it. */
  readonly size: number | undefined
}

/**
 * The zstd frames that a body is made of (RFC 8878, 3.1). Throws `ZstdError` where the last is cut off. Node's zlib looks at
 * the first frame alone and drops what follows without a word, and Node 22's takes one that is cut off for whole.
 */
export function zstdFrames(body: Buffer): ZstdFrames {
  const frames: Buffer[] = []
  let size: number | undefined = 0
  for (let at = 0; at < body.length;) {
    const start = at
    const magic = number(body, at, 4)
    at += 4
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      at += 4 + number(body, at, 4)
      continue
    }
    if (magic !== MAGIC) throw new ZstdError('no frame')
    const descriptor = number(body, at, 1)
    const isSingleSegment = (descriptor & 0x20) !== 0
    at += 1 + (isSingleSegment ? 0 : 1) + BYTES_OF_DICTIONARY_ID[(descriptor & 3) as 0]
    const flag = (descriptor >>> 6) as 0
    const width = flag === 0 && isSingleSegment ? 1 : BYTES_OF_CONTENT_SIZE[flag]
    if (width === 0) size = undefined
    else if (size !== undefined) size += contentSize(body, at, width)
    at = endOfBlocks(body, at + width) + ((descriptor & 4) === 0 ? 0 : 4)
    if (at > body.length) throw new ZstdError('cut off')
    if (frames.push(body.subarray(start, at)) > MOST_FRAMES) throw new ZstdError(`more than ${MOST_FRAMES} frames`)
  }
  return { frames, size }
}

/** Two bytes count from 256 on. */
function contentSize(body: Buffer, at: number, width: number): number {
  if (width < 8) return number(body, at, width) + (width === 2 ? 256 : 0)
  return number(body, at, 4) + number(body, at + 4, 4) * 2 ** 32
}

function endOfBlocks(body: Buffer, start: number): number {
  for (let at = start; ;) {
    const header = number(body, at, 3)
    const type = (header >>> 1) & 3
    if (type === RESERVED_BLOCK) throw new ZstdError('a block of an unknown kind')
    at += 3 + (type === RLE_BLOCK ? 1 : header >>> 3)
    if ((header & 1) === 1) return at
  }
}

function number(body: Buffer, at: number, bytes: number): number {
  if (bytes > body.length - at) throw new ZstdError('cut off')
  return body.readUIntLE(at, bytes)
}
