/**
 * A backend that notes every request to the letter and answers as it is told: OTLP over HTTP/1.1, and over gRPC on bare HTTP/2, so that every
 * header and compression can be seen. No code of Telegen's takes part.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { Http2Session } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { grpcWay, httpWay } from './compression.ts'
import { decode, SIGNALS } from './oracle.ts'
import type { Signal } from './oracle.ts'
import type { JsonObject } from './json.ts'
import { response, rpcStatus } from './rpc.ts'

/** What the backend says to one request; nothing at all is success. */
export interface Verdict {
  readonly http?: number
  readonly grpc?: number
  readonly message?: string
  readonly retry_after?: number
  readonly rejected?: number
  /** The body of an HTTP answer as it stands, instead of one made of the above. */
  readonly text?: string
  /** How long it thinks. */
  readonly after_ms?: number
}

/** One request as it came. */
export interface Taken {
  readonly signal: Signal
  readonly via: 'http' | 'grpc'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly accepted: boolean
  readonly content: JsonObject
}

const PATHS: Readonly<Record<string, Signal>> = {
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
  '/v1development/profiles': 'profiles',
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export': 'traces',
  '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export': 'metrics',
  '/opentelemetry.proto.collector.logs.v1.LogsService/Export': 'logs',
  '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export': 'profiles',
}

export class Sink {
  readonly taken: Taken[] = []
  /** What came and could not be read. */
  readonly faults: string[] = []
  /** What to say to the next requests, one after the other; then success again. */
  verdicts: Verdict[] = []
  readonly #http = createServer()
  readonly #grpc = createHttp2Server()
  readonly #sessions = new Set<Http2Session>()

  private constructor() {}

  static async open(): Promise<Sink> {
    const sink = new Sink()
    sink.#serveHttp()
    sink.#serveGrpc()
    for (const server of [sink.#http, sink.#grpc] as Server[]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    return sink
  }

  get httpPort(): number {
    return (this.#http.address() as AddressInfo).port
  }

  get grpcPort(): number {
    return (this.#grpc.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections()
    for (const session of this.#sessions) session.destroy()
    await Promise.all(
      ([this.#http, this.#grpc] as Server[]).map((server) => new Promise((resolve) => server.close(resolve))),
    )
  }

  #serveHttp(): void {
    this.#http.on('request', async (request, answer) => {
      const body = Buffer.concat(await request.toArray())
      const headers = request.headers as Readonly<Record<string, string>>
      const { signal, verdict } = this.#note('http', request.url ?? '', headers, () =>
        httpWay(headers['content-encoding']).inflate(body),
      )
      await thinking(verdict)
      const status = verdict.http ?? 200
      const json = headers['content-type'] === 'application/json'
      answer.writeHead(status, {
        'content-type': json ? 'application/json' : 'application/x-protobuf',
        ...(verdict.retry_after !== undefined && { 'retry-after': String(verdict.retry_after) }),
      })
      if (verdict.text !== undefined) answer.end(verdict.text)
      else if (status === 200) answer.end(response(signal, verdict, json))
      else
        answer.end(
          verdict.message === undefined ? '' : rpcStatus({ code: verdict.grpc ?? 2, message: verdict.message }, json),
        )
    })
  }

  #serveGrpc(): void {
    this.#grpc.on('session', (session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
    })
    this.#grpc.on('stream', async (stream, received) => {
      stream.on('error', (error) => this.faults.push(`grpc: ${error.message}`))
      const body = Buffer.concat(await stream.toArray())
      const headers = received as Record<string, string>
      const { signal, verdict } = this.#note('grpc', headers[':path'] ?? '', headers, () => {
        const message = body.subarray(5, 5 + body.readUInt32BE(1))
        return grpcWay(body[0] === 1 ? headers['grpc-encoding'] : undefined).inflate(message)
      })
      await thinking(verdict)
      if (stream.destroyed) return
      const code = verdict.grpc ?? 0
      const trailers: Record<string, string> = { 'grpc-status': String(code) }
      if (verdict.message !== undefined) trailers['grpc-message'] = verdict.message
      if (verdict.retry_after !== undefined)
        trailers['grpc-status-details-bin'] = rpcStatus(
          { code, message: verdict.message ?? '', retryAfter: verdict.retry_after },
          false,
        ).toString('base64')
      if (code !== 0)
        return stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true })
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      const message = response(signal, verdict, false)
      const prefix = Buffer.alloc(5)
      prefix.writeUInt32BE(message.length, 1)
      stream.end(Buffer.concat([prefix, message]))
    })
  }

  /** The next verdict that is not for the other transport. */
  #next(via: Taken['via']): Verdict {
    const index = this.verdicts.findIndex(({ http, grpc }) =>
      via === 'http' ? http !== undefined || grpc === undefined : http === undefined,
    )
    return index < 0 ? {} : (this.verdicts.splice(index, 1)[0] as Verdict)
  }

  #note(
    via: Taken['via'],
    path: string,
    headers: Readonly<Record<string, string>>,
    read: () => Buffer,
  ): { signal: Signal; verdict: Verdict } {
    const verdict = this.#next(via)
    const signal = PATHS[path] ?? SIGNALS[0]!
    try {
      if (PATHS[path] === undefined) throw new Error(`unknown path ${path}`)
      const bytes = read()
      const content =
        headers['content-type'] === 'application/json'
          ? (JSON.parse(bytes.toString()) as JsonObject)
          : decode(signal, bytes)
      const accepted = (verdict.http ?? 200) === 200 && (verdict.grpc ?? 0) === 0
      this.taken.push({ signal, via, path, headers, accepted, content })
    } catch (error) {
      this.faults.push(`${via} ${path}: ${(error as Error).message}`)
    }
    return { signal, verdict }
  }
}

const thinking = ({ after_ms = 0 }: Verdict): Promise<void> => new Promise((resolve) => setTimeout(resolve, after_ms))
