import zlib from 'node:zlib'
import { inflateSnappy, SnappyError, snappyLength } from './snappy.ts'
import { framedLength, inflateFrames } from './snappy-frames.ts'
import { ZstdError, zstdFrames } from './zstd-frame.ts'

/** Bodies up to this size are inflated at once; going off-thread costs more than that (0.15 ms). */
const SYNC_LIMIT = 32 * 1024
/** What a body inflated at once may become, so that a bomb cannot hold the event loop for more than about a millisecond. */
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
    const inflated = await attempt(body, coding, capacity)
    if (inflated) return inflated
    room?.give()
    if (capacity >= limit || tries === MOST_TRIES) throw new TooLarge(limit)
    capacity = Math.min(capacity * 2, limit)
  }
}

/** The inflated body, or undefined where it has more than `capacity` bytes. */
async function attempt(body: Buffer, coding: string, capacity: number): Promise<Buffer | undefined> {
  try {
    if (coding === 'snappy') return snappyLength(body) > capacity ? undefined : await inflateSnappy(body)
    if (coding === FRAMED) return framedLength(body) > capacity ? undefined : await inflateFrames(body)
    if (coding !== 'zstd') return await inflateOne(body, coding, capacity)
    const { frames } = zstdFrames(body)
    if (frames.length === 1) return await inflateOne(frames[0]!, coding, capacity)
    return await inflateAll(frames, coding, capacity)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    if (cause instanceof SnappyError || typeof (cause as { errno?: unknown }).errno === 'number' || isZlib(cause))
      throw new NotInflatable(coding, cause)
    throw cause
  }
}

/** Throws ERR_BUFFER_TOO_LARGE past `capacity`. `expected` bytes are made room for at a time. */
function inflateOne(
  body: Buffer,
  coding: string,
  capacity: number,
  expected: number = capacity,
): Buffer | Promise<Buffer> {
  const isSmall = body.length <= SYNC_LIMIT && capacity <= SYNC_OUTPUT_LIMIT
  const codec = codecOf(coding)
  // One chunk that takes it all saves joining chunks; a byte more, as zlib asks for another chunk when one is full.
  const chunkSize = Math.max(64, Math.min(expected, capacity) + 1)
  const options = { maxOutputLength: Math.max(1, capacity), chunkSize }
  return isSmall ? codec.sync(body, options) : codec.async(body, options)
}

/** Each into chunks of its own size and not of the whole room: a thousand frames of a byte would ask for a thousand times the room. */
async function inflateAll(bodies: readonly Buffer[], coding: string, capacity: number): Promise<Buffer | undefined> {
  const whole = Buffer.allocUnsafe(capacity)
  let length = 0
  for (const body of bodies) {
    const one = await inflateOne(body, coding, capacity - length, usualSize(body))
    if (one.length > capacity - length) return undefined
    length += one.copy(whole, length)
  }
  return whole.subarray(0, length)
}

const isZlib = (cause: unknown): boolean => /^(Z_|ZSTD_|ERR_ZLIB)/.test((cause as NodeJS.ErrnoException).code ?? '')

interface Codec {
  readonly sync: (body: Buffer, options: { maxOutputLength: number; chunkSize: number }) => Buffer
  readonly async: (body: Buffer, options: { maxOutputLength: number; chunkSize: number }) => Promise<Buffer>
}

type Call = (body: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void

const offThread =
  (call: Call): Codec['async'] =>
  (body, options) =>
    new Promise((resolve, reject) => call(body, options, (error, result) => (error ? reject(error) : resolve(result))))

const CODECS: Readonly<Record<string, Codec>> = {
  gzip: { sync: zlib.gunzipSync, async: offThread(zlib.gunzip) },
  zlib: { sync: zlib.inflateSync, async: offThread(zlib.inflate) },
  zstd: { sync: zlib.zstdDecompressSync, async: offThread(zlib.zstdDecompress) },
}

/** HTTP's `deflate` is zlib's format (RFC 9110, 8.4.1.2), though some send it without the header. */
function codecOf(coding: string): Codec {
  return CODECS[coding === 'deflate' ? 'zlib' : coding] as Codec
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
