import zlib from 'node:zlib'
import { deflateSnappy } from './snappy.ts'
import { deflateFrames } from './snappy-frames.ts'

/** Node's one-shot compressors work off-thread and copy nothing of the input until they are done with it. */
type Compress = (body: Buffer, level: number) => Promise<Buffer>

type Call = (body: Buffer, options: object, done: (error: Error | null, result: Buffer) => void) => void

/** Compressed bodies are expected to be at most this share of the plain ones, so that one chunk takes them. */
const CHUNK_SHARE = 3
const LEAST_CHUNK = 1024

const compressor =
  (call: Call, options: (level: number) => object): Compress =>
  (body, level) =>
    new Promise((resolve, reject) => {
      const chunkSize = Math.max(LEAST_CHUNK, Math.ceil(body.length / CHUNK_SHARE))
      call(body, { chunkSize, ...options(level) }, (error, result) => (error ? reject(error) : resolve(result)))
    })

const ZSTD_DEFAULT_LEVEL = 3
const zstdLevel = (level: number) => ({
  params: { [zlib.constants.ZSTD_c_compressionLevel]: level === -1 ? ZSTD_DEFAULT_LEVEL : level },
})
const zlibLevel = (level: number) => ({ level })

/** HTTP's `deflate` is zlib's format (RFC 9110, 8.4.1.2). */
const COMPRESSORS: Readonly<Record<string, Compress>> = {
  gzip: compressor(zlib.gzip, zlibLevel),
  zlib: compressor(zlib.deflate, zlibLevel),
  deflate: compressor(zlib.deflate, zlibLevel),
  zstd: compressor(zlib.zstdCompress, zstdLevel),
  snappy: deflateSnappy,
  'x-snappy-framed': deflateFrames,
}

/** Compresses off-thread. Settles when `body` is no longer read. `level`: -1 is the coding's own default. */
export function deflate(body: Buffer, coding: string, level: number): Promise<Buffer> {
  const compress = COMPRESSORS[coding]
  if (compress === undefined) throw new RangeError(`no compression ${coding}`)
  return compress(body, level)
}
