import type net from 'node:net'
import * as grpc from '@grpc/grpc-js'
import type { AuthenticationData } from '../component/authentication.ts'
import { MAX_DELAY } from '../component/clock.ts'
import { Refused } from '../component/refused.ts'
import type { GrpcServerOptions } from './grpc-server-options.ts'
import type { Metadata, StartUnaryServer, UnaryCall, UnaryMethod, UnaryServing } from './unary.ts'
import { hostPort, listenAddress } from './address.ts'
import { afterGrace } from './grace.ts'
import { ArrivingMessage, InflatedBytes } from './arriving-message.ts'
import { admission, NO_AUTHENTICATOR } from './admission.ts'
import { teachServerCall } from './grpc-codings.ts'
import { http2Listener } from './http2-listener.ts'
import { listen } from './listen.ts'
import type { Listening } from './listen.ts'
import { limitPings } from './ping-limit.ts'
import { encodeRpcStatus } from './rpc-status.ts'
import { onSession, Sessions } from './sessions.ts'
import { StreamGuard } from './stream-guard.ts'
import { answerTo } from './statuses.ts'

const MIB = 2 ** 20
const DEFAULT_MESSAGE_MIB = 64
/** Before a message: whether it is compressed, and its length. */
const MESSAGE_PREFIX = 5
const DEFAULT_STREAMS = 100
/** Until an answer has left: a client that does not take it is gone, or means it. In milliseconds. */
const ANSWER_TIMEOUT = 60_000
/** Headers of one request, and session memory in MB, bound by nghttp2 and node:http2. */
const SESSION_MEMORY_MB = 16
/** A connection must have sent HTTP/2's preface by then, or when a message must have arrived, if that is sooner. */
const PREFACE_TIMEOUT = 20_000
const PREFACE_BYTES = 24
/** Messages that may be arriving at the same time, over all connections; no budget knows of them until they are whole. */
const MOST_ARRIVING = 1024

/** `UnaryServer` over @grpc/grpc-js. It serves sockets that we accept ourselves, because it bounds neither connections nor handshakes. */
export const startGrpcServer: StartUnaryServer = async (options, serving) => {
  if (options.auth && !serving.authenticator) throw new Error(NO_AUTHENTICATOR)
  const { methods, log } = serving
  const memory = new InflatedBytes()
  const identities = new Map<string, AuthenticationData>()
  const server = new grpc.Server(serverOptions(options, gate(serving, options, memory, identities)))
  for (const [path, method] of methods) server.register(path, handler(method, serving), same, same, 'unary')
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  const sessions = new Sessions()
  const guard = new StreamGuard(memory, {
    message: messageLimit(options) + MESSAGE_PREFIX,
    answer: ANSWER_TIMEOUT,
  })
  onSession(server, (session) => {
    sessions.add(session)
    guard.watch(session)
    limitPings(session, options.keepalive.enforcement_policy)
  })

  const { listener, security } = await http2Listener(options, serving)
  listener.maxConnections = options.max_connections
  listener.on(options.tls ? 'secureConnection' : 'connection', (socket: net.Socket) => {
    socket.on('error', () => socket.destroy())
    keepIdentity(identities, socket, security?.identity(socket))
    expectPreface(socket, Math.min(PREFACE_TIMEOUT, options.request_timeout || PREFACE_TIMEOUT))
    injector.injectConnection(socket)
  })
  const listening = await listen(listener, listenAddress(options.endpoint, options.transport), log)
  return {
    address: listening.address,
    async close(deadline) {
      const closed = listening.close()
      security?.stop()
      const cut = () => {
        server.forceShutdown()
        for (const socket of listening.connections) socket.destroy()
      }
      if (deadline.aborted) cut()
      else deadline.addEventListener('abort', cut, { once: true })
      sessions.drain()
      const stay = afterGrace(listening, () => {
        // Sends the last GOAWAY; each session ends its socket after its last stream.
        server.tryShutdown(() => {})
        cutUnbegun(listening)
      })
      await closed
      stay()
      guard.stop()
      server.forceShutdown()
      deadline.removeEventListener('abort', cut)
    },
  }
}

/** What never became a session is nobody else's to end. */
function cutUnbegun({ connections }: Listening): void {
  for (const socket of connections) if (socket.bytesRead < PREFACE_BYTES) socket.destroy()
}

const messageLimit = ({ max_recv_msg_size_mib: mib }: GrpcServerOptions): number => (mib || DEFAULT_MESSAGE_MIB) * MIB

type Ends = Pick<net.Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/** What grpc-js tells of the connection of a request. Both ends: a client may connect from one port to several of our addresses. */
const connectionOf = ({ remoteAddress, remotePort, localAddress, localPort }: Ends): string =>
  JSON.stringify([remoteAddress, remotePort, localAddress, localPort])

function keepIdentity(
  identities: Map<string, AuthenticationData>,
  socket: net.Socket,
  identity: AuthenticationData | undefined,
): void {
  // Connections of a unix socket have no addresses to be told apart by.
  if (identity === undefined || socket.remoteAddress === undefined) return
  const connection = connectionOf(socket)
  identities.set(connection, identity)
  socket.once('close', () => identities.get(connection) === identity && identities.delete(connection))
}

function serverOptions(options: GrpcServerOptions, interceptor: grpc.ServerInterceptor): grpc.ServerOptions {
  const { server_parameters: parameters } = options.keepalive
  return {
    'grpc.max_receive_message_length': messageLimit(options),
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
    interceptors: [interceptor],
  }
}

function expectPreface(socket: net.Socket, timeout: number): void {
  const timer = setTimeout(() => socket.bytesRead < PREFACE_BYTES && socket.destroy(), timeout).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** Refuses by the headers, before grpc-js reads the message, and gives the message its time to arrive. */
function gate(
  { methods, authenticator, limiter, onRejected, log }: UnaryServing,
  options: GrpcServerOptions,
  memory: InflatedBytes,
  identities: ReadonlyMap<string, AuthenticationData>,
): grpc.ServerInterceptor {
  const { request_timeout: requestTimeout } = options
  const limit = messageLimit(options)
  const refusals = { noRoom: statusOf(NO_ROOM), second: statusOf(SECOND) }
  let arriving = 0
  return (definition, call) => {
    const method = methods.get(definition.path) as UnaryMethod
    const message = new ArrivingMessage(memory)
    teachServerCall(call, limit, message, refusals)
    let timer: NodeJS.Timeout | undefined
    let counted = false
    const arrived = () => {
      clearTimeout(timer)
      if (counted) arriving--
      counted = false
      message.end()
    }
    const refuse = (refused: Refused) => {
      arrived()
      call.sendStatus(statusOf(refused))
    }
    const goOn = (metadata: grpc.Metadata, next: (metadata: grpc.Metadata) => void) => {
      const asked = callOf(metadata, NEVER)
      const limited = limiter?.refuse(asked)
      if (limited) onRejected?.(limited)
      const refused = limited ?? method.refuse?.(asked)
      if (refused) refuse(refused)
      else next(metadata)
    }
    const listener: grpc.ServerListener = {
      onReceiveMetadata(metadata, next) {
        if (arriving >= MOST_ARRIVING) return refuse(TOO_MANY)
        counted = true
        arriving++
        if (requestTimeout > 0) timer = setTimeout(() => refuse(TOO_SLOW), Math.min(requestTimeout, MAX_DELAY)).unref()
        const connection = call.getConnectionInfo() as Ends
        const certificate = identities.get(connectionOf(connection))
        const sender = { peer: peerOf(connection), auth: certificate }
        SENDERS.set(metadata, sender)
        if (!authenticator) return goOn(metadata, next)
        void admission(authenticator, metadataOf(metadata), log).then(({ auth, refused }) => {
          // Cancelled, or too slow, while it was judged.
          if (!counted) return
          // What the certificate proves no claim of a token stands for.
          if (auth) SENDERS.set(metadata, { ...sender, auth: { ...auth, ...certificate } })
          if (!refused) return goOn(metadata, next)
          onRejected?.(refused)
          refuse(refused)
        })
      },
      // Only the end of the request hands the message to its method; a client that never sends it holds it no longer than its time.
      onReceiveHalfClose(next) {
        next()
        arrived()
      },
      onCancel: arrived,
    }
    return new grpc.ServerInterceptingCall(call, { start: (next) => next(listener) })
  }
}

type Known = Pick<UnaryCall, 'peer' | 'auth'>

/** What the interceptor learnt of a request, for the method that handles it, when its connection may be gone: grpc-js hands the same metadata to both. */
const SENDERS = new WeakMap<grpc.Metadata, Known>()

const peerOf = ({ remoteAddress, remotePort = 0 }: Ends): string =>
  remoteAddress === undefined ? 'unix' : hostPort(remoteAddress, remotePort)

const TOO_MANY = new Refused(`more than ${MOST_ARRIVING} messages are arriving at the same time`, {
  code: 'resource_exhausted',
  retry: {},
})
const NO_ROOM = new Refused('too many messages are inflated at the same time', {
  code: 'resource_exhausted',
  retry: {},
})
const SECOND = new Refused('a second message came in a unary call', { code: 'unimplemented', retry: 'never' })
const TOO_SLOW = new Refused('the message did not arrive in time', { code: 'deadline_exceeded', retry: {} })

const CANCELLED = new Refused('the client cancelled', { code: 'cancelled', retry: {} })

const handler =
  (method: UnaryMethod, { log, limiter }: UnaryServing): grpc.handleUnaryCall<Buffer, Buffer> =>
  (call, respond) => {
    const abort = new AbortController()
    const asked = callOf(call.metadata, abort.signal)
    limiter?.took(asked, { bytes: call.request.length })
    call.once('cancelled', () => abort.abort(CANCELLED))
    answer(method, call.request, asked).then(
      (answer) => respond(null, answer),
      (error: unknown) => {
        if (!(error instanceof Refused)) log.error({ error }, 'Answering a request failed')
        respond(statusOf(Refused.from(error)))
      },
    )
  }

async function answer(method: UnaryMethod, message: Buffer, call: UnaryCall): Promise<Buffer> {
  if ('handle' in method) return method.handle(message, call)
  const slab = await method.room(message.length, message.length, call)
  message.copy(slab.buffer)
  return (await method.take({ slab, length: message.length }, call)) ?? EMPTY
}

const EMPTY = Buffer.alloc(0)
const same = (bytes: Buffer): Buffer => bytes

function statusOf(refused: Refused) {
  const { grpc: code, message, after } = answerTo(refused)
  const metadata = new grpc.Metadata()
  if (after !== undefined)
    metadata.set('grpc-status-details-bin', encodeRpcStatus({ code, message, retryDelay: after }))
  return { code, details: message, metadata }
}

/** What is refused by its headers is not under way yet. */
const NEVER = new AbortController().signal

const callOf = (metadata: grpc.Metadata, abort: AbortSignal): UnaryCall => ({
  abort,
  ...(SENDERS.get(metadata) as Known),
  get metadata() {
    return metadataOf(metadata)
  },
})

function metadataOf(metadata: grpc.Metadata): Metadata {
  const found = new Map<string, readonly string[]>()
  for (const key of Object.keys(metadata.getMap())) {
    found.set(
      key,
      metadata.get(key).map((value) => (typeof value === 'string' ? value : value.toString('base64'))),
    )
  }
  return found
}
