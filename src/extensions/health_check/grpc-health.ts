import net from 'node:net'
import tls from 'node:tls'
import * as grpc from '@grpc/grpc-js'
import { answerTo, listen, listenAddress, loadSessionGuard, loadTls, Refused, unauthenticated } from '../../plugin.ts'
import type { ExtensionContext, ListenAddress, Log, ServerAuthenticator } from '../../plugin.ts'
import { CHECK, decodeRequest, encodeResponse, WATCH } from './health-messages.ts'
import type { GrpcOptions, HealthOptions } from './options.ts'
import { Services } from './services.ts'
import type { Health } from './status-report.ts'

/** A request is the name of a service. */
const LARGEST_REQUEST = 4096
/** Before it: whether it is compressed, and its length. */
const MESSAGE_PREFIX = 5
/** Requests at the same time on one connection, watches among them. */
const DEFAULT_STREAMS = 32
const HANDSHAKE_TIMEOUT = 10_000
/** A connection must have sent HTTP/2's preface by then. */
const PREFACE_TIMEOUT = 5000
const PREFACE_BYTES = 24
/** What connections may take to end, in milliseconds. */
const CLOSE_GRACE = 250
const SESSION_MEMORY_MB = 1
/** Changes that a watcher has not read; who reads none is let go. */
const MOST_UNREAD = 64

/** An answer to a watch goes on for as long as somebody watches. */
const LIMITS = { message: LARGEST_REQUEST + MESSAGE_PREFIX, answer: Infinity }

export interface GrpcHealth {
  readonly address: ListenAddress
  close(): Promise<void>
}

/** Answers grpc.health.v1.Health: what a service is, and whenever that changes. */
export async function startGrpcHealth(
  options: GrpcOptions,
  context: ExtensionContext<HealthOptions>,
  health: Health,
  authenticator: ServerAuthenticator | undefined,
): Promise<GrpcHealth> {
  const services = new Services(context, health)
  const server = new grpc.Server(serverOptions(options))
  const admit = (metadata: grpc.Metadata) => admitted(metadata, authenticator, context.log)
  server.register(CHECK, checker(services, admit), same, same, 'unary')
  server.register(WATCH, watcher(services, admit), same, same, 'serverStream')
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  const { guardSessions } = await loadSessionGuard()
  const unguard = guardSessions(server, LIMITS, options.keepalive.enforcement_policy)
  const { listener, stopReloading } = await makeListener(options, context.log)
  listener.maxConnections = options.max_connections
  listener.on(options.tls ? 'secureConnection' : 'connection', (socket: net.Socket) => {
    socket.on('error', () => socket.destroy())
    const timer = setTimeout(() => socket.bytesRead < PREFACE_BYTES && socket.destroy(), PREFACE_TIMEOUT).unref()
    socket.once('close', () => clearTimeout(timer))
    injector.injectConnection(socket)
  })
  const listening = await listen(listener, listenAddress(options.endpoint, options.transport), context.log)
  return {
    address: listening.address,
    async close() {
      const closed = listening.close()
      stopReloading()
      unguard()
      services.close()
      // Connections end once their watches have been told.
      server.tryShutdown(() => {})
      const late = setTimeout(() => {
        server.forceShutdown()
        for (const socket of listening.connections) socket.destroy()
      }, CLOSE_GRACE)
      await closed
      clearTimeout(late)
    },
  }
}

function serverOptions({ keepalive: { server_parameters: parameters }, ...options }: GrpcOptions): grpc.ServerOptions {
  return {
    'grpc.max_receive_message_length': LARGEST_REQUEST,
    'grpc.max_concurrent_streams': options.max_concurrent_streams || DEFAULT_STREAMS,
    'grpc-node.max_session_memory': SESSION_MEMORY_MB,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': parameters.time,
    'grpc.keepalive_timeout_ms': parameters.timeout,
    ...(parameters.max_connection_idle > 0 && { 'grpc.max_connection_idle_ms': parameters.max_connection_idle }),
    ...(parameters.max_connection_age > 0 && { 'grpc.max_connection_age_ms': parameters.max_connection_age }),
    ...(parameters.max_connection_age_grace > 0 && {
      'grpc.max_connection_age_grace_ms': parameters.max_connection_age_grace,
    }),
  }
}

async function makeListener(options: GrpcOptions, log: Log) {
  if (options.tls === undefined) return { listener: net.createServer(), stopReloading: () => {} }
  const { protect, serverSecurity } = await loadTls()
  const { context, requestCert } = await serverSecurity(options.tls)
  const listener = tls.createServer({
    ...context,
    requestCert,
    rejectUnauthorized: requestCert,
    ALPNProtocols: ['h2'],
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  })
  const security = protect(listener, options.tls, log)
  return { listener, stopReloading: () => security.stop() }
}

type Admit = (metadata: grpc.Metadata) => Promise<void>

/** Rejects with a `Refused` for who may not ask. An authenticator's own failure admits nobody. */
async function admitted(metadata: grpc.Metadata, authenticator: ServerAuthenticator | undefined, log: Log) {
  if (!authenticator) return
  const headers = new Map(Object.keys(metadata.getMap()).map((key) => [key, metadata.get(key).map(String)]))
  try {
    await authenticator.authenticate(headers)
  } catch (error) {
    if (error instanceof Refused) throw error
    log.error({ error }, 'The authenticator failed')
    throw unauthenticated('the authenticator failed')
  }
}

const NOT_FOUND = { code: grpc.status.NOT_FOUND, details: 'Service not found.' }
const SHUTTING_DOWN = { code: grpc.status.CANCELLED, details: 'Server shutting down.' }
const MALFORMED = { code: grpc.status.INVALID_ARGUMENT, details: 'the request is malformed' }
const TOO_MANY = { code: grpc.status.RESOURCE_EXHAUSTED, details: 'too many watches' }

const checker =
  (services: Services, admit: Admit): grpc.handleUnaryCall<Buffer, Buffer> =>
  (call, respond) => {
    const service = serviceOf(call.request)
    if (service === undefined) return respond(MALFORMED)
    admit(call.metadata).then(
      () => {
        const status = services.status(service)
        if (status === undefined) respond(NOT_FOUND)
        else respond(null, encodeResponse(status))
      },
      (error: unknown) => respond(refusalOf(error)),
    )
  }

const watcher =
  (services: Services, admit: Admit): grpc.handleServerStreamingCall<Buffer, Buffer> =>
  (call) => {
    const service = serviceOf(call.request)
    if (service === undefined) return void call.emit('error', MALFORMED)
    admit(call.metadata).then(
      () => {
        if (call.cancelled) return
        const stop = services.watch(service, {
          changed: (status) => {
            if (call.writableLength > MOST_UNREAD) call.destroy()
            else call.write(encodeResponse(status))
          },
          closed: () => call.emit('error', SHUTTING_DOWN),
        })
        if (stop) call.once('cancelled', stop)
        else call.emit('error', TOO_MANY)
      },
      (error: unknown) => call.emit('error', refusalOf(error)),
    )
  }

function refusalOf(error: unknown) {
  const { grpc: code, message: details } = answerTo(Refused.from(error))
  return { code, details }
}

function serviceOf(request: Buffer): string | undefined {
  try {
    return decodeRequest(request)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const same = (bytes: Buffer): Buffer => bytes
