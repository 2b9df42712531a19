/** Snappy's block format, and its framing format (https://github.com/google/snappy/blob/main/framing_format.txt), which gRPC's is. */
import { createRequire } from 'node:module'

const block = createRequire(import.meta.url)('snappy') as {
  compressSync(bytes: Buffer): Buffer
  uncompressSync(bytes: Buffer): Buffer
}
const STREAM_IDENTIFIER = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1')
const COMPRESSED = 0
const UNCOMPRESSED = 1
const LARGEST_CHUNK = 65_536

export const compressBlock = (bytes: Buffer): Buffer => block.compressSync(bytes)
export const uncompressBlock = (bytes: Buffer): Buffer => block.uncompressSync(bytes)

export function frame(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [STREAM_IDENTIFIER]
  for (let start = 0; start < bytes.length; start += LARGEST_CHUNK) {
    const piece = bytes.subarray(start, start + LARGEST_CHUNK)
    const data = block.compressSync(piece)
    const head = Buffer.alloc(8)
    head[0] = COMPRESSED
    head.writeUIntLE(data.length + 4, 1, 3)
    head.writeUInt32LE(masked(crc32c(piece)), 4)
    chunks.push(head, data)
  }
  return Buffer.concat(chunks)
}

export function unframe(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at]
    const end = at + 4 + bytes.readUIntLE(at + 1, 3)
    const data = bytes.subarray(at + 8, end)
    if (kind === COMPRESSED) pieces.push(block.uncompressSync(data))
    if (kind === UNCOMPRESSED) pieces.push(data)
    at = end
  }
  return Buffer.concat(pieces)
}

const masked = (sum: number): number => (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0

function crc32c(bytes: Buffer): number {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  }
  return ~sum >>> 0
}
