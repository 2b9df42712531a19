import { BadAnswer, parseHead } from './http-answer-head.ts'
import type { AnswerHead } from './http-answer-head.ts'
import type { HttpAnswer } from './http-exchange.ts'

/** Of a status line with its headers, and of trailers. */
const HEAD_LIMIT = 32 * 1024
/** What is read of an answer's body: a status with its reason, as the Collector reads it. */
export const ANSWER_LIMIT = 64 * 1024
/** Answers before the answer, such as 100 and 103. */
const MOST_INFORMATIONAL = 16
/** The line before a chunk: its length, and maybe extensions that nobody uses. */
const CHUNK_LINE_LIMIT = 1024
const CHUNK_LENGTH = /^([0-9a-fA-F]{1,12})[\t ]*(?:;.*)?$/
const END_OF_HEAD = '\r\n\r\n'
const NOTHING = Buffer.alloc(0)

type State = 'head' | 'body' | 'until-close' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'complete'

/** Reads the answers of one connection, one after another, from pieces of any size, which it only borrows. */
export class AnswerReader {
  #state: State = 'head'
  /** The beginning of a head or line of which the rest has not come. */
  #begun = ''
  #informational = 0
  #left = 0
  #trailerBytes = 0
  #head: AnswerHead | undefined
  /** Servers say the same again and again, but for the second in `Date`. */
  #lastText = ''
  #lastHead: AnswerHead | undefined
  #pieces: Buffer[] = []
  #size = 0

  /** Reads the first `length` bytes of `piece`; returns how many of them belong to the answer. Throws `BadAnswer`. */
  read(piece: Buffer, length: number): number {
    let at = 0
    while (at < length && this.#state !== 'complete') at = this.#step(piece, at, length)
    return at
  }

  /** Nothing more comes. Whether that completes the answer. */
  end(): boolean {
    if (this.#state === 'until-close') this.#state = 'complete'
    return this.#state === 'complete'
  }

  get isComplete(): boolean {
    return this.#state === 'complete'
  }

  /** Whether anything of an answer has come. */
  get isBegun(): boolean {
    return this.#state !== 'head' || this.#begun !== '' || this.#informational > 0
  }

  /** Of a complete answer: how it goes on with the connection. */
  get head(): AnswerHead {
    return this.#head!
  }

  /** More came than is read: the rest is still on its way. */
  get isCut(): boolean {
    return this.#size > ANSWER_LIMIT
  }

  /** The complete answer; the next may begin. */
  take(): HttpAnswer {
    const { status, headers } = this.#head!
    const body = this.#pieces.length === 0 ? NOTHING : Buffer.concat(this.#pieces)
    this.#state = 'head'
    this.#informational = this.#size = this.#trailerBytes = 0
    if (this.#pieces.length > 0) this.#pieces = []
    return { status, headers, body }
  }

  #step(piece: Buffer, at: number, length: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(piece, at, length)
      case 'body':
      case 'chunk':
        return this.#readCounted(piece, at, length)
      case 'until-close':
        this.#keep(piece, at, length)
        return length
      case 'chunk-line':
      case 'chunk-end':
      case 'trailers':
        return this.#readLine(piece, at, length)
      case 'complete':
        return at
    }
  }

  #readHead(piece: Buffer, at: number, length: number): number {
    const before = this.#begun.length
    const text = this.#begun + piece.toString('latin1', at, Math.min(length, at + HEAD_LIMIT + END_OF_HEAD.length))
    const end = text.indexOf(END_OF_HEAD, Math.max(0, before - END_OF_HEAD.length))
    if (end < 0) {
      if (text.length > HEAD_LIMIT) throw new BadAnswer(`headers of more than ${HEAD_LIMIT} bytes`)
      this.#begun = text
      return length
    }
    this.#begun = ''
    this.#begin(text.slice(0, end))
    return at + end + END_OF_HEAD.length - before
  }

  #begin(text: string): void {
    if (text !== this.#lastText || this.#lastHead === undefined) {
      this.#lastHead = parseHead(text)
      this.#lastText = text
    }
    this.#head = this.#lastHead
    const { status, framing } = this.#head
    if (status < 200) {
      if (++this.#informational > MOST_INFORMATIONAL) throw new BadAnswer('too many informational answers')
      return
    }
    if (framing.kind === 'chunked') this.#state = 'chunk-line'
    else if (framing.kind === 'close') this.#state = 'until-close'
    else {
      this.#left = framing.bytes
      this.#state = framing.bytes === 0 ? 'complete' : 'body'
    }
  }

  #readCounted(piece: Buffer, at: number, length: number): number {
    const end = Math.min(length, at + this.#left)
    this.#left -= end - at
    this.#keep(piece, at, end)
    if (this.#left === 0 && this.#state !== 'complete') this.#state = this.#state === 'chunk' ? 'chunk-end' : 'complete'
    return end
  }

  /** Copies a part of the body. Past the limit nobody needs the rest: what is known already is the answer. */
  #keep(piece: Buffer, from: number, to: number): void {
    const room = ANSWER_LIMIT - this.#size
    if (room > 0) this.#pieces.push(Buffer.from(piece.subarray(from, Math.min(to, from + room))))
    this.#size += to - from
    if (this.isCut) this.#state = 'complete'
  }

  #readLine(piece: Buffer, at: number, length: number): number {
    const before = this.#begun.length
    const text = this.#begun + piece.toString('latin1', at, Math.min(length, at + CHUNK_LINE_LIMIT + 2))
    const end = text.indexOf('\r\n', Math.max(0, before - 1))
    if (end < 0) {
      if (text.length > CHUNK_LINE_LIMIT) throw new BadAnswer('a line too long')
      this.#begun = text
      return length
    }
    this.#begun = ''
    this.#line(text.slice(0, end))
    return at + end + 2 - before
  }

  #line(line: string): void {
    if (this.#state === 'chunk-end') {
      if (line !== '') throw new BadAnswer('a chunk longer than it says')
      this.#state = 'chunk-line'
    } else if (this.#state === 'trailers') {
      this.#trailerBytes += line.length
      if (this.#trailerBytes > HEAD_LIMIT) throw new BadAnswer('trailers too long')
      if (line === '') this.#state = 'complete'
    } else {
      const [, digits] = CHUNK_LENGTH.exec(line) ?? []
      if (digits === undefined) throw new BadAnswer('a malformed chunk')
      this.#left = Number.parseInt(digits, 16)
      this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    }
  }
}
