import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** What an attacker or a broken client does to a receiver, with nothing but Node. Each resolves to what it was answered. */
const PATIENCE_MS = 30_000
const CHUNK = Buffer.alloc(1 << 20)

export interface Post {
  readonly port: number
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The status, or the code of the error where the connection was cut instead. */
export function post({ port, path = '/v1/logs', headers = {}, body }: Post): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        agent: false,
        timeout: PATIENCE_MS,
        headers: { 'content-type': 'application/x-protobuf', ...headers },
      },
      (answer) => {
        answer.resume()
        resolve(String(answer.statusCode))
      },
    )
    outgoing.on('timeout', () => resolve('timeout'))
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    outgoing.end(body)
  })
}

/** A body of `megabytes`, in chunks, until somebody has enough. */
export function flood(port: number, megabytes: number, announced: boolean): Promise<{ says: string; sent: number }> {
  return new Promise((resolve) => {
    let sent = 0
    let says = 'nothing'
    const length = announced ? { 'content-length': String(megabytes * CHUNK.length) } : {}
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path: '/v1/logs',
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/x-protobuf', ...length },
      },
      (answer) => {
        answer.resume()
        says = String(answer.statusCode)
        answer.on('end', () => outgoing.destroy())
      },
    )
    outgoing.on(
      'error',
      (error: NodeJS.ErrnoException) => (says = says === 'nothing' ? (error.code ?? error.message) : says),
    )
    outgoing.on('close', () => resolve({ says, sent }))
    const write = () => {
      while (sent < megabytes && !outgoing.destroyed) {
        sent++
        if (!outgoing.write(CHUNK)) {
          outgoing.once('drain', write)
          return
        }
      }
      if (!outgoing.destroyed) outgoing.end()
    }
    write()
  })
}

/** The gRPC status of one call with this message; `length` may lie. */
export function call(port: number, message: Buffer, { encoding = '', length = message.length } = {}): Promise<string> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    let status = 'nothing'
    session.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    const stream = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(encoding && { 'grpc-encoding': encoding }),
    })
    const done = (says: string) => {
      session.destroy()
      resolve(says)
    }
    stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? status)))
    stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'] ?? status)))
    stream.on('error', (error: NodeJS.ErrnoException) =>
      done(status === 'nothing' ? (error.code ?? error.message) : status),
    )
    stream.on('close', () => done(status))
    stream.setTimeout(PATIENCE_MS, () => done('timeout'))
    stream.resume()
    const head = Buffer.alloc(5)
    head[0] = encoding ? 1 : 0
    head.writeUInt32BE(length, 1)
    stream.end(Buffer.concat([head, message]))
  })
}

/** Connections that begin with `first` and add a byte each second; resolves to how many were closed by the other side within `patience`. */
export async function drip(
  port: number,
  count: number,
  first: string,
  patience: number,
): Promise<{ open: number; closed: number }> {
  const sockets: Socket[] = []
  let open = 0
  let closed = 0
  for (let index = 0; index < count; index++) {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('connect', () => {
      open++
      socket.write(first)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => closed++)
    socket.resume()
  }
  const dripping = setInterval(() => sockets.forEach((socket) => first && socket.writable && socket.write('a')), 1_000)
  for (const end = performance.now() + patience; closed < count && performance.now() < end;) await pause(50)
  clearInterval(dripping)
  const byOther = closed
  for (const socket of sockets) socket.destroy()
  return { open, closed: byOther }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
