import type { Count } from './count.ts'
import { exact } from './count.ts'

const NEWLINE = 0x0a
const SPACE = 0x20
const TAB = 0x09
const ZERO = 0x30
/** Digits that a double always holds exactly, and digits of the largest 64-bit number. */
const SAFE_DIGITS = 15
const MAX_DIGITS = 20
const DECIMAL = /^\d{1,20}(\.\d{1,20})?$/

/**
 * Walks over the text files of /proc: lines of fields between blanks. Reads bytes, and makes a string only of what is asked for
 * as one. A field that is missing, or is not what was asked for, reads as undefined.
 */
export class Fields {
  readonly #buffer: Buffer
  #at = 0
  #lineEnd = 0
  #nextLine = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** Goes to the next line, the first one at first. False where there is none. */
  nextLine(): boolean {
    if (this.#nextLine >= this.#buffer.length) return false
    const end = this.#buffer.indexOf(NEWLINE, this.#nextLine)
    this.#at = this.#nextLine
    this.#lineEnd = end < 0 ? this.#buffer.length : end
    this.#nextLine = this.#lineEnd + 1
    return true
  }

  word(): string | undefined {
    this.#skipBlanks()
    const start = this.#at
    this.#skipWord()
    return this.#at > start ? this.#buffer.toString('utf8', start, this.#at) : undefined
  }

  /** What stands before `mark` on this line, without blanks around it; goes on behind the mark. */
  upTo(mark: string): string | undefined {
    const end = this.#buffer.indexOf(mark, this.#at)
    if (end < 0 || end >= this.#lineEnd) return undefined
    const text = this.#buffer.toString('utf8', this.#at, end).trim()
    this.#at = end + mark.length
    return text
  }

  /** An unsigned integer of up to 64 bits. */
  integer(): Count | undefined {
    this.#skipBlanks()
    const start = this.#at
    let value = 0
    for (let at = start; at < this.#lineEnd && !this.#isBlank(at); at++) {
      const digit = (this.#buffer[at] as number) - ZERO
      if (digit < 0 || digit > 9) {
        this.#skipWord()
        return undefined
      }
      value = value * 10 + digit
      this.#at = at + 1
    }
    const digits = this.#at - start
    if (digits === 0 || digits > MAX_DIGITS) return undefined
    return digits <= SAFE_DIGITS ? value : exact(BigInt(this.#buffer.toString('latin1', start, this.#at)))
  }

  /** A number as /proc writes fractions: `0.42`. */
  decimal(): number | undefined {
    const word = this.word()
    return word !== undefined && DECIMAL.test(word) ? Number(word) : undefined
  }

  skip(fields: number): this {
    for (let field = 0; field < fields; field++) {
      this.#skipBlanks()
      this.#skipWord()
    }
    return this
  }

  #skipBlanks(): void {
    while (this.#at < this.#lineEnd && this.#isBlank(this.#at)) this.#at++
  }

  #skipWord(): void {
    while (this.#at < this.#lineEnd && !this.#isBlank(this.#at)) this.#at++
  }

  #isBlank(at: number): boolean {
    const byte = this.#buffer[at]
    return byte === SPACE || byte === TAB
  }
}

/** Undoes `\040`: the kernel writes blanks, line ends and backslashes of paths in octal. */
export const unescapeOctal = (path: string): string =>
  path.includes('\\')
    ? path.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : path
