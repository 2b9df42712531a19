import { versionOf } from '../../event.ts'
import type { Process, Tracer, TracerContext } from '../../tracer.ts'
import { readChange } from './change.ts'
import type { Change } from './change.ts'
import { Connections } from './connections.ts'
import type { Connection } from './connections.ts'
import {
  EVENT_TCP_CLOSED,
  EVENT_TCP_DEAF,
  EVENT_TCP_LISTENING,
  EVENT_TCP_OPENED,
  EVENT_TCP_OWNED,
  EVENT_TCP_RETRANSMITTED,
  ROLE_ACCEPTED,
  ROLE_UNKNOWN,
  TCP_EVENT_BYTES,
  TCP_VERSION,
} from './event.ts'
import type { TcpOptions } from './options.ts'
import { ProcSockets } from './proc-sockets.ts'
import { Survey } from './survey.ts'
import { TcpTelemetry } from './telemetry.ts'

const SYN_SENT = 2
const SYN_RECV = 3
const NANOSECONDS_PER_MILLISECOND = 1_000_000
/** How long a connection that was accepted waits for the process that reads from it to be seen, until it counts as that of who listens. */
export const OWNER_WAIT = 1000 * NANOSECONDS_PER_MILLISECOND

/** Keeps the connections that there are, and tells what becomes of them. */
export class TcpTracer implements Tracer {
  readonly types = [
    EVENT_TCP_OPENED,
    EVENT_TCP_OWNED,
    EVENT_TCP_RETRANSMITTED,
    EVENT_TCP_CLOSED,
    EVENT_TCP_LISTENING,
    EVENT_TCP_DEAF,
  ]
  readonly #context: TracerContext
  readonly #connections = new Connections()
  readonly #telemetry: TcpTelemetry
  readonly #survey: Survey
  readonly #surveyInterval: number
  /** Those whose owner is a guess and which are not counted yet, oldest first. */
  readonly #uncounted = new Set<Connection>()
  #surveyAt = 0

  constructor(context: TracerContext, options: TcpOptions) {
    this.#context = context
    this.#telemetry = new TcpTelemetry(context, options, this.#connections)
    this.#survey = new Survey(context, this.#connections, new ProcSockets(context.procPath ?? '/proc'))
    this.#surveyInterval = options.survey_interval * NANOSECONDS_PER_MILLISECOND
  }

  event(buffer: Buffer, at: number, length: number): void {
    if (length < TCP_EVENT_BYTES || versionOf(buffer, at) !== TCP_VERSION) return this.#context.drop('malformed')
    const change = readChange(buffer, at)
    switch (change.type) {
      case EVENT_TCP_OPENED:
        return this.#opened(change)
      case EVENT_TCP_OWNED:
        return this.#owned(change)
      case EVENT_TCP_RETRANSMITTED:
        return this.#retransmitted(change)
      case EVENT_TCP_CLOSED:
        return this.#closed(change)
      case EVENT_TCP_LISTENING:
        return this.#listening(change)
      case EVENT_TCP_DEAF:
        return this.#connections.unlisten(change)
      default:
        this.#context.drop('malformed')
    }
  }

  tick(now: number): void {
    for (const connection of this.#uncounted) {
      if (connection.since > now - OWNER_WAIT) break
      this.#count(connection)
    }
    if (now < this.#surveyAt || !this.#context.wants('metrics')) return
    this.#surveyAt = now + this.#surveyInterval
    void this.#survey.run(now).catch(() => this.#context.drop('survey_failed'))
  }

  #opened(change: Change): void {
    const { network, localAddress, localPort, remoteAddress, remotePort } = change
    const connection: Connection = {
      network,
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      process: this.#ownerOf(change),
      isServer: change.role === ROLE_ACCEPTED,
      since: change.time,
      retransmits: 0,
      isCounted: false,
    }
    const isKept = this.#connections.add(connection)
    if (!isKept) this.#context.drop('too_many_connections')
    if (isKept && change.isGuess) this.#uncounted.add(connection)
    else this.#count(connection)
    this.#countRetransmits(connection, change)
  }

  #owned(change: Change): void {
    const connection = this.#connections.of(change)
    if (!connection) return
    connection.process = this.#ownerOf(change)
    this.#count(connection)
  }

  #retransmitted(change: Change): void {
    const connection = this.#connections.of(change)
    if (connection) this.#countRetransmits(connection, change)
  }

  #closed(change: Change): void {
    this.#survey.closed(change)
    const connection = this.#connections.remove(change)
    const process = change.pid === 0 && connection ? connection.process : this.#ownerOf(change)
    if (change.state === SYN_SENT || change.state === SYN_RECV) return this.#telemetry.failed(process, change)
    if (connection) {
      connection.process = process
      this.#count(connection)
      this.#countRetransmits(connection, change)
    }
    this.#telemetry.closed(process, change, connection?.isServer ?? this.#isAccepted(change))
  }

  #listening(change: Change): void {
    // Before it is bound to one, a socket that is not bound has no port: the next survey finds it.
    if (change.localPort === 0) return
    if (!this.#connections.listen(change, this.#ownerOf(change))) this.#context.drop('too_many_listening')
  }

  #count(connection: Connection): void {
    this.#uncounted.delete(connection)
    if (connection.isCounted) return
    connection.isCounted = true
    this.#telemetry.opened(connection)
  }

  #countRetransmits(connection: Connection, { retransmits }: Change): void {
    if (connection.retransmits < 0 || retransmits <= connection.retransmits) return
    this.#telemetry.retransmitted(
      connection.process,
      connection,
      connection.isServer,
      retransmits - connection.retransmits,
    )
    connection.retransmits = retransmits
  }

  /** Of one from before that no survey has found, it is told by who listens: a client's port must not be taken for a server's. */
  #isAccepted({ role, network, localPort }: Change): boolean {
    if (role !== ROLE_UNKNOWN) return role === ROLE_ACCEPTED
    return this.#connections.listenerAt(network, localPort) !== undefined
  }

  #ownerOf({ pid, name, network, localPort }: Change): Process {
    if (pid !== 0) return this.#context.processes.of(pid, name)
    return this.#connections.listenerAt(network, localPort)?.process ?? this.#context.processes.host
  }
}
