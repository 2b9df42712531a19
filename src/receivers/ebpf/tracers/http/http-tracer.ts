import type { Tracer, TracerContext, Process, Histogram } from '../../tracer.ts'
import { CLIENT, type Connection, SERVER } from '../../socket/connection.ts'
import { Connections, spoken } from '../../socket/connections.ts'
import { EVENT_SOCKET_CLOSED, EVENT_SOCKET_DATA } from '../../socket/event.ts'
import type { ExchangeListener } from '../../socket/exchange.ts'
import { http } from '../../socket/protocols/http/http.ts'
import type { HttpAnswer, HttpRequest } from '../../socket/protocols/http/message.ts'
import { HttpAttributes } from './attributes.ts'
import { Identifiers } from './identifiers.ts'
import type { HttpTracerOptions } from './options.ts'
import { Parents } from './parents.ts'
import { Sampler } from './sampler.ts'
import { clientError, serverError } from './shared.ts'
import { Trace, type HttpExchange } from './trace.ts'
import { wantedHeaders } from './wanted-headers.ts'

/** Exchanges that wait for the other end of their connection to be seen, until the next tick. */
export const HELD_MOST = 4096

const SPAN_SERVER = 2
const SPAN_CLIENT = 3
const STATUS_ERROR = { code: 2 } as const

/** Seconds, by the semantic conventions. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

/** Makes spans and durations of what is said in HTTP. */
export class HttpTracer implements Tracer, ExchangeListener<HttpRequest, HttpAnswer, Trace> {
  readonly types = [EVENT_SOCKET_DATA, EVENT_SOCKET_CLOSED]
  readonly #context: TracerContext
  readonly #options: HttpTracerOptions
  readonly #connections: Connections
  readonly #attributes: HttpAttributes
  readonly #parents: Parents
  readonly #identifiers = new Identifiers()
  readonly #tracing: boolean
  readonly #serverDuration: Histogram | undefined
  readonly #clientDuration: Histogram | undefined
  #held: HttpExchange[] = []

  constructor(context: TracerContext, options: HttpTracerOptions) {
    this.#context = context
    this.#options = options
    this.#attributes = new HttpAttributes(options)
    this.#tracing = context.wants('traces')
    this.#parents = new Parents({
      identifiers: this.#identifiers,
      sampler: new Sampler(options.sampling.ratio),
      heedsParent: options.sampling.parent,
      isTold: (exchange) => this.#isTold(exchange),
      onAmbiguous: () => context.note('parent_ambiguous'),
    })
    const { requestHeaders, answerHeaders } = wantedHeaders(options.headers)
    const protocol = http({ requestHeaders, answerHeaders, userAgent: options.user_agent, query: options.query })
    this.#connections = new Connections({
      limit: options.connections,
      protocols: [spoken(protocol, this, context)],
      account: context,
      forgotten: (connection) => this.#parents.forget(connection),
    })
    if (!context.wants('metrics')) return
    if (options.server) this.#serverDuration = duration(context, 'server')
    if (options.client) this.#clientDuration = duration(context, 'client')
  }

  /** Connections known. */
  get connections(): number {
    return this.#connections.size
  }

  event(buffer: Buffer, at: number, length: number): void {
    this.#connections.event(buffer, at, length)
  }

  tick(now: number): void {
    this.#connections.tick(now)
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    for (const exchange of held) {
      this.#parents.settle(exchange)
      this.#tell(exchange)
    }
  }

  began(exchange: HttpExchange): void {
    if (!this.#tracing) return
    const isClient = exchange.connection.role === CLIENT
    exchange.trace = new Trace(this.#identifiers.spanId(), isClient)
    if (isClient) this.#parents.beganCall(exchange)
    else this.#parents.beganServing(exchange)
  }

  ended(exchange: HttpExchange): void {
    if (exchange.request.isCut || exchange.answer?.isCut) this.#context.note('truncated')
    if (!exchange.trace) return this.#tell(exchange)
    this.#parents.ended(exchange)
    if (!this.#parents.resolve(exchange)) {
      if (this.#held.length < HELD_MOST) {
        this.#held.push(exchange)
        return
      }
      this.#parents.settle(exchange)
    }
    this.#tell(exchange)
  }

  lost(exchange: HttpExchange): void {
    if (exchange.trace) this.#parents.lost(exchange)
  }

  #tell(exchange: HttpExchange): void {
    const { connection } = exchange
    const isClient = connection.role === CLIENT
    if (!(isClient ? this.#options.client : this.#options.server)) return
    const process = this.#context.processes.of(exchange.pid, nameOf(connection, exchange))
    if (!process.traced) return
    const route = this.#attributes.route(exchange, isClient)
    const end = this.#context.wall(exchange.end)
    const { trace } = exchange
    const sampled = trace?.isSampled ? trace : undefined
    this.#measure(process, exchange, route, end, sampled)
    if (sampled) this.#span(process, exchange, route, end, sampled)
  }

  #measure(
    process: Process,
    exchange: HttpExchange,
    route: string | undefined,
    time: bigint,
    trace: Trace | undefined,
  ): void {
    const isClient = exchange.connection.role === CLIENT
    const histogram = isClient ? this.#clientDuration : this.#serverDuration
    if (!histogram) return
    const value = Math.max(0, exchange.end - exchange.start) / 1e9
    const attributes = isClient
      ? this.#attributes.clientMetric(exchange)
      : this.#attributes.serverMetric(exchange, route)
    const exemplar = trace && { value, time, traceId: trace.traceId, spanId: trace.spanId }
    histogram.record(process, value, attributes, exemplar)
  }

  #span(process: Process, exchange: HttpExchange, route: string | undefined, end: bigint, trace: Trace): void {
    const { request } = exchange
    const { isClient } = trace
    const start = this.#context.wall(exchange.start)
    this.#context.span(process, {
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentSpanId: trace.parentSpanId,
      traceState: trace.traceState,
      flags: trace.flags,
      name: this.#attributes.name(request, route),
      kind: isClient ? SPAN_CLIENT : SPAN_SERVER,
      start,
      end: end < start ? start : end,
      ...(isClient ? this.#attributes.client(exchange, route) : this.#attributes.server(exchange, route)),
      status: (isClient ? clientError(exchange) : serverError(exchange)) === undefined ? undefined : STATUS_ERROR,
    })
  }

  /** Whether there will be a span of it, as far as anybody knows yet. */
  #isTold(exchange: HttpExchange): boolean {
    const { connection, pid } = exchange
    if (!(connection.role === SERVER ? this.#options.server : this.#options.client)) return false
    // With its name: one that is gone already is known by nothing else.
    return this.#context.processes.of(pid, nameOf(connection, exchange)).traced
  }
}

/** The connection's process may be another by now. */
const nameOf = (connection: Connection, exchange: HttpExchange): string | undefined =>
  connection.pid === exchange.pid ? connection.name : undefined

const duration = (context: TracerContext, side: 'server' | 'client'): Histogram =>
  context.histogram(`http.${side}.request.duration`, {
    unit: 's',
    description: side === 'server' ? 'Duration of HTTP server requests.' : 'Duration of HTTP client requests.',
    boundaries: BOUNDARIES,
  })
