import type { OptionFault } from '../component/definition.ts'
import { Options, Type } from '../component/options.ts'
import { DEFAULT_LEVEL } from './levels.ts'

/** With levels from 1 to 9, 0 and -1 for their default, and -2 for Huffman codes alone, as in Go's library. */
const LIKE_GZIP: readonly string[] = ['gzip', 'zlib', 'deflate']
const LEVELS = { least: -2, most: 9 }

/** The Collector's `compression_params`. */
export const compressionParams = () =>
  Type.Optional(
    Options(
      {
        level: Type.Integer({
          default: 0,
          description:
            "Level of gzip, zlib and deflate from 1 (fast) to 9 (small), of zstd from 1 to 22; 0 and -1 mean the coding's default, 6 for gzip.",
        }),
      },
      { description: 'How hard to compress.' },
    ),
  )

interface Compressing {
  readonly compression: string
  readonly compression_params?: { readonly level: number }
}

/** What a compressor is asked for. */
export const levelOf = ({ compression_params: params }: Compressing): number => params?.level || DEFAULT_LEVEL

/** Every level is one to zstd, which takes the nearest that it has. */
export function* checkLevel(
  { compression, compression_params: params }: Compressing,
  path: readonly (string | number)[],
): Generator<OptionFault> {
  const level = params?.level ?? 0
  if (level === 0 || compression === 'zstd' || compression === 'none' || compression === '') return
  const isLikeGzip = LIKE_GZIP.includes(compression)
  if (isLikeGzip && level >= LEVELS.least && level <= LEVELS.most) return
  yield {
    path: [...path, 'compression_params', 'level'],
    message: `unsupported parameters {Level:${level}} for compression type "${compression}"`,
    hint: isLikeGzip
      ? `levels of ${compression} go from 1 to ${LEVELS.most}`
      : `${compression} has no levels: leave it out`,
  }
}
