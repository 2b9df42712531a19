import { createRequire } from 'node:module'
import type { Dispatcher, Pool, ProxyAgent } from 'undici'
import type { ClientAuthenticator } from '../component/authentication.ts'
import { UNKNOWN_ORIGIN } from '../component/delivery.ts'
import type { Origin } from '../component/delivery.ts'
import { Refused } from '../component/refused.ts'
import { refusalOfAbort } from './abort.ts'
import { NO_AUTHENTICATOR } from './admission.ts'
import { authenticate } from './authenticate.ts'
import { levelOf } from './compression-options.ts'
import { deflate } from './deflate.ts'
import type { HttpAnswer, HttpClient, PostOptions } from './http-exchange.ts'
import type { HttpClientOptions } from './http-client-options.ts'
import { DEFAULT_LEVEL } from './levels.ts'
import { proxyFor } from './proxy.ts'
import { clientSecurity, reloadClientSecurity } from './tls.ts'
import type { ClientSecurity } from './tls.ts'
import type { ClientSurroundings } from './unary.ts'

// All of undici takes 0.2 s to load, a pool alone 0.05 s.
const require = createRequire(import.meta.url)

/** What is read of an answer's body: a status with its reason, as the Collector reads it. */
const ANSWER_LIMIT = 64 * 1024
const CONNECT_TIMEOUT = 10_000
/** Where none is written, as the Collector's library chooses; zstd's own is 3. */
const ZSTD_LEVEL = 1

/** `makeHttpClient`, over undici. */
export async function makeClient(
  options: HttpClientOptions,
  urls: readonly URL[],
  { authenticator, log }: ClientSurroundings,
): Promise<HttpClient> {
  if (options.auth && !authenticator) throw new Error(NO_AUTHENTICATOR)
  const isSecure = urls.some(({ protocol }) => protocol === 'https:')
  const security = isSecure ? await clientSecurity(options.tls) : undefined
  for (const url of urls) proxyOf(options, url)
  const client = new UndiciClient(options, connectOf(security), authenticator)
  if (security)
    client.onClose = reloadClientSecurity(
      options.tls,
      security,
      (renewed) => client.renew(connectOf(renewed)),
      (error) => log?.error({ error: error.message }, 'The changed certificates cannot be used; the old ones stay'),
    )
  return client
}

/** What the options say, for every server, or else the environment. */
const proxyOf = ({ proxy_url }: HttpClientOptions, url: URL): string | undefined => proxy_url || proxyFor(url)?.href

type Connect = NonNullable<Pool.Options['connect']> & object

function connectOf(security: ClientSecurity | undefined): Connect {
  if (security === undefined) return { timeout: CONNECT_TIMEOUT }
  const { context, rejectUnauthorized, serverName } = security
  return {
    timeout: CONNECT_TIMEOUT,
    secureContext: context,
    rejectUnauthorized,
    ...(serverName !== undefined && { servername: serverName }),
  }
}

class UndiciClient implements HttpClient {
  readonly #options: HttpClientOptions
  onClose = () => {}
  #connect: Connect
  readonly #headers: Readonly<Record<string, string>>
  readonly #coding: string | undefined
  readonly #level: number
  readonly #authenticator: ClientAuthenticator | undefined
  /** One pool for each origin of the few URLs that an exporter has. */
  readonly #pools = new Map<string, Dispatcher>()
  /** Those of old certificates, until what is under way on them has been answered. */
  readonly #retired = new Set<Dispatcher>()

  constructor(options: HttpClientOptions, connect: Connect, authenticator: ClientAuthenticator | undefined) {
    this.#options = options
    this.#authenticator = authenticator
    this.#connect = connect
    this.#headers = Object.fromEntries(
      [...options.headers].map(([name, value]) => [name.toLowerCase(), value.reveal()]),
    )
    const level = levelOf(options)
    this.#level = level === DEFAULT_LEVEL && options.compression === 'zstd' ? ZSTD_LEVEL : level
    this.#coding = options.compression === 'none' || options.compression === '' ? undefined : options.compression
  }

  async post(url: URL, body: readonly Buffer[], { headers, abort, origin }: PostOptions): Promise<HttpAnswer> {
    if (abort.aborted) throw refusalOfAbort(abort)
    const sentHeaders = await this.#sentHeaders(headers, origin)
    // undici writes a body at the socket's pace, and may settle before: what it gets is a copy, or the compressed bytes.
    const plain = Buffer.concat(body)
    const sent = this.#coding ? await deflate(plain, this.#coding, this.#level) : plain
    if (abort.aborted) throw refusalOfAbort(abort)
    return this.#dispatch(url, sent, sentHeaders, abort)
  }

  async #sentHeaders(
    headers: PostOptions['headers'],
    origin: Origin = UNKNOWN_ORIGIN,
  ): Promise<Record<string, string>> {
    const all = {
      ...headers,
      ...this.#headers,
      ...(this.#coding && { 'content-encoding': this.#coding === 'zlib' ? 'deflate' : this.#coding }),
    }
    if (!this.#authenticator) return all
    const changed = new Map(Object.entries(all))
    await authenticate(this.#authenticator, changed, origin, 'http')
    return Object.fromEntries(changed)
  }

  /** Connections from now on are made with `connect`; requests under way are still answered. */
  renew(connect: Connect): void {
    this.#connect = connect
    for (const pool of this.#pools.values()) {
      this.#retired.add(pool)
      // A pool that `close` destroys meanwhile says so here, and nobody needs to know.
      void pool.close().then(
        () => this.#retired.delete(pool),
        () => this.#retired.delete(pool),
      )
    }
    this.#pools.clear()
  }

  async close(): Promise<void> {
    this.onClose()
    await Promise.all([...this.#pools.values(), ...this.#retired].map((pool) => pool.destroy()))
  }

  #dispatch(url: URL, body: Buffer, headers: Record<string, string>, abort: AbortSignal): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(url, abort, resolve, reject)
      this.#pool(url).dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers,
          body,
          headersTimeout: 0,
          bodyTimeout: 0,
          reset: this.#options.disable_keep_alives,
        },
        exchange,
      )
    })
  }

  #pool(url: URL): Dispatcher {
    const { origin } = url
    const found = this.#pools.get(origin)
    if (found) return found
    const proxy = proxyOf(this.#options, url)
    const pool = proxy === undefined ? this.#direct(origin) : this.#proxied(proxy)
    this.#pools.set(origin, pool)
    return pool
  }

  #direct(origin: string): Dispatcher {
    const UndiciPool = require('undici/lib/dispatcher/pool.js') as typeof Pool
    return new UndiciPool(origin, { ...this.#limits(), connect: this.#connect })
  }

  #proxied(uri: string): Dispatcher {
    // By itself the agent lacks what the whole library adds to it.
    const undici = require('undici') as { readonly ProxyAgent: typeof ProxyAgent }
    return new undici.ProxyAgent({ uri, ...this.#limits(), requestTls: this.#connect as never })
  }

  #limits() {
    const { max_conns_per_host, idle_conn_timeout } = this.#options
    return {
      allowH2: false,
      connections: max_conns_per_host || null,
      keepAliveTimeout: Math.max(1, idle_conn_timeout),
      keepAliveMaxTimeout: Math.max(1, idle_conn_timeout),
    }
  }
}

/** One request under way: undici's handler. Settles once. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #url: URL
  readonly #abort: AbortSignal
  readonly #resolve: (answer: HttpAnswer) => void
  readonly #reject: (refused: Refused) => void
  readonly #chunks: Buffer[] = []
  #size = 0
  #status = 0
  #headers = new Map<string, string>()
  #controller: Dispatcher.DispatchController | undefined

  constructor(url: URL, abort: AbortSignal, resolve: (answer: HttpAnswer) => void, reject: (refused: Refused) => void) {
    this.#url = url
    this.#abort = abort
    this.#resolve = resolve
    this.#reject = reject
    abort.addEventListener('abort', this.#cancel, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#abort.aborted) controller.abort(refusalOfAbort(this.#abort))
  }

  /** A request that still waits for a connection is let go at once; undici is told when it wants to begin with it. */
  readonly #cancel = (): void => {
    const refused = refusalOfAbort(this.#abort)
    if (this.#controller) this.#controller.abort(refused)
    else this.#reject(refused)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#headers.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value)
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = ANSWER_LIMIT - this.#size
    if (room > 0) this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    this.#size += chunk.length
    if (this.#size <= ANSWER_LIMIT) return
    // Nobody needs the rest: what is known already is the answer, and the connection is given up.
    this.#settle()
    controller.abort(new Error('the answer is longer than it is read'))
  }

  onResponseEnd(): void {
    this.#settle()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#leave()
    this.#reject(error instanceof Refused ? error : unreachable(this.#url, error))
  }

  #settle(): void {
    this.#leave()
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) })
  }

  #leave(): void {
    this.#abort.removeEventListener('abort', this.#cancel)
  }
}

/** No answer came: nothing listens, no such name, a certificate that is not believed, a connection that broke. All may pass. */
function unreachable({ host }: URL, error: Error): Refused {
  const { code = '' } = error as NodeJS.ErrnoException
  const reason =
    error.message || (error instanceof AggregateError && (error.errors[0] as Error | undefined)?.message) || code
  const isDistrust = /CERT|SELF_SIGNED|ISSUER|ALTNAME|^ERR_TLS/.test(code)
  const message = isDistrust ? `the certificate of ${host} is not trusted: ${reason} (${code})` : `${host}: ${reason}`
  return new Refused(message, { code: 'unavailable', retry: {}, cause: error })
}
