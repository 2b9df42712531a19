import type { Attributes } from '../../../../plugin.ts'
import type { CapturedHeader, HttpAnswer, HttpRequest } from '../../socket/protocols/http/message.ts'
import { type Endpoint, Endpoints } from './endpoint.ts'
import type { HttpTracerOptions } from './options.ts'
import { redactQuery } from './query.ts'
import { Routes } from './routes.ts'
import type { HttpExchange } from './trace.ts'

/** What the conventions call the failure of a request that was never answered, or not to the end, is left to whoever saw it: its connection was closed. */
export const UNANSWERED = 'connection_closed'

/** Ports whose routes are learned apart; all others share. */
const PORTS_MOST = 256
/** Combinations of what stands in metrics' attributes, for one route or host. */
const COMBINATIONS_MOST = 512

const SCHEME = 'http'

/** What is told of an exchange, by the semantic conventions for HTTP (stable, 1.23 and later). */
export interface Told {
  readonly name: string
  readonly errorType: string | undefined
  readonly attributes: Attributes
  readonly metric: Attributes
}

/** Makes attributes of exchanges. */
export class HttpAttributes {
  readonly #options: HttpTracerOptions
  readonly #endpoints = new Endpoints()
  readonly #routes = new Map<number, Routes>()
  readonly #sharedRoutes: Routes
  readonly #byRoute = new Map<string, Map<number, Attributes>>()
  readonly #names = new Map<string, Map<string, string>>()
  readonly #queryValues: ReadonlySet<string>

  constructor(options: HttpTracerOptions) {
    this.#options = options
    this.#sharedRoutes = this.#makeRoutes()
    this.#queryValues = new Set(options.query_values)
  }

  /** `http.route` of a server's, `url.template` of a client's. */
  route(exchange: HttpExchange, isClient: boolean): string | undefined {
    const { path } = exchange.request
    if (path === undefined || this.#options.path === 'none') return undefined
    const { connection } = exchange
    return this.#routesOf(isClient ? connection.remotePort : connection.localPort).of(path)
  }

  /** `GET /users/{id}`, or `GET`. */
  name({ method }: HttpRequest, route: string | undefined): string {
    const verb = method === '_OTHER' ? 'HTTP' : method
    if (route === undefined) return verb
    let ofMethod = this.#names.get(verb)
    if (ofMethod === undefined) this.#names.set(verb, (ofMethod = new Map()))
    const known = ofMethod.get(route)
    if (known !== undefined) return known
    if (ofMethod.size >= NAMES_MOST) ofMethod.clear()
    const made = `${verb} ${route}`
    ofMethod.set(route, made)
    return made
  }

  server(exchange: HttpExchange, route: string | undefined): Attributes {
    const { request, answer, connection } = exchange
    const endpoint = this.endpoint(exchange)
    const isFull = this.#options.path === 'full'
    const attributes: Attributes = {
      'http.request.method': request.method,
      'http.request.method_original': request.otherMethod,
      'url.scheme': request.scheme ?? SCHEME,
      'url.path': isFull ? request.path : undefined,
      'url.query': this.#query(request),
      'http.route': route,
      'http.response.status_code': answer?.status,
      'error.type': serverError(exchange),
      'http.request.body.size': requestBytes(request),
      'http.response.body.size': answerBytes(request, answer),
      'server.address': endpoint?.address ?? connection.localAddress,
      'server.port': endpoint?.port ?? connection.localPort,
      'client.address': connection.remoteAddress,
      'client.port': connection.remotePort,
      'network.peer.address': connection.remoteAddress,
      'network.peer.port': connection.remotePort,
      'network.protocol.name': 'http',
      'network.protocol.version': request.version,
      'user_agent.original': request.userAgent,
    }
    return withHeaders(attributes, request, answer)
  }

  client(exchange: HttpExchange, route: string | undefined): Attributes {
    const { request, answer, connection } = exchange
    const endpoint = this.endpoint(exchange)
    const address = endpoint?.address ?? connection.remoteAddress
    const port = endpoint?.port ?? connection.remotePort
    const attributes: Attributes = {
      'http.request.method': request.method,
      'http.request.method_original': request.otherMethod,
      'url.scheme': request.scheme ?? SCHEME,
      'url.template': route,
      'url.full': this.#options.path === 'full' ? this.#full(request, address, port) : undefined,
      'http.response.status_code': answer?.status,
      'error.type': clientError(exchange),
      'http.request.body.size': requestBytes(request),
      'http.response.body.size': answerBytes(request, answer),
      'server.address': address,
      'server.port': port,
      'network.peer.address': connection.remoteAddress,
      'network.peer.port': connection.remotePort,
      'network.protocol.name': 'http',
      'network.protocol.version': request.version,
      'user_agent.original': request.userAgent,
    }
    return withHeaders(attributes, request, answer)
  }

  /** The same object for the same values. */
  serverMetric(exchange: HttpExchange, route: string | undefined): Attributes {
    const { request, answer } = exchange
    let known = this.#byRoute.get(route ?? '')
    if (known === undefined) {
      if (this.#byRoute.size >= NAMES_MOST) this.#byRoute.clear()
      this.#byRoute.set(route ?? '', (known = new Map()))
    }
    const key = combination(exchange)
    const cached = request.scheme === undefined ? known.get(key) : undefined
    if (cached !== undefined) return cached
    const made: Attributes = {
      'http.request.method': request.method,
      'url.scheme': request.scheme ?? SCHEME,
      'http.route': route,
      'http.response.status_code': answer?.status,
      'error.type': serverError(exchange),
      'network.protocol.version': request.version,
    }
    return request.scheme === undefined ? keep(known, key, made) : made
  }

  /** As of a server's. */
  clientMetric(exchange: HttpExchange): Attributes {
    const { request, answer, connection } = exchange
    const endpoint = this.endpoint(exchange)
    const key = combination(exchange)
    const cached = request.scheme === undefined ? endpoint?.metrics.get(key) : undefined
    if (cached !== undefined) return cached
    const made: Attributes = {
      'http.request.method': request.method,
      'server.address': endpoint?.address ?? connection.remoteAddress,
      'server.port': endpoint?.port ?? connection.remotePort,
      'url.scheme': request.scheme ?? SCHEME,
      'http.response.status_code': answer?.status,
      'error.type': clientError(exchange),
      'network.protocol.version': request.version,
    }
    return request.scheme === undefined && endpoint ? keep(endpoint.metrics, key, made) : made
  }

  endpoint({ request }: HttpExchange): Endpoint | undefined {
    return request.host === undefined ? undefined : this.#endpoints.of(request.host, request.scheme ?? SCHEME)
  }

  #query({ query }: HttpRequest): string | undefined {
    const { path, query: isWanted } = this.#options
    return isWanted && path === 'full' && query ? redactQuery(query, this.#queryValues) : undefined
  }

  #full(request: HttpRequest, address: string, port: number): string | undefined {
    if (request.path === undefined) return undefined
    const host = address.includes(':') ? `[${address}]` : address
    const query = this.#query(request)
    return `${request.scheme ?? SCHEME}://${host}:${port}${request.path}${query === undefined ? '' : `?${query}`}`
  }

  #routesOf(port: number): Routes {
    const known = this.#routes.get(port)
    if (known !== undefined) return known
    if (this.#routes.size >= PORTS_MOST) return this.#sharedRoutes
    const made = this.#makeRoutes()
    this.#routes.set(port, made)
    return made
  }

  #makeRoutes(): Routes {
    return new Routes({ templates: this.#options.routes, variants: this.#options.route_variants })
  }
}

/** Names of spans that are remembered for a method, and routes whose metrics are. */
const NAMES_MOST = 4096

/** A server is not at fault for a 404. */
export const serverError = (exchange: HttpExchange): string | undefined => errorFrom(exchange, 500)

export const clientError = (exchange: HttpExchange): string | undefined => errorFrom(exchange, 400)

function errorFrom({ answer, isBrokenOff }: HttpExchange, status: number): string | undefined {
  if (answer !== undefined && answer.status >= status) return String(answer.status)
  return answer === undefined || isBrokenOff ? UNANSWERED : undefined
}

/** Undefined where there is no body, or nobody could count it. */
function requestBytes({ bodyBytes, contentLength }: HttpRequest): number | undefined {
  if (bodyBytes > 0) return bodyBytes
  return contentLength > 0 ? contentLength : undefined
}

function answerBytes({ method }: HttpRequest, answer: HttpAnswer | undefined): number | undefined {
  if (answer === undefined || method === 'HEAD' || answer.status === 304) return undefined
  if (answer.bodyBytes > 0) return answer.bodyBytes
  return answer.contentLength > 0 ? answer.contentLength : undefined
}

/** Method, version, status and whether it broke off as one number: a method's first letter and length tell it from the others. */
function combination({ request: { method, version }, answer, isBrokenOff }: HttpExchange): number {
  const verb = method.charCodeAt(0) * 8 + method.length
  return (verb * 4 + (version === '1.0' ? 2 : 0) + (isBrokenOff ? 1 : 0)) * 1000 + (answer?.status ?? 0)
}

function keep(known: Map<number, Attributes>, key: number, attributes: Attributes): Attributes {
  if (known.size >= COMBINATIONS_MOST) known.clear()
  // Frozen, its series is found by the object alone.
  known.set(key, Object.freeze(attributes))
  return attributes
}

function withHeaders(attributes: Attributes, request: HttpRequest, answer: HttpAnswer | undefined): Attributes {
  if (request.captured === undefined && answer?.captured === undefined) return attributes
  const all: Record<string, Attributes[string]> = { ...attributes }
  addHeaders(all, request.captured)
  addHeaders(all, answer?.captured)
  return all
}

function addHeaders(all: Record<string, Attributes[string]>, captured: readonly CapturedHeader[] | undefined): void {
  for (const { header, value } of captured ?? []) {
    const before = all[header.attribute]
    if (Array.isArray(before)) before.push(value)
    else all[header.attribute] = [value]
  }
}
