import { type Attributes, EncodedAttributes } from '../../../../plugin.ts'
import type { Endpoints } from './endpoint.ts'
import type { Kind, Kinds } from './kind.ts'
import type { HttpExchange } from './trace.ts'

// What many spans say alike, encoded once for all of them: to write it anew for each took longer than to read the events.

/** What the conventions call the failure of a request that was never answered, or not to the end, is left to whoever saw it: its connection was closed. */
const UNANSWERED = 'connection_closed'

/** Routes whose kinds are remembered. */
const ROUTES_MOST = 4096
/** Kinds for one route or host. */
const KINDS_MOST = 512

const SCHEME = 'http'

/** Of a span: what it shares with others, and what is its own. */
export interface SpanAttributes {
  readonly encoded: readonly EncodedAttributes[]
  readonly attributes: Attributes
}

/** A server's. */
export class KindsByRoute {
  readonly #byRoute = new Map<string, Kinds>()

  of(exchange: HttpExchange, route: string | undefined): Kind {
    let kinds = this.#byRoute.get(route ?? '')
    if (kinds === undefined) {
      if (this.#byRoute.size >= ROUTES_MOST) this.#byRoute.clear()
      this.#byRoute.set(route ?? '', (kinds = new Map()))
    }
    return kindOf(kinds, exchange, () => {
      const attributes = { ...outcome(exchange, serverError(exchange)), 'http.route': route }
      return { metric: attributes, span: attributes }
    })
  }
}

/** A client's, by whom it called. */
export function clientKind(exchange: HttpExchange, endpoints: Endpoints): Kind {
  return kindOf(endpoints.of(exchange)?.kinds, exchange, () => {
    const { address, port } = endpoints.called(exchange)
    const span = outcome(exchange, clientError(exchange))
    return { metric: { ...span, 'server.address': address, 'server.port': port }, span }
  })
}

/** The two ends of a server's connection. */
export const serverEnds = (exchange: HttpExchange, endpoints: Endpoints): EncodedAttributes =>
  endsOf(exchange, ({ connection, request }) => {
    const named = endpoints.of(exchange)
    return {
      'server.address': named?.address ?? connection.localAddress,
      'server.port': named?.port ?? connection.localPort,
      'client.address': connection.remoteAddress,
      'client.port': connection.remotePort,
      ...peer(exchange),
      'user_agent.original': request.userAgent,
    }
  })

export const clientEnds = (exchange: HttpExchange, endpoints: Endpoints): EncodedAttributes =>
  endsOf(exchange, ({ request }) => {
    const { address, port } = endpoints.called(exchange)
    return {
      'server.address': address,
      'server.port': port,
      ...peer(exchange),
      'user_agent.original': request.userAgent,
    }
  })

/** A server is not at fault for a 404. */
export const serverError = (exchange: HttpExchange): string | undefined => errorFrom(exchange, 500)

export const clientError = (exchange: HttpExchange): string | undefined => errorFrom(exchange, 400)

function errorFrom({ answer, isBrokenOff }: HttpExchange, status: number): string | undefined {
  if (answer !== undefined && answer.status >= status) return String(answer.status)
  return answer === undefined || isBrokenOff ? UNANSWERED : undefined
}

function outcome({ request, answer }: HttpExchange, error: string | undefined): Attributes {
  return {
    'http.request.method': request.method,
    'url.scheme': request.scheme ?? SCHEME,
    'http.response.status_code': answer?.status,
    'error.type': error,
    'network.protocol.version': request.version,
  }
}

const peer = ({ connection }: HttpExchange): Attributes => ({
  'network.peer.address': connection.remoteAddress,
  'network.peer.port': connection.remotePort,
  'network.protocol.name': 'http',
})

/** The same for the same values, but where the target says a scheme, which hardly any does. */
function kindOf(
  kinds: Kinds | undefined,
  exchange: HttpExchange,
  make: () => { readonly metric: Attributes; readonly span: Attributes },
): Kind {
  const isKept = kinds !== undefined && exchange.request.scheme === undefined
  const key = combination(exchange)
  const known = isKept ? kinds.get(key) : undefined
  if (known !== undefined) return known
  const { metric, span } = make()
  const kind = { metric: isKept ? Object.freeze(metric) : metric, span: new EncodedAttributes(span) }
  if (!isKept) return kind
  if (kinds.size >= KINDS_MOST) kinds.clear()
  kinds.set(key, kind)
  return kind
}

/** Method, version, status and whether it broke off as one number: a method's first letter and length tell it from the others. */
function combination({ request: { method, version }, answer, isBrokenOff }: HttpExchange): number {
  const verb = method.charCodeAt(0) * 8 + method.length
  return (verb * 4 + (version === '1.0' ? 2 : 0) + (isBrokenOff ? 1 : 0)) * 1000 + (answer?.status ?? 0)
}

/** What the last request over a connection said of its ends: the next one mostly says the same. */
interface Ends {
  readonly host: string | undefined
  readonly scheme: string | undefined
  readonly userAgent: string | undefined
  readonly encoded: EncodedAttributes
}

function endsOf(exchange: HttpExchange, make: (exchange: HttpExchange) => Attributes): EncodedAttributes {
  const { connection, request } = exchange
  const { host, scheme, userAgent } = request
  const known = connection.kept as Ends | undefined
  if (known && known.host === host && known.userAgent === userAgent && known.scheme === scheme) return known.encoded
  const encoded = new EncodedAttributes(make(exchange))
  connection.kept = { host, scheme, userAgent, encoded } satisfies Ends
  return encoded
}
