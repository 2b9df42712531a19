import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { toJson } from '../../plugin.ts'
import type { Batch } from '../../plugin.ts'
import type { FileConfig } from './options.ts'

const compress = promisify(zstdCompress)

/** Gives `write` a batch as it stands in the file, in pieces that are valid until it settles. */
export async function encoded(
  batch: Batch,
  { format, compression }: Pick<FileConfig, 'format' | 'compression'>,
  write: (pieces: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  if (format === 'proto') return write(behindLength(await compressed(batch.segments(), compression)))
  const json = toJson(batch)
  try {
    if (compression === '') await write([...json.pieces, LINE_END])
    else await write(behindLength(await compressed(json.pieces, compression)))
  } finally {
    json.release()
  }
}

const LINE_END = Buffer.from('\n')
const LENGTH_BYTES = 4

async function compressed(pieces: readonly Buffer[], compression: string): Promise<readonly Buffer[]> {
  return compression === '' ? pieces : [await compress(Buffer.concat(pieces))]
}

/** As the Collector writes it: four bytes, the highest first. */
function behindLength(pieces: readonly Buffer[]): readonly Buffer[] {
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(pieces.reduce((sum, piece) => sum + piece.length, 0))
  return [length, ...pieces]
}
