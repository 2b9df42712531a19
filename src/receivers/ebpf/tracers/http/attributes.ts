import type { Attributes } from '../../../../plugin.ts'
import type { CapturedHeader, HttpAnswer, HttpRequest } from '../../socket/protocols/http/message.ts'
import { Endpoints } from './endpoint.ts'
import type { HttpTracerOptions } from './options.ts'
import { redactQuery } from './query.ts'
import { Routes } from './routes.ts'
import { clientEnds, clientKind, KindsByRoute, type SpanAttributes, serverEnds } from './shared.ts'
import type { HttpExchange } from './trace.ts'

/** Ports whose routes are learned apart; all others share. */
const PORTS_MOST = 256
/** Names of spans that are remembered for a method. */
const NAMES_MOST = 4096

const SCHEME = 'http'

/** Makes attributes of exchanges, by the semantic conventions for HTTP (stable, 1.23 and later). */
export class HttpAttributes {
  readonly #options: HttpTracerOptions
  readonly #endpoints = new Endpoints()
  readonly #routes = new Map<number, Routes>()
  readonly #sharedRoutes: Routes
  readonly #serverKinds = new KindsByRoute()
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

  /** Of a server's span. */
  server(exchange: HttpExchange, route: string | undefined): SpanAttributes {
    const { request, answer } = exchange
    const attributes: Attributes = {
      'http.request.method_original': request.otherMethod,
      'url.path': this.#options.path === 'full' ? request.path : undefined,
      'url.query': this.#query(request),
      'http.request.body.size': requestBytes(request),
      'http.response.body.size': answerBytes(request, answer),
    }
    const encoded = [serverEnds(exchange, this.#endpoints), this.#serverKinds.of(exchange, route).span]
    return { encoded, attributes: withHeaders(attributes, request, answer) }
  }

  client(exchange: HttpExchange, route: string | undefined): SpanAttributes {
    const { request, answer } = exchange
    const attributes: Attributes = {
      'http.request.method_original': request.otherMethod,
      'url.template': route,
      'url.full': this.#options.path === 'full' ? this.#full(exchange) : undefined,
      'http.request.body.size': requestBytes(request),
      'http.response.body.size': answerBytes(request, answer),
    }
    const encoded = [clientEnds(exchange, this.#endpoints), clientKind(exchange, this.#endpoints).span]
    return { encoded, attributes: withHeaders(attributes, request, answer) }
  }

  /** The same object for the same values. */
  serverMetric(exchange: HttpExchange, route: string | undefined): Attributes {
    return this.#serverKinds.of(exchange, route).metric
  }

  /** As of a server's. */
  clientMetric(exchange: HttpExchange): Attributes {
    return clientKind(exchange, this.#endpoints).metric
  }

  #query({ query }: HttpRequest): string | undefined {
    const { path, query: isWanted } = this.#options
    return isWanted && path === 'full' && query ? redactQuery(query, this.#queryValues) : undefined
  }

  #full(exchange: HttpExchange): string | undefined {
    const { request } = exchange
    if (request.path === undefined) return undefined
    const { address, port } = this.#endpoints.called(exchange)
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
