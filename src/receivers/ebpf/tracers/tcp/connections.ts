import type { Process } from '../../tracer.ts'
import type { Ends } from './ends.ts'
import { connectionKey, listeningKey } from './ends.ts'

/** A connection that there is. */
export interface Connection extends Ends {
  process: Process
  readonly isServer: boolean
  /** CLOCK_MONOTONIC when it was first heard of. */
  readonly since: number
  /** How many retransmissions were counted already; -1 where those before it was heard of are not known. */
  retransmits: number
  /** Whether it was counted as opened or accepted. */
  isCounted: boolean
}

/** Sockets that listen at one address and port. */
export interface Listening extends Ends {
  readonly process: Process
  readonly sockets: number
}

/** Some 300 bytes each. */
export const CONNECTIONS_MAX = 131_072
export const LISTENING_MAX = 16_384

/** The connections and listening sockets that there are, as events tell of them and surveys mend. */
export class Connections {
  readonly #open = new Map<string, Connection>()
  readonly #listening = new Map<string, Listening>()

  get open(): Iterable<Connection> {
    return this.#open.values()
  }

  get listening(): Iterable<Listening> {
    return this.#listening.values()
  }

  of(ends: Ends): Connection | undefined {
    return this.#open.get(connectionKey(ends))
  }

  /** False where there is no room. One between the same ends is replaced: it has been closed, and that was not heard. */
  add(connection: Connection): boolean {
    const key = connectionKey(connection)
    if (this.#open.size >= CONNECTIONS_MAX && !this.#open.has(key)) return false
    this.#open.set(key, connection)
    return true
  }

  remove(ends: Ends): Connection | undefined {
    const key = connectionKey(ends)
    const connection = this.#open.get(key)
    this.#open.delete(key)
    return connection
  }

  /** Who listens at this port of the namespace, whatever the address. */
  listenerAt(network: number, port: number): Listening | undefined {
    for (const listening of this.#listening.values())
      if (listening.localPort === port && listening.network === network) return listening
    return undefined
  }

  listen(ends: Ends, process: Process): boolean {
    const key = listeningKey(ends)
    const before = this.#listening.get(key)
    if (!before && this.#listening.size >= LISTENING_MAX) return false
    this.#listening.set(key, { ...ends, process, sockets: (before?.sockets ?? 0) + 1 })
    return true
  }

  unlisten(ends: Ends): void {
    const key = listeningKey(ends)
    const before = this.#listening.get(key)
    if (!before) return
    if (before.sockets <= 1) this.#listening.delete(key)
    else this.#listening.set(key, { ...before, sockets: before.sockets - 1 })
  }

  isListening(ends: Ends): boolean {
    return this.#listening.has(listeningKey(ends))
  }

  /** What a survey found of a namespace takes the place of what was known of it. */
  replaceListening(network: number, found: readonly Listening[]): void {
    for (const [key, listening] of this.#listening) if (listening.network === network) this.#listening.delete(key)
    for (const listening of found) {
      if (this.#listening.size >= LISTENING_MAX) return
      this.#listening.set(listeningKey(listening), listening)
    }
  }
}
