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

/**
 * A number from 0 up to, not including, 1 that depends on the value at `place` and on `seed` alone. Its first 14 bits
 * are the bucket of the Collector's `probabilistic_sampler` in mode `hash_seed`, so that both keep the same traces; the
 * other bits make ratios below 1/16384 possible.
 */
export function bucketOf(buffer: Buffer, place: Place, seed: number): number {
  let hash = OFFSET_BASIS
  for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((seed >>> shift) & 0xff), PRIME)
  hash = hashed(hash, buffer, place)
  return ((hash & (BUCKETS - 1)) * 2 ** (32 - BUCKET_BITS) + (hash >>> BUCKET_BITS)) / TWO_TO_32
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
