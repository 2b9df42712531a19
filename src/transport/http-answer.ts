import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentLength } from './http-body.ts'
import type { HttpReply } from './http-exchange.ts'

/** Of a body that nobody wants any more, so much is read for the sender to see the answer: closing at once would reset it away. */
export const DISCARD_LIMIT = 4 * 1024 * 1024
export const DISCARD_TIMEOUT = 5000
/** Until an answer has left, in milliseconds: who does not take it is gone, or means it. */
export const ANSWER_TIMEOUT = 60_000

/** Answers a request, of which something may be unread. `isLast`: the connection takes no further one. */
export async function sendReply(
  message: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpReply,
  isLast: boolean,
): Promise<void> {
  if (response.destroyed) return
  const unread = !message.complete
  const ends = isLast || (unread && (contentLength(message) ?? Infinity) > DISCARD_LIMIT)
  const late = setTimeout(() => message.socket.destroy(), ANSWER_TIMEOUT).unref()
  response.once('close', () => clearTimeout(late))
  response.writeHead(status, {
    ...headers,
    ...(status !== 204 && { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...(ends && { Connection: 'close' }),
  })
  if (!unread) return void response.end(body)
  response.write(body)
  await discard(message)
  response.end()
  if (!message.complete) message.destroy()
}

/** Reads on until the body ends, or a bound is met. */
function discard(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = DISCARD_LIMIT
    const timer = setTimeout(stop, DISCARD_TIMEOUT)
    function stop() {
      clearTimeout(timer)
      message.off('data', drop).off('end', stop).off('close', stop).pause()
      resolve()
    }
    function drop(chunk: Buffer) {
      left -= chunk.length
      if (left < 0) stop()
    }
    message.on('data', drop).on('end', stop).on('close', stop).on('error', stop).resume()
  })
}
