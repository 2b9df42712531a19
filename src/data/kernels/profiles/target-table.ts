import { LENGTH } from '../../wire/varint.ts'
import { Bytes } from './bytes.ts'

const FIRST_ENTRIES = 256
/** A table that grew beyond this many entries does not keep its memory. */
const LARGEST_KEPT = 64 * 1024
/**
 * How many entries are looked at before one is taken to be new. A table with equal entries is allowed, and so nobody
 * who chooses entries with colliding hashes can make a merge slow.
 */
const MOST_PROBES = 32
const SEED = Math.trunc(Math.random() * 2 ** 32) | 0

/** One table of a dictionary that is written: bytes that are entries one after another, of which no two are equal. */
export class TargetTable {
  readonly bytes = new Bytes()
  count = 0
  readonly #tag: number
  #places = new Int32Array(FIRST_ENTRIES * 2)
  #hashes = new Int32Array(FIRST_ENTRIES)
  /** By hash: index plus one; zero where there is none. At most half full. */
  #slots = new Int32Array(FIRST_ENTRIES * 2)
  /** By entry: its slot, or -1. */
  #slotOf = new Int32Array(FIRST_ENTRIES)

  constructor(field: number) {
    this.#tag = (field << 3) | LENGTH
  }

  /** Leaves the one entry that every table begins with, and which is empty. */
  clear(): void {
    this.bytes.clear()
    if (this.#hashes.length > LARGEST_KEPT) {
      this.#places = new Int32Array(FIRST_ENTRIES * 2)
      this.#hashes = new Int32Array(FIRST_ENTRIES)
      this.#slots = new Int32Array(FIRST_ENTRIES * 2)
      this.#slotOf = new Int32Array(FIRST_ENTRIES)
    } else this.#vacate()
    this.count = 0
    const { bytes } = this
    const start = this.begin(0)
    bytes.close(start, 0)
    this.#add(start, start, hashOf(bytes.buffer, start, start))
  }

  /** Begins an entry of about `expected` bytes in `bytes`; returns what `end` wants to know. */
  begin(expected: number): number {
    return this.bytes.open(this.#tag, expected)
  }

  /** Ends an entry: its index, which is that of an equal one where there is one already. */
  end(opened: number, expected: number, before: number): number {
    const { bytes } = this
    const start = bytes.close(opened, expected)
    const hash = hashOf(bytes.buffer, start, bytes.at)
    const known = this.#find(bytes.buffer, start, bytes.at, hash)
    if (known < 0) return this.#add(start, bytes.at, hash)
    bytes.at = before
    return known
  }

  /** The index of an entry of these bytes, which stand elsewhere: nothing is written where there is an equal one. */
  intern(source: Buffer, start: number, end: number): number {
    const hash = hashOf(source, start, end)
    const known = this.#find(source, start, end, hash)
    if (known >= 0) return known
    const { bytes } = this
    const opened = this.begin(end - start)
    bytes.copy(source, start, end)
    return this.#add(bytes.close(opened, end - start), bytes.at, hash)
  }

  #find(source: Buffer, start: number, end: number, hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let probe = 0, slot = hash & mask; probe < MOST_PROBES; probe++, slot = (slot + 1) & mask) {
      const index = slots[slot]! - 1
      if (index < 0) return -1
      if (this.#hashes[index] === hash && this.#equals(index, source, start, end)) return index
    }
    return -1
  }

  #equals(index: number, source: Buffer, start: number, end: number): boolean {
    const from = this.#places[index * 2]!
    const length = end - start
    if (this.#places[index * 2 + 1]! - from !== length) return false
    const { buffer } = this.bytes
    if (length > LONG) return buffer.compare(source, start, end, from, from + length) === 0
    for (let offset = 0; offset < length; offset++) if (buffer[from + offset] !== source[start + offset]) return false
    return true
  }

  #add(start: number, end: number, hash: number): number {
    const index = this.count++
    if (index === this.#hashes.length) this.#grow()
    this.#places[index * 2] = start
    this.#places[index * 2 + 1] = end
    this.#hashes[index] = hash
    this.#file(index)
    return index
  }

  #file(index: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    this.#slotOf[index] = NOWHERE
    let slot = this.#hashes[index]! & mask
    for (let probe = 0; probe < MOST_PROBES; probe++, slot = (slot + 1) & mask) {
      if (slots[slot] !== 0) continue
      slots[slot] = index + 1
      this.#slotOf[index] = slot
      return
    }
  }

  /** Costs what the entries did, not what the table once grew to. */
  #vacate(): void {
    for (let index = 0; index < this.count; index++) {
      const slot = this.#slotOf[index]!
      if (slot !== NOWHERE) this.#slots[slot] = 0
    }
  }

  #grow(): void {
    const entries = this.#hashes.length * 2
    const places = new Int32Array(entries * 2)
    places.set(this.#places)
    this.#places = places
    const hashes = new Int32Array(entries)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    this.#slots = new Int32Array(entries * 2)
    this.#slotOf = new Int32Array(entries)
    for (let index = 0; index < this.count - 1; index++) this.#file(index)
  }
}

const NOWHERE = -1
/** More bytes than this are compared by native code. */
const LONG = 64

/** Of 32 bits, four bytes at a time, seeded for this process. */
function hashOf(buffer: Buffer, start: number, end: number): number {
  let hash = SEED ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ buffer[at]!, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
