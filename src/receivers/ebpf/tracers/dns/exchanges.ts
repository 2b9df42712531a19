import type { Message } from './message.ts'
import type { Packet } from './packet.ts'

/** A query, and its response where one came. */
export interface Exchange {
  readonly packet: Packet
  readonly query: Message
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly began: number
  readonly sentLast: number
  readonly retransmissions: number
}

export type Taken = 'began' | 'retransmitted' | 'full'

/** Queries that wait for their response at a time: at 5 s each, more than 3000 a second that nobody answers. */
export const WAITING_MAX = 16_384

/**
 * Queries that have no response yet, in the order they were sent last. The socket and the id pair them, not the server's address: translation of
 * addresses changes it on the way (Kubernetes' service addresses). Of a server's socket, the client tells them apart.
 */
export class Exchanges {
  readonly #waiting = new Map<string, Exchange>()

  get size(): number {
    return this.#waiting.size
  }

  /** Takes a query. `replaced` is told of one with the same id that asked for something else: nobody waits for it any more. */
  ask(packet: Packet, query: Message, replaced: (exchange: Exchange) => void): Taken {
    const key = keyOf(packet, query.id)
    const before = this.#waiting.get(key)
    if (before) this.#waiting.delete(key)
    if (before && isSameQuestion(before.query, query)) {
      const retransmissions = before.retransmissions + 1
      this.#waiting.set(key, { ...before, sentLast: packet.time, retransmissions })
      return 'retransmitted'
    }
    if (before) replaced(before)
    if (this.#waiting.size >= WAITING_MAX) return 'full'
    this.#waiting.set(key, { packet, query, began: packet.time, sentLast: packet.time, retransmissions: 0 })
    return 'began'
  }

  /** The query that this responds to, which waits no more; undefined where there is none. */
  answer(packet: Packet, response: Message): Exchange | undefined {
    const key = keyOf(packet, response.id)
    const exchange = this.#waiting.get(key)
    if (!exchange || (response.question && !isSameQuestion(exchange.query, response))) return undefined
    this.#waiting.delete(key)
    return exchange
  }

  /** Takes out those that were sent last before `time`. */
  takeSentBefore(time: number): readonly Exchange[] {
    const late: Exchange[] = []
    for (const [key, exchange] of this.#waiting) {
      if (exchange.sentLast >= time) break
      this.#waiting.delete(key)
      late.push(exchange)
    }
    return late
  }
}

function keyOf(packet: Packet, id: number): string {
  const peer = packet.isServer ? `${packet.remoteAddress}:${packet.remotePort}` : ''
  return `${packet.socket}/${id}/${peer}`
}

/** Servers give the name back as it was written, but need not. */
function isSameQuestion(one: Message, other: Message): boolean {
  if (one.question === other.question) return true
  if (!one.question || !other.question) return false
  return (
    one.question.type === other.question.type && one.question.name.toLowerCase() === other.question.name.toLowerCase()
  )
}
