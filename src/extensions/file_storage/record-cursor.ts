import { checksumOf } from './checksum.ts'
import { isUnreadable, readFully } from './files.ts'
import type { File } from './files.ts'
import { decodeHeader, HEADER_BYTES, SALT_BYTES } from './segment-format.ts'
import type { RecordHeader } from './segment-format.ts'

/** A disk fails to read so many together. */
const PAGE_BYTES = 4096
/** Of one segment so many are tried and passed over: each may take seconds. */
export const MAX_UNREADABLE_PAGES = 64

/** Goes through the records of one segment, over what is damaged, with a window of its bytes in memory. */
export class RecordCursor {
  /** Where the next record is looked for. */
  offset: number
  /** Where the records end: nothing from there on is looked at. */
  end: number
  readonly #file: File
  readonly #salt: Buffer
  readonly #window: Buffer
  #windowAt = 0
  #windowLength = 0

  constructor(file: File, salt: Buffer, { offset, end, window }: { offset: number; end: number; window: Buffer }) {
    this.#file = file
    this.#salt = salt
    this.#window = window
    this.offset = offset
    this.end = end
  }

  /** The next sound header; undefined where there is none. The offset is then behind its record. */
  async next(): Promise<RecordHeader | undefined> {
    while (this.offset + HEADER_BYTES <= this.end) {
      if (!(await this.#see(this.offset, HEADER_BYTES))) break
      const header = decodeHeader(this.#seen, this.offset - this.#windowAt, this.offset, this.#salt)
      if (header === 'end') break
      if (header !== undefined) {
        // Cut short: there is nothing behind it.
        if (header.at + header.length > this.end) break
        this.offset = header.at + header.length
        return header
      }
      await this.#search()
    }
    return undefined
  }

  /** Goes on behind what the disk could not read. */
  skipUnreadable(): void {
    this.offset = Math.min(this.end, (Math.floor(this.offset / PAGE_BYTES) + 1) * PAGE_BYTES)
  }

  /** Reads the contents into the beginning of `target`; whether they are sound. */
  async read({ at, length, checksum }: RecordHeader, target: Buffer): Promise<boolean> {
    const contents = target.subarray(0, length)
    const from = at - this.#windowAt
    const seen = from >= 0 && from < this.#windowLength ? this.#seen.copy(contents, 0, from) : 0
    if (seen < length && (await readFully(this.#file, contents.subarray(seen), at + seen)) < length - seen) return false
    return checksumOf([contents]) === checksum
  }

  /** Sets the offset on the next place behind it where a header may begin. */
  async #search(): Promise<void> {
    this.offset++
    while (await this.#see(this.offset, SALT_BYTES)) {
      const found = this.#seen.indexOf(this.#salt, this.offset - this.#windowAt)
      if (found >= 0) return void (this.offset = this.#windowAt + found)
      // A salt may begin in the last bytes of the window.
      this.offset = this.#windowAt + this.#windowLength - SALT_BYTES + 1
    }
    this.offset = this.end
  }

  /** Brings `length` bytes from `at` on into the window; false where the file has no more so many. */
  async #see(at: number, length: number): Promise<boolean> {
    if (at >= this.#windowAt && at + length <= this.#windowAt + this.#windowLength) return true
    if (at + length > this.end) return false
    this.#windowAt = at
    this.#windowLength = 0
    const window = this.#window.subarray(0, this.end - at)
    try {
      this.#windowLength = await readFully(this.#file, window, at)
    } catch (error) {
      // What cannot be read must not cost what stands in front of it.
      const near = Math.max(length, PAGE_BYTES - (at % PAGE_BYTES))
      if (!isUnreadable(error) || near >= window.length) throw error
      this.#windowLength = await readFully(this.#file, window.subarray(0, near), at)
    }
    return this.#windowLength >= length
  }

  get #seen(): Buffer {
    return this.#window.subarray(0, this.#windowLength)
  }
}
