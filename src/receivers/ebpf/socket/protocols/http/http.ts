import { PROTOCOL_HTTP1 } from '../../event.ts'
import { Interner } from '../../interner.ts'
import { ANSWER, type Beginning, NEITHER, type Protocol, REQUEST, UNCLEAR } from '../../protocol.ts'
import { AnswerHead } from './answer-head.ts'
import { type Heads, HttpParser } from './http-parser.ts'
import type { HttpAnswer, HttpRequest, WantedHeader } from './message.ts'
import { knownMethod, METHOD_BYTES_MOST, methodEnd } from './method.ts'
import { RequestHead, VERSION } from './request-head.ts'

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
  const requests = requestHeads(new RequestHead({ interner, headers, userAgent, query }))
  const answers = answerHeads(new AnswerHead(interner, options.answerHeaders))
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

const requestHeads = (head: RequestHead): Heads<HttpRequest> => ({
  read: (bytes, from, to) => head.read(bytes, from, to),
  message: (isCut) => head.message(isCut),
  begin(body) {
    const { lines } = head
    if (lines.isChunked) body.beginChunks()
    else if (lines.hasTransferEncoding || lines.isLengthWrong) body.beginUntilClose()
    else body.beginLength(Math.max(0, lines.contentLength))
  },
})

const NO_CONTENT = 204
const NOT_MODIFIED = 304

const answerHeads = (head: AnswerHead): Heads<HttpAnswer> => ({
  read: (bytes, from, to) => head.read(bytes, from, to),
  message: (isCut, asked) => (head.hasStatus ? head.message(isCut, asked?.method === 'CONNECT') : undefined),
  begin(body, { status, endsProtocol }, asked) {
    const { lines } = head
    const hasNone = status < 200 || status === NO_CONTENT || status === NOT_MODIFIED || asked?.method === 'HEAD'
    if (hasNone || endsProtocol) body.beginLength(0)
    else if (lines.isChunked) body.beginChunks()
    else if (lines.contentLength >= 0 && !lines.hasTransferEncoding && !lines.isLengthWrong)
      body.beginLength(lines.contentLength)
    else body.beginUntilClose()
  },
})
