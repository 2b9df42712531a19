import {
  AF_INET,
  DATA_STARTS_MESSAGE,
  DATA_UNREAD,
  DIRECTION_IN,
  DIRECTION_OUT,
  EVENT_SOCKET_CLOSED,
  EVENT_SOCKET_DATA,
  PROTOCOL_HTTP1,
  SOCKET_CLOSED,
  SOCKET_CLOSED_BYTES,
  SOCKET_DATA as AT,
  SOCKET_DATA_BYTES,
  TAIL_BYTES,
} from '../../../../src/receivers/ebpf/socket/event.ts'

/** One end of a connection, as the programs of `bpf/socket` tell of it. */
export interface End {
  readonly connection?: number
  readonly pid?: number
  readonly tid?: number
  readonly name?: string
  readonly family?: number
  /** Bytes in network order. */
  readonly local?: readonly number[]
  readonly remote?: readonly number[]
  readonly localPort?: number
  readonly remotePort?: number
  /** Of each message, so much is captured. */
  readonly headBytes?: number
  readonly sequence?: number
}

export interface Call {
  readonly began?: number
  readonly time?: number
  readonly tid?: number
  readonly unread?: boolean
}

const LOOPBACK = [127, 0, 0, 1]
const METHODS = /^(?:HTTP\/1\.|GET |POST |PUT |HEAD |DELETE |PATCH |OPTIONS |CONNECT |TRACE )/
/** Bytes by which the kernel's side recognises a message. */
const FIRST_BYTES = 8

/** Makes the events of a conversation: what each call moved, in order. */
export class Transcript {
  readonly events: Buffer[] = []
  readonly end: Required<End>
  time = 1_000_000
  #sequence: number
  #direction = -1
  #run = 0
  #headLeft = 0

  constructor(end: End = {}) {
    this.end = {
      connection: 7,
      pid: 100,
      tid: 100,
      name: 'shop',
      family: AF_INET,
      local: LOOPBACK,
      remote: LOOPBACK,
      localPort: 8080,
      remotePort: 45_678,
      headBytes: 1024,
      sequence: 0,
      ...end,
    }
    this.#sequence = this.end.sequence
  }

  in(bytes: string | Buffer, call: Call = {}): this {
    return this.#move(DIRECTION_IN, bytes, call)
  }

  out(bytes: string | Buffer, call: Call = {}): this {
    return this.#move(DIRECTION_OUT, bytes, call)
  }

  /** Nobody will see the last event. */
  unseen(): this {
    this.events.pop()
    return this
  }

  closed(time = (this.time += 1000)): this {
    const event = Buffer.alloc(SOCKET_CLOSED_BYTES)
    this.#header(event, EVENT_SOCKET_CLOSED, time, this.end.tid)
    event.writeBigUInt64LE(BigInt(this.end.connection), SOCKET_CLOSED.connection)
    event.writeUInt32LE(this.#sequence, SOCKET_CLOSED.sequence)
    this.events.push(event)
    return this
  }

  #move(direction: number, data: string | Buffer, { began, time, tid, unread = false }: Call): this {
    const bytes = Buffer.from(data)
    if (bytes.length === 0) return this
    const turned = direction !== this.#direction
    if (turned) {
      this.#direction = direction
      this.#run = 0
      this.#headLeft = 0
    }
    const starts = bytes.length >= FIRST_BYTES && METHODS.test(bytes.toString('latin1', 0, FIRST_BYTES))
    if (starts || turned) this.#headLeft = this.end.headBytes
    const captured = unread ? 0 : Math.min(this.#headLeft, bytes.length)
    this.#headLeft -= captured
    const end = time ?? (this.time += 1000)
    this.time = end
    const event = this.#data(bytes, captured, unread)
    this.#header(event, EVENT_SOCKET_DATA, end, tid ?? this.end.tid)
    event.writeBigUInt64LE(BigInt(began ?? end - 500), AT.began)
    event.writeUInt8(direction, AT.direction)
    event.writeUInt8((starts ? DATA_STARTS_MESSAGE : 0) | (unread ? DATA_UNREAD : 0), AT.flags)
    event.writeUInt32LE(this.#run, AT.run)
    this.#run += bytes.length
    this.events.push(event)
    return this
  }

  #data(bytes: Buffer, captured: number, unread: boolean): Buffer {
    const { end } = this
    const event = Buffer.alloc(SOCKET_DATA_BYTES + captured)
    event.writeBigUInt64LE(BigInt(end.connection), AT.connection)
    event.writeUInt32LE(this.#sequence++, AT.sequence)
    event.writeUInt32LE(bytes.length, AT.bytes)
    event.writeUInt16LE(captured, AT.captured)
    event.writeUInt8(PROTOCOL_HTTP1, AT.protocol)
    event.writeUInt8(end.family, AT.family)
    event.writeUInt16LE(end.localPort, AT.local_port)
    event.writeUInt16LE(end.remotePort, AT.remote_port)
    Buffer.from(end.local).copy(event, AT.local_address)
    Buffer.from(end.remote).copy(event, AT.remote_address)
    event.write(end.name, AT.name, 15, 'latin1')
    bytes.copy(event, SOCKET_DATA_BYTES, 0, captured)
    if (unread) return event
    const tail = Math.min(TAIL_BYTES, bytes.length)
    event.writeUInt8(tail, AT.tail_bytes)
    bytes.copy(event, AT.tail, bytes.length - tail)
    return event
  }

  #header(event: Buffer, type: number, time: number, tid: number): void {
    event.writeUInt16LE(type, 0)
    event.writeUInt16LE(1, 2)
    event.writeUInt32LE(event.length, 4)
    event.writeBigUInt64LE(BigInt(time), 8)
    event.writeUInt32LE(this.end.pid, 16)
    event.writeUInt32LE(tid, 20)
  }
}

/** The same connection, from its other end. */
export const otherEnd = (end: Required<End>, change: End): End => ({
  ...end,
  local: end.remote,
  remote: end.local,
  localPort: end.remotePort,
  remotePort: end.localPort,
  ...change,
})
