import type { IncomingHttpHeaders } from 'node:http'
import type { AuthenticationData, ServerAuthenticator } from '../component/authentication.ts'
import type { Abort } from '../component/cancellation.ts'
import type { Log } from '../component/context.ts'
import type { Origin } from '../component/delivery.ts'
import type { Refused } from '../component/refused.ts'
import type { RequestLimiter } from '../component/request-limiting.ts'
import type { Slab } from '../data/memory/slab.ts'
import type { ListenAddress } from './address.ts'

/** HTTP as receivers and exporters need it. */

export interface HttpRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** What follows the `?`; empty where nothing does. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  /** The same with every value by itself, as `Origin.metadata` has them. */
  readonly metadata: ReadonlyMap<string, readonly string[]>
  /** `host:port`, or `unix`. */
  readonly peer: string
  /** What the client proved of itself, by its certificate and to the authenticator, where the options ask for that. */
  readonly auth?: AuthenticationData
  /** Fires when the client goes away. */
  readonly abort: AbortSignal
  /** What Content-Length says, in bytes; undefined where the body comes in chunks. */
  readonly length: number | undefined
  /**
   * Bytes to reserve before the body is read: enough to begin with, since who says that much will come may send nothing. Throws a
   * `Refused` where it would not be read at all: too large (413), in a coding that nobody knows (400).
   */
  room(): number
  /**
   * Reads the whole body, inflated, into `first`, which it takes over, and into memory that `reserve` charges when that is too
   * small: nothing is held that no budget knows of. Rejects with a `Refused`: too large, as sent or inflated (413), not what its
   * coding says (400), cut off, or what `reserve` throws. The caller owns the slab of what is returned.
   */
  body(first: Slab, reserve: (bytes: number) => Slab): Promise<HttpBody>
}

/** The first `length` bytes of `slab`. */
export interface HttpBody {
  readonly slab: Slab
  readonly length: number
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpReply>

export interface HttpServing {
  /** What it throws is answered 500 and logged as an error. */
  readonly handle: HttpHandler
  readonly log: Log
  /** Judges each request by its headers, before it is handled. Given where `options.auth` asks for one. */
  readonly authenticator?: ServerAuthenticator | undefined
  /** Asked about each request after that, and told how long its body was. */
  readonly limiter?: RequestLimiter | undefined
  /** Told of each client that was cut off for its certificate. */
  readonly onRejected?: (refused: Refused) => void
  /** How a request is answered that the authenticator or the limiter refused; the status alone, with the reason as text, where this is left out. */
  readonly refuse?: (request: HttpRequest, refused: Refused) => HttpReply
}

export interface HttpServer {
  readonly address: ListenAddress
  /** Takes no more connections, answers what is under way, and drops what is left at `deadline`. */
  close(deadline: AbortSignal): Promise<void>
}

export interface HttpAnswer {
  readonly status: number
  /** Keys in lower case; a header that came more than once is joined by `, `. */
  readonly headers: ReadonlyMap<string, string>
  /** Cut off after the client's limit. */
  readonly body: Buffer
}

export interface PostOptions {
  /** In lower case. The same object again and again costs the least. */
  readonly headers: Readonly<Record<string, string>>
  readonly abort: Abort
  /** For the authenticator: where the data came from. */
  readonly origin?: Origin
}

export interface HttpClient {
  /**
   * Posts the concatenation of `body`, compressed as the options say, with their headers. Resolves to whatever answer there is,
   * rejects with a `Refused` where there is none. The bytes are the caller's again when it settles, and are never read afterwards.
   */
  post(url: URL, body: readonly Buffer[], options: PostOptions): Promise<HttpAnswer>
  close(): Promise<void>
}
