import type { ServerHttp2Session } from 'node:http2'
import { constants } from 'node:http2'

/** Pings that come too early and are forgiven between two requests, as in gRPC's own servers. */
const STRIKES = 2

export interface PingPolicy {
  /** Milliseconds between two pings. */
  readonly min_time: number
  readonly permit_without_stream: boolean
}

/**
 * Closes a connection whose client pings more often than it may (gRPC proposal A8, "server-side keepalive enforcement"),
 * which grpc-js leaves out: every ping costs an answer, and nothing else bounds them.
 */
export function limitPings(session: ServerHttp2Session, { min_time, permit_without_stream }: PingPolicy): void {
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
