import zlib from 'node:zlib'
import { inflateSnappy, SnappyError, snappyLength } from './snappy.ts'

/** Bodies up to this size are inflated at once; going off-thread costs more than that (0.15 ms). */
const SYNC_LIMIT = 32 * 1024
/** What a body inflated at once may become, so that a bomb cannot hold the event loop for more than about a millisecond. */
const SYNC_OUTPUT_LIMIT = 512 * 1024
/** Telemetry shrinks about this many times. */
const USUAL_RATIO = 6
const LEAST_GUESS = 4096
/** Nothing that these codings have deflated grows by more (gzip: 1032); what a body promises beyond it is a lie. */
const MOST_RATIO = 1040
/** Each try has twice the room of the one before, up to the limit: from 4 KiB to 1 GiB is 18. */
const MOST_TRIES = 20

/** The body inflates to more than `limit` bytes. */
export class TooLarge extends Error {
  readonly limit: number
  constructor(limit: number) {
    super(`the inflated body is larger than ${limit} bytes`)
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
    if (coding === 'snappy') return snappyLength(body).length > capacity ? undefined : inflateSnappy(body)
    const isSmall = body.length <= SYNC_LIMIT && capacity <= SYNC_OUTPUT_LIMIT
    const codec = codecOf(coding)
    // One chunk that takes it all saves joining chunks; a byte more, as zlib asks for another chunk when one is full.
    const options = { maxOutputLength: Math.max(1, capacity), chunkSize: Math.max(64, capacity + 1) }
    return isSmall ? codec.sync(body, options) : await codec.async(body, options)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    if (cause instanceof SnappyError || typeof (cause as { errno?: unknown }).errno === 'number' || isZlib(cause))
      throw new NotInflatable(coding, cause)
    throw cause
  }
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

/** What the body says of its inflated size, where it does: gzip in its last four bytes, snappy in its first. */
function expectedSize(body: Buffer, coding: string): number {
  const usual = Math.max(LEAST_GUESS, body.length * USUAL_RATIO)
  const most = Math.max(1, body.length * MOST_RATIO)
  if (coding === 'gzip' && body.length >= 18) return Math.min(Math.max(1, body.readUInt32LE(body.length - 4)), most)
  if (coding === 'snappy') return Math.min(Math.max(1, snappyLengthOr(body, usual)), most)
  return usual
}

function snappyLengthOr(body: Buffer, otherwise: number): number {
  try {
    return snappyLength(body).length
  } catch (error) {
    if (error instanceof SnappyError) return otherwise
    throw error
  }
}
