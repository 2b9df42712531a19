/** Bytes that are no snappy block. */
export class SnappyError extends Error {
  constructor(reason: string) {
    super(`malformed snappy block: ${reason}`)
    this.name = 'SnappyError'
  }
}

const LONGEST_LENGTH = 5

/** The size that a block says it inflates to, and where its elements begin. */
export function snappyLength(block: Buffer): { readonly length: number; readonly at: number } {
  let length = 0
  for (let at = 0; at < Math.min(block.length, LONGEST_LENGTH); at++) {
    const byte = block[at]!
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return { length, at: at + 1 }
  }
  throw new SnappyError('no length')
}

/**
 * Inflates one block of the snappy format (github.com/google/snappy, `format_description.txt`), without its framing: what
 * HTTP senders mean by `Content-Encoding: snappy`. The caller has held the size it says against its limit.
 */
export function inflateSnappy(block: Buffer): Buffer {
  const { length, at: start } = snappyLength(block)
  const out = Buffer.allocUnsafe(length)
  let written = 0
  for (let at = start; at < block.length;) {
    const tag = block[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let size = tag >>> 2
      const extra = size < 60 ? 0 : size - 59
      if (extra > 0) size = littleEndian(block, at, extra)
      at += extra
      size++
      if (size > block.length - at || size > length - written) throw new SnappyError('a literal too long')
      written += block.copy(out, written, at, at + size)
      at += size
      continue
    }
    const bytes = kind === 1 ? 1 : kind === 2 ? 2 : 4
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const offset = littleEndian(block, at, bytes) + (kind === 1 ? (tag >>> 5) * 256 : 0)
    at += bytes
    if (offset === 0 || offset > written) throw new SnappyError('a copy from before the beginning')
    if (size > length - written) throw new SnappyError('a copy too long')
    // A copy may reach into what it writes itself, so it goes byte by byte; it has at most 64.
    for (let i = 0; i < size; i++, written++) out[written] = out[written - offset]!
  }
  if (written !== length) throw new SnappyError('shorter than it says')
  return out
}

function littleEndian(block: Buffer, at: number, bytes: number): number {
  if (bytes > block.length - at) throw new SnappyError('cut off')
  return block.readUIntLE(at, bytes)
}
