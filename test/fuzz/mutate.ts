import type { Random } from './random.ts'

/** No input grows beyond this by mutation. */
const LARGEST = 256 * 1024
const MOST_MUTATIONS = 6
const LONGEST_PIECE = 64

/** Bytes that mean much on the wire: ends of varints, tags of the first fields, groups. */
const TELLING = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x0b, 0x0c, 0x12, 0x1a, 0x22]
/** Varints that are lengths beyond any message, beyond 2^31, 2^53 and 2^64, and written longer than they must be. */
const HUGE_VARINTS = [
  'ffffffff07',
  'ffffffff0f',
  '8080808010',
  'ffffffffffffff0f',
  '80808080808080808001',
  'ffffffffffffffffff01',
  'ffffffffffffffffffff7f',
  '8080808080808080808000',
  '80818000',
].map((hex) => Buffer.from(hex, 'hex'))

type Mutation = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer

const replaced = (bytes: Buffer, at: number, length: number, piece: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + length)])

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    return bytes
  },
  function writeByte(bytes, random) {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.once(2) ? random.pick(TELLING) : random.below(256)
    return bytes
  },
  function remove(bytes, random) {
    return replaced(bytes, random.below(bytes.length + 1), 1 + random.below(LONGEST_PIECE), Buffer.alloc(0))
  },
  function insert(bytes, random) {
    return replaced(bytes, random.below(bytes.length + 1), 0, random.bytes(1 + random.below(8)))
  },
  function duplicate(bytes, random) {
    const from = random.below(bytes.length + 1)
    const piece = bytes.subarray(from, from + 1 + random.below(LONGEST_PIECE))
    return replaced(bytes, random.below(bytes.length + 1), 0, piece)
  },
  function repeat(bytes, random) {
    const from = random.below(bytes.length + 1)
    const piece = bytes.subarray(from, from + 1 + random.below(16))
    return replaced(bytes, from, 0, Buffer.concat(Array.from({ length: 2 ** random.below(10) }, () => piece)))
  },
  function splice(bytes, random, other) {
    const from = other()
    const at = random.below(from.length + 1)
    const length = random.below(from.length - at + 1)
    return replaced(bytes, random.below(bytes.length + 1), random.below(LONGEST_PIECE), from.subarray(at, at + length))
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1))
  },
  function insertHugeVarint(bytes, random) {
    return replaced(bytes, random.below(bytes.length + 1), random.below(3), random.pick(HUGE_VARINTS))
  },
  /** The same field within itself, again and again: lengths that fit, and depth. */
  function nest(bytes, random) {
    const tag = Buffer.of(random.pick([0x0a, 0x12, 0x1a, 0x2a, 0x32, 0x3a, 0x0b, 0x13]))
    let nested = bytes.subarray(0, Math.min(bytes.length, 2 ** random.below(12)))
    for (let depth = 2 ** random.below(10); depth > 0; depth--)
      nested = Buffer.concat([tag, varint(nested.length), nested])
    return nested
  },
  function reverse(bytes, random) {
    const at = random.below(bytes.length + 1)
    bytes.subarray(at, at + 2 + random.below(8)).reverse()
    return bytes
  },
]

/** A copy in which something is changed, in one to six ways. `others`: what pieces are taken from. */
export function mutate(whole: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let bytes = Buffer.concat([whole])
  for (let times = 1 + random.below(MOST_MUTATIONS); times > 0; times--) {
    // Some return a slice, whose bytes the next would write into.
    bytes = Buffer.concat([random.pick(MUTATIONS)(bytes, random, () => random.pick(others))])
    if (bytes.length > LARGEST) bytes = bytes.subarray(0, LARGEST)
  }
  return bytes
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
  return Buffer.from([...bytes, value])
}

/** Smaller versions of an input: pieces taken out, the largest first. */
export function* smallerBytes(bytes: Buffer): Iterable<Buffer> {
  for (let length = bytes.length >> 1; length >= 1; length >>= 1)
    for (let at = 0; at < bytes.length; at += length) yield replaced(bytes, at, length, Buffer.alloc(0))
}
