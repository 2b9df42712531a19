import type { Bits } from '../sampling/bits.ts'
import * as kinds from '../wire/place.ts'
import type { Place } from '../wire/place.ts'
import { scalarBytes } from './digest.ts'

// FNV-1a of 32 bits, http://www.isthe.com/chongo/tech/comp/fnv/
const OFFSET_BASIS = 0x811c9dc5 | 0
const PRIME = 0x01000193

/** The Collector's `hash_seed` sampling puts values into as many buckets by the low bits of the hash. */
const BUCKET_BITS = 14
const BUCKETS = 2 ** BUCKET_BITS
const TWO_TO_32 = 2 ** 32
const TRACE_ID_BYTES = 16

/** What a trace id that is absent, or all zeros, has none of: the randomness of its last 56 bits. */
export function randomnessOfTraceId(buffer: Buffer, { start, end }: Place): Bits | undefined {
  if (!isTraceId(buffer, start, end)) return undefined
  const middle = buffer[end - 4]!
  return {
    high: (buffer[end - 7]! << 20) | (buffer[end - 6]! << 12) | (buffer[end - 5]! << 4) | (middle >>> 4),
    low: ((middle & 0xf) << 24) | (buffer[end - 3]! << 16) | (buffer[end - 2]! << 8) | buffer[end - 1]!,
  }
}

/** The hash of a trace id; undefined for one that is absent or all zeros. */
export const hashOfTraceId = (buffer: Buffer, { start, end }: Place, seed: number): Bits | undefined =>
  isTraceId(buffer, start, end) ? hashOf(buffer, start, end, seed) : undefined

/**
 * A hash as randomness, in which the bucket, counted from the other end, stands in the first 14 bits: a threshold then keeps
 * the same values as the buckets below it did. What follows fills the 56 bits as the Collector fills them. Undefined for no bytes.
 */
export function hashOf(buffer: Buffer, start: number, end: number, seed: number): Bits | undefined {
  if (start === end) return undefined
  const hash = hashBytes(seeded(seed), buffer, start, end)
  const bucket = hash & (BUCKETS - 1)
  const rest = hash >>> (32 - BUCKET_BITS)
  const mixed = rest ^ (rest << 10)
  return {
    high: ((BUCKETS - 1 - bucket) << BUCKET_BITS) | (mixed >>> BUCKET_BITS),
    low: ((mixed & (BUCKETS - 1)) << BUCKET_BITS) | bucket,
  }
}

function isTraceId(buffer: Buffer, start: number, end: number): boolean {
  if (end - start !== TRACE_ID_BYTES) return false
  for (let at = start; at < end; at++) if (buffer[at] !== 0) return true
  return false
}

/**
 * A number from 0 up to, not including, 1 that depends on the value at `place` and on `seed` alone. Its first 14 bits
 * are the bucket of the Collector's `probabilistic_sampler` in mode `hash_seed`, so that both keep the same traces; the
 * other bits make ratios below 1/16384 possible.
 */
export function bucketOf(buffer: Buffer, place: Place, seed: number): number {
  const hash = hashed(seeded(seed), buffer, place)
  return ((hash & (BUCKETS - 1)) * 2 ** (32 - BUCKET_BITS) + (hash >>> BUCKET_BITS)) / TWO_TO_32
}

function seeded(seed: number): number {
  let hash = OFFSET_BASIS
  for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((seed >>> shift) & 0xff), PRIME)
  return hash
}

function hashed(hash: number, buffer: Buffer, place: Place): number {
  const isRaw = place.kind === kinds.IDENTIFIER || place.kind === kinds.STRING
  const bytes = isRaw ? undefined : scalarBytes(buffer, place)
  if (bytes !== undefined) return hashBytes(hash, bytes, 0, bytes.length)
  return hashBytes(hash, buffer, place.start, place.end)
}

function hashBytes(hash: number, bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, PRIME)
  return hash
}
