import type { Interner } from '../../interner.ts'
import { HeaderLines, INCOMPLETE, NOT_A_HEAD } from './head.ts'
import type { Body } from './body.ts'
import type { Heads } from './http-parser.ts'
import type { HttpAnswer, HttpRequest, WantedHeader } from './message.ts'
import { KnownLines } from './known-lines.ts'
import { VERSION } from './request-line.ts'

const SPACE = 0x20
const LF = 0x0a
const CR = 0x0d
const NO_CONTENT = 204
const NOT_MODIFIED = 304
/** Bytes up to the status: "HTTP/1.1 200". */
const STATUS_END = 12

interface StatusLine {
  readonly version: string
  readonly status: number
}

/** Reads the heads of answers, one after the other. */
export class AnswerHead implements Heads<HttpAnswer> {
  readonly #lines: HeaderLines
  readonly #known = new KnownLines<StatusLine>()
  /** What the first line says; undefined where so much was not read. */
  #line: StatusLine | undefined

  constructor(interner: Interner, headers: readonly WantedHeader[]) {
    this.#lines = new HeaderLines(interner, headers, undefined)
  }

  /** As of a request. */
  read(bytes: Buffer, from: number, to: number): number {
    this.#lines.clear()
    const length = this.#known.find(bytes, from, to)
    if (length > 0) {
      this.#line = this.#known.said!
      return this.#lines.read(bytes, from + length, to)
    }
    this.#line = undefined
    const end = this.#first(bytes, from, to)
    if (end < 0) return end
    this.#known.learn(bytes, from, end, this.#line)
    return this.#lines.read(bytes, end, to)
  }

  message(isCut: boolean, asked: HttpRequest | undefined): HttpAnswer | undefined {
    if (this.#line === undefined) return undefined
    const lines = this.#lines
    const { version, status } = this.#line
    const isTunnel = asked?.method === 'CONNECT' && status >= 200 && status < 300
    return {
      version,
      isCut,
      bodyBytes: isCut ? -1 : 0,
      contentLength: lines.contentLength,
      captured: lines.captured,
      status,
      isInterim: status < 200 && status !== 101,
      endsProtocol: status === 101 || isTunnel,
    }
  }

  begin(body: Body, { status, endsProtocol }: HttpAnswer, asked: HttpRequest | undefined): void {
    const lines = this.#lines
    const hasNone = status < 200 || status === NO_CONTENT || status === NOT_MODIFIED || asked?.method === 'HEAD'
    if (hasNone || endsProtocol) body.beginLength(0)
    else if (lines.isChunked) body.beginChunks()
    else if (lines.contentLength >= 0 && !lines.hasTransferEncoding && !lines.isLengthWrong)
      body.beginLength(lines.contentLength)
    else body.beginUntilClose()
  }

  /** Where the next line begins, or `INCOMPLETE`, or `NOT_A_HEAD`. */
  #first(bytes: Buffer, from: number, to: number): number {
    for (let at = from; at < to && at < from + VERSION.length; at++)
      if (bytes[at] !== VERSION.charCodeAt(at - from)) return NOT_A_HEAD
    if (to - from < STATUS_END) return INCOMPLETE
    const minor = bytes[from + 7]!
    if ((minor !== 0x30 && minor !== 0x31) || bytes[from + 8] !== SPACE) return NOT_A_HEAD
    const status = statusAt(bytes, from + 9)
    if (status < 100) return NOT_A_HEAD
    // A fourth digit would make it another number.
    const next = from + STATUS_END < to ? bytes[from + STATUS_END]! : SPACE
    if (next !== SPACE && next !== CR && next !== LF) return NOT_A_HEAD
    this.#line = { version: minor === 0x30 ? '1.0' : '1.1', status }
    let at = from + STATUS_END
    while (at < to && bytes[at] !== LF) at++
    return at >= to ? INCOMPLETE : at + 1
  }
}

/** Three digits; -1 where they are none. */
function statusAt(bytes: Buffer, at: number): number {
  const hundreds = bytes[at]! - 0x30
  const tens = bytes[at + 1]! - 0x30
  const ones = bytes[at + 2]! - 0x30
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1
  return hundreds * 100 + tens * 10 + ones
}
