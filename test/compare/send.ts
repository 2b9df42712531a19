/** Sends one request to the letter, and reads the answer. */
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect, constants } from 'node:http2'
import { grpcWay } from './compression.ts'
import type { JsonObject } from './json.ts'
import type { Signal } from './oracle.ts'
import { readResponse, readStatus, whole } from './rpc.ts'

/** Longer than any case takes. */
const PATIENCE_MS = 15_000

export interface HttpGiven {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export async function sendHttp({ port, method, path, headers, body }: HttpGiven): Promise<JsonObject> {
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false, timeout: PATIENCE_MS })
  request.on('timeout', () => request.destroy(new Error('no answer in time')))
  // A server that refuses early may close before it has read everything: what counts is its answer.
  let broken: Error | undefined
  request.on('error', (error) => (broken = error))
  request.end(body)
  const [answer] = (await Promise.race([
    once(request, 'response'),
    once(request, 'close').then(() => Promise.reject(broken ?? new Error('closed without an answer'))),
  ])) as [IncomingMessage]
  return readHttp(answer, Buffer.concat(await answer.toArray()))
}

function readHttp({ statusCode = 0, headers }: IncomingMessage, body: Buffer): JsonObject {
  const read: JsonObject = { status: statusCode, type: headers['content-type'] ?? null }
  for (const name of [
    'retry-after',
    'allow',
    'www-authenticate',
    'vary',
    'access-control-allow-origin',
    'access-control-allow-methods',
    'access-control-allow-headers',
    'access-control-allow-credentials',
    'access-control-max-age',
  ])
    if (headers[name] !== undefined) read[name] = String(headers[name])
  if (headers['content-type'] === 'application/x-protobuf')
    read['body'] = statusCode === 200 ? readResponse(body) : readStatus(body)
  else if (headers['content-type'] === 'application/json')
    read['body'] = whole(JSON.parse(body.toString()) as JsonObject)
  else if (body.length > 0) read['body'] = body.toString()
  return read
}

const SERVICES: Readonly<Record<Signal, string>> = {
  traces: 'trace.v1.TraceService',
  metrics: 'metrics.v1.MetricsService',
  logs: 'logs.v1.LogsService',
  profiles: 'profiles.v1development.ProfilesService',
}

export const grpcPath = (signal: Signal): string => `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`

export interface GrpcGiven {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The message, in its prefix or not. */
  readonly frame: Buffer
}

export async function sendGrpc({ port, path, headers, frame }: GrpcGiven): Promise<JsonObject> {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  try {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const known: Record<string, string> = {}
    let broken: Error | undefined
    stream.on('response', (given) => Object.assign(known, given))
    stream.on('trailers', (given) => Object.assign(known, given))
    stream.on('error', (error) => (broken = error))
    stream.setTimeout(PATIENCE_MS, () => stream.destroy(new Error('no answer in time')))
    const pieces: Buffer[] = []
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.end(frame)
    await new Promise((resolve) => stream.once('close', resolve))
    if (known['grpc-status'] === undefined && known[':status'] === undefined)
      throw broken ?? new Error('closed without an answer')
    return readGrpc(known, Buffer.concat(pieces))
  } finally {
    session.destroy()
  }
}

function readGrpc(headers: Readonly<Record<string, string | undefined>>, body: Buffer): JsonObject {
  const status = headers['grpc-status']
  const read: JsonObject = { code: status === undefined ? null : Number(status) }
  if (Number(headers[':status']) !== 200) read['status'] = Number(headers[':status'])
  const message = decodeURIComponent(headers['grpc-message'] ?? '')
  if (message !== '' && Number(status) !== 0) read['message'] = message
  const details = headers['grpc-status-details-bin']
  if (details !== undefined) {
    const { retry_delay } = readStatus(Buffer.from(details, 'base64'))
    if (retry_delay !== undefined) read['retry_delay'] = retry_delay
  }
  if (body.length >= 5)
    read['body'] = readResponse(grpcWay(body[0] === 1 ? headers['grpc-encoding'] : undefined).inflate(body.subarray(5)))
  return read
}
