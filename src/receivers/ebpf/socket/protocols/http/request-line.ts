import type { Interner } from '../../interner.ts'
import { INCOMPLETE, NOT_A_HEAD } from './head.ts'
import { KnownLines } from './known-lines.ts'
import { knownMethod, methodEnd, OTHER_METHOD } from './method.ts'

const SPACE = 0x20
const LF = 0x0a
const CR = 0x0d
const SLASH = 0x2f
const QUESTION = 0x3f
const HASH = 0x23
const COLON = 0x3a
/** "HTTP/1." as it must stand at the end of a request line, and at the beginning of a status line. */
export const VERSION = 'HTTP/1.'

/** What the first line of a request says; of one that is cut, as much as stands there. */
export interface RequestLine {
  method: string
  otherMethod: string | undefined
  path: string | undefined
  query: string | undefined
  scheme: string | undefined
  authority: string | undefined
  version: string
}

const nothing = (): RequestLine => ({
  method: OTHER_METHOD,
  otherMethod: undefined,
  path: undefined,
  query: undefined,
  scheme: undefined,
  authority: undefined,
  version: '1.1',
})

/** Reads the first lines of requests, one after the other. */
export class RequestLines {
  /** What was read last. */
  line: Readonly<RequestLine> = nothing()
  readonly #interner: Interner
  readonly #wantsQuery: boolean
  readonly #known = new KnownLines<RequestLine>()

  constructor(interner: Interner, wantsQuery: boolean) {
    this.#interner = interner
    this.#wantsQuery = wantsQuery
  }

  /** Where the next line begins, or `INCOMPLETE`, or `NOT_A_HEAD`. */
  read(bytes: Buffer, from: number, to: number): number {
    const length = this.#known.find(bytes, from, to)
    if (length > 0) {
      this.line = this.#known.said!
      return from + length
    }
    const line = nothing()
    this.line = line
    const end = this.#line(line, bytes, from, to)
    if (end >= 0) this.#known.learn(bytes, from, end, line)
    return end
  }

  #line(line: RequestLine, bytes: Buffer, from: number, to: number): number {
    const space = methodEnd(bytes, from, to)
    if (space < 0) return NOT_A_HEAD
    if (space === to) return INCOMPLETE
    const known = knownMethod(bytes, from, space)
    if (known === undefined) line.otherMethod = this.#interner.text(bytes, from, space)
    else line.method = known
    return this.#target(line, bytes, space + 1, to)
  }

  /** The target and the version. */
  #target(line: RequestLine, bytes: Buffer, from: number, to: number): number {
    let at = from
    let question = -1
    while (at < to && bytes[at]! > SPACE) {
      if (bytes[at] === QUESTION && question < 0) question = at
      at++
    }
    if (at >= to) {
      // What stands before the question mark is whole.
      if (question >= 0) this.#path(line, bytes, from, question)
      return INCOMPLETE
    }
    if (bytes[at] !== SPACE || at === from) return NOT_A_HEAD
    this.#path(line, bytes, from, question < 0 ? at : question)
    if (question >= 0 && this.#wantsQuery) line.query = bytes.toString('latin1', question + 1, at)
    return version(line, bytes, at + 1, to)
  }

  /** `/a/b`, `http://host/a/b`, `host:port` of CONNECT, or `*`. */
  #path(line: RequestLine, bytes: Buffer, from: number, to: number): void {
    if (line.method === 'CONNECT') line.authority = this.#interner.text(bytes, from, to)
    else if (bytes[from] === SLASH) line.path = this.#interner.text(bytes, from, until(HASH, bytes, from, to))
    else this.#absolute(line, bytes, from, to)
  }

  #absolute(line: RequestLine, bytes: Buffer, from: number, to: number): void {
    const colon = until(COLON, bytes, from, to)
    if (colon + 2 >= to || bytes[colon + 1] !== SLASH || bytes[colon + 2] !== SLASH) return
    const start = colon + 3
    const end = until(SLASH, bytes, start, to)
    line.scheme = this.#interner.text(bytes, from, colon)
    line.authority = this.#interner.text(bytes, start, end)
    line.path = end === to ? '/' : this.#interner.text(bytes, end, until(HASH, bytes, end, to))
  }
}

function version(line: RequestLine, bytes: Buffer, from: number, to: number): number {
  const minor = from + VERSION.length
  for (let at = from; at < minor && at < to; at++) if (bytes[at] !== VERSION.charCodeAt(at - from)) return NOT_A_HEAD
  if (minor >= to) return INCOMPLETE
  if (bytes[minor] === 0x30) line.version = '1.0'
  else if (bytes[minor] !== 0x31) return NOT_A_HEAD
  let at = minor + 1
  if (at < to && bytes[at] === CR) at++
  if (at >= to) return INCOMPLETE
  return bytes[at] === LF ? at + 1 : NOT_A_HEAD
}

function until(byte: number, bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === byte) return at
  return to
}
