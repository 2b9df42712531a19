import { createRequire } from 'node:module'
import type * as Snappy from 'snappy'

/** Bytes that are not snappy. */
export class SnappyError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`malformed snappy block: ${reason}`, { cause })
    this.name = 'SnappyError'
  }
}

/** A varint of 32 bits. */
const LONGEST_LENGTH = 5
/** Blocks up to this size are done at once; going off-thread costs more. Snappy is fast: this is a tenth of a millisecond. */
const SYNC_LIMIT = 64 * 1024
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
  if (block.length <= SYNC_LIMIT) return inflateSnappyNow(block)
  try {
    return (await loadSnappy().uncompress(block, COPIED)) as Buffer
  } catch (error) {
    throw new SnappyError((error as Error).message, error)
  }
}

/** The same on the event loop. */
export function inflateSnappyNow(block: Buffer): Buffer {
  try {
    return loadSnappy().uncompressSync(block, COPIED) as Buffer
  } catch (error) {
    throw new SnappyError((error as Error).message, error)
  }
}

/** Native, and loaded by the first body that needs it. */
const require = createRequire(import.meta.url)
let snappy: typeof Snappy | undefined
export const loadSnappy = () => (snappy ??= require('snappy') as typeof Snappy)

/** One block. Off-thread where it is large; `body` is no longer read when this settles. */
export async function deflateSnappy(body: Buffer): Promise<Buffer> {
  return body.length <= SYNC_LIMIT ? deflateSnappyNow(body) : loadSnappy().compress(body, COPIED)
}

/** The same on the event loop. */
export const deflateSnappyNow = (body: Buffer): Buffer => loadSnappy().compressSync(body, COPIED)
