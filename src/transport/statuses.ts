import { Refused } from '../component/refused.ts'
import type { RefusalCode, Retry } from '../component/refused.ts'
import { decodeRpcStatus } from './rpc-status.ts'

/**
 * The one table of refusals: gRPC status numbers (https://grpc.io/docs/guides/status-codes/) and the HTTP statuses that the
 * Collector's OTLP receiver answers for them. `passes`: whether OTLP clients try again on that gRPC status; on
 * RESOURCE_EXHAUSTED they do where RetryInfo comes with it (OTLP specification 1.11, "Failures").
 */
interface Row {
  readonly code: RefusalCode
  readonly grpc: number
  readonly http: number
  readonly passes: boolean
}

const row = (code: RefusalCode, grpc: number, http: number, passes: boolean): Row => ({ code, grpc, http, passes })

const TABLE: readonly Row[] = [
  row('cancelled', 1, 503, true),
  row('unknown', 2, 500, false),
  row('invalid_argument', 3, 400, false),
  row('deadline_exceeded', 4, 503, true),
  row('not_found', 5, 500, false),
  row('already_exists', 6, 500, false),
  row('permission_denied', 7, 403, false),
  row('resource_exhausted', 8, 429, false),
  row('failed_precondition', 9, 500, false),
  row('aborted', 10, 503, true),
  row('out_of_range', 11, 503, true),
  row('unimplemented', 12, 404, false),
  row('internal', 13, 500, false),
  row('unavailable', 14, 503, true),
  row('data_loss', 15, 503, true),
  row('unauthenticated', 16, 401, false),
]

const BY_CODE = new Map(TABLE.map((entry) => [entry.code, entry]))
const BY_GRPC = new Map(TABLE.map((entry) => [entry.grpc, entry]))

/** What a client makes of an HTTP status. All others are `unknown`, and permanent. */
const OF_HTTP: ReadonlyMap<number, { readonly code: RefusalCode; readonly passes: boolean }> = new Map([
  [400, { code: 'invalid_argument', passes: false }],
  [401, { code: 'unauthenticated', passes: false }],
  [403, { code: 'permission_denied', passes: false }],
  [404, { code: 'unimplemented', passes: false }],
  [413, { code: 'resource_exhausted', passes: false }],
  [429, { code: 'resource_exhausted', passes: true }],
  [502, { code: 'unavailable', passes: true }],
  [503, { code: 'unavailable', passes: true }],
  [504, { code: 'unavailable', passes: true }],
])

const CONTENT_TOO_LARGE = 413

/** Characters of a message that are sent: it travels in a header, and those are bounded. */
const LONGEST_MESSAGE = 1024

/** What senders are asked to wait, in milliseconds, where a full gate does not say. */
export const DEFAULT_RETRY_DELAY = 1000

/** A refusal as a server says it. */
export interface Answer {
  readonly code: RefusalCode
  /** gRPC status number. */
  readonly grpc: number
  readonly http: number
  readonly message: string
  /** Milliseconds for RetryInfo or Retry-After, where the sender is told when to come again. */
  readonly after: number | undefined
}

/**
 * The statuses that tell a client the refusal's own verdict: where its code alone would say the opposite of `retry`, another
 * one takes its place (`unavailable`, `internal`), so that nothing is lost or sent again for ever by translation.
 */
export function answerTo(refused: Refused): Answer {
  const { code } = refused
  // Half a surrogate pair cannot be written as UTF-8, and grpc-js throws on it.
  const message = refused.message.slice(0, LONGEST_MESSAGE).toWellFormed()
  const { passes } = entryOf(code)
  if (refused.retry === 'never') {
    const entry = entryOf(passes ? 'internal' : code)
    const http = code === 'resource_exhausted' ? CONTENT_TOO_LARGE : entry.http
    return { code: entry.code, grpc: entry.grpc, http, message, after: undefined }
  }
  const isExhausted = code === 'resource_exhausted'
  const entry = entryOf(passes || isExhausted ? code : 'unavailable')
  const after = refused.retry.after ?? (isExhausted ? DEFAULT_RETRY_DELAY : undefined)
  return { code: entry.code, grpc: entry.grpc, http: entry.http, message, after }
}

/** The refusal that a gRPC status means. `details`: the `grpc-status-details-bin` trailer, a google.rpc.Status. */
export function refusalOfGrpc(status: number, message: string, details?: Buffer, cause?: unknown): Refused {
  const entry = BY_GRPC.get(status) ?? entryOf('unknown')
  if (isOfSize(entry.code, message)) return tooLarge(message, cause)
  const after = details && decodeRpcStatus(details)?.retryDelay
  const mayPass = entry.passes || (entry.code === 'resource_exhausted' && after !== undefined)
  return refusal(message || entry.code, entry.code, mayPass, after, cause)
}

/** The refusal that an HTTP status means. `after`: what its Retry-After asks, in milliseconds; heeded on 429 and 503 alone. */
export function refusalOfHttp(status: number, message: string, after?: number): Refused {
  if (status === CONTENT_TOO_LARGE) return tooLarge(message)
  const { code, passes } = OF_HTTP.get(status) ?? { code: 'unknown', passes: false }
  return refusal(message, code, passes, status === 429 || status === 503 ? after : undefined)
}

/**
 * gRPC has no status of its own for a message above the server's limit; grpc-go, grpc-java and grpc-js say so in words ("grpc: received
 * message larger than max (4194305 vs. 4194304)"). Without RetryInfo the same code also means a quota.
 */
const isOfSize = (code: RefusalCode, message: string): boolean =>
  (code === 'resource_exhausted' || code === 'out_of_range') && TOO_LARGE.test(message)

const TOO_LARGE = /larger than|too large|message size|exceeds (?:the )?(?:max|limit|size)/i

const tooLarge = (message: string, cause?: unknown): Refused =>
  new Refused(message, {
    code: 'resource_exhausted',
    retry: 'never',
    reason: 'too_large',
    ...(cause !== undefined && { cause }),
  })

function refusal(message: string, code: RefusalCode, mayPass: boolean, after?: number, cause?: unknown): Refused {
  const retry: Retry = !mayPass ? 'never' : after === undefined ? {} : { after }
  return new Refused(message, { code, retry, ...(cause !== undefined && { cause }) })
}

const entryOf = (code: RefusalCode): Row => BY_CODE.get(code) as Row
