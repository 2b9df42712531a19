import { deflate, deflateNow } from './deflate.ts'
import { inflate, inflateNow } from './inflate.ts'
import type { Room } from './inflate.ts'

/** Codings of gRPC messages, by gRPC's names, as HTTP names the same. gRPC's `snappy` is the framing format. */
export const MESSAGE_CODINGS: ReadonlyMap<string, string> = new Map([
  ['gzip', 'gzip'],
  ['deflate', 'zlib'],
  ['zstd', 'zstd'],
  ['snappy', 'x-snappy-framed'],
])

/**
 * Compresses the concatenation of `parts` by a coding of `MESSAGE_CODINGS`: at once where it is small, else off-thread, and then the parts
 * are read until the promise settles. `level`: -1 is the coding's own default.
 */
export function compressMessage(parts: readonly Buffer[], coding: string, level: number): Buffer | Promise<Buffer> {
  const http = nameOf(coding)
  const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  return deflateNow(body, http, level) ?? deflate(body, http, level)
}

/**
 * Inflates a message of such a coding, at once where it is small. Throws or rejects with `TooLarge`, `NotInflatable`, or what
 * `room.take` throws. Of an error nothing of `room` is given back but what `Room` says.
 */
export function inflateMessage(body: Buffer, coding: string, limit: number, room?: Room): Buffer | Promise<Buffer> {
  if (body.length === 0) return body
  const http = nameOf(coding)
  return inflateNow(body, http, limit, room) ?? inflate(body, http, limit, room)
}

function nameOf(coding: string): string {
  const http = MESSAGE_CODINGS.get(coding)
  if (http === undefined) throw new RangeError(`no coding of messages ${coding}`)
  return http
}
