import { PROTOCOL_HTTP1 } from '../../event.ts'
import { Interner } from '../../interner.ts'
import { ANSWER, type Beginning, NEITHER, type Protocol, REQUEST, UNCLEAR } from '../../protocol.ts'
import { AnswerHead } from './answer-head.ts'
import { HttpParser } from './http-parser.ts'
import type { HttpAnswer, HttpRequest, WantedHeader } from './message.ts'
import { knownMethod, METHOD_BYTES_MOST, methodEnd } from './method.ts'
import { RequestHead } from './request-head.ts'
import { VERSION } from './request-line.ts'

export interface HttpOptions {
  readonly requestHeaders: readonly WantedHeader[]
  readonly answerHeaders: readonly WantedHeader[]
  /** Whether anybody wants to know these. */
  readonly userAgent: boolean
  readonly query: boolean
}

/** HTTP/1.0 and HTTP/1.1, in clear text. */
export function http(options: HttpOptions): Protocol<HttpRequest, HttpAnswer> {
  const interner = new Interner()
  const { requestHeaders: headers, userAgent, query } = options
  const requests = new RequestHead({ interner, headers, userAgent, query })
  const answers = new AnswerHead(interner, options.answerHeaders)
  return {
    name: 'http',
    id: PROTOCOL_HTTP1,
    detect,
    request: () => new HttpParser(requests),
    response: () => new HttpParser(answers),
  }
}

/** A status line, or a method with a target behind it. */
function detect(bytes: Buffer, from: number, to: number): Beginning {
  const length = Math.min(to - from, VERSION.length)
  let same = 0
  while (same < length && bytes[from + same] === VERSION.charCodeAt(same)) same++
  if (same === VERSION.length) return ANSWER
  // One letter may still become HEAD.
  if (same === length) return length === 1 ? UNCLEAR : length === 0 ? NEITHER : ANSWER
  return beginsRequest(bytes, from, to) ? REQUEST : NEITHER
}

function beginsRequest(bytes: Buffer, from: number, to: number): boolean {
  const space = methodEnd(bytes, from, to)
  if (space < 0) return false
  if (space === to) return to - from < METHOD_BYTES_MOST
  if (knownMethod(bytes, from, space) !== undefined) return true
  const target = bytes[space + 1]
  return space + 1 === to || target === 0x2f || target === 0x2a || target === 0x68
}
