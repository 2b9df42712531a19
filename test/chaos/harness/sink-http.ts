import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { LAST_ANSWERS_MS, partialSuccess } from './sink-verdict.ts'
import type { Judge, Listener } from './sink-verdict.ts'

/** OTLP over HTTP/1.1. */
export async function openHttp(port: number, judge: Judge): Promise<Listener> {
  const sockets = new Set<Socket>()
  /** Those that are owed an answer to what was taken. */
  const owed = new Set<Socket>()
  let isClosing = false
  const server = createServer((incoming, reply) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      // What comes when the backend is as good as gone was not taken.
      if (isClosing) return
      const body = Buffer.concat(chunks)
      const mark = incoming.headers['x-chaos'] as string | undefined
      const message = incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
      const { reply: says, delay = 0, left } = judge(message, mark)
      if (says === undefined) return
      if (says === 'reset') {
        incoming.socket.resetAndDestroy()
        return
      }
      const { socket } = incoming
      owed.add(socket)
      reply.on('close', () => {
        owed.delete(socket)
        if (!reply.writableFinished) left?.()
      })
      const headers: Record<string, string> = { 'content-type': 'application/x-protobuf' }
      if (says.retryAfter !== undefined) headers['retry-after'] = says.retryAfter
      setTimeout(() => {
        if (isClosing) headers['connection'] = 'close'
        reply.writeHead(says.status, headers).end(partialSuccess(says.rejected))
      }, delay)
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async close() {
      isClosing = true
      const closed = once(server, 'close')
      server.close()
      // A FIN, and no reset: that could take away an answer that the other side has not read yet.
      for (const socket of sockets) if (!owed.has(socket)) socket.end()
      const forced = setTimeout(() => sockets.forEach((socket) => socket.resetAndDestroy()), LAST_ANSWERS_MS)
      await closed
      clearTimeout(forced)
    },
  }
}
