import type { AttributeIs } from './attribute-is.ts'
import { ANY_KEY, type Key, markOf, SLOTS, slotOf } from './key.ts'
import { isPlain } from './place.ts'
import * as wire from './varint.ts'

// Kept to the module, so that the compiler folds them: see message.ts.
const { FIXED32, FIXED64, LENGTH, VARINT } = wire

/** Fields are looked for by a tag below this: of one byte, or of two of which the second is 1. */
const TAGS = 256
const LONGEST_VARINT = 10

/** What becomes of a field, by the first byte of its tag. `LOOK`: what is looked for, or seldom enough to be looked at. */
const LOOK = 0
const PASS_LENGTH = 1
const ATTRIBUTE = 2
const PASS_VARINT = 3
const PASS_8 = 4
const PASS_4 = 5

/** Tags of a KeyValue's key and value. */
const KEY_TAG = 0x0a
const VALUE_TAG = 0x12

/** What is noted of records of one type, where not 0: fields by the first byte of their tag, attributes by slot and by length of their key. */
export interface Wanted {
  readonly tags: Uint8Array
  readonly keys: Uint8Array
  readonly lengths: Uint8Array
}

/**
 * What is looked for in messages of one type: fields by tag, attributes by key. A tape that is scanned for it holds the rest
 * only as pieces between them, which is a fraction of the entries.
 */
export class Interest {
  readonly #actions = new Uint8Array(TAGS)
  /** Not 0 at the slot of a key that is looked for; others may have the same. */
  readonly #keys = new Uint8Array(SLOTS)
  /** Not 0 for the lengths of those keys. */
  readonly #lengths = new Uint8Array(SLOTS)
  readonly attributes: number

  /**
   * What the first act drops a record for as soon as the attribute is met, because of equal keys the first one counts: what follows need
   * not be looked at.
   */
  dropsIf: AttributeIs | undefined

  /** `attributes`: the tag of those. */
  constructor(attributes: number) {
    this.attributes = attributes
    for (let tag = 8; tag < TAGS; tag++) this.#actions[tag] = passing(tag & 7)
    this.#actions[attributes] = ATTRIBUTE
  }

  /** Looks for fields with this tag; false where that cannot be. */
  field(tag: number): boolean {
    if (tag >= TAGS || tag === this.attributes) return false
    this.#actions[tag] = LOOK
    return true
  }

  /** Looks for attributes with this key. */
  key({ bytes }: Key): void {
    this.#keys[slotOf(bytes.length, bytes.at(-1) ?? 0)] = 1
    if (bytes.length < SLOTS) this.#lengths[bytes.length] = 1
  }

  /** The same, for validation to note. */
  get wanted(): Wanted {
    const tags = this.#actions.map((action) => (action === LOOK ? 1 : 0))
    return { tags, keys: this.#keys, lengths: this.#lengths }
  }

  /**
   * Where the first field from `start` on begins that may be looked for, or that is not written as encoders write them;
   * `end` where there is none. Calls nothing, so that the compiler keeps what it works on in registers.
   */
  next(buffer: Buffer, start: number, end: number): number {
    const actions = this.#actions
    const keys = this.#keys
    const last = (end - 1) | 0
    let at = start | 0
    while (at < last) {
      const tag = buffer[at]!
      const action = actions[tag]!
      if (action === ATTRIBUTE) {
        const after = afterOthers(buffer, keys, tag, at, end)
        if (after !== at) {
          at = after
          continue
        }
      }
      let value = at + 1
      if (tag >= 0x80 && (buffer[value++] !== 1 || value === end)) return at
      let next: number
      if (action === ATTRIBUTE || action === PASS_LENGTH) {
        let length = buffer[value++]!
        if (length >= 0x80) {
          if (value === end || buffer[value]! >= 0x80) return at
          length = (length & 0x7f) | (buffer[value++]! << 7)
        }
        next = (value + length) | 0
        if (action === ATTRIBUTE && (next > end || isLookedFor(buffer, keys, value, next))) return at
      } else if (action === PASS_8) next = value + 8
      else if (action === PASS_VARINT) {
        next = value + 1
        while (buffer[next - 1]! >= 0x80 && next < end) next++
        if (buffer[next - 1]! >= 0x80 || next - value > LONGEST_VARINT) return at
      } else if (action === PASS_4) next = value + 4
      else return at
      if (next > end) return at
      at = next
    }
    return at
  }
}

/** Where, in a row of attributes, the first one from `start` on begins that may be looked for, or is 128 bytes or longer, or the row ends. */
function afterOthers(buffer: Buffer, keys: Uint8Array, tag: number, start: number, end: number): number {
  let at = start
  while (end - at >= 7 && buffer[at] === tag) {
    const next = at + 2 + buffer[at + 1]!
    const size = buffer[at + 3]!
    const keyEnd = at + 4 + size
    // Lengths from 128 on have their high bit set, and so are found to miss the end, or reach past it.
    if (next > end || buffer[at + 2] !== KEY_TAG || size === 0 || keyEnd + 2 > next) return at
    if (buffer[at + 1]! >= 0x80 || buffer[keyEnd] !== VALUE_TAG || keyEnd + 2 + buffer[keyEnd + 1]! !== next) return at
    if (keys[slotOf(size, buffer[keyEnd - 1]!)] !== 0) return at
    at = next
  }
  return at
}

/** The marks of the keys that the KeyValue `[start, end)` may have: all where it is written so that its key hides. */
export function marksOf(buffer: Buffer, start: number, end: number): number {
  if (!isPlain(buffer, start, end)) return ANY_KEY
  const size = buffer[start + 1]!
  return markOf(slotOf(size, buffer[start + 1 + size]!))
}

/** Whether the KeyValue `[start, end)` may be looked for, or is not a key of less than 128 bytes, then a value of less than 16 KiB, then nothing. */
function isLookedFor(buffer: Buffer, keys: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4 || buffer[start] !== KEY_TAG) return true
  const size = buffer[start + 1]!
  const keyEnd = start + 2 + size
  if (size === 0 || size >= 0x80 || keyEnd + 2 > end || buffer[keyEnd] !== VALUE_TAG) return true
  const low = buffer[keyEnd + 1]!
  if (low < 0x80 ? keyEnd + 2 + low !== end : !endsAt(buffer, keyEnd + 1, end)) return true
  return keys[slotOf(size, buffer[keyEnd - 1]!)] !== 0
}

/** Whether a length of two bytes at `at` leads to `end`. */
const endsAt = (buffer: Buffer, at: number, end: number): boolean =>
  at + 2 <= end && buffer[at + 1]! < 0x80 && at + 2 + ((buffer[at]! & 0x7f) | (buffer[at + 1]! << 7)) === end

function passing(wireType: number): number {
  switch (wireType) {
    case VARINT:
      return PASS_VARINT
    case FIXED64:
      return PASS_8
    case LENGTH:
      return PASS_LENGTH
    case FIXED32:
      return PASS_4
    default:
      return LOOK
  }
}
