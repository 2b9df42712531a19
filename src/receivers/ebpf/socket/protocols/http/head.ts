import type { Interner } from '../../interner.ts'
import { endsWith, isNamed, lengthValue, valueEnd, valueStart } from './header-line.ts'
import type { CapturedHeader, WantedHeader } from './message.ts'

/** What a head reader answers instead of where the head ends. */
export const INCOMPLETE = -1
export const NOT_A_HEAD = -2

/** Headers of one name that are kept. */
const CAPTURED_MOST = 32
/** Bytes of a captured value that are kept. */
const VALUE_BYTES_MOST = 1024

const CR = 0x0d
const LF = 0x0a

/**
 * The header lines of one message: how its body is framed, and what the user wants to see. One pass over the bytes, in which a line's
 * first letter decides whether it is looked at.
 */
export class HeaderLines {
  contentLength = -1
  /** Two lengths that differ, or one that is none: nobody knows. */
  isLengthWrong = false
  isChunked = false
  hasTransferEncoding = false
  captured: CapturedHeader[] | undefined
  readonly #interner: Interner
  readonly #wanted: readonly WantedHeader[]
  readonly #special: LineReader | undefined

  /** `special` looks at the lines that are not about framing. */
  constructor(interner: Interner, wanted: readonly WantedHeader[], special: LineReader | undefined) {
    this.#interner = interner
    this.#wanted = wanted
    this.#special = special
  }

  clear(): void {
    this.contentLength = -1
    this.isLengthWrong = false
    this.isChunked = false
    this.hasTransferEncoding = false
    this.captured = undefined
  }

  /** Reads lines up to the blank one; returns what is behind it, or `INCOMPLETE` where there is none before `to`. A line stands before `from`. */
  read(bytes: Buffer, from: number, to: number): number {
    // Where lines end with two bytes, one of them is met by looking at every other byte.
    const stride = bytes[from - 2] === CR ? 2 : 1
    let at = from
    while (at < to) {
      const first = bytes[at]!
      if (first === LF) return at + 1
      if (first === CR) {
        if (at + 1 >= to) return INCOMPLETE
        if (bytes[at + 1] === LF) return at + 2
      }
      const end = lineEnd(bytes, at, to, stride)
      if (end < 0) return INCOMPLETE
      this.#line(bytes, first | 0x20, at, end)
      at = end + 1
    }
    return INCOMPLETE
  }

  #line(bytes: Buffer, first: number, at: number, end: number): void {
    if (first === LETTER_C) {
      if (isNamed(bytes, at, end, 'content-length')) this.#length(bytes, at + 15, end)
    } else if (first === LETTER_T) {
      if (isNamed(bytes, at, end, 'transfer-encoding')) this.#encoding(bytes, at + 18, end)
    }
    if (this.#special !== undefined) this.#special.line(bytes, first, at, end)
    if (this.#wanted.length > 0) this.#capture(bytes, at, end)
  }

  #length(bytes: Buffer, from: number, to: number): void {
    const start = valueStart(bytes, from, to)
    const length = lengthValue(bytes, start, valueEnd(bytes, start, to))
    if (length < 0 || (this.contentLength >= 0 && this.contentLength !== length)) this.isLengthWrong = true
    else this.contentLength = length
  }

  #encoding(bytes: Buffer, from: number, to: number): void {
    const start = valueStart(bytes, from, to)
    this.hasTransferEncoding = true
    this.isChunked = endsWith(bytes, start, valueEnd(bytes, start, to), 'chunked')
  }

  #capture(bytes: Buffer, at: number, end: number): void {
    for (const header of this.#wanted) {
      if (!isNamed(bytes, at, end, header.name)) continue
      const captured = (this.captured ??= [])
      if (captured.length >= CAPTURED_MOST) return
      const start = valueStart(bytes, at + header.name.length + 1, end)
      const stop = Math.min(valueEnd(bytes, start, end), start + VALUE_BYTES_MOST)
      captured.push({ header, value: header.isRedacted ? 'REDACTED' : this.#interner.text(bytes, start, stop) })
      return
    }
  }
}

/** The line's feed; -1 where there is none before `to`. */
function lineEnd(bytes: Buffer, at: number, to: number, stride: number): number {
  while (at < to) {
    const byte = bytes[at]!
    if (byte > CR) at += stride
    else if (byte === LF) return at
    else at++
  }
  return -1
}

/** Looks at header lines: `first` is the first byte in lower case, `end` the line's feed. */
export interface LineReader {
  line(bytes: Buffer, first: number, at: number, end: number): void
}

export const LETTER_C = 0x63
export const LETTER_H = 0x68
export const LETTER_T = 0x74
export const LETTER_U = 0x75
