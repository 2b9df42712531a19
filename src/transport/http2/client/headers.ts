import { formatTimeout } from '../grpc-message.ts'
import { headerField } from '../hpack/header-list.ts'
import type { HeaderField } from '../hpack/header-list.ts'

/** Kinds of requests whose headers are remembered: OTLP has a path for each signal. */
const MOST_REMEMBERED = 16

export interface Fixed {
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly userAgent: string
  /** gRPC's name of how messages are compressed, or empty. */
  readonly encoding: string
  /** Those of the options. */
  readonly headers: readonly HeaderField[]
}

interface Remembered {
  readonly path: string
  readonly timeout: number
  readonly fields: readonly HeaderField[]
}

/** The headers of requests. Equal requests get the same array, which an encoder knows again. */
export class RequestHeaders {
  readonly #fixed: Fixed
  readonly #remembered: Remembered[] = []

  constructor(fixed: Fixed) {
    this.#fixed = fixed
  }

  /** `left` in milliseconds, 0 for ever; where it is the whole `timeout`, others will have the same. */
  of(path: string, timeout: number, left: number, own: readonly HeaderField[]): readonly HeaderField[] {
    if (own.length > 0 || left !== timeout) return this.#make(path, left, own, left === timeout)
    for (const known of this.#remembered) if (known.path === path && known.timeout === timeout) return known.fields
    const isRemembered = this.#remembered.length < MOST_REMEMBERED
    const fields = this.#make(path, timeout, own, isRemembered)
    if (isRemembered) this.#remembered.push({ path, timeout, fields })
    return fields
  }

  #make(path: string, left: number, own: readonly HeaderField[], isUsual: boolean): HeaderField[] {
    const { scheme, authority, userAgent, encoding, headers } = this.#fixed
    return [
      headerField(':method', 'POST'),
      headerField(':scheme', scheme),
      headerField(':path', path, isUsual ? 'allowed' : 'without'),
      headerField(':authority', authority),
      headerField('content-type', 'application/grpc'),
      headerField('te', 'trailers'),
      headerField('user-agent', userAgent),
      headerField('grpc-accept-encoding', ACCEPTED),
      ...(encoding ? [headerField('grpc-encoding', encoding)] : []),
      ...headers,
      ...own,
      ...(left > 0 ? [headerField('grpc-timeout', formatTimeout(left), isUsual ? 'allowed' : 'without')] : []),
    ]
  }
}

const ACCEPTED = 'identity,deflate,gzip,zstd,snappy'

/** What gRPC says itself, or HTTP/2 does not have: nobody else may say it. */
const RESERVED: ReadonlySet<string> = new Set([
  'content-type',
  'te',
  'user-agent',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** Headers that somebody adds, whose values may be secrets. Values of `-bin` keys are sent as base64. */
export function* addedHeaders(added: Iterable<readonly [string, string]>): Generator<HeaderField> {
  for (const [given, value] of added) {
    const name = given.toLowerCase()
    if (RESERVED.has(name) || name.startsWith(':') || name.startsWith('grpc-')) continue
    const sent = name.endsWith('-bin') ? Buffer.from(value).toString('base64') : value
    yield headerField(name, sent, 'never')
  }
}

/** Most requests leave at once, and say their whole timeout: a header that repeats itself costs next to nothing. In milliseconds. */
const AT_ONCE = 2

/** What a server is told that it may take; 0 for ever. */
export function timeLeft({ timeout, deadline, began }: Timed, now: number): number {
  if (timeout <= 0) return 0
  return now - began < AT_ONCE ? timeout : Math.max(1, deadline - now)
}

interface Timed {
  readonly timeout: number
  readonly deadline: number
  readonly began: number
}
