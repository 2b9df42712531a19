import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import type { AuthenticationData, RequestHeaders } from '../component/authentication.ts'
import { MAX_DELAY } from '../component/clock.ts'
import type { Log } from '../component/context.ts'
import { Refused } from '../component/refused.ts'
import type { RequestLimiter } from '../component/request-limiting.ts'
import { Cors } from './cors.ts'
import { admission, NO_AUTHENTICATOR } from './admission.ts'
import type { HttpReply, HttpRequest, HttpServer, HttpServing } from './http-exchange.ts'
import { afterGrace } from './grace.ts'
import { sendReply } from './http-answer.ts'
import { bodyRoom, contentLength, readBody } from './http-body.ts'
import type { BodyLimits } from './http-body.ts'
import type { HttpServerOptions } from './http-server-options.ts'
import { hostPort, listenAddress } from './address.ts'
import { listen } from './listen.ts'
import { answerTo } from './statuses.ts'
import { protect, serverSecurity } from './tls-server.ts'
import type { ProtectedServer } from './tls-server.ts'

const HEADER_LIMIT = 32 * 1024
/** What the OTLP specification recommends. */
const DEFAULT_BODY_LIMIT = 64 * 2 ** 20
const HANDSHAKE_TIMEOUT = 10_000
/** Time limits are looked at this often, in milliseconds: a quarter of the shortest, within these bounds. */
const LEAST_CHECKING_INTERVAL = 50
const MOST_CHECKING_INTERVAL = 5000
/** Requests of one connection that are not answered yet: senders may send the next ones early, in order, and do not in practice. */
const MOST_PIPELINED = 32

/** `startHttpServer`. */
export async function startServer(options: HttpServerOptions, serving: HttpServing): Promise<HttpServer> {
  if (options.auth && !serving.authenticator) throw new Error(NO_AUTHENTICATOR)
  const { log } = serving
  const { server, security } = await makeServer(options, serving)
  server.maxConnections = options.max_connections
  const exchanges = new Exchanges(options, serving, security)
  const serve = (message: IncomingMessage, response: ServerResponse) => void exchanges.serve(message, response)
  server.on('request', serve)
  // Whoever asks first whether to send its body may be refused before sending it.
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
    message.once('resume', () => void (response.headersSent || response.writeContinue()))
    serve(message, response)
  })
  const listening = await listen(server, listenAddress(options.endpoint, options.transport), log)
  return {
    address: listening.address,
    async close(deadline) {
      const closed = listening.close()
      security?.stop()
      exchanges.closing = true
      const cut = () => {
        for (const socket of listening.connections) socket.destroy()
      }
      if (deadline.aborted) cut()
      else deadline.addEventListener('abort', cut, { once: true })
      const stay = afterGrace(listening, () => {
        server.closeIdleConnections()
        for (const socket of listening.connections) if (socket.bytesRead === 0) socket.destroy()
      })
      await closed
      stay()
      server.close()
      deadline.removeEventListener('abort', cut)
    },
  }
}

async function makeServer(options: HttpServerOptions, { log, onRejected }: HttpServing) {
  const settings = serverSettings(options)
  if (options.tls === undefined) return { server: http.createServer(settings), security: undefined }
  const { context, requestCert } = await serverSecurity(options.tls)
  const server = https.createServer({
    ...settings,
    ...context,
    requestCert,
    rejectUnauthorized: requestCert,
    handshakeTimeout: Math.min(HANDSHAKE_TIMEOUT, options.read_header_timeout || HANDSHAKE_TIMEOUT),
  })
  return { server, security: protect(server, options.tls, log, onRejected) }
}

function serverSettings({ read_timeout, read_header_timeout, idle_timeout, keep_alives_enabled }: HttpServerOptions) {
  const limits = [read_timeout, read_header_timeout].filter((limit) => limit > 0)
  const shortest = Math.min(...limits, MOST_CHECKING_INTERVAL * 4)
  return {
    maxHeaderSize: HEADER_LIMIT,
    requestTimeout: read_timeout,
    headersTimeout:
      read_timeout > 0 ? Math.min(read_header_timeout || read_timeout, read_timeout) : read_header_timeout,
    connectionsCheckingInterval: Math.max(LEAST_CHECKING_INTERVAL, Math.floor(shortest / 4)),
    keepAliveTimeout: keep_alives_enabled ? idle_timeout : 1,
  }
}

const CLIENT_GONE = new Refused('the client went away', { code: 'cancelled', retry: {} })

/** Requests under way, and what is the same for all of them. */
class Exchanges {
  closing = false
  readonly #serving: HttpServing
  readonly #log: Log
  readonly #options: HttpServerOptions
  readonly #cors: Cors | undefined
  readonly #headers: Readonly<Record<string, string>>
  readonly #limits: BodyLimits
  readonly #security: ProtectedServer | undefined
  readonly #underWay = new WeakMap<Socket, number>()

  constructor(options: HttpServerOptions, serving: HttpServing, security: ProtectedServer | undefined) {
    this.#options = options
    this.#security = security
    this.#serving = serving
    this.#log = serving.log
    this.#cors = options.cors?.allowed_origins.length ? new Cors(options.cors) : undefined
    this.#headers = Object.fromEntries([...options.response_headers].map(([name, value]) => [name, value.reveal()]))
    this.#limits = {
      limit: options.max_request_body_size || DEFAULT_BODY_LIMIT,
      codings: options.compression_algorithms,
    }
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#begin(message, response)) return void message.socket.destroy()
    const { write_timeout } = this.#options
    const timer =
      write_timeout > 0 ? setTimeout(() => message.socket.destroy(), Math.min(write_timeout, MAX_DELAY)) : undefined
    try {
      const reply = await this.#reply(message, response)
      const headers = { ...this.#headers, ...reply.headers }
      const isLast = this.closing || !this.#options.keep_alives_enabled
      await sendReply(message, response, { ...reply, headers }, isLast)
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

  async #reply(message: IncomingMessage, response: ServerResponse): Promise<HttpReply> {
    if (this.#cors && Cors.isPreflight(message))
      return { status: 204, headers: this.#cors.preflight(message), body: '' }
    const gone = new AbortController()
    response.once('close', () => response.writableEnded || gone.abort(CLIENT_GONE))
    try {
      const reply = await this.#handled(message, this.#request(message, gone.signal))
      return this.#cors ? { ...reply, headers: { ...reply.headers, ...this.#cors.actual(message) } } : reply
    } catch (error) {
      this.#log.error({ error }, 'Answering a request failed')
      return { status: 500, headers: { 'Content-Type': 'text/plain' }, body: 'internal error' }
    }
  }

  /** Who is refused by the authenticator gets no further. */
  async #handled(message: IncomingMessage, request: HttpRequest): Promise<HttpReply> {
    const { authenticator, refuse = plainly } = this.#serving
    const certificate = this.#security?.identity(message.socket)
    if (!authenticator) return this.#limited(certificate ? withAuth(request, certificate) : request)
    const headers = withParameters(request.metadata, message, this.#options.auth?.request_params ?? [])
    const admitted = await admission(authenticator, headers, this.#log)
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
    return {
      method: message.method ?? '',
      path: pathOf(message),
      query: queryOf(message),
      headers: message.headers,
      get metadata() {
        return metadataOf(message)
      },
      peer: peerOf(message),
      abort,
      length: contentLength(message),
      room: () => bodyRoom(message, this.#limits),
      body: (first, reserve) => readBody(message, this.#limits, first, reserve),
    }
  }
}

/** Tells the limiter how long the body was. */
const told = (request: HttpRequest, limiter: RequestLimiter): HttpRequest =>
  Object.create(request, {
    body: {
      async value(...read: Parameters<HttpRequest['body']>) {
        const body = await request.body(...read)
        limiter.took(request, { bytes: body.length })
        return body
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
function withParameters(headers: RequestHeaders, { url = '/' }: IncomingMessage, names: readonly string[]) {
  if (names.length === 0) return headers
  const query = new URLSearchParams(queryOf({ url } as IncomingMessage))
  const found = new Map(headers)
  for (const name of names) if (query.has(name)) found.set(name.toLowerCase(), query.getAll(name))
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

function peerOf({ socket }: IncomingMessage): string {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined ? 'unix' : hostPort(remoteAddress, remotePort ?? 0)
}
