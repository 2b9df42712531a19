import { constants } from 'node:os'
import type { Attributes } from '../../../../plugin.ts'
import type { Counter, Histogram, Process, TracerContext } from '../../tracer.ts'
import type { Change } from './change.ts'
import type { Connection, Connections } from './connections.ts'
import { isVersion6, textOf } from './ends.ts'
import type { Ends } from './ends.ts'
import type { TcpOptions } from './options.ts'
import { connectionRecord } from './record.ts'

const DURATION_BOUNDARIES = [0.001, 0.01, 0.1, 1, 10, 60, 300, 1800, 7200, 86_400]
const ROUND_TRIP_BOUNDARIES = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
const NANOSECONDS_PER_SECOND = 1_000_000_000
const MICROSECONDS_PER_SECOND = 1_000_000

const ESTABLISHED = 1
const CLOSE_WAIT = 8

/** How a connection ended: `tcp.end`. */
export type End = 'finished' | 'reset_by_peer' | 'reset_by_process' | 'timed_out' | 'broken'

/** Metrics of connections, and log records where they are wanted. */
export class TcpTelemetry {
  readonly #context: TracerContext
  readonly #options: TcpOptions
  readonly #count: Counter | undefined
  readonly #bytes: Counter | undefined
  readonly #retransmits: Counter | undefined
  readonly #duration: Histogram | undefined
  readonly #roundTrip: Histogram | undefined

  constructor(context: TracerContext, options: TcpOptions, connections: Connections) {
    this.#context = context
    this.#options = options
    if (!context.wants('metrics')) return
    const counter = (name: string, unit: string, description: string) =>
      context.counter(name, { unit, description, int: true })
    this.#count = counter('tcp.connections', '{connection}', 'Connections that were opened, accepted, failed, closed.')
    this.#bytes = counter('tcp.io', 'By', 'Bytes of payload of connections that were closed.')
    this.#retransmits = counter('tcp.retransmits', '{segment}', 'Segments that were sent again.')
    this.#duration = context.histogram('tcp.connection.duration', {
      unit: 's',
      description: 'Time from the first segment of a connection to its end.',
      boundaries: DURATION_BOUNDARIES,
    })
    this.#roundTrip = context.histogram('tcp.rtt', {
      unit: 's',
      description: 'Smoothed round trip of connections when they were closed.',
      boundaries: ROUND_TRIP_BOUNDARIES,
    })
    this.#gauges(connections)
  }

  opened(connection: Connection): void {
    const event = connection.isServer ? 'accepted' : 'opened'
    const attributes = { ...this.#attributes(connection, connection.isServer), 'tcp.event': event }
    this.#count?.add(connection.process, 1, attributes)
  }

  failed(process: Process, change: Change): void {
    const error = errorType(change.error)
    const attributes = this.#attributes(change, false)
    this.#count?.add(process, 1, { ...attributes, 'tcp.event': 'failed', 'error.type': error })
    if (change.retransmits > 0) this.#retransmits?.add(process, change.retransmits, attributes)
    if (this.#options.connections) this.#record(process, change, false, error, undefined)
  }

  /** What began before the programs were counts, but how long it was and how much it had moved by then is not known. */
  closed(process: Process, change: Change, isServer: boolean): void {
    const end = endOf(change)
    const error = change.error === 0 ? undefined : errorType(change.error)
    const attributes = this.#attributes(change, isServer)
    this.#count?.add(process, 1, { ...attributes, 'tcp.event': 'closed', 'tcp.end': end, 'error.type': error })
    if (change.roundTrip > 0) this.#roundTrip?.record(process, change.roundTrip / MICROSECONDS_PER_SECOND, attributes)
    if (change.began > 0) this.#whole(process, change, attributes, error)
    if (this.#options.connections) this.#record(process, change, isServer, error, end)
  }

  retransmitted(process: Process, ends: Ends, isServer: boolean, amount: number): void {
    this.#retransmits?.add(process, amount, this.#attributes(ends, isServer))
  }

  #whole(process: Process, change: Change, attributes: Attributes, error: string | undefined): void {
    const seconds = Math.max(0, change.time - change.began) / NANOSECONDS_PER_SECOND
    this.#duration?.record(process, seconds, { ...attributes, 'error.type': error })
    if (change.sent > 0) this.#bytes?.add(process, change.sent, { ...attributes, 'network.io.direction': 'transmit' })
    if (change.received > 0)
      this.#bytes?.add(process, change.received, { ...attributes, 'network.io.direction': 'receive' })
  }

  #record(process: Process, change: Change, isServer: boolean, error: string | undefined, end: End | undefined): void {
    if (this.#context.wants('logs'))
      this.#context.record(
        process,
        connectionRecord(change, { isServer, error, end, wall: this.#context.wall(change.time) }),
      )
  }

  #gauges(connections: Connections): void {
    const open = { unit: '{connection}', description: 'Connections that are open.', int: true }
    this.#context.gauge('tcp.connections.open', open, (emit) => {
      for (const { process, count, attributes } of this.#openByKind(connections)) emit(process, count, attributes)
    })
    const listening = { unit: '{socket}', description: 'Sockets that listen.', int: true }
    this.#context.gauge('tcp.listening', listening, (emit) => {
      for (const { process, sockets, localAddress, localPort } of connections.listening)
        if (process.traced)
          emit(process, sockets, {
            'network.type': networkType(localAddress),
            'network.local.address': textOf(localAddress),
            'network.local.port': localPort,
          })
    })
  }

  #openByKind(connections: Connections) {
    const kinds = new Map<Process, Map<string, { process: Process; count: number; attributes: Attributes }>>()
    for (const connection of connections.open) {
      const { process, isServer, remoteAddress, localPort, remotePort } = connection
      if (!process.traced) continue
      const address = this.#options.peers === 'address' ? remoteAddress : isVersion6(remoteAddress)
      const key = `${isServer}/${isServer ? localPort : remotePort}/${address}`
      const own = kinds.get(process) ?? new Map()
      kinds.set(process, own)
      const kind = own.get(key)
      if (kind) kind.count++
      else own.set(key, { process, count: 1, attributes: this.#attributes(connection, isServer) })
    }
    return [...kinds.values()].flatMap((own) => [...own.values()])
  }

  #attributes(ends: Ends, isServer: boolean): Attributes {
    const { peers } = this.#options
    const address = peers === 'address' ? textOf(ends.remoteAddress) : undefined
    return {
      'network.type': networkType(ends.remoteAddress),
      'tcp.role': isServer ? 'server' : 'client',
      'server.port': peers === 'none' ? undefined : isServer ? ends.localPort : ends.remotePort,
      'server.address': isServer ? undefined : address,
      'client.address': isServer ? address : undefined,
    }
  }
}

const networkType = (address: string): string => (isVersion6(address) ? 'ipv6' : 'ipv4')

const ERRORS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
)

/** `ECONNREFUSED`. Without an error, the process itself closed the socket before it was answered. */
const errorType = (error: number): string =>
  error === 0 ? 'closed_by_process' : (ERRORS.get(error) ?? `errno ${error}`)

/** Of a connection that the other side reset, EPIPE says that it had sent all. */
function endOf({ error, state }: Change): End {
  if (error === constants.errno.ECONNRESET || error === constants.errno.EPIPE) return 'reset_by_peer'
  if (error === constants.errno.ETIMEDOUT) return 'timed_out'
  if (error !== 0) return 'broken'
  return state === ESTABLISHED || state === CLOSE_WAIT ? 'reset_by_process' : 'finished'
}
