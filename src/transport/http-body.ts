import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Refused } from '../component/refused.ts'
import type { Slab } from '../data/memory/slab.ts'
import { CODINGS } from './codings.ts'
import type { HttpBody } from './http-exchange.ts'
import { inflate, inflateNow, NotInflatable, TooLarge } from './inflate.ts'

/**
 * Room for a body before any of it has come, in bytes, whatever its sender says of its length: who only promises must not keep memory
 * from others. It doubles as the body grows, and up to a length that was said it grows to so many times what has come.
 */
const FIRST_ROOM = 16 * 1024
const CREDIT = 8

export type Reserve = (bytes: number) => Slab

export interface BodyLimits {
  /** Bytes, as sent and once inflated. */
  readonly limit: number
  /** Content codings taken; the empty string is none. */
  readonly codings: readonly string[]
}

/** What `Content-Length` says; undefined where the body comes in chunks. node:http has checked that it is a number. */
export const contentLength = ({ headers }: IncomingMessage): number | undefined =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined

/** `HttpRequest.room`. `expected`: the length, where it is known. */
export function bodyRoom(
  headers: IncomingHttpHeaders,
  expected: number | undefined,
  { limit, codings }: BodyLimits,
): number {
  const coding = codingOf(headers)
  if (!codings.includes(coding) || (coding !== PLAIN && !CODINGS.has(coding)))
    throw new Refused(`unsupported "Content-Encoding": "${coding}"`, { code: 'invalid_argument', retry: 'never' })
  if (expected !== undefined && expected > limit) throw tooLarge(new TooLarge(limit))
  return Math.min(FIRST_ROOM, expected ?? limit)
}

/** `HttpRequest.body`, of node:http. */
export async function readBody(
  message: IncomingMessage,
  { limit }: BodyLimits,
  first: Slab,
  reserve: Reserve,
): Promise<HttpBody> {
  let sent: HttpBody
  try {
    sent = await readPlain(message, new BodyMemory(first, contentLength(message), limit, reserve))
  } catch (error) {
    throw refusalOfBody(error)
  }
  return inflatedBody(sent, message.headers, limit, reserve)
}

/** A body as it was sent, made what its coding says. At once where it is small; throws or rejects with a `Refused`. */
export function inflatedBody(
  sent: HttpBody,
  headers: IncomingHttpHeaders,
  limit: number,
  reserve: Reserve,
): HttpBody | Promise<HttpBody> {
  const coding = codingOf(headers)
  if (coding === PLAIN || sent.length === 0) return sent
  return new Inflating(sent, limit, reserve).run(coding)
}

const PLAIN = ''

function codingOf(headers: IncomingHttpHeaders): string {
  const written = headers['content-encoding']
  if (written === undefined) return PLAIN
  const coding = written.trim().toLowerCase()
  return coding === 'identity' ? PLAIN : coding
}

const tooLarge = (error: TooLarge): Refused =>
  new Refused(`request body too large: ${error.message}`, { code: 'resource_exhausted', retry: 'never' })

/** What a sender is told. */
export function refusalOfBody(error: unknown): unknown {
  if (error instanceof TooLarge) return tooLarge(error)
  if (error instanceof NotInflatable)
    return new Refused(error.message, { code: 'invalid_argument', retry: 'never', cause: error })
  return error
}

/** Takes over the slab of what was sent. */
class Inflating {
  readonly #sent: HttpBody
  readonly #limit: number
  readonly #reserve: Reserve
  #slab: Slab | undefined

  constructor(sent: HttpBody, limit: number, reserve: Reserve) {
    this.#sent = sent
    this.#limit = limit
    this.#reserve = reserve
  }

  run(coding: string): HttpBody | Promise<HttpBody> {
    const bytes = this.#sent.slab.buffer.subarray(0, this.#sent.length)
    try {
      const inflated = inflateNow(bytes, coding, this.#limit, this)
      if (inflated) return this.#done(inflated)
    } catch (error) {
      throw this.#failed(error)
    }
    return inflate(bytes, coding, this.#limit, this).then(
      (inflated) => this.#done(inflated),
      (error: unknown) => {
        throw this.#failed(error)
      },
    )
  }

  take(bytes: number): void {
    this.#slab = this.#reserve(bytes)
  }

  give(): void {
    this.#slab?.release()
    this.#slab = undefined
  }

  #done(inflated: Buffer): HttpBody {
    const slab = this.#slab!
    inflated.copy(slab.buffer)
    this.#sent.slab.release()
    return { slab, length: inflated.length }
  }

  #failed(error: unknown): unknown {
    this.give()
    this.#sent.slab.release()
    return refusalOfBody(error)
  }
}

/** The memory that a body is read into as it comes. */
export class BodyMemory {
  #slab: Slab | undefined
  #length = 0
  readonly #expected: number | undefined
  readonly #limit: number
  readonly #reserve: Reserve

  /** Takes over `first`. `expected`: the body's length, where it is known. */
  constructor(first: Slab, expected: number | undefined, limit: number, reserve: Reserve) {
    this.#slab = first
    this.#expected = expected
    this.#limit = limit
    this.#reserve = reserve
  }

  /** Copies a piece of the body. Throws `TooLarge`, or what `reserve` throws; the memory is given back then. */
  add(chunk: Buffer, start: number = 0, end: number = chunk.length): void {
    const needed = this.#length + end - start
    try {
      if (needed > this.#limit) throw new TooLarge(this.#limit)
      if (needed > this.#slab!.capacity) this.#slab = this.#grow(this.#slab!, needed)
    } catch (refused) {
      this.give()
      throw refused
    }
    chunk.copy(this.#slab!.buffer, this.#length, start, end)
    this.#length = needed
  }

  /** The whole body, whose slab is the caller's from now on. */
  take(): HttpBody {
    const slab = this.#slab!
    this.#slab = undefined
    return { slab, length: this.#length }
  }

  give(): void {
    this.#slab?.release()
    this.#slab = undefined
  }

  #grow({ buffer, capacity }: Slab, needed: number): Slab {
    const wanted = this.#expected === undefined ? capacity * 2 : Math.min(needed * CREDIT, this.#expected)
    // Nothing is in it yet: it need not be held beside the larger one.
    if (this.#length === 0) this.give()
    const larger = this.#reserve(Math.max(needed, Math.min(wanted, this.#limit)))
    buffer.copy(larger.buffer, 0, 0, this.#length)
    this.give()
    return larger
  }
}

/** Why a body did not come to its end. */
export const cutOff = (cause?: unknown): Refused =>
  new Refused('the request ended before its body was complete', { code: 'cancelled', retry: {}, cause })

/** Reads the body as it was sent, straight into reserved memory. What is left of it when this rejects stays unread. */
function readPlain(message: IncomingMessage, memory: BodyMemory): Promise<HttpBody> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      message.off('data', take).off('end', finish).off('close', interrupt).off('error', interrupt)
      message.pause()
    }
    const interrupt = (cause?: unknown) => {
      leave()
      memory.give()
      reject(cutOff(cause))
    }
    const finish = () => {
      leave()
      resolve(memory.take())
    }
    const take = (chunk: Buffer) => {
      try {
        memory.add(chunk)
      } catch (refused) {
        leave()
        reject(refused)
      }
    }
    if (message.destroyed) return interrupt()
    message.on('data', take).on('end', finish).on('close', interrupt).on('error', interrupt)
  })
}
