import { STATUS_CODES } from 'node:http'
import type { Refused } from '../../../component/refused.ts'
import { refusalOfGrpc } from '../../statuses.ts'
import { decodeGrpcMessage } from '../grpc-message.ts'
import type { HeaderList } from '../hpack/header-list.ts'

/** What the headers of an answer say, or its trailers. */
export interface AnswerHead {
  /** Why they are no headers of HTTP/2 (RFC 9113, 8.2 and 8.3). */
  readonly fault: string | undefined
  /** 0 where there is none. */
  readonly http: number
  /** What an answer is that is not gRPC's: refused by its HTTP status. */
  readonly refusal: Refused | undefined
  /** `grpc-encoding`, or empty. */
  readonly encoding: string
  readonly status: number | undefined
  readonly message: string
  readonly details: Buffer | undefined
}

/** Equal blocks give the same list: what was found out about it is kept there. */
export function answerHead(list: HeaderList): AnswerHead {
  list.cached ??= read(list)
  return list.cached as AnswerHead
}

function read({ fields }: HeaderList): AnswerHead {
  let [http, contentType, encoding, message] = [0, '', '', '']
  let status: number | undefined
  let details: Buffer | undefined
  let isPastPseudo = false
  for (const { name, value } of fields) {
    if (!NAME.test(name)) return faulty('a header of the server has a name that no header may have')
    if (name.startsWith(':')) {
      if (name !== ':status' || isPastPseudo || http !== 0 || !/^[1-9]\d\d$/.test(value))
        return faulty(`the server sent the header ${name} where it has no place`)
      http = Number(value)
    } else isPastPseudo = true
    if (FORBIDDEN.has(name)) return faulty(`the server sent the header ${name}, which HTTP/2 does not have`)
    if (name === 'content-type') contentType = value
    else if (name === 'grpc-encoding') encoding = value
    else if (name === 'grpc-status') status = /^\d{1,3}$/.test(value) ? Number(value) : UNKNOWN
    else if (name === 'grpc-message') message = decodeGrpcMessage(value)
    else if (name === 'grpc-status-details-bin') details = Buffer.from(value, 'base64')
  }
  const isGrpc = status !== undefined || (http === 200 && /^application\/grpc(?:$|[+;])/.test(contentType))
  const refusal = http < 200 || isGrpc ? undefined : refusalOfHttpAnswer(http, contentType)
  return { fault: undefined, http, refusal, encoding, status, message, details }
}

const NAME = /^:?[!#$%&'*+.^_`|~0-9a-z-]+$/
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

const faulty = (fault: string): AnswerHead => ({
  fault,
  http: 0,
  refusal: undefined,
  encoding: '',
  status: undefined,
  message: '',
  details: undefined,
})

const UNKNOWN = 2
/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const OF_HTTP: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
])
/** Characters of a header that are shown. */
const SHOWN = 100

/** In the words of gRPC's own libraries. */
function refusalOfHttpAnswer(http: number, contentType: string): Refused {
  const said = `unexpected HTTP status code received from server: ${http} (${STATUS_CODES[http] ?? ''})`
  const type = contentType
    ? `received unexpected content-type ${JSON.stringify(contentType.slice(0, SHOWN))}`
    : 'the answer has no content-type'
  return refusalOfGrpc(OF_HTTP.get(http) ?? UNKNOWN, http === 200 ? type : `${said}; ${type}`)
}
