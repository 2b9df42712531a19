import { cursor, LENGTH, readLength, readTag, skip } from '../wire/varint.ts'
import { Malformed } from '../wire/malformed.ts'

/**
 * One entry of a message, a tag and its value, as a forward scan finds it. A scan reuses a single `Entry`, which is why
 * `read` stores what it finds instead of returning it.
 */
export class Entry {
  field = 0
  wireType = 0
  /** Where the value begins: past the tag, and past the length of what has one. */
  start = 0
  end = 0

  /**
   * Reads the entry whose tag begins at `at`; returns where the next one begins. Looks at no byte at or past `limit`,
   * and throws `Malformed` where the value would reach past it.
   */
  read(buffer: Buffer, at: number, limit: number): number {
    const tag = readTag(buffer, at, limit)
    this.field = tag >>> 3
    this.wireType = tag & 7
    if (this.wireType === LENGTH) {
      const length = readLength(buffer, cursor.at, limit)
      this.start = cursor.at
      this.end = this.start + length
    } else {
      this.start = cursor.at
      this.end = skip(buffer, this.start, limit, tag)
    }
    return this.end
  }

  /** Whether the entry is an embedded message in `field`; a `field` with another wire type is malformed. */
  isMessage(field: number): boolean {
    if (this.field !== field) return false
    if (this.wireType !== LENGTH) throw new Malformed('a message has the wire type of a number', this.start)
    return true
  }
}
