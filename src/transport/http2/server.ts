import type net from 'node:net'
import { Slab } from '../../data/memory/slab.ts'
import { hostPort, listenAddress } from '../address.ts'
import { NO_AUTHENTICATOR } from '../admission.ts'
import { afterGrace } from '../grace.ts'
import type { GrpcServerOptions } from '../grpc-server-options.ts'
import { http2Listener } from '../http2-listener.ts'
import { listen } from '../listen.ts'
import type { BufferMethod, SlabMethod, StartUnaryServer, UnaryMethod, UnaryServing } from '../unary.ts'
import { PREFACE } from './frames.ts'
import { greeting } from './greeting.ts'
import { readChunks } from './read-chunks.ts'
import { ServerSession } from './server-session.ts'
import type { Service } from './service.ts'
import { Ticker } from './ticker.ts'

const MIB = 2 ** 20
const DEFAULT_MESSAGE_MIB = 64
const DEFAULT_STREAMS = 100

/** `UnaryServer` over our own HTTP/2. */
export const startHttp2Server: StartUnaryServer = async (options, serving) => {
  if (options.auth && !serving.authenticator) throw new Error(NO_AUTHENTICATOR)
  const sessions = new Set<ServerSession>()
  const ticker = new Ticker((now) => look(sessions, ticker, now))
  const service = serviceOf(options, serving, ticker)
  const { listener, security } = await http2Listener(options, serving)
  let isDraining = false
  let isOver = false
  listener.maxConnections = options.max_connections
  listener.on(options.tls ? 'secureConnection' : 'connection', (socket: net.Socket) => {
    // A handshake of TLS may have taken its time.
    if (isOver) return void socket.destroy()
    const session = new ServerSession(socket, service, peerOf(socket), security?.identity(socket), performance.now())
    sessions.add(session)
    socket.on('error', () => socket.destroy())
    readChunks(socket, (chunk) => {
      session.read(chunk)
      if (isDraining && session.hasBegun) session.drain()
    })
    socket.once('close', () => {
      sessions.delete(session)
      session.closed()
    })
  })
  const listening = await listen(listener, listenAddress(options.endpoint, options.transport), serving.log)
  return {
    address: listening.address,
    async close(deadline) {
      const closed = listening.close()
      security?.stop()
      const cut = () => {
        for (const socket of listening.connections) socket.destroy()
      }
      if (deadline.aborted) cut()
      else deadline.addEventListener('abort', cut, { once: true })
      // Who has only just come may send one request.
      isDraining = true
      for (const session of sessions) if (session.hasBegun) session.drain()
      const stay = afterGrace(listening, () => {
        for (const session of sessions) session.finish()
        isOver = true
        // What never became a session is nobody else's to end.
        for (const socket of listening.connections) if (socket.bytesRead < PREFACE.length) socket.destroy()
      })
      await closed
      stay()
      ticker.stop()
      deadline.removeEventListener('abort', cut)
    },
  }
}

function look(sessions: ReadonlySet<ServerSession>, ticker: Ticker, now: number): void {
  let next = Infinity
  for (const session of sessions) {
    if (session.next <= now) session.look(now)
    next = Math.min(next, session.next)
  }
  ticker.due(next)
}

function serviceOf(options: GrpcServerOptions, serving: UnaryServing, ticker: Ticker): Service {
  const { authenticator, limiter, log, onRejected = () => {} } = serving
  const mostStreams = options.max_concurrent_streams || DEFAULT_STREAMS
  return {
    methods: new Map([...serving.methods].map(([path, method]) => [path, readingIntoSlabs(method)])),
    log,
    authenticator,
    limiter,
    onRejected,
    largest: (options.max_recv_msg_size_mib || DEFAULT_MESSAGE_MIB) * MIB,
    mostStreams,
    greeting: greeting(mostStreams),
    patience: options.request_timeout || Infinity,
    keepalive: options.keepalive.server_parameters,
    pings: options.keepalive.enforcement_policy,
    due: (at) => ticker.due(at),
  }
}

/** Methods that want a buffer of their own read into one that nobody else has. */
const readingIntoSlabs = (method: UnaryMethod): SlabMethod => ('handle' in method ? slabMethod(method) : method)

const slabMethod = (method: BufferMethod): SlabMethod => ({
  ...(method.refuse && { refuse: (call) => method.refuse!(call) }),
  room: (bytes) => ownSlab(bytes),
  reserve: ownSlab,
  take: ({ slab, length }, call) => method.handle(slab.buffer.subarray(0, length), call),
})

const ownSlab = (bytes: number): Slab => new Slab(Buffer.allocUnsafeSlow(bytes))

const peerOf = ({ remoteAddress, remotePort = 0 }: net.Socket): string =>
  remoteAddress === undefined ? 'unix' : hostPort(remoteAddress, remotePort)
