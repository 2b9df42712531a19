import type { Socket } from 'node:net'
import { type Answered, type Client, connection } from './client.ts'
import type { Prepared } from './request-pool.ts'

const LONGEST_ANSWER = 65_536
const HEAD_END = '\r\n\r\n'

/** The head of a request; all of it but the length is always the same. */
export function requestHead(path: string, port: number, gzip: boolean, length: number): Buffer {
  const encoding = gzip ? 'Content-Encoding: gzip\r\n' : ''
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: telegen-relay-bench/1\r\n` +
      `Content-Length: ${length}\r\nContent-Type: application/x-protobuf\r\n${encoding}${HEAD_END.slice(2)}`,
  )
}

/** One HTTP/1.1 connection with one request under way at most. */
export class HttpClient implements Client {
  readonly #socket: Socket
  readonly #answered: Answered
  #request: Prepared | undefined
  #received = ''
  #closed = false

  constructor(port: number, answered: Answered) {
    this.#answered = answered
    this.#socket = connection(
      port,
      (buffer, length) => this.#receive(buffer, length),
      (why) => this.#fail(why),
    )
  }

  get closed(): boolean {
    return this.#closed
  }

  get full(): boolean {
    return this.#request !== undefined
  }

  send(request: Prepared): void {
    this.#request = request
    this.#socket.write(request.bytes)
  }

  close(): void {
    this.#closed = true
    this.#socket.destroy()
  }

  #receive(buffer: Buffer, length: number): boolean {
    this.#received += buffer.toString('latin1', 0, length)
    if (this.#received.length > LONGEST_ANSWER) throw new Error('an answer that is too long')
    const end = this.#received.indexOf(HEAD_END)
    if (end < 0) return true
    const head = this.#received.slice(0, end + 2)
    const body = this.#received.slice(end + HEAD_END.length)
    const announced = /^content-length: *(\d+)\r$/im.exec(head)?.[1]
    if (announced === undefined ? !body.endsWith('0\r\n\r\n') : body.length < Number(announced)) return true
    this.#received = ''
    const request = this.#request!
    this.#request = undefined
    const fault = head.startsWith('HTTP/1.1 200 ') ? undefined : `${head.slice(0, head.indexOf('\r'))} ${body}`
    if (/^connection: *close\r$/im.test(head)) this.close()
    this.#answered(this, request, fault)
    return true
  }

  #fail(why: string): void {
    if (this.#closed) return
    this.close()
    const request = this.#request
    this.#request = undefined
    if (request !== undefined) this.#answered(this, request, why)
  }
}
