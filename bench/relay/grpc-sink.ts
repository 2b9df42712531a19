import { createServer, type Server, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  FrameReader,
  HEADER_TABLE_SIZE,
  HEADERS,
  INITIAL_WINDOW_SIZE,
  PING,
  PREFACE,
  readSettings,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ACK,
  settings,
  windowUpdate,
} from './http2-frames.ts'
import { responseBlocks } from './header-blocks.ts'
import type { Backend } from './backend.ts'

const STREAM_WINDOW = 1 << 20
const CONNECTION_WINDOW = 1 << 24
const LARGEST_MESSAGE = 1 << 26
const MOST_SPARE = 16
const PREFIX = 5
const TABLE_BYTES = 4_096

/** Listens for gRPC and takes everything. */
export function grpcSink(port: number, backend: Backend): Server {
  return createServer({ noDelay: true }, (socket) => void new Connection(socket, backend)).listen(port, '127.0.0.1')
}

interface Stream {
  readonly prefix: Buffer
  /** Of the prefix and the message. */
  filled: number
  length: number
  message: Buffer | undefined
  /** What has to be given back of the stream's window. */
  owed: number
}

class Connection {
  readonly #socket: Socket
  readonly #backend: Backend
  readonly #reader = new FrameReader(this)
  readonly #streams = new Map<number, Stream>()
  /** Room for messages, to be used again. */
  readonly #spare: Buffer[] = []
  #prefaceLeft = PREFACE.length
  #answers: Buffer[] = []
  #blocks = responseBlocks(true)
  #answered = false
  #owed = 0

  constructor(socket: Socket, backend: Backend) {
    this.#socket = socket
    this.#backend = backend
    socket.on('data', (chunk) => this.#receive(chunk)).on('error', (error) => backend.fault(error.message))
    socket.write(
      Buffer.concat([settings({ [INITIAL_WINDOW_SIZE]: STREAM_WINDOW }), windowUpdate(0, CONNECTION_WINDOW)]),
    )
  }

  data(id: number, chunk: Buffer, start: number, end: number, last: boolean): void {
    this.#owed += end - start
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    this.#take(stream, chunk, start, end)
    if (last) return this.#end(id, stream)
    stream.owed += end - start
    if (stream.owed < STREAM_WINDOW / 2) return
    this.#answers.push(windowUpdate(id, stream.owed))
    stream.owed = 0
  }

  frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === HEADERS)
      this.#streams.set(id, { prefix: Buffer.alloc(PREFIX), filled: 0, length: 0, message: undefined, owed: 0 })
    else if (type === RST_STREAM) {
      this.#streams.delete(id)
      this.#backend.fault(`the exporter reset a stream with error ${payload.readUInt32BE()}`)
    } else if (type === PING && (flags & ACK) === 0) this.#answers.push(frame(PING, ACK, 0, payload))
    else if (type === SETTINGS && (flags & ACK) === 0) {
      for (const [key, value] of readSettings(payload))
        if (key === HEADER_TABLE_SIZE && value < TABLE_BYTES) this.#blocks = responseBlocks(false)
      this.#answers.push(SETTINGS_ACK)
    }
  }

  #receive(chunk: Buffer): void {
    let rest = chunk
    if (this.#prefaceLeft > 0) {
      const taken = Math.min(this.#prefaceLeft, chunk.length)
      this.#prefaceLeft -= taken
      rest = chunk.subarray(taken)
    }
    if (rest.length > 0) this.#reader.push(rest, rest.length)
    if (this.#owed >= CONNECTION_WINDOW / 4) {
      this.#answers.push(windowUpdate(0, this.#owed))
      this.#owed = 0
    }
    if (this.#answers.length === 0) return
    this.#socket.write(this.#answers.length === 1 ? this.#answers[0]! : Buffer.concat(this.#answers))
    this.#answers = []
  }

  #take(stream: Stream, chunk: Buffer, from: number, end: number): void {
    let start = from
    while (stream.filled < PREFIX && start < end) {
      stream.prefix[stream.filled++] = chunk[start++]!
      if (stream.filled < PREFIX) continue
      stream.length = stream.prefix.readUInt32BE(1)
      if (stream.length > LARGEST_MESSAGE) throw new Error(`a message of ${stream.length} bytes`)
      // One that is here as a whole is read where it is.
      if (end - start === stream.length) {
        stream.filled += stream.length
        return this.#message(stream, chunk, start, end)
      }
      stream.message = this.#room(stream.length)
    }
    if (start === end) return
    if (stream.message === undefined) throw new Error('more than one message in a stream')
    chunk.copy(stream.message, stream.filled - PREFIX, start, end)
    stream.filled += end - start
    if (stream.filled < PREFIX + stream.length) return
    this.#message(stream, stream.message, 0, stream.length)
    if (this.#spare.length < MOST_SPARE) this.#spare.push(stream.message)
    stream.message = undefined
  }

  #room(length: number): Buffer {
    const index = this.#spare.findIndex((each) => each.length >= length)
    return index < 0 ? Buffer.allocUnsafe(length) : this.#spare.splice(index, 1)[0]!
  }

  #message({ prefix }: Stream, bytes: Buffer, start: number, end: number): void {
    if (prefix[0] === 0) return this.#backend.arrived(bytes, start, end)
    const content = gunzipSync(bytes.subarray(start, end))
    this.#backend.arrived(content, 0, content.length)
  }

  #end(id: number, stream: Stream): void {
    this.#streams.delete(id)
    if (stream.filled !== PREFIX + stream.length) this.#backend.fault('the exporter ended a message early')
    const [headers, trailers] = this.#answered ? this.#blocks.next : this.#blocks.first
    this.#answered = true
    this.#answers.push(
      frame(HEADERS, END_HEADERS, id, headers),
      frame(DATA, 0, id, EMPTY_MESSAGE),
      frame(HEADERS, END_HEADERS | END_STREAM, id, trailers),
    )
  }
}

const EMPTY_MESSAGE = Buffer.alloc(PREFIX)
