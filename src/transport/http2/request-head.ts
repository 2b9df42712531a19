import type { Metadata, SlabMethod } from '../unary.ts'
import { parseTimeout } from './grpc-message.ts'
import type { HeaderField, HeaderList } from './hpack/header-list.ts'

/** `malformed`: no request of HTTP/2 at all. `plain`: one of HTTP, but not of gRPC. */
export type RequestKind = 'grpc' | 'plain' | 'malformed' | 'too_large'

/** What the headers of a request say, found out once for all that have the same. */
export class RequestHead {
  readonly kind: RequestKind
  readonly isPost: boolean
  readonly contentType: string
  readonly path: string
  readonly method: SlabMethod | undefined
  /** As gRPC names it; the empty string is none. */
  readonly encoding: string
  /** Milliseconds; Infinity where there is none, undefined where it is malformed. */
  readonly timeout: number | undefined
  /** -1 where it says none. */
  readonly contentLength: number
  readonly #fields: readonly HeaderField[]
  #metadata: Metadata | undefined

  constructor({ fields, isTooLarge: isLong }: HeaderList, methods: ReadonlyMap<string, SlabMethod>) {
    const found = new Map<string, string>()
    const isTooLarge = isLong || hasTooManyBinaries(fields)
    const isWellFormed = isTooLarge || read(fields, found)
    const timeout = found.get('grpc-timeout')
    const encoding = found.get('grpc-encoding') ?? ''
    const length = found.get('content-length') ?? '-1'
    this.#fields = fields
    this.path = found.get(':path') ?? ''
    this.isPost = found.get(':method') === 'POST'
    this.method = methods.get(this.path)
    this.encoding = encoding === 'identity' ? '' : encoding
    this.timeout = timeout === undefined ? Infinity : parseTimeout(timeout)
    this.contentLength = LENGTH.test(length) ? Number(length) : NaN
    this.contentType = found.get('content-type') ?? ''
    const isGrpc = this.isPost && CONTENT_TYPE.test(this.contentType)
    const isRequest = isWellFormed && !Number.isNaN(this.contentLength)
    this.kind = isTooLarge ? 'too_large' : !isRequest ? 'malformed' : isGrpc ? 'grpc' : 'plain'
  }

  /** Without what is the transport's own. */
  get metadata(): Metadata {
    return (this.#metadata ??= metadataOf(this.#fields))
  }
}

/** As many fields as a header list has room for: one field of commas alone would be thousands of values. */
const MOST_BINARIES = 512

function hasTooManyBinaries(fields: readonly HeaderField[]): boolean {
  let count = 0
  for (const { name, value } of fields) {
    if (!name.endsWith(BINARY)) continue
    for (let at = 0; at >= 0; at = value.indexOf(',', at + 1)) if (++count > MOST_BINARIES) return true
  }
  return false
}

const BINARY = '-bin'
const CONTENT_TYPE = /^application\/grpc(?:$|[+;])/
const LENGTH = /^(?:-1|\d{1,15})$/

/** Whether the fields may stand in a trailer (RFC 9113, 8.1). */
export const isTrailer = ({ fields }: HeaderList): boolean =>
  fields.every(({ name, value }) => !name.startsWith(':') && isField(name, value))

/** Whether the fields are a request (RFC 9113, 8.2 and 8.3). */
function read(fields: readonly HeaderField[], found: Map<string, string>): boolean {
  let isPseudo = true
  for (const { name, value } of fields) {
    if (name.charCodeAt(0) === COLON) {
      if (!isPseudo || !PSEUDO.has(name) || found.has(name)) return false
    } else {
      isPseudo = false
      if (!isField(name, value)) return false
      if (name === 'content-length' && found.has(name) && found.get(name) !== value) return false
    }
    found.set(name, value)
  }
  return found.has(':method') && found.has(':scheme') && (found.get(':path') ?? '') !== ''
}

const COLON = 0x3a
const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':path', ':authority'])

const isField = (name: string, value: string): boolean =>
  NAME.test(name) && VALUE.test(value) && !OF_CONNECTIONS.has(name) && (name !== 'te' || value === 'trailers')

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
// eslint-disable-next-line no-control-regex
const VALUE = /^[^\0\r\n]*$/
/** RFC 9113, 8.2.2. */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** What gRPC and HTTP say to one another. */
const RESERVED: ReadonlySet<string> = new Set([
  'accept-encoding',
  'content-length',
  'content-type',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-timeout',
  'te',
])

function metadataOf(fields: readonly HeaderField[]): Metadata {
  const metadata = new Map<string, string[]>()
  for (const { name, value } of fields) {
    if (name.charCodeAt(0) === COLON || RESERVED.has(name)) continue
    const values = metadata.get(name) ?? []
    metadata.set(name, values)
    if (name.endsWith(BINARY)) values.push(...value.split(',').map(canonical))
    else values.push(value)
  }
  return metadata
}

/** Peers may leave out the padding (gRPC over HTTP/2, "Binary-Header"). */
const canonical = (base64: string): string => Buffer.from(base64.trim(), 'base64').toString('base64')
