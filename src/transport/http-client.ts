import type { Abort } from '../component/cancellation.ts'
import type { ClientAuthenticator } from '../component/authentication.ts'
import { UNKNOWN_ORIGIN } from '../component/delivery.ts'
import type { Origin } from '../component/delivery.ts'
import { refusalOfAbort } from './abort.ts'
import { NO_AUTHENTICATOR } from './admission.ts'
import { authenticate } from './authenticate.ts'
import { levelOf } from './compression-options.ts'
import { deflate, deflateNow } from './deflate.ts'
import type { HttpAnswer, HttpClient, PostOptions } from './http-exchange.ts'
import type { HttpClientOptions } from './http-client-options.ts'
import { HttpPool } from './http-pool.ts'
import type { Outgoing } from './http-posting.ts'
import { ProxiedPool } from './http-proxied.ts'
import { DEFAULT_LEVEL } from './levels.ts'
import { proxyFor } from './proxy.ts'
import { clientSecurity, reloadClientSecurity } from './tls.ts'
import type { ClientSecurity } from './tls.ts'
import type { ClientSurroundings } from './unary.ts'

/** Where none is written, as the Collector's library chooses; zstd's own is 3. */
const ZSTD_LEVEL = 1
/** They say how a message goes on and ends, and so are never a user's (RFC 9112, 6). */
const FRAMING = new Set(['connection', 'content-length', 'expect', 'keep-alive', 'transfer-encoding', 'upgrade'])

/** `makeHttpClient`: our own HTTP/1.1, and undici where the way leads through a proxy. */
export async function makeClient(
  options: HttpClientOptions,
  urls: readonly URL[],
  { authenticator, log }: ClientSurroundings,
): Promise<HttpClient> {
  if (options.auth && !authenticator) throw new Error(NO_AUTHENTICATOR)
  const isSecure = urls.some(({ protocol }) => protocol === 'https:')
  const security = isSecure ? await clientSecurity(options.tls) : undefined
  for (const url of urls) proxyOf(options, url)
  const client = new Client(options, security, authenticator)
  if (security)
    client.onClose = reloadClientSecurity(
      options.tls,
      security,
      (renewed) => client.renew(renewed),
      (error) => log?.error({ error: error.message }, 'The changed certificates cannot be used; the old ones stay'),
    )
  return client
}

/** What the options say, for every server, or else the environment. */
const proxyOf = ({ proxy_url }: HttpClientOptions, url: URL): string | undefined => proxy_url || proxyFor(url)?.href

type Headers = PostOptions['headers']

class Client implements HttpClient {
  readonly #options: HttpClientOptions
  onClose = () => {}
  #security: ClientSecurity | undefined
  /** Without those of each request. */
  readonly #headers: Headers
  readonly #coding: string | undefined
  readonly #level: number
  readonly #authenticator: ClientAuthenticator | undefined
  /** One for each origin of the few URLs that an exporter has. */
  readonly #pools = new Map<string, HttpPool | ProxiedPool>()
  /** Of the last request to each URL: the next has the same headers, where no authenticator changes them. */
  readonly #prepared = new Map<URL, { readonly headers: Headers; readonly outgoing: Outgoing }>()

  constructor(
    options: HttpClientOptions,
    security: ClientSecurity | undefined,
    authenticator: ClientAuthenticator | undefined,
  ) {
    this.#options = options
    this.#security = security
    this.#authenticator = authenticator
    this.#coding = options.compression === 'none' || options.compression === '' ? undefined : options.compression
    const level = levelOf(options)
    this.#level = level === DEFAULT_LEVEL && this.#coding === 'zstd' ? ZSTD_LEVEL : level
    this.#headers = {
      ...Object.fromEntries([...options.headers].map(([name, value]) => [name.toLowerCase(), value.reveal()])),
      ...(this.#coding && { 'content-encoding': this.#coding === 'zlib' ? 'deflate' : this.#coding }),
    }
  }

  post(url: URL, body: readonly Buffer[], { headers, abort, origin }: PostOptions): Promise<HttpAnswer> {
    if (abort.aborted) return Promise.reject(refusalOfAbort(abort))
    const compressed = this.#coding ? this.#compress(body, this.#coding) : body
    if (this.#authenticator || compressed instanceof Promise)
      return this.#postLater(url, compressed, headers, abort, origin)
    return this.#pool(url).post(this.#outgoing(url, headers), compressed, abort)
  }

  async #postLater(
    url: URL,
    compressed: readonly Buffer[] | Promise<readonly Buffer[]>,
    headers: Headers,
    abort: Abort,
    origin: Origin = UNKNOWN_ORIGIN,
  ): Promise<HttpAnswer> {
    const body = await compressed
    const outgoing = this.#authenticator
      ? await this.#authenticated(url, headers, this.#authenticator, origin)
      : this.#outgoing(url, headers)
    if (abort.aborted) throw refusalOfAbort(abort)
    return this.#pool(url).post(outgoing, body, abort)
  }

  #compress(body: readonly Buffer[], coding: string): readonly Buffer[] | Promise<readonly Buffer[]> {
    const whole = body.length === 1 ? body[0]! : Buffer.concat(body)
    const compressed = deflateNow(whole, coding, this.#level)
    if (compressed) return [compressed]
    return deflate(whole, coding, this.#level).then((later) => [later])
  }

  #outgoing(url: URL, headers: Headers): Outgoing {
    const prepared = this.#prepared.get(url)
    if (prepared?.headers === headers) return prepared.outgoing
    const outgoing = this.#prepare(url, { ...headers, ...this.#headers })
    this.#prepared.set(url, { headers, outgoing })
    return outgoing
  }

  async #authenticated(
    url: URL,
    headers: Headers,
    authenticator: ClientAuthenticator,
    origin: Origin,
  ): Promise<Outgoing> {
    const changed = new Map(Object.entries({ ...headers, ...this.#headers }))
    await authenticate(authenticator, changed, origin, 'http')
    return this.#prepare(url, Object.fromEntries(changed))
  }

  #prepare(url: URL, all: Headers): Outgoing {
    const sent = Object.entries(all).filter(([name]) => !FRAMING.has(name.toLowerCase()))
    const isLast = this.#options.disable_keep_alives
    const path = url.pathname + url.search
    const lines = [
      `POST ${path} HTTP/1.1`,
      ...(sent.some(([name]) => name.toLowerCase() === 'host') ? [] : [`host: ${url.host}`]),
      ...sent.map(([name, value]) => `${name}: ${value}`),
      ...(isLast ? ['connection: close'] : []),
      'content-length: ',
    ]
    return { head: lines.join('\r\n'), headers: Object.fromEntries(sent), path, server: url.host, isLast }
  }

  renew(security: ClientSecurity): void {
    this.#security = security
    for (const pool of this.#pools.values()) pool.renew(security)
  }

  async close(): Promise<void> {
    this.onClose()
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()))
  }

  #pool(url: URL): HttpPool | ProxiedPool {
    const found = this.#pools.get(url.origin)
    if (found) return found
    const { max_conns_per_host: most, idle_conn_timeout } = this.#options
    const idle = idle_conn_timeout > 0 ? idle_conn_timeout : Infinity
    const proxy = proxyOf(this.#options, url)
    const pool =
      proxy === undefined
        ? new HttpPool(url, { most, idle }, this.#security)
        : new ProxiedPool(url, proxy, { most, idle }, this.#security)
    this.#pools.set(url.origin, pool)
    return pool
  }
}
