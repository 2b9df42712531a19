import type { Interner } from '../../interner.ts'
import type { Body } from './body.ts'
import {
  HeaderLines,
  HOST,
  LETTER_H,
  LETTER_T,
  LETTER_U,
  type LineReader,
  type Said,
  says,
  TRACE_PARENT,
  TRACE_STATE,
  USER_AGENT,
} from './head.ts'
import { isNamed, valueEnd, valueStart } from './header-line.ts'
import type { Heads } from './http-parser.ts'
import type { HttpRequest, TraceParent, WantedHeader } from './message.ts'
import { RequestLines } from './request-line.ts'
import { parseTraceParent, TRACE_PARENT_LINE, traceParentLine } from './trace-parent.ts'

/** W3C: a `tracestate` of so many characters must be passed on; of a longer one whole entries are left out. */
export const TRACE_STATE_MOST = 512

export interface RequestHeadOptions {
  readonly interner: Interner
  readonly headers: readonly WantedHeader[]
  readonly userAgent: boolean
  readonly query: boolean
}

/** Reads the heads of requests, one after the other. */
export class RequestHead implements Heads<HttpRequest>, LineReader {
  readonly #first: RequestLines
  readonly #lines: HeaderLines
  readonly #interner: Interner
  readonly #wantsUserAgent: boolean
  #host: string | undefined
  #userAgent: string | undefined
  #traceParent: TraceParent | undefined
  #traceParents = 0
  #traceState: string | undefined

  constructor({ interner, headers, userAgent, query }: RequestHeadOptions) {
    this.#interner = interner
    this.#wantsUserAgent = userAgent
    this.#first = new RequestLines(interner, query)
    this.#lines = new HeaderLines(interner, headers, this)
  }

  /** Where the head ends, or `INCOMPLETE` (then `message` says what there is of it), or `NOT_A_HEAD`. */
  read(bytes: Buffer, from: number, to: number): number {
    this.#clear()
    const next = this.#first.read(bytes, from, to)
    return next < 0 ? next : this.#lines.read(bytes, next, to)
  }

  line(bytes: Buffer, first: number, at: number, end: number): Said | undefined {
    if (first === LETTER_H) {
      if (isNamed(bytes, at, end, 'host')) return says(HOST, { text: this.#text(bytes, at + 5, end) })
    } else if (first === LETTER_T) {
      if (isNamed(bytes, at, end, 'traceparent'))
        return says(TRACE_PARENT, { traceParent: parent(bytes, at + 12, end) })
      if (isNamed(bytes, at, end, 'tracestate')) return says(TRACE_STATE, { text: text(bytes, at + 11, end) })
    } else if (first === LETTER_U && this.#wantsUserAgent) {
      if (isNamed(bytes, at, end, 'user-agent')) return says(USER_AGENT, { text: this.#text(bytes, at + 11, end) })
    }
    return undefined
  }

  traceParent(bytes: Buffer, at: number, to: number): number {
    const parent = traceParentLine(bytes, at, to)
    if (parent === undefined) return 0
    this.#traceParents++
    this.#traceParent = parent
    return TRACE_PARENT_LINE
  }

  heed({ about, text = '', traceParent }: Said): void {
    switch (about) {
      case HOST:
        this.#host ??= text
        break
      case USER_AGENT:
        this.#userAgent ??= text
        break
      case TRACE_PARENT:
        this.#traceParents++
        this.#traceParent = traceParent
        break
      case TRACE_STATE:
        this.#traceState = joined(this.#traceState, text)
    }
  }

  message(isCut: boolean): HttpRequest {
    const lines = this.#lines
    const first = this.#first.line
    return {
      version: first.version,
      isCut,
      bodyBytes: isCut ? -1 : 0,
      contentLength: lines.contentLength,
      captured: lines.captured,
      method: first.method,
      otherMethod: first.otherMethod,
      path: first.path,
      query: first.query,
      host: first.authority ?? this.#host,
      scheme: first.scheme,
      userAgent: this.#userAgent,
      // Said twice, it says nothing.
      traceParent: this.#traceParents === 1 ? this.#traceParent : undefined,
      traceState: this.#traceState,
    }
  }

  begin(body: Body): void {
    const lines = this.#lines
    if (lines.isChunked) body.beginChunks()
    else if (lines.hasTransferEncoding || lines.isLengthWrong) body.beginUntilClose()
    else body.beginLength(Math.max(0, lines.contentLength))
  }

  #clear(): void {
    this.#lines.clear()
    this.#host = undefined
    this.#userAgent = undefined
    this.#traceParent = undefined
    this.#traceParents = 0
    this.#traceState = undefined
  }

  #text(bytes: Buffer, at: number, end: number): string {
    const start = valueStart(bytes, at, end)
    return this.#interner.text(bytes, start, valueEnd(bytes, start, end))
  }
}

function text(bytes: Buffer, at: number, end: number): string {
  const start = valueStart(bytes, at, end)
  return bytes.toString('latin1', start, valueEnd(bytes, start, end))
}

function parent(bytes: Buffer, at: number, end: number): TraceParent | undefined {
  const start = valueStart(bytes, at, end)
  return parseTraceParent(bytes, start, valueEnd(bytes, start, end))
}

/** As one: `tracestate` may come in several lines. */
function joined(before: string | undefined, more: string): string | undefined {
  const all = before === undefined ? more : `${before},${more}`
  if (all.length <= TRACE_STATE_MOST) return all
  const end = all.lastIndexOf(',', TRACE_STATE_MOST)
  return end <= 0 ? undefined : all.slice(0, end)
}
