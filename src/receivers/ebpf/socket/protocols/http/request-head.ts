import type { Interner } from '../../interner.ts'
import { HeaderLines, INCOMPLETE, LETTER_H, LETTER_T, LETTER_U, type LineReader, NOT_A_HEAD } from './head.ts'
import { isNamed, valueEnd, valueStart } from './header-line.ts'
import type { HttpRequest, TraceParent, WantedHeader } from './message.ts'
import { knownMethod, methodEnd, OTHER_METHOD } from './method.ts'
import { parseTraceParent } from './trace-parent.ts'

/** W3C: a `tracestate` of so many characters must be passed on; of a longer one whole entries are left out. */
export const TRACE_STATE_MOST = 512

const SPACE = 0x20
const LF = 0x0a
const CR = 0x0d
const SLASH = 0x2f
const QUESTION = 0x3f
const HASH = 0x23
const COLON = 0x3a
/** "HTTP/1." as it must stand at the end of a request line, and at the beginning of a status line. */
export const VERSION = 'HTTP/1.'

export interface RequestHeadOptions {
  readonly interner: Interner
  readonly headers: readonly WantedHeader[]
  readonly userAgent: boolean
  readonly query: boolean
}

/** Reads the heads of requests, one after the other. */
export class RequestHead implements LineReader {
  readonly lines: HeaderLines
  readonly #interner: Interner
  readonly #wantsUserAgent: boolean
  readonly #wantsQuery: boolean
  #method = ''
  #otherMethod: string | undefined
  #path: string | undefined
  #query: string | undefined
  #scheme: string | undefined
  #authority: string | undefined
  #version = '1.1'
  #host: string | undefined
  #userAgent: string | undefined
  #traceParent: TraceParent | undefined
  #traceParents = 0
  #traceState: string | undefined

  constructor({ interner, headers, userAgent, query }: RequestHeadOptions) {
    this.#interner = interner
    this.#wantsUserAgent = userAgent
    this.#wantsQuery = query
    this.lines = new HeaderLines(interner, headers, this)
  }

  /** Where the head ends, or `INCOMPLETE` (then `message` says what there is of it), or `NOT_A_HEAD`. */
  read(bytes: Buffer, from: number, to: number): number {
    this.#clear()
    const space = methodEnd(bytes, from, to)
    if (space < 0) return NOT_A_HEAD
    if (space === to) return INCOMPLETE
    this.#readMethod(bytes, from, space)
    const lineEnd = this.#readTarget(bytes, space + 1, to)
    return lineEnd < 0 ? lineEnd : this.lines.read(bytes, lineEnd, to)
  }

  line(bytes: Buffer, first: number, at: number, end: number): void {
    if (first === LETTER_H) {
      if (isNamed(bytes, at, end, 'host')) this.#host ??= this.#value(bytes, at + 5, end)
    } else if (first === LETTER_T) {
      if (isNamed(bytes, at, end, 'traceparent')) this.#readTraceParent(bytes, at + 12, end)
      else if (isNamed(bytes, at, end, 'tracestate')) this.#readTraceState(bytes, at + 11, end)
    } else if (first === LETTER_U && this.#wantsUserAgent) {
      if (isNamed(bytes, at, end, 'user-agent')) this.#userAgent ??= this.#value(bytes, at + 11, end)
    }
  }

  message(isCut: boolean): HttpRequest {
    const { lines } = this
    return {
      version: this.#version,
      isCut,
      bodyBytes: isCut ? -1 : 0,
      contentLength: lines.contentLength,
      captured: lines.captured,
      method: this.#method,
      otherMethod: this.#otherMethod,
      path: this.#path,
      query: this.#query,
      host: this.#authority ?? this.#host,
      scheme: this.#scheme,
      userAgent: this.#userAgent,
      // Said twice, it says nothing.
      traceParent: this.#traceParents === 1 ? this.#traceParent : undefined,
      traceState: this.#traceState,
    }
  }

  #clear(): void {
    this.lines.clear()
    this.#method = OTHER_METHOD
    this.#otherMethod = undefined
    this.#path = undefined
    this.#query = undefined
    this.#scheme = undefined
    this.#authority = undefined
    this.#version = '1.1'
    this.#host = undefined
    this.#userAgent = undefined
    this.#traceParent = undefined
    this.#traceParents = 0
    this.#traceState = undefined
  }

  #readMethod(bytes: Buffer, from: number, to: number): void {
    const known = knownMethod(bytes, from, to)
    this.#method = known ?? OTHER_METHOD
    this.#otherMethod = known === undefined ? this.#interner.text(bytes, from, to) : undefined
  }

  /** The target and the version; returns where the next line begins. */
  #readTarget(bytes: Buffer, from: number, to: number): number {
    let at = from
    let question = -1
    while (at < to && bytes[at]! > SPACE) {
      if (bytes[at] === QUESTION && question < 0) question = at
      at++
    }
    if (at >= to) {
      // What stands before the question mark is whole.
      if (question >= 0) this.#readPath(bytes, from, question)
      return INCOMPLETE
    }
    if (bytes[at] !== SPACE || at === from) return NOT_A_HEAD
    this.#readPath(bytes, from, question < 0 ? at : question)
    if (question >= 0 && this.#wantsQuery) this.#query = bytes.toString('latin1', question + 1, at)
    return this.#readVersion(bytes, at + 1, to)
  }

  #readVersion(bytes: Buffer, from: number, to: number): number {
    const minor = from + VERSION.length
    for (let at = from; at < minor && at < to; at++) if (bytes[at] !== VERSION.charCodeAt(at - from)) return NOT_A_HEAD
    if (minor >= to) return INCOMPLETE
    if (bytes[minor] === 0x30) this.#version = '1.0'
    else if (bytes[minor] !== 0x31) return NOT_A_HEAD
    let at = minor + 1
    if (at < to && bytes[at] === CR) at++
    if (at >= to) return INCOMPLETE
    return bytes[at] === LF ? at + 1 : NOT_A_HEAD
  }

  /** `/a/b`, `http://host/a/b`, `host:port` of CONNECT, or `*`. */
  #readPath(bytes: Buffer, from: number, to: number): void {
    if (this.#method === 'CONNECT') this.#authority = this.#interner.text(bytes, from, to)
    else if (bytes[from] === SLASH) this.#path = this.#interner.text(bytes, from, untilHash(bytes, from, to))
    else this.#readAbsolute(bytes, from, to)
  }

  #readAbsolute(bytes: Buffer, from: number, to: number): void {
    let colon = from
    while (colon < to && bytes[colon] !== COLON) colon++
    if (colon + 2 >= to || bytes[colon + 1] !== SLASH || bytes[colon + 2] !== SLASH) return
    const start = colon + 3
    let end = start
    while (end < to && bytes[end] !== SLASH) end++
    this.#scheme = this.#interner.text(bytes, from, colon)
    this.#authority = this.#interner.text(bytes, start, end)
    this.#path = end === to ? '/' : this.#interner.text(bytes, end, untilHash(bytes, end, to))
  }

  #readTraceParent(bytes: Buffer, at: number, end: number): void {
    this.#traceParents++
    const start = valueStart(bytes, at, end)
    this.#traceParent = parseTraceParent(bytes, start, valueEnd(bytes, start, end))
  }

  #readTraceState(bytes: Buffer, at: number, end: number): void {
    const start = valueStart(bytes, at, end)
    const more = bytes.toString('latin1', start, valueEnd(bytes, start, end))
    const all = this.#traceState === undefined ? more : `${this.#traceState},${more}`
    this.#traceState = all.length <= TRACE_STATE_MOST ? all : all.slice(0, all.lastIndexOf(',', TRACE_STATE_MOST))
    if (all.length > TRACE_STATE_MOST && all.lastIndexOf(',', TRACE_STATE_MOST) <= 0) this.#traceState = undefined
  }

  #value(bytes: Buffer, at: number, end: number): string {
    const start = valueStart(bytes, at, end)
    return this.#interner.text(bytes, start, valueEnd(bytes, start, end))
  }
}

function untilHash(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) if (bytes[at] === HASH) return at
  return to
}
