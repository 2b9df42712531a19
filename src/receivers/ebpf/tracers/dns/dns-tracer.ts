import type { Process, Tracer, TracerContext } from '../../tracer.ts'
import { versionOf } from '../../event.ts'
import { DNS_MESSAGE, DNS_MESSAGE_BYTES, DNS_VERSION, EVENT_DNS_MESSAGE } from './event.ts'
import { Exchanges } from './exchanges.ts'
import type { Exchange } from './exchanges.ts'
import { HEADER_BYTES, readMessage } from './message.ts'
import type { Message } from './message.ts'
import type { DnsOptions } from './options.ts'
import { readPacket } from './packet.ts'
import type { Packet } from './packet.ts'
import { DnsTelemetry } from './telemetry.ts'

/** Before a message in TCP: its length. */
const LENGTH_BYTES = 2
/** Messages in one segment that are looked at. */
const MESSAGES_MAX = 16
const NANOSECONDS_PER_MILLISECOND = 1_000_000

/** Pairs queries and responses. */
export class DnsTracer implements Tracer {
  readonly types = [EVENT_DNS_MESSAGE]
  readonly #context: TracerContext
  readonly #telemetry: DnsTelemetry
  readonly #exchanges = new Exchanges()
  readonly #timeout: number

  constructor(context: TracerContext, options: DnsOptions) {
    this.#context = context
    this.#telemetry = new DnsTelemetry(context, options)
    this.#timeout = options.timeout * NANOSECONDS_PER_MILLISECOND
  }

  event(buffer: Buffer, at: number, length: number): void {
    if (length < DNS_MESSAGE_BYTES || versionOf(buffer, at) !== DNS_VERSION) return this.#context.drop('malformed')
    const start = at + DNS_MESSAGE_BYTES
    const end = start + buffer.readUInt16LE(at + DNS_MESSAGE.captured)
    if (end > at + length) return this.#context.drop('malformed')
    const packet = readPacket(buffer, at)
    if (packet.transport === 'tcp') return this.#segment(packet, buffer, start, end)
    const message = readMessage(buffer, start, end)
    if (message) this.#message(packet, message)
    else this.#context.drop('unreadable_message')
  }

  tick(now: number): void {
    for (const exchange of this.#exchanges.takeSentBefore(now - this.#timeout))
      this.#unanswered(exchange, exchange.sentLast + this.#timeout)
  }

  /** The segments of a long message behind its first look like anything, so that one which is no message is no loss. */
  #segment(packet: Packet, buffer: Buffer, start: number, end: number): void {
    let at = start
    for (let read = 0; read < MESSAGES_MAX && at + LENGTH_BYTES + HEADER_BYTES <= end; read++) {
      const next = at + LENGTH_BYTES + buffer.readUInt16BE(at)
      const message = readMessage(buffer, at + LENGTH_BYTES, Math.min(next, end))
      if (!message) return this.#context.note('segment_without_message')
      this.#message(packet, message)
      at = next
    }
  }

  #message(packet: Packet, message: Message): void {
    if (message.isResponse !== (packet.isOut === packet.isServer)) return this.#context.drop('unreadable_message')
    if (message.isResponse) this.#response(packet, message)
    else this.#query(packet, message)
  }

  #query(packet: Packet, query: Message): void {
    if (!this.#processOf(packet).traced) return
    const taken = this.#exchanges.ask(packet, query, (exchange) => this.#unanswered(exchange, packet.time))
    if (taken === 'retransmitted') this.#context.note('query_retransmitted')
    if (taken === 'full') this.#context.drop('too_many_waiting')
  }

  #response(packet: Packet, response: Message): void {
    const exchange = this.#exchanges.answer(packet, response)
    // A server's process is known only once it sends.
    const process = this.#processOf(packet.pid === 0 && exchange ? exchange.packet : packet)
    if (!process.traced) return
    if (exchange) this.#telemetry.answered(process, exchange, response, packet.time)
    else this.#context.note('response_without_query')
  }

  #unanswered(exchange: Exchange, ended: number): void {
    this.#telemetry.unanswered(this.#processOf(exchange.packet), exchange, ended)
  }

  #processOf({ pid, name }: Packet): Process {
    return pid === 0 ? this.#context.processes.host : this.#context.processes.of(pid, name)
  }
}
