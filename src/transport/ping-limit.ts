import type { Http2Server, ServerHttp2Session } from 'node:http2'
import { constants } from 'node:http2'

/** Pings that come too early and are forgiven between two requests, as in gRPC's own servers. */
const STRIKES = 2

export interface PingPolicy {
  /** Milliseconds between two pings. */
  readonly min_time: number
  readonly permit_without_stream: boolean
}

/**
 * Closes connections whose clients ping more often than they may (gRPC proposal A8, "server-side keepalive enforcement"),
 * which grpc-js leaves out: every ping costs an answer, and nothing else bounds them. Its HTTP/2 servers are reached through a
 * field that it does not document; where a new version has none, this throws, and its contract test fails.
 */
export function limitPings(server: object, policy: PingPolicy): void {
  const { http2Servers } = server as { http2Servers?: Map<Http2Server, unknown> }
  if (!(http2Servers instanceof Map)) throw new Error('this version of @grpc/grpc-js hides its HTTP/2 servers')
  for (const http2Server of http2Servers.keys()) {
    http2Server.on('session', (session: ServerHttp2Session) => watch(session, policy))
  }
}

function watch(session: ServerHttp2Session, { min_time, permit_without_stream }: PingPolicy): void {
  let open = 0
  let strikes = 0
  let last = -Infinity
  session.on('stream', (stream) => {
    open++
    strikes = 0
    stream.once('close', () => open--)
  })
  session.on('ping', () => {
    const now = performance.now()
    const tooEarly = now - last < min_time || (open === 0 && !permit_without_stream)
    last = now
    if (!tooEarly || ++strikes <= STRIKES) return
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
    session.destroy()
  })
}
