import zlib from 'node:zlib'
import { inflateSnappy, inflateSnappyNow, SnappyError, snappyLength } from './snappy.ts'
import { framedLength, inflateFrames, inflateFramesNow } from './snappy-frames.ts'
import { ZstdError, zstdFrames } from './zstd-frame.ts'

/**
 * Bodies up to this size are inflated at once. Going off-thread costs 0.1 to 0.2 ms of processor time more, at every size measured (gzip of
 * spans, 1 to 83 KB; `npm run bench -- http codings`): what it saves is not the processor but the event loop, which these hold for less
 * than half a millisecond: 0.3 ms at 42 KB, 0.43 at 62 KB.
 */
const SYNC_LIMIT = 64 * 1024
/** What a body inflated at once may become, so that a bomb cannot hold the event loop for more than about a millisecond: 512 KB of spans take 0.6 ms. */
const SYNC_OUTPUT_LIMIT = 512 * 1024
/** Telemetry shrinks about this many times. */
const USUAL_RATIO = 6
const LEAST_GUESS = 4096
/** gzip's can grow by 1032; what a body promises beyond it is believed only step by step. */
const MOST_RATIO = 1040
/** Ten bytes before and eight after what is deflated. */
const SHORTEST_GZIP = 18
/** Each try has twice the room of the one before, beginning with the body's own size; zstd, the densest, can grow by 2^15. */
const MOST_TRIES = 20

const FRAMED = 'x-snappy-framed'

/** The body inflates to more than `limit` bytes. */
export class TooLarge extends Error {
  readonly limit: number
  constructor(limit: number) {
    super(`more than ${limit} bytes, as sent or inflated`)
    this.name = 'TooLarge'
    this.limit = limit
  }
}

/** The bytes are not what the coding says. */
export class NotInflatable extends Error {
  constructor(coding: string, cause: unknown) {
    super(`the body is not valid ${coding}: ${(cause as Error).message}`, { cause })
    this.name = 'NotInflatable'
  }
}

export interface Room {
  /** Called with the bytes that a try may fill, before it is made: what charges memory. May throw to refuse. */
  take(bytes: number): void
  /** Called when that room was too small, before the next try. */
  give(): void
}

/**
 * Inflates a whole body, never into more than `limit` bytes, whatever the coding: throws `TooLarge` there, and
 * `NotInflatable` where the bytes are broken. Memory is announced to `room` before it is used: first what the body's own header
 * promises, and where that was a lie twice as much again and again, so that a bomb costs what was granted and no more.
 */
export async function inflate(body: Buffer, coding: string, limit: number, room?: Room): Promise<Buffer> {
  let capacity = Math.min(expectedSize(body, coding), limit)
  for (let tries = 1; ; tries++) {
    room?.take(capacity)
    const inflated = isSmall(body, capacity) ? tryNow(body, coding, capacity) : await tryLater(body, coding, capacity)
    if (inflated) return inflated
    room?.give()
    if (capacity >= limit || tries === MOST_TRIES) throw new TooLarge(limit)
    capacity = Math.min(capacity * 2, limit)
  }
}

/**
 * The same at once, and thrown; undefined where the body is large enough to be inflated off-thread, or grows to be: nothing is
 * held of `room` then.
 */
export function inflateNow(body: Buffer, coding: string, limit: number, room?: Room): Buffer | undefined {
  if (body.length > SYNC_LIMIT) return undefined
  for (
    let capacity = Math.min(expectedSize(body, coding), limit);
    isSmall(body, capacity);
    capacity = Math.min(capacity * 2, limit)
  ) {
    room?.take(capacity)
    const inflated = tryNow(body, coding, capacity)
    if (inflated) return inflated
    room?.give()
    if (capacity >= limit) throw new TooLarge(limit)
  }
  return undefined
}

const isSmall = (body: Buffer, capacity: number): boolean => body.length <= SYNC_LIMIT && capacity <= SYNC_OUTPUT_LIMIT

/** The inflated body, or undefined where it has more than `capacity` bytes. */
function tryNow(body: Buffer, coding: string, capacity: number): Buffer | undefined {
  try {
    if (coding === 'snappy') return snappyLength(body) > capacity ? undefined : inflateSnappyNow(body)
    if (coding === FRAMED) return framedLength(body) > capacity ? undefined : inflateFramesNow(body)
    const { now } = codecOf(coding)
    if (coding !== 'zstd') return now(body, optionsOf(capacity))
    const { frames } = zstdFrames(body)
    if (frames.length === 1) return now(frames[0]!, optionsOf(capacity))
    const whole = new Whole(capacity)
    for (const frame of frames) if (!whole.add(now(frame, whole.options(frame)))) return undefined
    return whole.bytes()
  } catch (cause) {
    return unlessTooLarge(cause, coding)
  }
}

/** The same off-thread. */
async function tryLater(body: Buffer, coding: string, capacity: number): Promise<Buffer | undefined> {
  try {
    if (coding === 'snappy') return snappyLength(body) > capacity ? undefined : await inflateSnappy(body)
    if (coding === FRAMED) return framedLength(body) > capacity ? undefined : await inflateFrames(body)
    const { later, now } = codecOf(coding)
    if (coding !== 'zstd') return await later(body, optionsOf(capacity))
    const { frames } = zstdFrames(body)
    if (frames.length === 1) return await later(frames[0]!, optionsOf(capacity))
    const whole = new Whole(capacity)
    for (const frame of frames) {
      const options = whole.options(frame)
      const one = isSmall(frame, options.maxOutputLength) ? now(frame, options) : await later(frame, options)
      if (!whole.add(one)) return undefined
    }
    return whole.bytes()
  } catch (cause) {
    return unlessTooLarge(cause, coding)
  }
}

/** Undefined for what went past its capacity. */
function unlessTooLarge(cause: unknown, coding: string): undefined {
  if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
  if (cause instanceof SnappyError || typeof (cause as { errno?: unknown }).errno === 'number' || isZlib(cause))
    throw new NotInflatable(coding, cause)
  throw cause
}

/** One chunk that takes it all saves joining chunks; a byte more, as zlib asks for another chunk when one is full. */
const optionsOf = (capacity: number, expected: number = capacity): CodecOptions => ({
  maxOutputLength: Math.max(1, capacity),
  chunkSize: Math.max(64, Math.min(expected, capacity) + 1),
})

/** What several frames inflate to. Each gets chunks of its own size and not of the whole room: a thousand frames of a byte would ask for a thousand times the room. */
class Whole {
  readonly #buffer: Buffer
  #length = 0

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  options(frame: Buffer): CodecOptions {
    return optionsOf(this.#buffer.length - this.#length, usualSize(frame))
  }

  /** False where there is no room for it. */
  add(one: Buffer): boolean {
    if (one.length > this.#buffer.length - this.#length) return false
    this.#length += one.copy(this.#buffer, this.#length)
    return true
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

const isZlib = (cause: unknown): boolean => /^(Z_|ZSTD_|ERR_ZLIB)/.test((cause as NodeJS.ErrnoException).code ?? '')

interface CodecOptions {
  readonly maxOutputLength: number
  readonly chunkSize: number
}

/** Throws or rejects with ERR_BUFFER_TOO_LARGE past `maxOutputLength`. */
interface Codec {
  readonly now: (body: Buffer, options: CodecOptions) => Buffer
  readonly later: (body: Buffer, options: CodecOptions) => Promise<Buffer>
}

type Call = (body: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void

const codec = (now: Codec['now'], call: Call): Codec => ({
  now,
  later: (body, options) =>
    new Promise((resolve, reject) => call(body, options, (error, result) => (error ? reject(error) : resolve(result)))),
})

const GZIP = codec(zlib.gunzipSync, zlib.gunzip)
const ZLIB = codec(zlib.inflateSync, zlib.inflate)
const ZSTD = codec(zlib.zstdDecompressSync, zlib.zstdDecompress)

/** HTTP's `deflate` is zlib's format (RFC 9110, 8.4.1.2), though some send it without the header. */
function codecOf(coding: string): Codec {
  if (coding === 'gzip') return GZIP
  return coding === 'zstd' ? ZSTD : ZLIB
}

/** What the body says of its inflated size, where it does: gzip in its last four bytes, snappy and zstd in their first. */
function expectedSize(body: Buffer, coding: string): number {
  return Math.min(
    Math.max(saidSize(body, coding) ?? usualSize(body), body.length),
    Math.max(1, body.length * MOST_RATIO),
  )
}

const usualSize = ({ length }: Buffer): number => Math.max(LEAST_GUESS, length * USUAL_RATIO)

function saidSize(body: Buffer, coding: string): number | undefined {
  try {
    if (coding === 'gzip' && body.length >= SHORTEST_GZIP) return body.readUInt32LE(body.length - 4)
    if (coding === 'snappy') return snappyLength(body)
    if (coding === FRAMED) return framedLength(body)
    if (coding === 'zstd') return zstdFrames(body).size
    return undefined
  } catch (cause) {
    if (cause instanceof SnappyError || cause instanceof ZstdError) throw new NotInflatable(coding, cause)
    throw cause
  }
}
