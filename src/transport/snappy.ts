/** Bytes that are not snappy. */
export class SnappyError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`malformed snappy block: ${reason}`, { cause })
    this.name = 'SnappyError'
  }
}

/** A varint of 32 bits. */
const LONGEST_LENGTH = 5
/** Blocks up to this size are done at once; going off-thread costs more. */
const SYNC_LIMIT = 32 * 1024
/** Copied into memory of V8's own: a buffer that Rust keeps costs three times as much to make and to forget. */
const COPIED = { copyOutputData: true }

/** The size that a block says it inflates to. */
export function snappyLength(block: Buffer): number {
  let length = 0
  for (let at = 0; at < Math.min(block.length, LONGEST_LENGTH); at++) {
    const byte = block[at]!
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return length
  }
  throw new SnappyError('no length')
}

/**
 * Inflates one block of the snappy format (github.com/google/snappy, `format_description.txt`), without its framing: what
 * HTTP senders mean by `Content-Encoding: snappy`. The caller has held the size it says against its limit.
 */
export async function inflateSnappy(block: Buffer): Promise<Buffer> {
  const { uncompress, uncompressSync } = await loadSnappy()
  try {
    const inflated = block.length <= SYNC_LIMIT ? uncompressSync(block, COPIED) : await uncompress(block, COPIED)
    return inflated as Buffer
  } catch (error) {
    throw new SnappyError((error as Error).message, error)
  }
}

/** Native, and loaded by the first body that needs it. */
const importSnappy = () => import('snappy')
let snappy: ReturnType<typeof importSnappy> | undefined
/** Asking the loader each time costs as much as inflating a frame. */
const loadSnappy = () => (snappy ??= importSnappy())

/** One block. Off-thread where it is large; `body` is no longer read when this settles. */
export async function deflateSnappy(body: Buffer): Promise<Buffer> {
  const { compress, compressSync } = await loadSnappy()
  return body.length <= SYNC_LIMIT ? compressSync(body, COPIED) : compress(body, COPIED)
}
