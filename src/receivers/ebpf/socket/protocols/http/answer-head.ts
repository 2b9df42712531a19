import type { Interner } from '../../interner.ts'
import { HeaderLines, INCOMPLETE, NOT_A_HEAD } from './head.ts'
import type { HttpAnswer, WantedHeader } from './message.ts'
import { VERSION } from './request-head.ts'

const SPACE = 0x20
const LF = 0x0a
const CR = 0x0d
/** Bytes up to the status: "HTTP/1.1 200". */
const STATUS_END = 12

/** Reads the heads of answers, one after the other. */
export class AnswerHead {
  readonly lines: HeaderLines
  #version = '1.1'
  #status = 0

  constructor(interner: Interner, headers: readonly WantedHeader[]) {
    this.lines = new HeaderLines(interner, headers, undefined)
  }

  /** Whether so much was read that there is an answer to speak of. */
  get hasStatus(): boolean {
    return this.#status > 0
  }

  /** As of a request. */
  read(bytes: Buffer, from: number, to: number): number {
    this.lines.clear()
    this.#status = 0
    for (let at = from; at < to && at < from + VERSION.length; at++)
      if (bytes[at] !== VERSION.charCodeAt(at - from)) return NOT_A_HEAD
    if (to - from < STATUS_END) return INCOMPLETE
    const minor = bytes[from + 7]!
    if ((minor !== 0x30 && minor !== 0x31) || bytes[from + 8] !== SPACE) return NOT_A_HEAD
    this.#version = minor === 0x30 ? '1.0' : '1.1'
    const status = statusAt(bytes, from + 9)
    if (status < 100) return NOT_A_HEAD
    // A fourth digit would make it another number.
    const next = from + STATUS_END < to ? bytes[from + STATUS_END]! : SPACE
    if (next !== SPACE && next !== CR && next !== LF) return NOT_A_HEAD
    this.#status = status
    let at = from + STATUS_END
    while (at < to && bytes[at] !== LF) at++
    return at >= to ? INCOMPLETE : this.lines.read(bytes, at + 1, to)
  }

  message(isCut: boolean, isTunnel: boolean): HttpAnswer {
    const { lines } = this
    const status = this.#status
    return {
      version: this.#version,
      isCut,
      bodyBytes: isCut ? -1 : 0,
      contentLength: lines.contentLength,
      captured: lines.captured,
      status,
      isInterim: status < 200 && status !== 101,
      endsProtocol: status === 101 || (isTunnel && status >= 200 && status < 300),
    }
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
