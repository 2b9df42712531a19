import { createServer, type Server, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Backend } from './backend.ts'

const HEAD_END = '\r\n\r\n'
const LONGEST_HEAD = 16_384
const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n')

/** Listens for OTLP over HTTP/1.1 and takes everything. */
export function httpSink(port: number, backend: Backend): Server {
  return createServer({ noDelay: true }, (socket) => void new Connection(socket, backend)).listen(port, '127.0.0.1')
}

class Connection {
  readonly #socket: Socket
  readonly #backend: Backend
  /** The beginning of a head that is not all here. */
  #head = Buffer.alloc(0)
  #body: Buffer | undefined
  #filled = 0
  #gzip = false

  constructor(socket: Socket, backend: Backend) {
    this.#socket = socket
    this.#backend = backend
    socket.on('data', (chunk) => this.#receive(chunk)).on('error', (error) => backend.fault(error.message))
  }

  #receive(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#body === undefined ? this.#takeHead(chunk, at) : this.#takeBody(chunk, at)
  }

  #takeHead(chunk: Buffer, from: number): number {
    const bytes = this.#head.length === 0 ? chunk.subarray(from) : Buffer.concat([this.#head, chunk.subarray(from)])
    const end = bytes.indexOf(HEAD_END)
    if (end < 0) {
      if (bytes.length > LONGEST_HEAD) throw new Error('the head of a request without an end')
      this.#head = Buffer.from(bytes)
      return chunk.length
    }
    const head = bytes.toString('latin1', 0, end)
    const length = /^content-length: *(\d+)$/im.exec(head.replaceAll('\r', ''))?.[1]
    if (length === undefined) throw new Error(`a request without a length:\n${head}`)
    this.#gzip = /^content-encoding: *gzip/im.test(head)
    const start = from + end + HEAD_END.length - this.#head.length
    this.#head = Buffer.alloc(0)
    // One that is here as a whole is read where it is.
    if (chunk.length - start >= Number(length)) {
      this.#message(chunk, start, start + Number(length))
      return start + Number(length)
    }
    this.#body = Buffer.allocUnsafe(Number(length))
    this.#filled = 0
    return start
  }

  #takeBody(chunk: Buffer, start: number): number {
    const body = this.#body as Buffer
    const end = Math.min(chunk.length, start + body.length - this.#filled)
    chunk.copy(body, this.#filled, start, end)
    this.#filled += end - start
    if (this.#filled === body.length) {
      this.#body = undefined
      this.#message(body, 0, body.length)
    }
    return end
  }

  #message(bytes: Buffer, start: number, end: number): void {
    if (this.#gzip) {
      const content = gunzipSync(bytes.subarray(start, end))
      this.#backend.arrived(content, 0, content.length)
    } else this.#backend.arrived(bytes, start, end)
    this.#socket.write(ANSWER)
  }
}
