import { Agent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import { connect } from 'node:net'
import { GRPC_PATHS, HTTP_PATHS } from '../../../src/transport/otlp-paths.ts'
import { Finding } from '../target.ts'
import type { Ports } from './fuzzed-telegen.ts'
import type { OtlpInput } from './input.ts'

/** How long any input may take to be answered, in milliseconds. */
const DEADLINE = 15_000

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A gRPC status, or the code with which the stream was reset. */
export type GrpcAnswer = { readonly status: number; readonly message: string } | { readonly reset: string }

/** Sends inputs by Node's own clients. */
export class Senders {
  readonly #ports: Ports
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #sessions = new Map<number, ClientHttp2Session>()

  constructor(ports: Ports) {
    this.#ports = ports
  }

  close(): void {
    this.#agent.destroy()
    for (const session of this.#sessions.values()) session.destroy()
  }

  async http(input: OtlpInput): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
    const { headers, body, receiver, signal } = input
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port: this.#ports[receiver].http,
        method: 'POST',
        path: HTTP_PATHS[signal],
        agent: this.#agent,
        headers: { ...headers, 'content-length': body.length },
      },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
        )
        answer.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
    return deadline(promise, () => outgoing.destroy())
  }

  async grpc(input: OtlpInput): Promise<GrpcAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<GrpcAnswer>()
    const session = this.#session(this.#ports[input.receiver].grpc)
    const stream = session.request({ ':method': 'POST', ':path': GRPC_PATHS[input.signal], ...input.headers })
    let status: GrpcAnswer | undefined
    const note = (headers: IncomingHttpHeaders) => {
      const told = headers['grpc-status']
      if (told !== undefined) status = { status: Number(told), message: [headers['grpc-message'] ?? ''].join(' ') }
    }
    stream.on('response', note)
    stream.on('trailers', note)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_HTTP2_STREAM_ERROR') reject(error)
    })
    stream.on('close', () => resolve(status ?? { reset: resetName(stream.rstCode ?? -1) }))
    stream.resume()
    stream.end(input.body)
    return deadline(promise, () => stream.close())
  }

  /** Writes bytes and no more; resolves to what came back when the server has closed the connection. */
  async bytes(input: OtlpInput): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    const ports = this.#ports[input.receiver]
    const socket = connect(input.via === 'bytes-grpc' ? ports.grpc : ports.http, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A reset is an answer to what is not HTTP.
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.end(input.body)
    return deadline(promise, () => socket.destroy())
  }

  #session(port: number): ClientHttp2Session {
    const open = this.#sessions.get(port)
    if (open && !open.closed && !open.destroyed) return open
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    session.on('error', () => {})
    this.#sessions.set(port, session)
    return session
  }
}

const resetName = (code: number): string =>
  Object.entries(constants).find(([name, value]) => name.startsWith('NGHTTP2_') && value === code)?.[0] ?? `${code}`

async function deadline<T>(answer: Promise<T>, giveUp: () => void): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Finding('hang', `no answer within ${DEADLINE} ms`)), DEADLINE)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
    giveUp()
  }
}
