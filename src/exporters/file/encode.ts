import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { resourcesOf, toObject } from '../../plugin.ts'
import type { Batch, Signal } from '../../plugin.ts'
import type { FileConfig } from './options.ts'

const compress = promisify(zstdCompress)

/** A batch as it stands in the file, in pieces. Borrows the batch until the pieces are written. */
export async function encode(
  batch: Batch,
  { format, compression }: Pick<FileConfig, 'format' | 'compression'>,
): Promise<readonly Buffer[]> {
  const pieces = format === 'proto' ? batch.segments() : lineOf(batch)
  if (compression !== '') return behindLength([await compress(Buffer.concat(pieces))])
  return format === 'proto' ? behindLength(pieces) : [...pieces, LINE_END]
}

const LINE_END = Buffer.from('\n')
const LENGTH_BYTES = 4

/** As the Collector writes it: four bytes, the highest first. */
function behindLength(pieces: readonly Buffer[]): readonly Buffer[] {
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(pieces.reduce((sum, piece) => sum + piece.length, 0))
  return [length, ...pieces]
}

const LISTS: Partial<Record<Signal, string>> = {
  traces: 'resourceSpans',
  metrics: 'resourceMetrics',
  logs: 'resourceLogs',
}

/** An OTLP/JSON request, made resource by resource so that the objects of a whole batch are never there at once. */
function lineOf(batch: Batch): readonly Buffer[] {
  const list = LISTS[batch.signal] as string
  const pieces: Buffer[] = []
  for (const resource of resourcesOf(batch)) {
    const [object] = toObject(resource, batch.signal)[list] as unknown[]
    pieces.push(Buffer.from(`${pieces.length === 0 ? `{"${list}":[` : ','}${JSON.stringify(object)}`))
  }
  pieces.push(Buffer.from(pieces.length === 0 ? '{}' : ']}'))
  return pieces
}
