import type { AttributeIs } from './attribute-is.ts'
import * as wire from './varint.ts'

// Kept to the module, so that the compiler folds them: see message.ts.
const { FIXED32, FIXED64, LENGTH, VARINT } = wire

/** Fields are looked for by a tag below this: of one byte, or of two of which the second is 1. */
const TAGS = 256
const SLOTS = 256
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

/**
 * What is looked for in messages of one type: fields by tag, attributes by key. A tape that is scanned for it holds the rest
 * only as pieces between them, which is a fraction of the entries.
 */
export class Interest {
  readonly #actions = new Uint8Array(TAGS)
  /** Not 0 at the slot of a key that is looked for; others may have the same. */
  readonly #keys = new Uint8Array(SLOTS)
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
  key(key: Buffer): void {
    // One without length is always looked at.
    if (key.length > 0) this.#keys[slot(key.length, key[key.length - 1]!)] = 1
  }

  /**
   * Where the first field from `start` on begins that may be looked for, or that is not written as encoders write them;
   * `end` where there is none. Calls nothing, so that the compiler keeps what it works on in registers.
   */
  next(buffer: Buffer, start: number, end: number): number {
    const actions = this.#actions
    const keys = this.#keys
    const last = end - 1
    let at = start
    while (at < last) {
      const tag = buffer[at]!
      const action = actions[tag]!
      let value = at + 1
      if (tag >= 0x80 && (buffer[value++] !== 1 || value === end)) return at
      let next: number
      if (action === ATTRIBUTE || action === PASS_LENGTH) {
        let length = buffer[value++]!
        if (length >= 0x80) {
          if (value === end || buffer[value]! >= 0x80) return at
          length = (length & 0x7f) | (buffer[value++]! << 7)
        }
        next = value + length
        if (action === ATTRIBUTE) {
          // A key of less than 128 bytes, then a value of less than 16 KiB, then nothing.
          if (length < 4 || next > end || buffer[value] !== KEY_TAG) return at
          const size = buffer[value + 1]!
          const keyEnd = value + 2 + size
          if (size === 0 || size >= 0x80 || keyEnd + 2 > next || buffer[keyEnd] !== VALUE_TAG) return at
          const low = buffer[keyEnd + 1]!
          if (low < 0x80 ? keyEnd + 2 + low !== next : !endsAt(buffer, keyEnd + 1, next)) return at
          if (keys[slot(size, buffer[keyEnd - 1]!)] !== 0) return at
        }
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

/** Whether a length of two bytes at `at` leads to `end`. */
const endsAt = (buffer: Buffer, at: number, end: number): boolean =>
  at + 2 <= end && buffer[at + 1]! < 0x80 && at + 2 + ((buffer[at]! & 0x7f) | (buffer[at + 1]! << 7)) === end

/** Keys often begin alike, but seldom are as long as one another and end alike. */
const slot = (length: number, last: number): number => ((length << 3) ^ last) & (SLOTS - 1)

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
