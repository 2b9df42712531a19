import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import { NO_AUTHENTICATOR } from './admission.ts'
import type { HttpServer, HttpServing } from './http-exchange.ts'
import { Exchanges } from './http-exchanges.ts'
import { afterGrace } from './grace.ts'
import type { HttpServerOptions } from './http-server-options.ts'
import { listenAddress } from './address.ts'
import { Lanes } from './http-lanes.ts'
import { listen } from './listen.ts'
import { protect, serverSecurity } from './tls-server.ts'

const HEADER_LIMIT = 32 * 1024
const HANDSHAKE_TIMEOUT = 10_000
/** Time limits are looked at this often, in milliseconds: a quarter of the shortest, within these bounds. */
const LEAST_CHECKING_INTERVAL = 50
const MOST_CHECKING_INTERVAL = 5000

/** `startHttpServer`. Connections begin in a lane, which reads plain POSTs by itself; whatever else comes on one is node:http's. */
export async function startServer(options: HttpServerOptions, serving: HttpServing): Promise<HttpServer> {
  if (options.auth && !serving.authenticator) throw new Error(NO_AUTHENTICATOR)
  const { log } = serving
  const { server, security, handOver } = await makeServer(options, serving)
  server.maxConnections = options.max_connections
  const exchanges = new Exchanges(options, serving, security)
  const serve = (message: IncomingMessage, response: ServerResponse) => void exchanges.serve(message, response)
  server.on('request', serve)
  // Whoever asks first whether to send its body may be refused before sending it.
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
    message.once('resume', () => void (response.headersSent || response.writeContinue()))
    serve(message, response)
  })
  const lanes = new Lanes(options, exchanges, handOver, checkingInterval(options))
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: net.Socket) => lanes.take(socket))
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
        lanes.closeIdle()
        for (const socket of listening.connections) if (socket.bytesRead === 0) socket.destroy()
      })
      await closed
      stay()
      lanes.stop()
      server.close()
      deadline.removeEventListener('abort', cut)
    },
  }
}

async function makeServer(options: HttpServerOptions, { log, onRejected }: HttpServing) {
  const settings = serverSettings(options)
  if (options.tls === undefined) {
    const server = http.createServer(settings)
    return { server, security: undefined, handOver: takenFrom(server, 'connection') }
  }
  const { context, requestCert } = await serverSecurity(options.tls)
  const server = https.createServer({
    ...settings,
    ...context,
    requestCert,
    rejectUnauthorized: requestCert,
    handshakeTimeout: Math.min(HANDSHAKE_TIMEOUT, options.read_header_timeout || HANDSHAKE_TIMEOUT),
  })
  const handOver = takenFrom(server, 'secureConnection')
  return { server, security: protect(server, options.tls, log, onRejected), handOver }
}

/** Takes the place of node:http where connections come in; what is returned gives it one all the same. */
function takenFrom(server: http.Server, event: string): (socket: net.Socket) => void {
  const listeners = server.listeners(event) as ((this: http.Server, socket: net.Socket) => void)[]
  const [own] = listeners
  if (own === undefined || listeners.length > 1) throw new Error('this version of Node hides how HTTP begins')
  server.off(event, own)
  return (socket) => own.call(server, socket)
}

function serverSettings(options: HttpServerOptions) {
  const { read_timeout, read_header_timeout, idle_timeout, keep_alives_enabled } = options
  return {
    maxHeaderSize: HEADER_LIMIT,
    requestTimeout: read_timeout,
    headersTimeout:
      read_timeout > 0 ? Math.min(read_header_timeout || read_timeout, read_timeout) : read_header_timeout,
    connectionsCheckingInterval: checkingInterval(options),
    keepAliveTimeout: keep_alives_enabled ? idle_timeout : 1,
  }
}

function checkingInterval({ read_timeout, read_header_timeout, idle_timeout }: HttpServerOptions): number {
  const limits = [read_timeout, read_header_timeout, idle_timeout].filter((limit) => limit > 0)
  const shortest = Math.min(...limits, MOST_CHECKING_INTERVAL * 4)
  return Math.max(LEAST_CHECKING_INTERVAL, Math.floor(shortest / 4))
}
