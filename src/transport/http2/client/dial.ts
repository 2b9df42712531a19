import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import type { ClientSecurity } from '../../tls.ts'
import type { Address } from './resolver.ts'
import { openTunnel } from './tunnel.ts'
import type { Tunnel } from './tunnel.ts'

/** How a connection is made, whatever the address. */
export interface Dialing {
  readonly tunnel: Tunnel | undefined
  /** The server's name or address without the port, which its certificate must have. */
  readonly host: string
  /** Absent in the clear. */
  readonly security: ClientSecurity | undefined
}

/** A connection on which HTTP/2 may begin; paused. Rejects with the system's error, or `abort`'s reason. */
export async function dial(address: Address, dialing: Dialing, abort: AbortSignal): Promise<net.Socket> {
  const socket = net.connect(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port, noDelay: true },
  )
  // Who waits for something of it listens by itself; errors at other times show in its end.
  socket.on('error', () => {})
  const give = () => socket.destroy(abort.reason as Error)
  abort.addEventListener('abort', give, { once: true })
  try {
    abort.throwIfAborted()
    await once(socket, 'connect', { signal: abort })
    if (dialing.tunnel) await openTunnel(socket, dialing.tunnel)
    const { security } = dialing
    return security ? await secured(socket, security, dialing.host, abort) : socket.pause()
  } catch (error) {
    socket.destroy()
    throw abort.aborted ? abort.reason : error
  } finally {
    abort.removeEventListener('abort', give)
  }
}

async function secured(socket: net.Socket, security: ClientSecurity, host: string, abort: AbortSignal) {
  const name = security.serverName ?? host
  const secure = tls.connect({
    socket,
    secureContext: security.context,
    rejectUnauthorized: security.rejectUnauthorized,
    ALPNProtocols: ['h2'],
    host: name,
    // An address is checked as one, and never said in the clear (RFC 6066, 3).
    ...(net.isIP(name) === 0 && { servername: name }),
  })
  secure.on('error', () => {})
  try {
    await once(secure, 'secureConnect', { signal: abort })
    if (secure.alpnProtocol !== 'h2')
      throw new Error('the server did not agree to HTTP/2 (ALPN h2) in its TLS handshake')
    return secure.pause()
  } catch (error) {
    secure.destroy()
    throw error
  }
}
