import { randomBytes } from 'node:crypto'
import type { Attributes } from '../../../../plugin.ts'
import type { Histogram, Process, TracerContext } from '../../tracer.ts'
import { NO_ERROR, OPERATION_QUERY, operationName, responseName, typeName } from './codes.ts'
import type { Exchange } from './exchanges.ts'
import type { Message } from './message.ts'
import type { DnsOptions } from './options.ts'
import type { Packet } from './packet.ts'

/** https://opentelemetry.io/docs/specs/semconv/dns/dns-metrics/ */
const DURATION_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const NANOSECONDS_PER_SECOND = 1_000_000_000
const KIND_SERVER = 2
const KIND_CLIENT = 3
const STATUS_ERROR = 2
/** `error.type` of a query without response. */
const TIMEOUT = 'timeout'

/**
 * Spans and metrics of exchanges. `dns.question.name`, `dns.answers` and `dns.lookup.duration` are OpenTelemetry's; for what it has no name yet
 * (type, code, flags), the Elastic Common Schema's are used, which it is to take over.
 */
export class DnsTelemetry {
  readonly #context: TracerContext
  readonly #hasNames: boolean
  readonly #duration: Histogram | undefined

  constructor(context: TracerContext, options: DnsOptions) {
    this.#context = context
    this.#hasNames = options.question_names
    if (!context.wants('metrics')) return
    this.#duration = context.histogram('dns.lookup.duration', {
      unit: 's',
      description: 'Measures the time taken to perform a DNS lookup.',
      boundaries: DURATION_BOUNDARIES,
    })
  }

  answered(process: Process, exchange: Exchange, response: Message, ended: number): void {
    const { responseCode } = response
    const error = responseCode === NO_ERROR ? undefined : responseName(responseCode)
    this.#emit(process, exchange, ended, error, {
      'dns.response_code': responseName(responseCode),
      'dns.header_flags': response.flags.length > 0 ? [...response.flags] : undefined,
      'dns.answers': response.addresses.length > 0 ? [...response.addresses] : undefined,
      'dns.answers_count': response.answers,
    })
  }

  unanswered(process: Process, exchange: Exchange, ended: number): void {
    this.#emit(process, exchange, ended, TIMEOUT, {})
  }

  #emit(process: Process, exchange: Exchange, ended: number, error: string | undefined, found: Attributes): void {
    const span = this.#context.wants('traces') ? this.#span(process, exchange, ended, error, found) : undefined
    if (exchange.packet.isServer) return
    const { question } = exchange.query
    const value = Math.max(0, ended - exchange.began) / NANOSECONDS_PER_SECOND
    const attributes = {
      'dns.question.name': this.#hasNames ? question?.name : undefined,
      'dns.question.type': question && typeName(question.type),
      'error.type': error,
    }
    this.#duration?.record(process, value, attributes, span && { ...span, value, time: this.#context.wall(ended) })
  }

  #span(process: Process, exchange: Exchange, ended: number, error: string | undefined, found: Attributes) {
    const { packet, query, began, retransmissions } = exchange
    const ids = randomBytes(24)
    const identity = { traceId: ids.subarray(0, 16), spanId: ids.subarray(16) }
    this.#context.span(process, {
      ...identity,
      name: spanName(query),
      kind: packet.isServer ? KIND_SERVER : KIND_CLIENT,
      start: this.#context.wall(began),
      end: this.#context.wall(Math.max(began, ended)),
      attributes: {
        'dns.question.name': query.question?.name,
        'dns.question.type': query.question && typeName(query.question.type),
        ...found,
        ...ends(packet),
        'network.transport': packet.transport,
        'network.type': packet.networkType,
        'thread.id': packet.tid === 0 ? undefined : packet.tid,
        'dns.retransmissions': retransmissions === 0 ? undefined : retransmissions,
        'error.type': error,
      },
      status: error === undefined ? undefined : { code: STATUS_ERROR },
    })
    return identity
  }
}

const spanName = ({ operation, question }: Message): string =>
  operation === OPERATION_QUERY && question ? `DNS ${typeName(question.type)}` : `DNS ${operationName(operation)}`

function ends(packet: Packet): Attributes {
  const { isServer, localAddress, localPort, remoteAddress, remotePort } = packet
  return isServer
    ? {
        'server.address': localAddress,
        'server.port': localPort,
        'client.address': remoteAddress,
        'client.port': remotePort,
      }
    : { 'server.address': remoteAddress, 'server.port': remotePort }
}
