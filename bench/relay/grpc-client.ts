import type { Socket } from 'node:net'
import { type Answered, type Client, connection } from './client.ts'
import { StatusReader, type Statuses } from './header-blocks.ts'
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  FIRST_WINDOW,
  frame,
  FrameReader,
  GOAWAY,
  HEAD,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE,
  PING,
  PREFACE,
  readSettings,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ACK,
  settings,
  WINDOW_UPDATE,
  windowUpdate,
} from './http2-frames.ts'
import type { Prepared } from './request-pool.ts'

const OUR_WINDOW = 1 << 20
const LEAST_TABLE = 4_096

interface Stream {
  readonly id: number
  readonly request: Prepared
  /** Which of its frames is to be sent next, and how many bytes the peer takes of it. */
  next: number
  window: number
  statuses: Statuses
}

/** One HTTP/2 connection that sends prepared requests and hears of each how it went. */
export class GrpcClient implements Client {
  readonly #socket: Socket
  readonly #answered: Answered
  readonly #reader = new FrameReader(this)
  readonly #statuses = new StatusReader()
  readonly #streams = new Map<number, Stream>()
  /** Those that wait for the peer's leave to send more, in their order. */
  #waiting: Stream[] = []
  readonly #firstBlock: Buffer
  #lastId = -1
  #window = FIRST_WINDOW
  #streamWindow = FIRST_WINDOW
  #mostStreams = Number.POSITIVE_INFINITY
  #taken = 0
  #closed = false

  constructor(port: number, firstBlock: Buffer, answered: Answered) {
    this.#firstBlock = firstBlock
    this.#answered = answered
    this.#socket = connection(
      port,
      (buffer, length) => this.#receive(buffer, length),
      (why) => this.#fail(why),
    )
    this.#socket.write(Buffer.concat([PREFACE, settings({ [INITIAL_WINDOW_SIZE]: OUR_WINDOW })]))
  }

  get closed(): boolean {
    return this.#closed
  }

  get full(): boolean {
    return this.#streams.size >= this.#mostStreams
  }

  send(request: Prepared): void {
    const id = (this.#lastId += 2)
    for (const at of request.frames) request.bytes.writeUInt32BE(id, at + 5)
    const stream: Stream = { id, request, next: 1, window: this.#streamWindow, statuses: {} }
    this.#streams.set(id, stream)
    const data = request.bytes.length - request.frames[1]! - HEAD * (request.frames.length - 1)
    if (id > 1 && data <= this.#window && data <= stream.window && this.#waiting.length === 0) {
      this.#window -= data
      stream.next = request.frames.length
      this.#socket.write(request.bytes)
      return
    }
    this.#socket.write(
      id === 1 ? frame(HEADERS, END_HEADERS, id, this.#firstBlock) : request.bytes.subarray(0, request.frames[1]),
    )
    this.#waiting.push(stream)
    this.#sendWaiting()
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }

  data(_stream: number, _chunk: Buffer, start: number, end: number, last: boolean): void {
    this.#taken += end - start
    if (this.#taken >= FIRST_WINDOW / 2) {
      this.#socket.write(windowUpdate(0, this.#taken))
      this.#taken = 0
    }
    if (last) throw new Error('an answer without trailers')
  }

  frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === HEADERS) return this.#headers(flags, id, payload)
    if (type === SETTINGS && (flags & ACK) === 0) return this.#settings(payload)
    if (type === PING && (flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, payload))
    else if (type === WINDOW_UPDATE) this.#credit(id, payload.readUInt32BE() & 0x7fffffff)
    else if (type === RST_STREAM) this.#end(id, `reset with error ${payload.readUInt32BE()}`)
    else if (type === GOAWAY)
      this.#fail(`GOAWAY with error ${payload.readUInt32BE(4)}: ${payload.toString('latin1', 8)}`)
  }

  #receive(buffer: Buffer, length: number): boolean {
    this.#socket.cork()
    this.#reader.push(buffer, length)
    this.#socket.uncork()
    return true
  }

  #headers(flags: number, id: number, block: Buffer): void {
    const stream = this.#streams.get(id)
    const read = this.#statuses.read(block)
    if (stream === undefined) return
    if ((flags & END_STREAM) === 0) {
      stream.statuses = read
      return
    }
    const http = stream.statuses.http ?? read.http
    const fault =
      http === '200' && read.grpc === '0' ? undefined : `HTTP ${http}, status ${read.grpc}: ${read.message ?? ''}`
    this.#end(id, fault)
  }

  #end(id: number, fault: string | undefined): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    this.#streams.delete(id)
    this.#waiting = this.#waiting.filter((each) => each !== stream)
    this.#answered(this, stream.request, fault)
  }

  #settings(payload: Buffer): void {
    for (const [key, value] of readSettings(payload)) {
      if (key === INITIAL_WINDOW_SIZE) {
        for (const stream of this.#streams.values()) stream.window += value - this.#streamWindow
        this.#streamWindow = value
      } else if (key === MAX_CONCURRENT_STREAMS) this.#mostStreams = value
      else if (key === HEADER_TABLE_SIZE && value < LEAST_TABLE)
        throw new Error(`a header table of ${value} bytes only`)
      else if (key === MAX_FRAME_SIZE && value < 16_384) throw new Error(`frames of ${value} bytes only`)
    }
    this.#socket.write(SETTINGS_ACK)
    this.#sendWaiting()
  }

  #credit(id: number, bytes: number): void {
    const stream = this.#streams.get(id)
    if (id === 0) this.#window += bytes
    else if (stream !== undefined) stream.window += bytes
    if (this.#waiting.length > 0) this.#sendWaiting()
  }

  #sendWaiting(): void {
    const done = this.#waiting.filter((stream) => this.#sendSome(stream))
    if (done.length > 0) this.#waiting = this.#waiting.filter((stream) => !done.includes(stream))
  }

  /** As many frames as may go; whether that was all. */
  #sendSome(stream: Stream): boolean {
    const { bytes, frames } = stream.request
    const first = stream.next
    while (stream.next < frames.length) {
      const length = (frames[stream.next + 1] ?? bytes.length) - frames[stream.next]! - HEAD
      if (length > this.#window || length > stream.window) break
      this.#window -= length
      stream.window -= length
      stream.next++
    }
    if (stream.next > first) this.#socket.write(bytes.subarray(frames[first], frames[stream.next] ?? bytes.length))
    return stream.next === frames.length
  }

  #fail(why: string): void {
    if (this.#closed) return
    this.close()
    for (const id of this.#streams.keys()) this.#end(id, why)
  }
}
