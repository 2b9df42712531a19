import http from 'node:http'
import https from 'node:https'
import * as grpc from '@grpc/grpc-js'
import type { GeneratorOptions } from './generator.ts'

/** How a request was answered, as an SDK would take it. */
export interface Answer {
  readonly kind: 'acknowledged' | 'retryable' | 'permanent' | 'unanswered'
  /** Status, or the code of the error. */
  readonly says: string
}

const METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const DEFAULT_TIMEOUT = 10_000
const SOCKETS = 64
/** The statuses that OTLP calls retryable. */
const RETRYABLE_HTTP = new Set([429, 502, 503, 504])
const RETRYABLE_GRPC = new Set<grpc.status>([
  grpc.status.CANCELLED,
  grpc.status.DEADLINE_EXCEEDED,
  grpc.status.RESOURCE_EXHAUSTED,
  grpc.status.ABORTED,
  grpc.status.OUT_OF_RANGE,
  grpc.status.UNAVAILABLE,
  grpc.status.DATA_LOSS,
])

/** Sends requests to one receiver, over whichever of OTLP's two transports. */
export class Sender {
  readonly #options: GeneratorOptions
  readonly #agent: http.Agent
  readonly #single: http.Agent
  readonly #client: grpc.Client | undefined

  constructor(options: GeneratorOptions) {
    this.#options = options
    const { ca } = options
    const kept = { keepAlive: true, maxSockets: SOCKETS }
    this.#agent = ca ? new https.Agent({ ...kept, ca }) : new http.Agent(kept)
    this.#single = ca ? new https.Agent({ ca, maxCachedSessions: 0 }) : new http.Agent()
    if (options.protocol === 'grpc')
      this.#client = new grpc.Client(`127.0.0.1:${options.port}`, grpc.credentials.createInsecure(), {
        'grpc.initial_reconnect_backoff_ms': 50,
        'grpc.max_reconnect_backoff_ms': 250,
        'grpc.enable_retries': 0,
        'grpc.max_send_message_length': -1,
      })
  }

  send(payload: Buffer, index: number): Promise<Answer> {
    return this.#client ? this.#grpc(this.#client, payload) : this.#http(payload, index)
  }

  close(): void {
    this.#client?.close()
    this.#agent.destroy()
  }

  #http(payload: Buffer, index: number): Promise<Answer> {
    const { port, timeout = DEFAULT_TIMEOUT, reconnect, headers, ca } = this.#options
    const { request } = ca ? https : http
    const agent = reconnect && index % 2 === 1 ? this.#single : this.#agent
    return new Promise((resolve) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port,
          path: '/v1/traces',
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/x-protobuf', 'content-length': payload.length, ...headers },
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', (error) => resolve(unanswered(error)))
          answer.on('end', () =>
            resolve(ofHttp(answer.statusCode as number, Buffer.concat(chunks), answer.headers['retry-after'])),
          )
        },
      )
      // The signal of a fetch would say only `AbortError`: what hangs has a name of its own in the counts.
      const timer = setTimeout(
        () => outgoing.destroy(Object.assign(new Error('no answer'), { code: 'timeout' })),
        timeout,
      )
      outgoing.on('close', () => clearTimeout(timer))
      outgoing.on('error', (error) => resolve(unanswered(error)))
      outgoing.end(payload)
    })
  }

  #grpc(client: grpc.Client, payload: Buffer): Promise<Answer> {
    const deadline = Date.now() + (this.#options.timeout ?? DEFAULT_TIMEOUT)
    const same = (bytes: Buffer) => bytes
    const metadata = new grpc.Metadata()
    for (const [key, value] of Object.entries(this.#options.headers ?? {})) metadata.set(key, value)
    return new Promise((resolve) => {
      client.makeUnaryRequest(METHOD, same, same, payload, metadata, { deadline }, (error, reply) => {
        if (!error) resolve(acknowledgement(reply as Buffer, 'OK'))
        else
          resolve({ kind: RETRYABLE_GRPC.has(error.code) ? 'retryable' : 'permanent', says: grpc.status[error.code] })
      })
    })
  }
}

function ofHttp(status: number, body: Buffer, retryAfter: string | undefined): Answer {
  if (status === 200) return acknowledgement(body, '200')
  // What is refused for lack of room must say when to come again, or senders take their own time.
  if (status === 429 && retryAfter === undefined) return { kind: 'permanent', says: '429 without a time' }
  return { kind: RETRYABLE_HTTP.has(status) ? 'retryable' : 'permanent', says: String(status) }
}

/** A partial success is no acknowledgement of the whole, and must not be sent again. */
const acknowledgement = (reply: Buffer, says: string): Answer =>
  reply.length === 0 ? { kind: 'acknowledged', says } : { kind: 'permanent', says: `${says}, partly` }

const unanswered = (error: Error): Answer => ({
  kind: 'unanswered',
  says: (error as NodeJS.ErrnoException).code ?? error.message,
})
