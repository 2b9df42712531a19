import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { listenAddress } from '../../plugin.ts'
import type { AdminConfig } from './options.ts'

/** Why a request is not answered. */
export interface Rejection {
  readonly status: 403 | 421
  readonly reason: string
}

type Asking = Pick<IncomingMessage, 'headers'>

/**
 * Keeps out what a web page in an operator's browser sends here behind his back. A page whose name was turned to our address (DNS
 * rebinding) still asks for that name: only addresses, localhost and names that were configured are answered. A page of another
 * origin is told by the browser's `Sec-Fetch-Site` and `Origin` (Fetch standard), which no page can forge; programs send neither.
 */
export function guard(config: AdminConfig): (request: Asking) => Rejection | undefined {
  const address = listenAddress(config.endpoint, config.transport)
  const scheme = config.tls ? 'https' : 'http'
  const names = new Set(['localhost', ...config.hosts.map((name) => name.toLowerCase())])
  if (address.kind === 'tcp' && address.host !== '') names.add(address.host.toLowerCase())
  return ({ headers }) => {
    const { host = '', origin, 'sec-fetch-site': site } = headers
    if (address.kind === 'tcp' && !isOurs(nameOf(host), names))
      return {
        status: 421,
        reason: 'it does not go by that name: add it to "hosts", or ask for an address or localhost',
      }
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return { status: 403, reason: 'pages of other origins may not ask' }
    if (origin !== undefined && origin.toLowerCase() !== `${scheme}://${host}`.toLowerCase())
      return { status: 403, reason: 'pages of other origins may not ask' }
    return undefined
  }
}

/** Of a `Host` header, without its port and brackets. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host)
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase()
}

/** An address was not looked up in anybody's DNS. */
const isOurs = (name: string, names: ReadonlySet<string>): boolean => isIP(name) !== 0 || names.has(name)
