import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { accepts } from '../../data/oracle.ts'
import type { OracleSignal } from '../../data/oracle.ts'

/** Requests of which one is decoded by the independent oracle. */
const JUDGED = 4

/** An OTLP/HTTP backend. What comes to `/work` was opened and merged by Telegen, so that it must be sound whatever was sent. */
export class Sink {
  requests = 0
  /** Why a request of `/work` was not sound. */
  problem: string | undefined
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, reply) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        this.#judge(request.url ?? '', Buffer.concat(chunks))
        reply.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      })
    })
  }

  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #judge(path: string, body: Buffer): void {
    const [, receiver, , signal] = path.split('/')
    if (this.requests++ % JUDGED > 0 || receiver !== 'work' || !isJudged(signal) || accepts(signal, body)) return
    this.problem ??= `a request of ${signal} that the backend's decoder refuses: ${body.toString('base64')}`
  }
}

const isJudged = (signal: string | undefined): signal is OracleSignal =>
  signal === 'traces' || signal === 'metrics' || signal === 'logs'
