import { ADDRESS_BYTES, AF_INET6, DIRECTION_OUT, NAME_BYTES, SOCKET_DATA as AT } from './event.ts'
import { addressText, isLoopback } from './address.ts'

/** Whose the two ends of a connection are: read from the first event that is seen of it. */
export class Connection {
  readonly id: number
  readonly localPort: number
  readonly remotePort: number
  /** Both addresses and ports, as bytes: the same text, turned round, is the other end's. */
  readonly tuple: string
  readonly mirroredTuple: string
  readonly #family: number
  #local: string | undefined
  #remote: string | undefined
  pid = -1
  /** `comm` of that process. */
  name = ''
  /** Whether requests come in here (1), go out (2), or nobody knows yet (0). */
  role: Role = UNKNOWN
  /** What who listens keeps with it. */
  kept: unknown

  constructor(id: number, event: Buffer, at: number) {
    this.id = id
    this.#family = event[at + AT.family]!
    this.localPort = event.readUInt16LE(at + AT.local_port)
    this.remotePort = event.readUInt16LE(at + AT.remote_port)
    const local = bytesOf(event, at + AT.local_address)
    const remote = bytesOf(event, at + AT.remote_address)
    const localEnd = `${local}${String.fromCharCode(this.localPort)}`
    const remoteEnd = `${remote}${String.fromCharCode(this.remotePort)}`
    this.tuple = localEnd + remoteEnd
    this.mirroredTuple = remoteEnd + localEnd
  }

  get localAddress(): string {
    return (this.#local ??= addressText(this.tuple, 0, this.#family === AF_INET6))
  }

  get remoteAddress(): string {
    return (this.#remote ??= addressText(this.mirroredTuple, 0, this.#family === AF_INET6))
  }

  /** Whether the other end is on this host, as its address says: it may be even where that does not. */
  get isLocal(): boolean {
    return (
      this.tuple.slice(0, ADDRESS_BYTES) === this.mirroredTuple.slice(0, ADDRESS_BYTES) ||
      isLoopback(this.mirroredTuple, this.#family === AF_INET6)
    )
  }

  /** Who moves its data may change: a server's parent hands it to a child. */
  movedBy(pid: number, event: Buffer, at: number): void {
    if (pid === this.pid) return
    this.pid = pid
    let end = at + AT.name
    const limit = end + NAME_BYTES
    while (end < limit && event[end] !== 0) end++
    this.name = event.toString('utf8', at + AT.name, end)
  }

  /** Whether the requests come in the direction of an event. */
  asksBy(direction: number): boolean {
    return direction === DIRECTION_OUT ? this.role === CLIENT : this.role === SERVER
  }
}

export const UNKNOWN = 0
export const SERVER = 1
export const CLIENT = 2
export type Role = typeof UNKNOWN | typeof SERVER | typeof CLIENT

const bytesOf = (event: Buffer, at: number): string => event.toString('latin1', at, at + ADDRESS_BYTES)
