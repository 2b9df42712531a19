import { proxyFor } from '../../proxy.ts'
import type { Address } from './resolver.ts'
import type { Tunnel } from './tunnel.ts'

export interface Proxied {
  /** The proxy's. */
  readonly address: Address
  readonly tunnel: Tunnel
}

/**
 * How to reach `server`, a `host:port`, where the environment names a proxy for it. gRPC's libraries read the variable for HTTPS alone, be
 * there TLS or not.
 */
export function proxied(server: string): Proxied | undefined {
  const proxy = proxyFor(new URL(`https://${server}`))
  if (proxy === undefined) return undefined
  if (proxy.protocol !== 'http:')
    throw new Error(`the environment names a ${proxy.protocol}// proxy: gRPC can go through http:// ones alone`)
  const host = proxy.hostname.replace(/^\[(.*)\]$/, '$1')
  const credentials = proxy.username ? [proxy.username, proxy.password].map(decodeURIComponent).join(':') : ''
  return { address: { kind: 'tcp', host, port: Number(proxy.port || 80) }, tunnel: { to: server, credentials } }
}
