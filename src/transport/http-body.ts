import type { IncomingMessage } from 'node:http'
import { Refused } from '../component/refused.ts'
import type { Slab } from '../data/memory/slab.ts'
import { CODINGS } from './codings.ts'
import type { HttpBody } from './http-exchange.ts'
import { inflate, NotInflatable, TooLarge } from './inflate.ts'

/**
 * Room for a body before any of it has come, in bytes, whatever its sender says of its length: who only promises must not keep memory
 * from others. It doubles as the body grows, and up to a length that was said it grows to so many times what has come.
 */
const FIRST_ROOM = 16 * 1024
const CREDIT = 8

export interface BodyLimits {
  /** Bytes, as sent and once inflated. */
  readonly limit: number
  /** Content codings taken; the empty string is none. */
  readonly codings: readonly string[]
}

/** What `Content-Length` says; undefined where the body comes in chunks. node:http has checked that it is a number. */
export const contentLength = ({ headers }: IncomingMessage): number | undefined =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined

/** `HttpRequest.room`. */
export function bodyRoom(message: IncomingMessage, { limit, codings }: BodyLimits): number {
  const coding = codingOf(message)
  if (!codings.includes(coding) || (coding !== PLAIN && !CODINGS.has(coding)))
    throw new Refused(`unsupported "Content-Encoding": "${coding}"`, { code: 'invalid_argument', retry: 'never' })
  const expected = contentLength(message)
  if (expected !== undefined && expected > limit) throw tooLarge(new TooLarge(limit))
  return Math.min(FIRST_ROOM, expected ?? limit)
}

/** `HttpRequest.body`. */
export async function readBody(
  message: IncomingMessage,
  { limit }: BodyLimits,
  first: Slab,
  reserve: (bytes: number) => Slab,
): Promise<HttpBody> {
  const coding = codingOf(message)
  try {
    const sent = await readPlain(message, limit, first, reserve)
    return coding === PLAIN || sent.length === 0 ? sent : await inflated(sent, coding, limit, reserve)
  } catch (error) {
    if (error instanceof TooLarge) throw tooLarge(error)
    if (error instanceof NotInflatable)
      throw new Refused(error.message, { code: 'invalid_argument', retry: 'never', cause: error })
    throw error
  }
}

const PLAIN = ''

function codingOf({ headers }: IncomingMessage): string {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  return coding === 'identity' ? PLAIN : coding
}

const tooLarge = (error: TooLarge): Refused =>
  new Refused(`request body too large: ${error.message}`, { code: 'resource_exhausted', retry: 'never' })

/** Takes over the slab of `sent`. */
async function inflated(
  sent: HttpBody,
  coding: string,
  limit: number,
  reserve: (bytes: number) => Slab,
): Promise<HttpBody> {
  let slab: Slab | undefined
  const release = () => {
    slab?.release()
    slab = undefined
  }
  try {
    const bytes = await inflate(sent.slab.buffer.subarray(0, sent.length), coding, limit, {
      take: (size) => void (slab = reserve(size)),
      give: release,
    })
    const room = slab as unknown as Slab
    bytes.copy(room.buffer)
    return { slab: room, length: bytes.length }
  } catch (error) {
    release()
    throw error
  } finally {
    sent.slab.release()
  }
}

/** Reads the body as it was sent, straight into reserved memory. What is left of it when this rejects stays unread. */
function readPlain(
  message: IncomingMessage,
  limit: number,
  first: Slab,
  reserve: (bytes: number) => Slab,
): Promise<HttpBody> {
  return new Promise((resolve, reject) => {
    let slab: Slab | undefined = first
    let length = 0
    const expected = contentLength(message)

    const give = () => {
      slab?.release()
      slab = undefined
    }
    const leave = () => {
      message.off('data', take).off('end', finish).off('close', interrupt).off('error', interrupt)
      message.pause()
    }
    const fail = (error: unknown) => {
      leave()
      give()
      reject(error)
    }
    const interrupt = (cause?: unknown) =>
      fail(new Refused('the request ended before its body was complete', { code: 'cancelled', retry: {}, cause }))
    const finish = () => {
      leave()
      resolve({ slab: slab as Slab, length })
    }
    const grow = ({ buffer, capacity }: Slab, needed: number): Slab => {
      const wanted = expected === undefined ? capacity * 2 : Math.min(needed * CREDIT, expected)
      // Nothing is in it yet: it need not be held beside the larger one.
      if (length === 0) give()
      const larger = reserve(Math.max(needed, Math.min(wanted, limit)))
      buffer.copy(larger.buffer, 0, 0, length)
      give()
      return larger
    }
    const take = (chunk: Buffer) => {
      const needed = length + chunk.length
      if (needed > limit) return fail(new TooLarge(limit))
      try {
        if (needed > slab!.capacity) slab = grow(slab!, needed)
      } catch (refused) {
        return fail(refused)
      }
      chunk.copy(slab!.buffer, length)
      length = needed
    }
    if (message.destroyed) return interrupt()
    message.on('data', take).on('end', finish).on('close', interrupt).on('error', interrupt)
  })
}
