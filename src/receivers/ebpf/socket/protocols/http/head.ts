import type { Interner } from '../../interner.ts'
import { KnownLines } from './known-lines.ts'
import { endsWith, isNamed, lengthValue, valueEnd, valueStart } from './header-line.ts'
import type { CapturedHeader, TraceParent, WantedHeader } from './message.ts'

/** What a head reader answers instead of where the head ends. */
export const INCOMPLETE = -1
export const NOT_A_HEAD = -2

/** Headers of one name that are kept. */
const CAPTURED_MOST = 32
/** Bytes of a captured value that are kept. */
const VALUE_BYTES_MOST = 1024

const CR = 0x0d
const LF = 0x0a

export const LENGTH = 0
export const ENCODING = 1
export const HOST = 2
export const USER_AGENT = 3
export const TRACE_PARENT = 4
export const TRACE_STATE = 5

/** What a line says that somebody wants to know. */
export interface Said {
  /** Undefined where it was only to be captured. */
  readonly about:
    | typeof LENGTH
    | typeof ENCODING
    | typeof HOST
    | typeof USER_AGENT
    | typeof TRACE_PARENT
    | typeof TRACE_STATE
    | undefined
  readonly text: string | undefined
  /** A length, -1 where it is none; of an encoding 1 where it is chunks. */
  readonly number: number
  readonly traceParent: TraceParent | undefined
  readonly captured: CapturedHeader | undefined
}

/** Reads the lines that are not about framing. */
export interface LineReader {
  /** `first` is the first byte in lower case, `end` the line's feed. Undefined where it has nothing to say. */
  line(bytes: Buffer, first: number, at: number, end: number): Said | undefined
  heed(said: Said): void
  /** Reads and heeds a `traceparent` that is written as everybody does; returns the line's length with its end, 0 where it is anything else. */
  traceParent(bytes: Buffer, at: number, to: number): number
}

/**
 * The header lines of one message: how its body is framed, and what the user wants to see. A line that was read before is known by its
 * bytes; of others, the first letter decides whether they are looked at.
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
  /** Unless somebody wants to see what it says. */
  readonly #readsTraceParent: boolean
  readonly #known = new KnownLines<Said>()

  constructor(interner: Interner, wanted: readonly WantedHeader[], special: LineReader | undefined) {
    this.#interner = interner
    this.#wanted = wanted
    this.#special = special
    this.#readsTraceParent = special !== undefined && !wanted.some(({ name }) => name === 'traceparent')
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
      // `traceparent` says something else each time.
      const isKnowable = (first | 0x20) !== LETTER_T
      if (!isKnowable && this.#readsTraceParent) {
        const length = this.#special!.traceParent(bytes, at, to)
        if (length > 0) {
          at += length
          continue
        }
      }
      const length = isKnowable ? this.#known.find(bytes, at, to) : 0
      if (length > 0) {
        if (this.#known.said !== undefined) this.#heed(this.#known.said)
        at += length
        continue
      }
      const end = lineEnd(bytes, at, to, stride)
      if (end < 0) return INCOMPLETE
      const said = this.#line(bytes, first | 0x20, at, end)
      if (isKnowable) this.#known.learn(bytes, at, end + 1, said)
      if (said !== undefined) this.#heed(said)
      at = end + 1
    }
    return INCOMPLETE
  }

  #line(bytes: Buffer, first: number, at: number, end: number): Said | undefined {
    const said = framing(bytes, first, at, end) ?? this.#special?.line(bytes, first, at, end)
    if (this.#wanted.length === 0) return said
    const captured = this.#capture(bytes, at, end)
    return captured ? { ...(said ?? NOTHING), captured } : said
  }

  #capture(bytes: Buffer, at: number, end: number): CapturedHeader | undefined {
    for (const header of this.#wanted) {
      if (!isNamed(bytes, at, end, header.name)) continue
      const start = valueStart(bytes, at + header.name.length + 1, end)
      const stop = Math.min(valueEnd(bytes, start, end), start + VALUE_BYTES_MOST)
      return { header, value: header.isRedacted ? 'REDACTED' : this.#interner.text(bytes, start, stop) }
    }
    return undefined
  }

  #heed(said: Said): void {
    switch (said.about) {
      case LENGTH:
        if (said.number < 0 || (this.contentLength >= 0 && this.contentLength !== said.number))
          this.isLengthWrong = true
        else this.contentLength = said.number
        break
      case ENCODING:
        this.hasTransferEncoding = true
        this.isChunked = said.number === 1
        break
      default:
        this.#special?.heed(said)
    }
    if (said.captured === undefined) return
    const captured = (this.captured ??= [])
    if (captured.length < CAPTURED_MOST) captured.push(said.captured)
  }
}

export const says = (
  about: Said['about'],
  { text, number = 0, traceParent }: Partial<Pick<Said, 'text' | 'number' | 'traceParent'>>,
): Said => ({ about, text, number, traceParent, captured: undefined })

const NOTHING = says(undefined, {})

/** `content-length` and `transfer-encoding`. */
function framing(bytes: Buffer, first: number, at: number, end: number): Said | undefined {
  if (first === LETTER_C) {
    if (!isNamed(bytes, at, end, 'content-length')) return undefined
    const start = valueStart(bytes, at + 15, end)
    return says(LENGTH, { number: lengthValue(bytes, start, valueEnd(bytes, start, end)) })
  }
  if (first !== LETTER_T || !isNamed(bytes, at, end, 'transfer-encoding')) return undefined
  const start = valueStart(bytes, at + 18, end)
  return says(ENCODING, { number: endsWith(bytes, start, valueEnd(bytes, start, end), 'chunked') ? 1 : 0 })
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

export const LETTER_C = 0x63
export const LETTER_H = 0x68
export const LETTER_T = 0x74
export const LETTER_U = 0x75
