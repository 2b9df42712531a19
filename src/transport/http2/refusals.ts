import { Refused } from '../../component/refused.ts'
import { MESSAGE_CODINGS } from '../message-codings.ts'
import { MOST_OF_A_CONNECTION } from './arriving-bytes.ts'
import type { RequestHead } from './request-head.ts'

/** Characters of what a client said, in what it is told. */
const LONGEST_QUOTE = 200

export const internal = (message: string): Refused => new Refused(message, { code: 'internal', retry: 'never' })

const unimplemented = (message: string): Refused => new Refused(message, { code: 'unimplemented', retry: 'never' })

/** The words by which gRPC's clients know it. */
export const tooLarge = (what: string): Refused =>
  new Refused(`received message larger than max (${what})`, { code: 'resource_exhausted', retry: 'never' })

/** Why a message cannot be read, by its prefix. */
export function misframed(flag: number, length: number, coding: string, largest: number): Refused | undefined {
  if (flag > 1) return internal(`the message has the unknown flag ${flag}`)
  if (flag === 1 && coding === '') return internal('a compressed message came without a grpc-encoding')
  if (flag === 1 && !MESSAGE_CODINGS.has(coding))
    return unimplemented(`unknown grpc-encoding ${JSON.stringify(coding.slice(0, LONGEST_QUOTE))}`)
  const most = Math.min(largest, MOST_OF_A_CONNECTION)
  return length > most ? tooLarge(`${length} vs. ${most}`) : undefined
}

/** Why a request of gRPC cannot be served, by its headers. */
export function unserved({ kind, timeout, method, path }: RequestHead): Refused | undefined {
  if (kind === 'too_large') return HEADERS_TOO_LARGE
  if (timeout === undefined) return MALFORMED_TIMEOUT
  return method === undefined ? unknown(path) : undefined
}

/** That of the path asked for last: a stack is taken for each refusal, which is most of what a flood of such requests costs. */
let lastUnknown = { path: '', refused: unimplemented('unknown method ') }

function unknown(path: string): Refused {
  if (path !== lastUnknown.path)
    lastUnknown = { path, refused: unimplemented(`unknown method ${path.slice(0, LONGEST_QUOTE)}`) }
  return lastUnknown.refused
}

export const SECOND = unimplemented('a second message came in a unary call')
export const NO_ROOM = new Refused('too many messages are arriving at the same time', {
  code: 'resource_exhausted',
  retry: {},
})
export const CANCELLED = new Refused('the client cancelled', { code: 'cancelled', retry: {} })
export const FAULTY = new Refused('the client broke the protocol', { code: 'cancelled', retry: {} })
export const LATE = new Refused('the deadline of the request has passed', { code: 'deadline_exceeded', retry: {} })
export const TOO_SLOW = new Refused('the message did not arrive in time', { code: 'deadline_exceeded', retry: {} })

const HEADERS_TOO_LARGE = new Refused('the headers are too large', { code: 'resource_exhausted', retry: 'never' })
const MALFORMED_TIMEOUT = internal('malformed grpc-timeout')

export const NO_POST = 'requests of gRPC come by POST\n'

/** To a POST that is not gRPC's, in the words of gRPC's own library for Go. */
export const notGrpc = ({ contentType }: RequestHead): Refused =>
  new Refused(`invalid gRPC request content-type ${JSON.stringify(contentType.slice(0, LONGEST_QUOTE))}`, {
    code: 'invalid_argument',
    retry: 'never',
  })
