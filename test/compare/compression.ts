import { deflateSync, gunzipSync, gzipSync, inflateSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressBlock, frame, uncompressBlock, unframe } from './snappy.ts'

interface Way {
  readonly deflate: (bytes: Buffer) => Buffer
  readonly inflate: (bytes: Buffer) => Buffer
}

const WAYS: Readonly<Record<string, Way>> = {
  identity: { deflate: (bytes) => bytes, inflate: (bytes) => bytes },
  gzip: { deflate: (bytes) => gzipSync(bytes), inflate: (bytes) => gunzipSync(bytes) },
  zstd: { deflate: (bytes) => zstdCompressSync(bytes), inflate: (bytes) => zstdDecompressSync(bytes) },
  zlib: { deflate: (bytes) => deflateSync(bytes), inflate: (bytes) => inflateSync(bytes) },
  deflate: { deflate: (bytes) => deflateSync(bytes), inflate: (bytes) => inflateSync(bytes) },
  snappy: { deflate: compressBlock, inflate: uncompressBlock },
  'x-snappy-framed': { deflate: frame, inflate: unframe },
}

/** The way of an HTTP content encoding. */
export function httpWay(encoding = 'identity'): Way {
  const way = WAYS[encoding]
  if (way === undefined) throw new Error(`unknown compression ${encoding}`)
  return way
}

/** The way of a gRPC encoding. */
export const grpcWay = (encoding = 'identity'): Way => httpWay(encoding === 'snappy' ? 'x-snappy-framed' : encoding)
