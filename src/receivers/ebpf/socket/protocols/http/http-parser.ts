import { BROKEN, ENDED, IDLE, OPEN, type Parser, type ParserState, READING } from '../../protocol.ts'
import { Body } from './body.ts'
import { INCOMPLETE, NOT_A_HEAD } from './head.ts'
import type { HttpMessage, HttpRequest } from './message.ts'

/** Of a head that comes in pieces so much is kept; what is longer counts as cut. */
export const HEAD_BYTES_MOST = 16 * 1024
/** Room for the first piece. */
const PIECE_BYTES = 512

const CR = 0x0d
const LF = 0x0a

/** How the heads of requests, or of answers, are read: one for all connections, as it keeps nothing between calls. */
export interface Heads<M> {
  /** Where the head ends, or `INCOMPLETE`, or `NOT_A_HEAD`. */
  read(bytes: Buffer, from: number, to: number): number
  /** What was read last; undefined where it is too little. */
  message(isCut: boolean, asked: HttpRequest | undefined): M | undefined
  /** Begins the body that follows what was read last. */
  begin(body: Body, message: M, asked: HttpRequest | undefined): void
}

/** One direction of an HTTP/1 connection: heads, each with its body. */
export class HttpParser<M extends HttpMessage> implements Parser<M, HttpRequest> {
  state: ParserState = IDLE
  message: M | undefined
  readonly #heads: Heads<M>
  readonly #body = new Body()
  /** What came of a head so far, where it came in pieces. */
  #pieces: Buffer | undefined
  #length = 0

  constructor(heads: Heads<M>) {
    this.#heads = heads
  }

  read(bytes: Buffer, from: number, to: number, asked: HttpRequest | undefined): number {
    if (this.message !== undefined) return this.#readBody(bytes, from, to)
    if (this.state === IDLE) {
      // Some clients end a body with an empty line that belongs to nothing (RFC 9112, 2.2).
      while (from < to && (bytes[from] === CR || bytes[from] === LF)) from++
      if (from === to) return to
    }
    this.state = READING
    return this.#pieces ? this.#readOn(this.#pieces, bytes, from, to, asked) : this.#readHead(bytes, from, to, asked)
  }

  skip(count: number, asked: HttpRequest | undefined): number {
    if (this.message === undefined) {
      this.#cut(asked)
      return count
    }
    if (this.state === OPEN && !this.#body.isOpen) return count
    const skipped = this.#body.skip(count)
    this.#afterBody()
    return skipped
  }

  reset(): void {
    this.state = IDLE
    this.message = undefined
    this.#pieces = undefined
    this.#length = 0
  }

  #readHead(bytes: Buffer, from: number, to: number, asked: HttpRequest | undefined): number {
    const end = this.#heads.read(bytes, from, to)
    if (end === NOT_A_HEAD) return this.#break(to)
    if (end === INCOMPLETE) {
      this.#keep(bytes, from, to)
      return to
    }
    this.#headRead(asked)
    return end
  }

  /** A head that comes in pieces is read when its end is there, and not with each piece. */
  #readOn(pieces: Buffer, bytes: Buffer, from: number, to: number, asked: HttpRequest | undefined): number {
    const before = this.#length
    const added = this.#keep(bytes, from, to)
    const kept = this.#pieces ?? pieces
    const end = blankLineEnd(kept, Math.max(0, before - 3), this.#length)
    if (end < 0) {
      if (this.#length >= HEAD_BYTES_MOST) this.#cut(asked)
      return added
    }
    if (this.#heads.read(kept, 0, end) !== end) return this.#break(to)
    this.#headRead(asked)
    return from + end - before
  }

  /** Returns where it stopped: there is no room for more. */
  #keep(bytes: Buffer, from: number, to: number): number {
    const length = Math.min(to - from, HEAD_BYTES_MOST - this.#length)
    const needed = this.#length + length
    if (!this.#pieces || this.#pieces.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(PIECE_BYTES, Math.min(HEAD_BYTES_MOST, needed * 2)))
      this.#pieces?.copy(larger, 0, 0, this.#length)
      this.#pieces = larger
    }
    bytes.copy(this.#pieces, this.#length, from, from + length)
    this.#length = needed
    return from + length
  }

  #headRead(asked: HttpRequest | undefined): void {
    const message = this.#heads.message(false, asked)
    this.#pieces = undefined
    this.#length = 0
    if (message === undefined) {
      this.state = BROKEN
      return
    }
    this.message = message
    this.#heads.begin(this.#body, message, asked)
    this.#afterBody()
  }

  /** The rest of the head is not to be had. */
  #cut(asked: HttpRequest | undefined): void {
    const end = this.#pieces ? this.#heads.read(this.#pieces, 0, this.#length) : NOT_A_HEAD
    const message = end === NOT_A_HEAD ? undefined : this.#heads.message(true, asked)
    this.#pieces = undefined
    this.#length = 0
    this.message = message
    this.state = message === undefined ? BROKEN : OPEN
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    if (this.state === OPEN && !this.#body.isOpen) return to
    const end = this.#body.read(bytes, from, to)
    if (end < 0) return this.#break(to)
    this.#afterBody()
    return end
  }

  #afterBody(): void {
    const body = this.#body
    this.message!.bodyBytes = body.bytes
    this.state = body.isDone ? ENDED : body.isOpen ? OPEN : READING
  }

  #break(to: number): number {
    this.state = BROKEN
    return to
  }
}

/** Behind the first blank line that ends after `from`; -1 where there is none. */
function blankLineEnd(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    if (bytes[at] !== LF) continue
    if (at + 1 < to && bytes[at + 1] === LF) return at + 2
    if (at + 2 < to && bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3
  }
  return -1
}
