import { Connection } from './connection.ts'
import { Dialogue } from './dialogue.ts'
import {
  EVENT_SOCKET_CLOSED,
  EVENT_SOCKET_DATA,
  SOCKET_CLOSED,
  SOCKET_CLOSED_BYTES,
  SOCKET_DATA,
  SOCKET_DATA_BYTES,
  SOCKET_VERSION,
  TAIL_BYTES,
} from './event.ts'
import type { Account, ExchangeListener } from './exchange.ts'
import type { Answer, Protocol } from './protocol.ts'
import { HEADER_BYTES, timeOf, typeOf, unsigned64, versionOf } from '../event.ts'

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
    const type = length < HEADER_BYTES ? -1 : typeOf(buffer, at)
    if (type === EVENT_SOCKET_DATA && isData(buffer, at, length)) this.#data(buffer, at)
    else if (type === EVENT_SOCKET_CLOSED && length >= SOCKET_CLOSED_BYTES) this.#closed(buffer, at)
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

  #data(buffer: Buffer, at: number): void {
    const id = unsigned64(buffer, at + SOCKET_DATA.connection)
    const known = this.#byId.get(id)
    if (known !== undefined) return known.data(buffer, at)
    const protocol = this.#protocols[buffer[at + SOCKET_DATA.protocol]!]
    if (!protocol) return this.#options.account.drop('unknown_protocol')
    if (this.#byId.size >= this.#options.limit) this.#makeRoom()
    const made = protocol.begin(new Connection(id, buffer, at))
    this.#byId.set(id, made)
    made.data(buffer, at)
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

/** Whether all that an event says about its lengths can be. */
function isData(buffer: Buffer, at: number, length: number): boolean {
  if (length < SOCKET_DATA_BYTES || versionOf(buffer, at) !== SOCKET_VERSION) return false
  const captured = buffer.readUInt16LE(at + SOCKET_DATA.captured)
  return (
    SOCKET_DATA_BYTES + captured <= length &&
    captured <= buffer.readUInt32LE(at + SOCKET_DATA.bytes) &&
    buffer[at + SOCKET_DATA.tail_bytes]! <= TAIL_BYTES &&
    buffer[at + SOCKET_DATA.direction]! <= 1
  )
}
