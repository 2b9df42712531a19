import net from 'node:net'
import tls from 'node:tls'
import type { GrpcServerOptions } from './grpc-server-options.ts'
import { protect, serverSecurity } from './tls-server.ts'
import type { UnaryServing } from './unary.ts'

const HANDSHAKE_TIMEOUT = 10_000

/** What takes connections for HTTP/2, in the clear or over TLS, and who shows certificates there. */
export async function http2Listener(options: GrpcServerOptions, { log, onRejected }: UnaryServing) {
  if (options.tls === undefined) return { listener: net.createServer(), security: undefined }
  const { context, requestCert } = await serverSecurity(options.tls)
  const listener = tls.createServer({
    ...context,
    requestCert,
    rejectUnauthorized: requestCert,
    ALPNProtocols: ['h2'],
    handshakeTimeout: Math.min(HANDSHAKE_TIMEOUT, options.request_timeout || HANDSHAKE_TIMEOUT),
  })
  return { listener, security: protect(listener, options.tls, log, onRejected) }
}
