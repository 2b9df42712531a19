import { STATUS_CODES } from 'node:http'
import type { HttpReply } from './http-exchange.ts'
import { isHttpHeader } from './option-faults.ts'

export interface AnswerBytes {
  readonly head: Buffer
  readonly body: Buffer
}

const NO_CONTENT = 204
const NOTHING = Buffer.alloc(0)

/** Of the last answer: most are the same object, within the same second. */
let last:
  { readonly reply: HttpReply; readonly idle: number; readonly second: number; readonly bytes: AnswerBytes } | undefined

/** An answer as node:http writes it. `idle`: how long the connection is kept without a request, in milliseconds; 0 means for ever. */
export function answerBytes(reply: HttpReply, isLast: boolean, idle: number): AnswerBytes {
  const now = Date.now()
  const second = Math.floor(now / 1000)
  if (!isLast && last?.reply === reply && last.idle === idle && last.second === second) return last.bytes
  const bytes = write(reply, isLast, idle, new Date(now))
  if (!isLast) last = { reply, idle, second, bytes }
  return bytes
}

function write({ status, headers, body }: HttpReply, isLast: boolean, idle: number, now: Date): AnswerBytes {
  const content = typeof body === 'string' ? (body === '' ? NOTHING : Buffer.from(body)) : body
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}`]
  for (const [name, value] of Object.entries(headers)) {
    if (!isHttpHeader(name, value)) throw new Error(`no answer can have the header ${name}`)
    lines.push(`${name}: ${value}`)
  }
  if (status !== NO_CONTENT) lines.push(`Content-Length: ${content.length}`)
  lines.push(`Date: ${now.toUTCString()}`, isLast ? 'Connection: close' : 'Connection: keep-alive')
  if (!isLast && idle > 0) lines.push(`Keep-Alive: timeout=${Math.floor(idle / 1000)}`)
  return { head: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body: content }
}
