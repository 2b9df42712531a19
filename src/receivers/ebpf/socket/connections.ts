import { Connection } from './connection.ts'
import { DataEvent } from './data-event.ts'
import { Dialogue } from './dialogue.ts'
import { EVENT_SOCKET_CLOSED, SOCKET_CLOSED, SOCKET_CLOSED_BYTES } from './event.ts'
import type { Account, ExchangeListener } from './exchange.ts'
import type { Answer, Protocol } from './protocol.ts'
import { timeOf, typeOf, unsigned64 } from '../event.ts'

/** A connection of which nothing was seen for so long is forgotten. */
export const IDLE_NS = 900e9
/** Connections looked at in a tick: all of them are within a few. */
const SWEPT_PER_TICK = 4096
/** Connections looked at to find one that makes room. */
const ASKED_FOR_ROOM = 16

/** What a protocol's events become. */
export interface Spoken {
  readonly id: number
  begin(connection: Connection): Conversation
}

type Conversation = Pick<
  Dialogue<unknown, Answer, unknown>,
  'connection' | 'data' | 'close' | 'tick' | 'abandon' | 'time'
>

/** A protocol, and who is told of what is said in it. */
export const spoken = <Q, A extends Answer, T>(
  protocol: Protocol<Q, A>,
  listener: ExchangeListener<Q, A, T>,
  account: Account,
): Spoken => ({
  id: protocol.id,
  begin: (connection) => new Dialogue(connection, protocol, listener, account),
})

export interface ConnectionsOptions {
  /** Connections known at a time; another one takes the place of one that was quiet for long. */
  readonly limit: number
  readonly protocols: readonly Spoken[]
  readonly account: Account
  /** A connection is known no more. */
  forgotten?(connection: Connection): void
}

/** All connections of which something was seen, by the kernel's number for them. */
export class Connections {
  readonly #data = new DataEvent()
  readonly #byId = new Map<number, Conversation>()
  readonly #protocols: (Spoken | undefined)[] = []
  readonly #options: ConnectionsOptions
  /** Never left where it is for long: it would keep every table that the map has outgrown since. */
  #sweep: IterableIterator<Conversation>

  constructor(options: ConnectionsOptions) {
    this.#options = options
    for (const spoken of options.protocols) this.#protocols[spoken.id] = spoken
    this.#sweep = this.#byId.values()
  }

  get size(): number {
    return this.#byId.size
  }

  event(buffer: Buffer, at: number, length: number): void {
    if (this.#data.read(buffer, at, length)) this.#moved(this.#data)
    else if (length >= SOCKET_CLOSED_BYTES && typeOf(buffer, at) === EVENT_SOCKET_CLOSED) this.#closed(buffer, at)
    else this.#options.account.drop('malformed')
  }

  tick(now: number): void {
    if (this.#byId.size === 0) this.#sweep = this.#byId.values()
    for (let swept = Math.min(SWEPT_PER_TICK, this.#byId.size); swept > 0; swept--) {
      const next = this.#next()
      if (!next) return
      next.tick(now)
      if (now - next.time > IDLE_NS) this.#forget(next)
    }
  }

  #moved(event: DataEvent): void {
    const id = event.connection
    const known = this.#byId.get(id)
    if (known !== undefined) return known.data(event)
    const protocol = this.#protocols[event.protocol]
    if (!protocol) return this.#options.account.drop('unknown_protocol')
    if (this.#byId.size >= this.#options.limit) this.#makeRoom()
    const made = protocol.begin(new Connection(id, event.buffer, event.at))
    this.#byId.set(id, made)
    made.data(event)
  }

  #closed(buffer: Buffer, at: number): void {
    const known = this.#byId.get(unsigned64(buffer, at + SOCKET_CLOSED.connection))
    if (!known) return
    known.close(buffer.readUInt32LE(at + SOCKET_CLOSED.sequence), timeOf(buffer, at))
    this.#forget(known)
  }

  /** Of a few, in turn, the one that was quiet for the longest. */
  #makeRoom(): void {
    let quietest: Conversation | undefined
    for (let asked = 0; asked < ASKED_FOR_ROOM; asked++) {
      const next = this.#next()
      if (!next) break
      if (!quietest || next.time < quietest.time) quietest = next
    }
    if (!quietest) return
    this.#options.account.note('connections_evicted')
    quietest.abandon('connection_evicted')
    this.#forget(quietest)
  }

  /** All in turn, over and over. */
  #next(): Conversation | undefined {
    const next = this.#sweep.next()
    if (!next.done) return next.value
    this.#sweep = this.#byId.values()
    return this.#sweep.next().value as Conversation | undefined
  }

  #forget(conversation: Conversation): void {
    this.#byId.delete(conversation.connection.id)
    this.#options.forgotten?.(conversation.connection)
  }
}
