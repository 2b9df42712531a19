import type { IncomingMessage } from 'node:http'
import type { Slab } from '../data/memory/slab.ts'
import { TooLarge } from './inflate.ts'

/** Room for a body whose sender does not say its length, in bytes; it doubles as the body grows. */
const FIRST_ROOM = 16 * 1024

/** The sender went away, or stopped sending, before its body was complete. */
export class Interrupted extends Error {
  constructor(cause?: unknown) {
    super('the request ended before its body was complete', { cause })
    this.name = 'Interrupted'
  }
}

/** The first `length` bytes of `slab`. */
export interface ReadBody {
  readonly slab: Slab
  readonly length: number
}

/** What `Content-Length` says; undefined where the body comes in chunks. node:http has checked that it is a number. */
export const contentLength = ({ headers }: IncomingMessage): number | undefined =>
  headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined

/**
 * Reads a request's whole body straight into memory that `reserve` charges, so that nothing is held which no budget
 * knows of. Throws `TooLarge` past `limit`, `Interrupted` where the sender goes away, and what `reserve` throws; the memory is
 * released then, and the rest of the body left unread. The caller owns the slab of what is returned.
 */
export function readBody(message: IncomingMessage, limit: number, reserve: (bytes: number) => Slab): Promise<ReadBody> {
  return new Promise((resolve, reject) => {
    const expected = contentLength(message)
    if (expected !== undefined && expected > limit) return reject(new TooLarge(limit))
    let slab = reserve(expected ?? Math.min(FIRST_ROOM, limit))
    let length = 0

    const leave = () => {
      message.off('data', take).off('end', finish).off('close', interrupt).off('error', interrupt)
      message.pause()
    }
    const fail = (error: unknown) => {
      leave()
      slab.release()
      reject(error as Error)
    }
    const interrupt = (cause?: unknown) => fail(new Interrupted(cause))
    const finish = () => {
      leave()
      resolve({ slab, length })
    }
    const grow = (needed: number) => {
      const larger = reserve(Math.min(Math.max(needed, slab.capacity * 2), Math.max(needed, limit)))
      slab.buffer.copy(larger.buffer, 0, 0, length)
      slab.release()
      slab = larger
    }
    const take = (chunk: Buffer) => {
      const needed = length + chunk.length
      if (needed > limit) return fail(new TooLarge(limit))
      try {
        if (needed > slab.capacity) grow(needed)
      } catch (refused) {
        return fail(refused)
      }
      chunk.copy(slab.buffer, length)
      length = needed
    }
    message.on('data', take).on('end', finish).on('close', interrupt).on('error', interrupt)
  })
}
