import type { Connection } from '../../socket/connection.ts'
import type { HttpExchange } from './trace.ts'

/** Exchanges that are over and still remembered: the other end may be told of later. */
const OVER_KEPT = 4
/** Exchanges of one connection that are remembered at all. */
const KEPT_MOST = 132

/**
 * Both ends of a connection within this host are connections here, with the same addresses the other way round: what a client of this host
 * asks is what a server of this host answers. An exchange is found at the other end by its time: the client's spans the server's.
 */
export class Mirrors {
  readonly #calls = new Map<string, Calls>()

  /** A client's request is under way. */
  begin(call: HttpExchange): void {
    const { connection } = call
    let calls = this.#calls.get(connection.tuple)
    if (calls?.connection !== connection) this.#calls.set(connection.tuple, (calls = { connection, kept: [] }))
    const { kept } = calls
    while (kept.length > OVER_KEPT && (kept[0]!.isOver || kept.length >= KEPT_MOST)) kept.shift()
    kept.push(call)
  }

  /** Whether the other end's calls are seen at all. */
  has(connection: Connection): boolean {
    return this.#calls.has(connection.mirroredTuple)
  }

  /** The client's exchange that this server's one is the other end of, once. */
  of(exchange: HttpExchange): HttpExchange | undefined {
    const calls = this.#calls.get(exchange.connection.mirroredTuple)
    if (calls === undefined) return undefined
    for (const call of calls.kept) {
      const { trace } = call
      if (!trace || trace.isMirrored || call.start > exchange.start) continue
      if (call.isOver && call.end < exchange.start) continue
      trace.isMirrored = true
      return call
    }
    return undefined
  }

  forget(connection: Connection): void {
    if (this.#calls.get(connection.tuple)?.connection === connection) this.#calls.delete(connection.tuple)
  }
}

interface Calls {
  readonly connection: Connection
  /** The oldest first. */
  readonly kept: HttpExchange[]
}
