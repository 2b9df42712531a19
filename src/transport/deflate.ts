import zlib from 'node:zlib'
import { DEFAULT_LEVEL } from './levels.ts'
import { deflateSnappy, deflateSnappyNow } from './snappy.ts'
import { deflateFrames } from './snappy-frames.ts'

/** Huffman codes alone, for gzip and its like. */
const HUFFMAN_ONLY = -2

/**
 * Bodies up to this size are compressed at once: at gzip's own level that holds the event loop for a third of a millisecond, and going
 * off-thread costs 0.1 to 0.25 ms of processor time more (`npm run bench -- http codings`).
 */
const SYNC_LIMIT = 32 * 1024
/** Compressed bodies are expected to be at most this share of the plain ones, so that one chunk takes them. */
const CHUNK_SHARE = 3
const LEAST_CHUNK = 1024
const ZSTD_LEVELS = { least: 1, most: 22 }

interface Compressor {
  readonly now: (body: Buffer, level: number) => Buffer | undefined
  /** Off-thread. Nothing of the input is copied: it is not read any more when this settles. */
  readonly later: (body: Buffer, level: number) => Promise<Buffer>
}

type Now = (body: Buffer, options: object) => Buffer
type Stream = Pick<zlib.Gzip, 'on' | 'write' | 'close'>
type Begin = (options: object) => Stream

const chunkSize = ({ length }: Buffer): number => Math.max(LEAST_CHUNK, Math.ceil(length / CHUNK_SHARE))

/** `end`: what flushes all that there is, and ends it. */
const compressor = (now: Now, begin: Begin, end: number, options: (level: number) => object): Compressor => ({
  now: (body, level) => now(body, { chunkSize: chunkSize(body), ...options(level) }),
  later: (body, level) => throughStream(begin({ chunkSize: chunkSize(body), flush: end, ...options(level) }), body),
})

/** All in one write that ends the format: `zlib.gzip` and its like go to another thread once more to flush what is flushed. */
function throughStream(stream: Stream, body: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.write(body, (error) => {
      stream.close()
      if (!error) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    })
  })
}

const zstdLevel = (level: number) => ({
  ...(level !== DEFAULT_LEVEL && {
    params: {
      [zlib.constants.ZSTD_c_compressionLevel]: Math.min(Math.max(level, ZSTD_LEVELS.least), ZSTD_LEVELS.most),
    },
  }),
})
const zlibLevel = (level: number) => (level === HUFFMAN_ONLY ? { strategy: zlib.constants.Z_HUFFMAN_ONLY } : { level })

/** HTTP's `deflate` is zlib's format (RFC 9110, 8.4.1.2). */
const zlibFormat = compressor(zlib.deflateSync, zlib.createDeflate, zlib.constants.Z_FINISH, zlibLevel)

const COMPRESSORS: ReadonlyMap<string, Compressor> = new Map([
  ['gzip', compressor(zlib.gzipSync, zlib.createGzip, zlib.constants.Z_FINISH, zlibLevel)],
  ['zlib', zlibFormat],
  ['deflate', zlibFormat],
  ['zstd', compressor(zlib.zstdCompressSync, zlib.createZstdCompress, zlib.constants.ZSTD_e_end, zstdLevel)],
  ['snappy', { now: deflateSnappyNow, later: deflateSnappy }],
  // Its library ends a stream off-thread alone.
  ['x-snappy-framed', { now: () => undefined, later: deflateFrames }],
])

/** Compresses, small bodies at once. Settles when `body` is no longer read. `level`: -1 is the coding's own default. */
export async function deflate(body: Buffer, coding: string, level: number): Promise<Buffer> {
  return deflateNow(body, coding, level) ?? compressorOf(coding).later(body, level)
}

/** The compressed body; undefined where it is large enough to be compressed off-thread. */
export function deflateNow(body: Buffer, coding: string, level: number): Buffer | undefined {
  const { now } = compressorOf(coding)
  return body.length <= SYNC_LIMIT ? now(body, level) : undefined
}

function compressorOf(coding: string): Compressor {
  const found = COMPRESSORS.get(coding)
  if (found === undefined) throw new RangeError(`no compression ${coding}`)
  return found
}
