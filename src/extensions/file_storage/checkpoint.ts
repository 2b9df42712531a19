import { KeyRanges } from './key-ranges.ts'
import { SALT_BYTES } from './segment-format.ts'

/** body = next-key(6) salt(8) count(4) {from(6) to(6)}*, little-endian. */
const FIXED_BYTES = 6 + SALT_BYTES + 4
const RANGE_BYTES = 12
/** Settled ranges beyond so many are not written down: after a crash their records come once more. */
const MAX_RANGES = 5_000
/** What is set apart for a checkpoint: some 1,300 ranges, where a queue at work has a few dozen. */
export const RESERVED_BYTES = 16 * 1024

export interface Checkpoint {
  readonly nextKey: number
  readonly salt: Buffer
  readonly settled: KeyRanges
}

export function encodeCheckpoint({ nextKey, salt, settled }: Checkpoint): Buffer {
  const count = Math.min(settled.ranges, MAX_RANGES)
  const body = Buffer.alloc(FIXED_BYTES + count * RANGE_BYTES)
  body.writeUIntLE(nextKey, 0, 6)
  salt.copy(body, 6)
  body.writeUInt32LE(count, 6 + SALT_BYTES)
  let at = FIXED_BYTES
  for (const [from, to] of settled) {
    if (at === body.length) break
    body.writeUIntLE(from, at, 6)
    body.writeUIntLE(to, at + 6, 6)
    at += RANGE_BYTES
  }
  return body
}

/** Undefined where it makes no sense, although its checksum is right. */
export function decodeCheckpoint(body: Buffer): Checkpoint | undefined {
  if (body.length < FIXED_BYTES) return undefined
  const nextKey = body.readUIntLE(0, 6)
  const count = body.readUInt32LE(6 + SALT_BYTES)
  if (body.length !== FIXED_BYTES + count * RANGE_BYTES) return undefined
  const settled = new KeyRanges()
  for (let at = FIXED_BYTES; at < body.length; at += RANGE_BYTES) {
    const to = body.readUIntLE(at + 6, 6)
    if (to > nextKey) return undefined
    settled.add(body.readUIntLE(at, 6), to)
  }
  return { nextKey, salt: Buffer.from(body.subarray(6, 6 + SALT_BYTES)), settled }
}
