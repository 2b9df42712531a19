import http2 from 'node:http2'
import type net from 'node:net'
import * as grpc from '@grpc/grpc-js'
import { until } from '../until.ts'
import { PATH } from './implementations.ts'

/** Clients and servers that know nothing of ours. */

const same = (bytes: Buffer) => bytes

export interface Answer {
  readonly error: grpc.ServiceError | null
  readonly answer: Buffer | undefined
}

/** Of grpc-js. */
export class RawClient implements Disposable {
  readonly client: grpc.Client
  constructor(target: string, options: grpc.ClientOptions = {}) {
    this.client = new grpc.Client(target, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    })
  }
  call(message: Buffer, options: grpc.CallOptions = {}, path = PATH, metadata = new grpc.Metadata()): Promise<Answer> {
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(path, same, same, message, metadata, options, (error, answer) =>
        resolve({ error, answer }),
      )
    })
  }
  [Symbol.dispose]() {
    this.client.close()
  }
}

export async function rawServer(handle: grpc.handleUnaryCall<Buffer, Buffer>, address = '127.0.0.1:0') {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 })
  server.register(PATH, handle, same, same, 'unary')
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { target: `127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => server.forceShutdown() }
}

export interface Answering {
  readonly answer: Buffer
  readonly headers: http2.OutgoingHttpHeaders
}

/** A server that answers each request, given with its frame, by a compressed message of our own making. */
export async function http2Server(answering: (headers: http2.IncomingHttpHeaders, message: Buffer) => Answering) {
  const server = http2.createServer()
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const { answer, headers: more } = answering(headers, Buffer.concat(chunks))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...more }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      const prefix = Buffer.alloc(5)
      prefix[0] = 1
      prefix.writeUInt32BE(answer.length, 1)
      stream.end(Buffer.concat([prefix, answer]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return {
    target: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

/** One request with a frame and headers of our own making. `stall`: it is never ended. */
export async function rawHttp2(
  target: string,
  body: Buffer,
  headers: http2.OutgoingHttpHeaders,
  flag: number,
  { stall = false, open = false, times = 1 } = {},
) {
  const session = http2.connect(`http://${target}`)
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  const found: { http?: number | undefined; status?: string | undefined; answer?: Buffer } = {}
  const chunks: Buffer[] = []
  stream.on('response', (response) => {
    found.http = response[':status']
    found.status = response['grpc-status'] as string | undefined
  })
  stream.on('trailers', (trailers) => (found.status = trailers['grpc-status'] as string)).on('error', () => {})
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(body.length + (stall ? 1000 : 0), 1)
  stream.write(Buffer.concat(Array.from({ length: times }, () => [prefix, body]).flat()))
  if (!stall && !open) stream.end()
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await until(() => found.status !== undefined || (found.http ?? 200) !== 200, 'the answer')
  session.destroy()
  found.answer = Buffer.concat(chunks).subarray(5)
  return found
}
