import type { Process, TracerContext } from '../../tracer.ts'
import type { Connection, Connections, Listening } from './connections.ts'
import { connectionKey, listeningKey } from './ends.ts'
import type { Ends } from './ends.ts'
import type { ProcSocket, ProcSockets } from './proc-sockets.ts'

const ESTABLISHED = 1
const CLOSE_WAIT = 8
const LISTEN = 10

/** Namespaces and what was found in them, and whose the sockets are that were not known. */
interface Found {
  readonly sockets: ReadonlyMap<number, readonly ProcSocket[]>
  readonly owners: ReadonlyMap<number, number>
}

/**
 * Compares what is known with what `/proc` says: finds connections and listening sockets from before the programs were, and mends what
 * lost events left wrong. Events go on while it reads: what they say is newer, and stays.
 */
export class Survey {
  readonly #context: TracerContext
  readonly #connections: Connections
  readonly #proc: ProcSockets
  /** Keys of connections that were closed since it began. */
  readonly #closed = new Set<string>()
  #isUnderWay = false
  #network = 0

  constructor(context: TracerContext, connections: Connections, proc: ProcSockets) {
    this.#context = context
    this.#connections = connections
    this.#proc = proc
  }

  /** One at a time; `began` is CLOCK_MONOTONIC, nanoseconds. */
  async run(began: number): Promise<void> {
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    try {
      this.#apply(await this.#look(), began)
    } finally {
      this.#closed.clear()
      this.#isUnderWay = false
    }
  }

  /** Told of each connection that is closed. */
  closed(ends: Ends): void {
    if (this.#isUnderWay) this.#closed.add(connectionKey(ends))
  }

  async #look(): Promise<Found> {
    const sockets = new Map<number, readonly ProcSocket[]>()
    const unknown = new Set<number>()
    for (const [network, pid] of this.#proc.networks()) {
      const found = await this.#proc.sockets(pid)
      if (!found) continue
      sockets.set(network, found)
      for (const socket of found) if (this.#isUnknown(network, socket)) unknown.add(socket.inode)
    }
    return { sockets, owners: unknown.size === 0 ? new Map() : await this.#proc.owners(unknown) }
  }

  #isUnknown(network: number, socket: ProcSocket): boolean {
    if (socket.inode === 0) return false
    const ends = { network, ...socket }
    if (socket.state === LISTEN) return !this.#connections.isListening(ends)
    return isOpen(socket) && !this.#connections.of(ends)
  }

  #apply({ sockets, owners }: Found, began: number): void {
    for (const [network, found] of sockets) {
      this.#network = network
      const processOf = ({ inode }: ProcSocket) => this.#process(owners.get(inode))
      const listening = this.#listening(found, processOf)
      this.#connections.replaceListening(network, [...listening.values()])
      const ports = new Set(Array.from(listening.values(), ({ localPort }) => localPort))
      this.#add(found, ports, began, processOf)
      this.#removeMissing(found, began)
    }
  }

  #listening(found: readonly ProcSocket[], processOf: (socket: ProcSocket) => Process): Map<string, Listening> {
    const known = new Map(Array.from(this.#connections.listening, (each) => [listeningKey(each), each]))
    const listening = new Map<string, Listening>()
    for (const socket of found) {
      if (socket.state !== LISTEN) continue
      const ends = { ...endsOf(socket), network: this.#network }
      const key = listeningKey(ends)
      const process = known.get(key)?.process ?? processOf(socket)
      listening.set(key, { ...ends, process, sockets: (listening.get(key)?.sockets ?? 0) + 1 })
    }
    return listening
  }

  #add(
    found: readonly ProcSocket[],
    listeningPorts: ReadonlySet<number>,
    since: number,
    processOf: (socket: ProcSocket) => Process,
  ): void {
    for (const socket of found) {
      const ends = { ...endsOf(socket), network: this.#network }
      if (!isOpen(socket) || this.#connections.of(ends) || this.#closed.has(connectionKey(ends))) continue
      const isServer = listeningPorts.has(socket.localPort)
      const connection: Connection = {
        ...ends,
        process: processOf(socket),
        isServer,
        since,
        retransmits: -1,
        isCounted: true,
      }
      if (this.#connections.add(connection)) this.#context.note('connection_found')
      else this.#context.drop('too_many_connections')
    }
  }

  /** Those that were known before the survey began and are not there: their end was not heard. */
  #removeMissing(found: readonly ProcSocket[], began: number): void {
    const there = new Set(found.map((socket) => connectionKey({ network: this.#network, ...socket })))
    for (const connection of this.#connections.open) {
      if (connection.network !== this.#network || connection.since >= began) continue
      if (there.has(connectionKey(connection))) continue
      this.#connections.remove(connection)
      this.#context.note('connection_missed_closing')
    }
  }

  #process(pid: number | undefined): Process {
    return pid === undefined ? this.#context.processes.host : this.#context.processes.of(pid)
  }
}

/** Those about to end are left to their last event. */
const isOpen = ({ state }: ProcSocket): boolean => state === ESTABLISHED || state === CLOSE_WAIT

const endsOf = ({ localAddress, localPort, remoteAddress, remotePort }: ProcSocket) => ({
  localAddress,
  localPort,
  remoteAddress,
  remotePort,
})
