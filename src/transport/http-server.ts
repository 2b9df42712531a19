import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { Log } from '../component/context.ts'
import { contentLength } from './http-body.ts'
import { Cors } from './cors.ts'
import type { HttpServerOptions } from './http-server-options.ts'
import { hostPort, listen, listenAddress } from './listen.ts'
import type { ListenAddress } from './listen.ts'
import { reloadServerSecurity, serverSecurity } from './tls.ts'

/** What a handler answers. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

export type HttpHandler = (request: HttpRequest) => Promise<Reply>

export interface HttpRequest {
  readonly message: IncomingMessage
  /** Without the query. */
  readonly path: string
  /** `host:port`, or the path of the unix socket. */
  readonly peer: string
  /** Fires when the client goes away. */
  readonly abort: AbortSignal
}

export interface HttpServer {
  readonly address: ListenAddress
  /** Takes no more connections, answers what is under way, and drops what is left at `deadline`. */
  close(deadline: AbortSignal): Promise<void>
}

const HEADER_LIMIT = 32 * 1024
const HANDSHAKE_TIMEOUT = 10_000
/** Time limits are looked at this often, in milliseconds: a quarter of the shortest, within these bounds. */
const LEAST_CHECKING_INTERVAL = 50
const MOST_CHECKING_INTERVAL = 5000
/** Of a body that nobody wants any more, so much is read for the sender to see the answer: closing at once would reset it away. */
const DISCARD_LIMIT = 4 * 1024 * 1024
const DISCARD_TIMEOUT = 5000

/** Starts to listen; rejects where it cannot. `handle` must not reject: what it throws is answered 500 and logged as an error. */
export async function startHttpServer(options: HttpServerOptions, handle: HttpHandler, log: Log): Promise<HttpServer> {
  const { server, stopReloading } = await makeServer(options, log)
  server.maxConnections = options.max_connections
  const exchanges = new Exchanges(options, handle, log)
  const serve = (message: IncomingMessage, response: ServerResponse) => void exchanges.serve(message, response)
  server.on('request', serve)
  // Whoever asks first whether to send its body may be refused before sending it.
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
    message.once('resume', () => void (response.headersSent || response.writeContinue()))
    serve(message, response)
  })
  const address = await listen(server, listenAddress(options.endpoint, options.transport))
  return {
    address,
    async close(deadline) {
      stopReloading()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      exchanges.closing = true
      const cut = () => server.closeAllConnections()
      if (deadline.aborted) cut()
      else deadline.addEventListener('abort', cut, { once: true })
      await closed
      deadline.removeEventListener('abort', cut)
    },
  }
}

async function makeServer(options: HttpServerOptions, log: Log) {
  const settings = serverSettings(options)
  if (options.tls === undefined) return { server: http.createServer(settings), stopReloading: () => {} }
  const { context, requestCert } = await serverSecurity(options.tls)
  const server = https.createServer({
    ...settings,
    ...context,
    requestCert,
    rejectUnauthorized: requestCert,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  })
  const stopReloading = reloadServerSecurity(
    options.tls,
    (renewed) => server.setSecureContext(renewed),
    (error) => log.error({ error }, 'The changed certificates cannot be used; the old ones stay'),
  )
  return { server, stopReloading }
}

function serverSettings({ read_timeout, read_header_timeout, idle_timeout, keep_alives_enabled }: HttpServerOptions) {
  const limits = [read_timeout, read_header_timeout].filter((limit) => limit > 0)
  const shortest = Math.min(...limits, MOST_CHECKING_INTERVAL * 4)
  return {
    maxHeaderSize: HEADER_LIMIT,
    requestTimeout: read_timeout,
    headersTimeout: read_timeout > 0 ? Math.min(read_header_timeout || read_timeout, read_timeout) : read_header_timeout,
    connectionsCheckingInterval: Math.max(LEAST_CHECKING_INTERVAL, Math.floor(shortest / 4)),
    keepAliveTimeout: keep_alives_enabled ? idle_timeout : 1,
  }
}

/** Requests under way, and what is the same for all of them. */
class Exchanges {
  closing = false
  readonly #handle: HttpHandler
  readonly #log: Log
  readonly #options: HttpServerOptions
  readonly #cors: Cors | undefined
  readonly #headers: Readonly<Record<string, string>>

  constructor(options: HttpServerOptions, handle: HttpHandler, log: Log) {
    this.#options = options
    this.#handle = handle
    this.#log = log
    this.#cors = options.cors?.allowed_origins.length ? new Cors(options.cors) : undefined
    this.#headers = Object.fromEntries([...options.response_headers].map(([name, value]) => [name, value.reveal()]))
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { write_timeout } = this.#options
    const timer = write_timeout > 0 ? setTimeout(() => message.destroy(), write_timeout) : undefined
    try {
      const reply = await this.#reply(message, response)
      await this.#send(message, response, reply)
    } finally {
      clearTimeout(timer)
    }
  }

  async #reply(message: IncomingMessage, response: ServerResponse): Promise<Reply> {
    if (this.#cors && Cors.isPreflight(message)) return { status: 204, headers: this.#cors.preflight(message), body: '' }
    const gone = new AbortController()
    response.once('close', () => response.writableEnded || gone.abort(new Error('the client went away')))
    try {
      const reply = await this.#handle({ message, path: pathOf(message), peer: peerOf(message), abort: gone.signal })
      return this.#cors ? { ...reply, headers: { ...reply.headers, ...this.#cors.actual(message) } } : reply
    } catch (error) {
      this.#log.error({ error }, 'Answering a request failed')
      return { status: 500, headers: { 'Content-Type': 'text/plain' }, body: 'internal error' }
    }
  }

  async #send(message: IncomingMessage, response: ServerResponse, { status, headers, body }: Reply): Promise<void> {
    if (response.destroyed) return
    const unread = !message.complete
    const ends = this.closing || !this.#options.keep_alives_enabled || (unread && (contentLength(message) ?? Infinity) > DISCARD_LIMIT)
    response.writeHead(status, {
      ...this.#headers,
      ...headers,
      ...(status !== 204 && { 'Content-Length': String(Buffer.byteLength(body)) }),
      ...(ends && { Connection: 'close' }),
    })
    if (!unread) return void response.end(body)
    response.write(body)
    await discard(message)
    response.end()
    if (!message.complete) message.destroy()
  }
}

/** Reads on until the body ends, or a bound is met. */
function discard(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = DISCARD_LIMIT
    const timer = setTimeout(stop, DISCARD_TIMEOUT)
    function stop() {
      clearTimeout(timer)
      message.off('data', drop).off('end', stop).off('close', stop).pause()
      resolve()
    }
    function drop(chunk: Buffer) {
      left -= chunk.length
      if (left < 0) stop()
    }
    message.on('data', drop).on('end', stop).on('close', stop).on('error', stop).resume()
  })
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function peerOf({ socket }: IncomingMessage): string {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined ? 'unix' : hostPort(remoteAddress, remotePort ?? 0)
}
