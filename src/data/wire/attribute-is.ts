import { equals, isPlain } from './place.ts'

/** What was found out: it is another attribute; it is so; it is not; it is written in an unusual way, so that this cannot be said here. */
export const ANOTHER = 0
export const HOLDS = 1
export const FAILS = 2
export const UNSURE = 3

const KEY_TAG = 0x0a
const STRING_TAG = 0x0a

/** Whether an attribute has a text, or whether it has not, decided by its bytes alone. */
export class AttributeIs {
  readonly #key: Buffer
  readonly #text: Buffer
  readonly #same: number
  readonly #different: number

  constructor(key: Buffer, text: Buffer, negated: boolean) {
    this.#key = key
    this.#text = text
    this.#same = negated ? FAILS : HOLDS
    this.#different = negated ? HOLDS : FAILS
  }

  /** Looks at the KeyValue `[start, end)`. */
  judge(buffer: Buffer, start: number, end: number): number {
    const key = this.#key
    const size = key.length
    const keyStart = start + 2
    const valueTag = keyStart + size
    if (end < keyStart || buffer[start] !== KEY_TAG || !isPlain(buffer, start, end)) return UNSURE
    if (buffer[start + 1] !== size || !equals(buffer, keyStart, valueTag, key)) return ANOTHER
    if (end - valueTag < 4) return UNSURE
    const value = valueTag + (buffer[valueTag + 1]! < 0x80 ? 2 : 3)
    const text = value + 2
    // Of a string of less than 128 bytes, alone in its value, all is known.
    if (end < text || buffer[value] !== STRING_TAG || text + buffer[value + 1]! !== end) return UNSURE
    return equals(buffer, text, end, this.#text) ? this.#same : this.#different
  }
}
