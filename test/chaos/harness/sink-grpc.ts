import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { LAST_ANSWERS_MS, partialSuccess } from './sink-verdict.ts'
import type { Judge, Listener, Reply } from './sink-verdict.ts'

/** gRPC's like of the HTTP statuses that a script may say. */
const STATUS: Readonly<Record<number, number>> = { 200: 0, 400: 3, 413: 11, 429: 8, 500: 13, 502: 14, 503: 14, 504: 4 }
const FRAME_HEAD = 5

/** OTLP over gRPC on Node's HTTP/2, one message a call. */
export async function openGrpc(port: number, judge: Judge): Promise<Listener> {
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  const byPort = new Map<number | undefined, Socket>()
  const server = createServer()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    byPort.set(socket.remotePort, socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  // A connection that the harness resets is an error to the session; it was meant.
  server.on('sessionError', () => undefined)
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const frame = Buffer.concat(chunks)
      // A call that is cancelled ends here too, with half a message.
      if (frame.length < FRAME_HEAD || frame.length < FRAME_HEAD + frame.readUInt32BE(1)) return
      const message = frame.subarray(FRAME_HEAD)
      const {
        reply,
        delay = 0,
        left,
      } = judge(frame[0] === 1 ? gunzipSync(message) : message, headers['x-chaos'] as string | undefined)
      if (reply === undefined) return
      if (reply === 'reset') byPort.get(stream.session?.socket.remotePort)?.resetAndDestroy()
      else {
        stream.on('close', () => stream.writableFinished || left?.())
        setTimeout(() => answer(stream, reply), delay)
      }
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async close() {
      const closed = once(server, 'close')
      server.close()
      // GOAWAY, and what is under way ends: an answer that a reset swallows would be a duplicate without a reason.
      for (const session of sessions) session.close()
      const forced = setTimeout(() => sockets.forEach((socket) => socket.resetAndDestroy()), LAST_ANSWERS_MS)
      await closed
      clearTimeout(forced)
    },
  }
}

function answer(stream: ServerHttp2Stream, reply: Reply): void {
  if (stream.destroyed || stream.closed) return
  const status = STATUS[reply.status] ?? 2
  const headers = { ':status': 200, 'content-type': 'application/grpc' }
  const trailers: Record<string, string> = { 'grpc-status': String(status) }
  if (status !== 0) trailers['grpc-message'] = `scripted ${reply.status}`
  if (reply.retryInfo !== undefined) trailers['grpc-status-details-bin'] = retryInfo(status, reply.retryInfo)
  stream.respond(headers, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  const message = partialSuccess(reply.rejected)
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUInt32BE(message.length, 1)
  if (status === 0) stream.end(Buffer.concat([head, message]))
  else stream.end()
}

/** google.rpc.Status { code 1, details 3: Any { type_url 1, value 2: RetryInfo { retry_delay 1: Duration { seconds 1 } } } } */
function retryInfo(status: number, seconds: number): string {
  const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo')
  const delay = Buffer.from([10, 2, 8, seconds])
  const any = Buffer.concat([Buffer.from([10, type.length]), type, Buffer.from([18, delay.length]), delay])
  return Buffer.concat([Buffer.from([8, status, 26, any.length]), any]).toString('base64')
}
