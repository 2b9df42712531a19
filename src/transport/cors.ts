import type { HttpRequest } from './http-exchange.ts'
import type { HttpServerOptions } from './http-server-options.ts'

export type CorsOptions = NonNullable<HttpServerOptions['cors']>

/** Headers that pages may set without `allowed_headers`; `X-Requested-With` is always among them, as in the Collector. */
const USUAL_HEADERS: readonly string[] = ['accept', 'content-type', 'origin', 'x-requested-with']
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'HEAD'])

/** What browsers are told about a request (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export class Cors {
  readonly #origins: readonly RegExp[]
  readonly #headers: ReadonlySet<string>
  readonly #options: CorsOptions

  constructor(options: CorsOptions) {
    this.#options = options
    this.#origins = options.allowed_origins.map(originPattern)
    this.#headers = new Set([...USUAL_HEADERS, ...options.allowed_headers.map((name) => name.toLowerCase())])
  }

  /** A browser asks whether it may send. */
  static isPreflight({ method, headers }: Pick<HttpRequest, 'method' | 'headers'>): boolean {
    return (
      method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
    )
  }

  /** Headers for the answer to a preflight request; without the permission where something about it is not allowed. */
  preflight(request: Pick<HttpRequest, 'method' | 'headers'>): Record<string, string> {
    const vary = { Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers' }
    const wanted = request.headers['access-control-request-headers'] ?? ''
    const names = wanted
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter(Boolean)
    const allowsHeaders = this.#headers.has('*') || names.every((name) => this.#headers.has(name))
    const method = String(request.headers['access-control-request-method'])
    if (!this.#allows(request) || !allowsHeaders || !METHODS.has(method)) return vary
    return {
      ...vary,
      ...this.#permission(request),
      'Access-Control-Allow-Methods': method,
      ...(names.length > 0 && { 'Access-Control-Allow-Headers': names.join(', ') }),
      ...(this.#options.max_age > 0 && { 'Access-Control-Max-Age': String(this.#options.max_age) }),
    }
  }

  /** Headers for the answer to any other request. */
  actual(request: Pick<HttpRequest, 'method' | 'headers'>): Record<string, string> {
    if (!this.#allows(request)) return { Vary: 'Origin' }
    const { exposed_headers } = this.#options
    return {
      Vary: 'Origin',
      ...this.#permission(request),
      ...(exposed_headers.length > 0 && { 'Access-Control-Expose-Headers': exposed_headers.join(', ') }),
    }
  }

  #allows({ headers: { origin } }: Pick<HttpRequest, 'method' | 'headers'>): boolean {
    return origin !== undefined && this.#origins.some((pattern) => pattern.test(origin))
  }

  #permission({ headers }: Pick<HttpRequest, 'method' | 'headers'>): Record<string, string> {
    return { 'Access-Control-Allow-Origin': headers.origin as string, 'Access-Control-Allow-Credentials': 'true' }
  }
}

/** `https://*.example.com`: at most one `*`, which stands for anything. */
function originPattern(origin: string): RegExp {
  const parts = origin.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'i')
}
