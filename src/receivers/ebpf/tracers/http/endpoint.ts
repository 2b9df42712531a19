import type { Kinds } from './kind.ts'
import type { HttpExchange } from './trace.ts'

/** Hosts that are remembered. */
const HOSTS_MOST = 1024
/** A name in the DNS, and a port. */
const HOST_CHARACTERS_MOST = 262
const SCHEME = 'http'
const HTTP_PORT = 80
const HTTPS_PORT = 443

/** Whom a request is sent to. */
export interface Address {
  readonly address: string
  readonly port: number
}

/** The same as the client names it. */
export interface Endpoint extends Address {
  /** Of requests that clients of this host make to it. */
  readonly kinds: Kinds
}

/** What `Host` and the authority of a target say, each worked out once. */
export class Endpoints {
  readonly #known = new Map<string, Endpoint | undefined>()

  /** Undefined where the request names no host. */
  of({ request: { host, scheme } }: HttpExchange): Endpoint | undefined {
    return host === undefined ? undefined : this.#of(host, scheme ?? SCHEME)
  }

  /** Whom a client called: who answers, where the request names nobody. */
  called(exchange: HttpExchange): Address {
    const { remoteAddress, remotePort } = exchange.connection
    return this.of(exchange) ?? { address: remoteAddress, port: remotePort }
  }

  #of(host: string, scheme: string): Endpoint | undefined {
    const known = this.#known.get(host)
    if (known !== undefined || this.#known.has(host)) return known
    if (this.#known.size >= HOSTS_MOST) this.#known.clear()
    const made = parse(host, scheme)
    this.#known.set(host, made)
    return made
  }
}

function parse(host: string, scheme: string): Endpoint | undefined {
  if (host.length > HOST_CHARACTERS_MOST) return undefined
  // A name and a password in front of it are nobody's business.
  const text = host.slice(host.lastIndexOf('@') + 1)
  const [, bracketed, name, port] = HOST.exec(text) ?? []
  const address = bracketed ?? name
  if (address === undefined) return undefined
  const number = port === undefined || port === '' ? defaultPort(scheme) : Number(port)
  return number > 65535 ? undefined : { address, port: number, kinds: new Map() }
}

const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{0,5}))?$/

const defaultPort = (scheme: string): number => (scheme === 'https' ? HTTPS_PORT : HTTP_PORT)
