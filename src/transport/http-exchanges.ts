import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { AuthenticationData, RequestHeaders, ServerAuthenticator } from '../component/authentication.ts'
import { MAX_DELAY } from '../component/clock.ts'
import type { Refused } from '../component/refused.ts'
import type { RequestLimiter } from '../component/request-limiting.ts'
import { admission } from './admission.ts'
import { Cors } from './cors.ts'
import { sendReply } from './http-answer.ts'
import { bodyRoom, contentLength, readBody } from './http-body.ts'
import type { BodyLimits } from './http-body.ts'
import type { HttpReply, HttpRequest, HttpServing } from './http-exchange.ts'
import { CLIENT_GONE, peerOf } from './http-lane.ts'
import type { HttpServerOptions } from './http-server-options.ts'
import { answerTo } from './statuses.ts'
import type { ProtectedServer } from './tls-server.ts'

/** What the OTLP specification recommends. */
const DEFAULT_BODY_LIMIT = 64 * 2 ** 20
/** Requests of one connection that are not answered yet: senders may send the next ones early, in order, and do not in practice. */
const MOST_PIPELINED = 32

/** Requests under way, and what is the same for all of them. */
export class Exchanges {
  closing = false
  readonly limits: BodyLimits
  readonly #serving: HttpServing
  readonly #options: HttpServerOptions
  readonly #cors: Cors | undefined
  readonly #headers: Readonly<Record<string, string>> | undefined
  readonly #security: ProtectedServer | undefined
  readonly #underWay = new WeakMap<Socket, number>()

  constructor(options: HttpServerOptions, serving: HttpServing, security: ProtectedServer | undefined) {
    this.#options = options
    this.#security = security
    this.#serving = serving
    this.#cors = options.cors?.allowed_origins.length ? new Cors(options.cors) : undefined
    const headers = [...options.response_headers].map(([name, value]) => [name, value.reveal()] as const)
    this.#headers = headers.length > 0 ? Object.fromEntries(headers) : undefined
    this.limits = {
      limit: options.max_request_body_size || DEFAULT_BODY_LIMIT,
      codings: options.compression_algorithms,
    }
  }

  get hasCors(): boolean {
    return this.#cors !== undefined
  }

  /** Whether a connection takes no request after the one that is answered. */
  get isLast(): boolean {
    return this.closing || !this.#options.keep_alives_enabled
  }

  /** Answers a request of node:http. */
  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#begin(message, response)) return void message.socket.destroy()
    const { write_timeout } = this.#options
    const timer =
      write_timeout > 0 ? setTimeout(() => message.socket.destroy(), Math.min(write_timeout, MAX_DELAY)) : undefined
    const gone = new AbortController()
    response.once('close', () => response.writableEnded || gone.abort(CLIENT_GONE))
    try {
      const reply = await this.reply(this.#request(message, gone.signal), message.socket)
      await sendReply(message, response, reply, this.isLast)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Whether one more request may be under way on its connection. Until its answer has left it is. */
  #begin({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const underWay = (this.#underWay.get(socket) ?? 0) + 1
    if (underWay > MOST_PIPELINED) return false
    this.#underWay.set(socket, underWay)
    response.once('close', () => this.#underWay.set(socket, (this.#underWay.get(socket) ?? 1) - 1))
    return true
  }

  /** Never rejects. */
  async reply(request: HttpRequest, socket: Socket): Promise<HttpReply> {
    const cors = this.#cors
    if (cors && Cors.isPreflight(request))
      return this.#withHeaders({ status: 204, headers: cors.preflight(request), body: '' })
    try {
      const reply = await this.#handled(request, socket)
      return this.#withHeaders(cors ? { ...reply, headers: { ...reply.headers, ...cors.actual(request) } } : reply)
    } catch (error) {
      this.failed(error)
      return this.#withHeaders({ status: 500, headers: { 'Content-Type': 'text/plain' }, body: 'internal error' })
    }
  }

  failed(error: unknown): void {
    this.#serving.log.error({ error }, 'Answering a request failed')
  }

  #withHeaders(reply: HttpReply): HttpReply {
    return this.#headers ? { ...reply, headers: { ...this.#headers, ...reply.headers } } : reply
  }

  /** Who is refused by the authenticator gets no further. */
  #handled(request: HttpRequest, socket: Socket): HttpReply | Promise<HttpReply> {
    const { authenticator } = this.#serving
    const certificate = this.#security?.identity(socket)
    if (authenticator) return this.#authenticated(request, authenticator, certificate)
    return this.#limited(certificate ? withAuth(request, certificate) : request)
  }

  async #authenticated(
    request: HttpRequest,
    authenticator: ServerAuthenticator,
    certificate: AuthenticationData | undefined,
  ): Promise<HttpReply> {
    const { log, refuse = plainly } = this.#serving
    const headers = withParameters(request, this.#options.auth?.request_params ?? [])
    const admitted = await admission(authenticator, headers, log)
    // What the certificate proves no claim of a token stands for.
    const auth = admitted.auth || certificate ? { ...admitted.auth, ...certificate } : undefined
    if (!admitted.refused) return this.#limited(auth ? withAuth(request, auth) : request)
    const reply = refuse(request, admitted.refused)
    if (reply.status !== 401) return reply
    return { ...reply, headers: { ...reply.headers, 'WWW-Authenticate': authenticator.challenge } }
  }

  /** Who has sent more than it may gets no further either. */
  #limited(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const { limiter, handle, refuse = plainly } = this.#serving
    if (!limiter) return handle(request)
    const refused = limiter.refuse(request)
    return refused ? refuse(request, refused) : handle(told(request, limiter))
  }

  #request(message: IncomingMessage, abort: AbortSignal): HttpRequest {
    const { limits } = this
    return {
      method: message.method ?? '',
      path: pathOf(message),
      query: queryOf(message),
      headers: message.headers,
      get metadata() {
        return metadataOf(message)
      },
      peer: peerOf(message.socket),
      abort,
      length: contentLength(message),
      room: () => bodyRoom(message.headers, contentLength(message), limits),
      body: (first, reserve) => readBody(message, limits, first, reserve),
    }
  }
}

/** Tells the limiter how long the body was. */
const told = (request: HttpRequest, limiter: RequestLimiter): HttpRequest =>
  Object.create(request, {
    body: {
      async value(...read: Parameters<HttpRequest['body']>) {
        const body = await request.body(...read)
        try {
          limiter.took(request, { bytes: body.length })
          return body
        } catch (error) {
          body.slab.release()
          throw error
        }
      },
    },
  }) as HttpRequest

/** A getter would be called by a spread. */
const withAuth = (request: HttpRequest, auth: AuthenticationData): HttpRequest =>
  Object.create(request, { auth: { value: auth } }) as HttpRequest

function plainly(_request: HttpRequest, refused: Refused): HttpReply {
  const { http: status, message } = answerTo(refused)
  return { status, headers: { 'Content-Type': 'text/plain' }, body: message }
}

function metadataOf({ headersDistinct }: IncomingMessage): RequestHeaders {
  const found = new Map<string, readonly string[]>()
  for (const [name, values] of Object.entries(headersDistinct)) if (values !== undefined) found.set(name, values)
  return found
}

/** Parameters of the query that stand in for headers. */
function withParameters({ metadata, query }: HttpRequest, names: readonly string[]): RequestHeaders {
  if (names.length === 0) return metadata
  const parameters = new URLSearchParams(query)
  const found = new Map(metadata)
  for (const name of names) if (parameters.has(name)) found.set(name.toLowerCase(), parameters.getAll(name))
  return found
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function queryOf({ url = '/' }: IncomingMessage): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}
